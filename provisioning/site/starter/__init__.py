"""The commented starter site that `provision init DIR` writes. The files themselves are in ``files/``."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from provisioning.errors import RequestError

_HIDDEN = {"gitignore": ".gitignore"}  # packaging tools would take the real name for a rule of their own


def write_starter(folder: Path) -> list[Path]:
    """Write the starter site into a folder that is new or empty, and return the files written, sorted.

    Raises :class:`RequestError` when the folder holds anything, or cannot be written; nothing is ever
    overwritten.
    """
    folder = folder.expanduser()
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if there := sorted(path.name for path in folder.iterdir()):
            raise RequestError(f"{folder} is not empty (it holds {there[0]}); name a new folder for the starter site")
        for source in sorted(files(__name__).joinpath("files").iterdir(), key=lambda file: file.name):
            target = folder / _HIDDEN.get(source.name, source.name)
            with target.open("x", encoding="utf-8", newline="\n") as file:
                file.write(source.read_text(encoding="utf-8"))
            written.append(target)
    except FileExistsError as exc:
        raise RequestError(f"{folder} is a file; name a new folder for the starter site") from exc
    except OSError as exc:
        raise RequestError(f"{folder} cannot be written: {exc.strerror}; choose another folder") from exc
    return sorted(written)
