"""Files that the user asked to be written: refused before anything is changed, not after."""

from __future__ import annotations

import tempfile
from pathlib import Path

from provisioning.errors import RequestError


def writable(file: Path, option: str, suffix: str | None = None) -> None:
    """Raise :class:`RequestError` unless `file` can be written."""
    if suffix is not None and file.suffix != suffix:
        raise RequestError(f"{option} {file}: expected a file name that ends in {suffix}")
    if file.is_dir():
        raise RequestError(f"{option} {file}: this is a folder; name a file")
    if not file.parent.is_dir():
        raise RequestError(f"{option} {file}: there is no folder {file.parent}; create it first")
    try:
        if file.exists():
            file.open("ab").close()
        else:
            tempfile.TemporaryFile(dir=file.parent).close()
    except OSError as exc:
        raise RequestError(f"{option} {file}: cannot be written: {exc.strerror}; choose another place") from exc


def write(file: Path, text: str, option: str) -> None:
    """Write UTF-8 text. Raises :class:`RequestError`."""
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as exc:
        raise RequestError(f"{option} {file}: could not be written: {exc.strerror}") from exc
