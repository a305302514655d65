"""100 MB to a PC: ours with its hash checked on the PC, ``smbclient put``, and base64 through the shell.

Everybody begins at the sign-in. Ours is what a run does with a file: sign-in over SMB and WinRM, the session's folder,
the copy, the hash (certutil on the PC). Python and its imports come before, as a run pays them once; smbclient is a
whole process, which adds some 20 ms to the floor. The floor checks nothing. Ours is sealed (AES-128-GCM) since the PC
offers it, the floor is signed (smbclient does not encrypt unless it is told to). What the floor takes when it has the
PC hash the file as well, by pywinrm and certutil, is among the figures. Afterwards the file is compared on the PC's
disk, and removed; that time is nobody's. Nor is that of writing and removing such a file before each turn: memory that
was in use a moment ago is given out again twice as fast as other, so that whoever came second would be ahead.

A second row, without a goal: the PC fetches the file over HTTPS, as a site may want it for branch offices.
"""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from winrm import Session

from benchmarks.measuring import Asked, Row, at_most, in_turn, seconds
from benchmarks.windows_lab import Bench, windows_bench
from provisioning.connections.windows import WindowsSession, open_session
from provisioning.lab.certificates import LabAuthority
from provisioning.secrets import Secrets
from provisioning.site.windows import PullServer

_OCTETS = 100_000_000
_PART = 100_000  # octets that go through the shell
_LINE = 6000  # characters of base64 that one command line carries
_PULL_PORT = 8543
_WORK = "100 MB to a PC"


def measure(asked: Asked) -> Iterator[Row]:
    """The rows ``file`` and ``file-https``."""
    with windows_bench(asked, 1, {}) as bench:
        work = _Work(bench, _random_file(asked.folder / "big.bin"))
        contestants = {"ours": work.ours, "smbclient": work.floor, "smbclient and certutil": work.checked}
        contestants |= {"https": work.https, "base64": work.base64}
        times = in_turn(contestants, asked.repeat, asked.note)
    ours, floor = times["ours"], times["smbclient"]
    verified = "sha256sum of the file on the PC's disk"
    yield Row(
        "file",
        _WORK,
        ours,
        verified,
        floor,
        times["base64"].times(_OCTETS / _PART),
        [at_most(ours, floor, 1.2)],
        {
            "MB/s": _OCTETS / 1e6 / ours.median,
            "floor MB/s": _OCTETS / 1e6 / floor.median,
            "floor and certutil by pywinrm s": times["smbclient and certutil"].median,
        },
        "ours: sign-in, encrypted copy, SHA-256 on both ends; floor: smbclient put, signed, no check; base64: echo "
        f"through one shell, {_PART} octets measured, not decoded",
    )
    https = times["https"]
    figures = {"MB/s": _OCTETS / 1e6 / https.median}
    note = "no goal; the lab's curl is Python's own HTTPS client"
    yield Row("file-https", f"{_WORK}, fetched by it over HTTPS", https, verified, floor, figures=figures, note=note)


@dataclass(frozen=True)
class _Work:
    bench: Bench
    big: Path

    @property
    def name(self) -> str:
        return next(iter(self.bench.addresses))

    def session(self, **settings: object) -> WindowsSession:
        inventory = self.bench.site().inventory
        inventory = inventory.model_copy(update={"windows": inventory.windows.model_copy(update=settings)})
        return open_session(f"windows:{self.name}", inventory, Secrets(inventory.folder, self.bench.folder))

    def ours(self) -> float:
        return self._put("smb")

    def https(self) -> float:
        trust = self.bench.folder
        files = LabAuthority(trust).issue(["localhost"], ["127.0.0.1"], trust, "pull")
        here = {"host": "localhost", "address": "127.0.0.1", "port": _PULL_PORT, "larger_than": 0}
        served = {**here, "certificate": files.certificate, "key": f"file:{files.key}"}
        return self._put("https", pull=PullServer.model_validate(served))

    def _put(self, way: str, **settings: object) -> float:
        self._even_out()
        with closing(self.session(**settings)) as session:
            took = seconds(lambda: session.put(self.big, "big.bin"))
            if [one.way for one in session.transfers] != [way]:
                raise SystemExit(f"the file went {session.transfers}, not over {way}")
            [there] = self.bench.drive(self.name).glob("windows/provisioning-*/big.bin")
            self._compare(there)
        return took

    def _even_out(self) -> None:
        before = self.bench.drive(self.name) / "windows/temp/before.bin"
        before.write_bytes(self.big.read_bytes())
        before.unlink()

    def floor(self) -> float:
        self._even_out()
        took = seconds(lambda: self.bench.send(self.name, {"big.bin": self.big}))
        there = self.bench.drive(self.name) / "windows/temp/big.bin"
        self._compare(there)
        there.unlink()
        return took

    def checked(self) -> float:
        """The floor, and the hash by a shell of its own; nobody computes here what it should be."""
        inventory = self.bench.site().inventory
        windows = inventory.windows
        password = (self.bench.folder / "secrets/windows").read_text().strip()
        where = f"https://{self.bench.addresses[self.name]}:{windows.port}/wsman"
        there = self.bench.drive(self.name) / "windows/temp/big.bin"

        def send() -> None:
            self.bench.send(self.name, {"big.bin": self.big})
            pc = Session(
                where,
                (windows.credential.user, password),
                transport="ntlm",
                ca_trust_path=str(windows.trust),
                proxy=None,
            )
            if pc.run_cmd("certutil", ["-hashfile", "C:\\Windows\\Temp\\big.bin", "SHA256"]).status_code != 0:
                raise SystemExit("certutil failed")

        self._even_out()
        took = seconds(send)
        there.unlink()
        return took

    def _compare(self, there: Path) -> None:
        sums = subprocess.run(["sha256sum", str(self.big), str(there)], check=True, capture_output=True, text=True)
        if len({line.split()[0] for line in sums.stdout.splitlines()}) != 1:
            raise SystemExit(f"{there} is not what was sent")

    def base64(self) -> float:
        """Lines of text appended by echo, as tools without SMB do it."""
        octets = self.big.read_bytes()[:_PART]
        text = base64.b64encode(octets).decode()
        with closing(self.session()) as session:
            path = session.path("text.b64")

            def send() -> None:
                for start in range(0, len(text), _LINE):
                    session._commands.run(f"echo {text[start : start + _LINE]}>>{path}", timeout=60)

            took = seconds(send)
            [there] = self.bench.drive(self.name).glob("windows/provisioning-*/text.b64")
            if hashlib.sha256(base64.b64decode(there.read_bytes())).digest() != hashlib.sha256(octets).digest():
                raise SystemExit(f"{there} is not what was sent")
        return took


def _random_file(file: Path) -> Path:
    file.write_bytes(os.urandom(_OCTETS))
    return file
