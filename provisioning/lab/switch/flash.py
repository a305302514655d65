"""The flash file system of a lab switch: a folder beside its startup configuration, without folders of its own."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

_SIZE, _FREE = 122_185_728, 72_363_520  # bytes, as a 2960-X has them
_NAME = re.compile(r"(?:flash|flash0|flash1|bootflash):/?([A-Za-z0-9][A-Za-z0-9._-]{0,99})")


def file_name(word: str) -> str:
    """The file that ``flash:NAME`` means. Raises :class:`ValueError` for anything else."""
    found = _NAME.fullmatch(word)
    if found is None:
        raise ValueError(0)
    return found[1]


@dataclass(frozen=True)
class Flash:
    """The files in `folder`."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        """Put a file there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / ".partial"
        partial.write_text(text, encoding="utf-8")
        partial.rename(self.folder / name)

    def read(self, name: str) -> str | None:
        """A file's text, ``None`` when it is not there."""
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def delete(self, name: str) -> bool:
        """Remove a file; whether it was there."""
        there = (self.folder / name).is_file()
        (self.folder / name).unlink(missing_ok=True)
        return there

    def names(self) -> list[str]:
        """What is there, oldest first."""
        if not self.folder.is_dir():
            return []
        files = [path for path in self.folder.iterdir() if not path.name.startswith(".")]
        return [path.name for path in sorted(files, key=lambda path: (path.stat().st_mtime_ns, path.name))]

    def listing(self) -> str:
        """``dir flash:``."""
        lines = ["Directory of flash:/", ""]
        used = 0
        for number, name in enumerate(self.names(), 2):
            stat = (self.folder / name).stat()
            used += stat.st_size
            when = time.strftime("%b %e %Y %H:%M:%S +00:00", time.gmtime(stat.st_mtime))
            lines.append(f"{number:>5}  -rwx  {stat.st_size:>10}  {when}  {name}")
        lines += [] if len(lines) > 2 else ["No files in directory"]
        return "\n".join([*lines, "", f"{_SIZE} bytes total ({_FREE - used} bytes free)"])
