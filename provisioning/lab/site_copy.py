"""A copy of the example site for one lab: its addresses and paths follow the lab's number."""

from __future__ import annotations

import shutil
from pathlib import Path

from provisioning.errors import LabError

_EXAMPLE_PREFIX, _EXAMPLE_FOLDER = "127.77.0.", "/provisioning-lab/0/"


def write_site(source: Path, destination: Path, number: int) -> None:
    """Copy the example site for lab `number`: its addresses and lab paths follow the number.

    Raises :class:`LabError` when the destination holds something already or cannot be written.
    """
    try:
        if destination.exists() and any(destination.iterdir()):
            raise LabError(f"{destination} is not empty; name a new folder")
        shutil.copytree(source, destination, dirs_exist_ok=True)
    except OSError as exc:
        raise LabError(f"{destination} cannot be written ({exc.strerror or exc}); name a new folder") from exc
    for file in [*destination.glob("*.yml"), *destination.glob("*.csv")]:
        text = file.read_text(encoding="utf-8")
        text = text.replace(_EXAMPLE_PREFIX, f"127.77.{number}.").replace(
            _EXAMPLE_FOLDER, f"/provisioning-lab/{number}/"
        )
        file.write_text(text, encoding="utf-8")
