"""One PC of the lab as the commands see it that are done for real: its name, its drive, its registry, its trust."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (32 bits) and what it wrote."""

    code: int
    stdout: str = ""
    stderr: str = ""

    def silenced(self, *, output: bool, errors: bool) -> Ended:
        """The same with its standard output or its error output sent to nul."""
        return replace(self, stdout="" if output else self.stdout, stderr="" if errors else self.stderr)

    def and_then(self, following: Ended) -> Ended:
        """Both outputs, the exit code of `following`."""
        return Ended(following.code, self.stdout + following.stdout, self.stderr + following.stderr)


@dataclass(frozen=True)
class Machine:
    """What ``<folder>/pc.json`` tells of one PC. `trust` is the PEM file of the CA that its certificate store holds."""

    name: str
    host: str
    address: str
    folder: Path
    user: str
    password: Path
    authority: Path
    errand: str = ""

    @classmethod
    def load(cls, path: Path, errand: str = "") -> Machine:
        plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        paths = {name: Path(plain[name]) for name in ("folder", "password", "authority")}
        return cls(**{**plain, **paths, "errand": errand})

    def save(self) -> Path:
        """Write ``pc.json``; gives its path."""
        plain = {name: str(value) for name, value in vars(self).items() if name != "errand"}
        path = self.folder / "pc.json"
        path.write_text(json.dumps(plain), encoding="utf-8")
        return path

    @property
    def prefix(self) -> Path:
        """Its Wine prefix."""
        return self.folder / "prefix"

    @property
    def trust(self) -> Path:
        """PEM file of the lab's authority."""
        return self.authority / "ca.pem"

    def words(self, line: str) -> list[str]:
        """The words of a command line, as the C runtime splits them, with the usual variables expanded."""
        found = re.findall(r'(?:[^\s"]|"[^"]*"?)+', self._expanded(line))
        return [re.sub(r"(\\+)\"", lambda m: "\\" * (len(m[1]) // 2) + '"', word).replace('"', "") for word in found]

    def path(self, windows: str) -> Path:
        """Where a path of the PC lies here; each part in the case that it has on disk. Not outside of drive C."""
        pure = PureWindowsPath("C:\\windows") / PureWindowsPath(self._expanded(windows))
        if pure.drive.upper() != "C:" or ".." in pure.parts:
            return self.prefix / "there is no such drive" / "x"
        here = self.prefix / "drive_c"
        for part in pure.parts[1:]:
            exact = here / part
            if not exact.exists() and here.is_dir():
                same = next((p for p in here.iterdir() if p.name.casefold() == part.casefold()), None)
                exact = same or exact
            here = exact
        return here

    def reg(self, *words: str, check: bool = True) -> int:
        """Run reg.exe of the PC; gives its exit code."""
        from provisioning.lab.process import run  # noqa: PLC0415 - certutil and others begin faster without
        from provisioning.lab.windows.prefix import wine_command, wine_environment  # noqa: PLC0415 - the same

        done = run(
            wine_command("C:\\windows\\system32\\reg.exe", *words),
            env=wine_environment(self.prefix),
            cwd=self.prefix,
            check=check,
        )
        return done.returncode

    @staticmethod
    def _expanded(text: str) -> str:
        known = {"systemroot": "C:\\windows", "windir": "C:\\windows", "systemdrive": "C:", "temp": "C:\\windows\\temp"}
        known |= {"programfiles": "C:\\Program Files", "programdata": "C:\\ProgramData", "public": "C:\\users\\Public"}
        return re.sub(r"%([A-Za-z]+)%", lambda match: known.get(match[1].lower(), match[0]), text)
