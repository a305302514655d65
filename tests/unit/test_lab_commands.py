"""A command of the lab's PCs whose Wine died before it began is started again; one that began never is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.lab.windows import shells
from provisioning.lab.windows.shells import Command

_DIES = "exit 1"
_BEGINS = "echo begun > {verdict}; exit 1"
_NO_SECOND = "echo 9009 > {verdict}; printf '%s' \"Can't recognize 'C:\\\\windows\\\\system32\\\\cmd.exe /c X'\" >&2"
_NO_SUCH = "echo 9009 > {verdict}; echo \"Can't recognize 'nosuch'\" >&2; exit 1"
_ENDS = "echo out; echo 7 > {verdict}"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    (tmp_path / "prefix/drive_c/windows/temp").mkdir(parents=True)
    names = {"name": "PC", "host": "pc", "address": "127.0.0.1", "user": "u", "errand": ""}
    paths = {name: str(tmp_path) for name in ("folder", "password", "authority")}
    (tmp_path / "pc.json").write_text(json.dumps({**names, **paths}))
    return tmp_path / "pc.json"


@pytest.mark.parametrize(
    ("starts", "ended"),
    [
        ([_DIES, _DIES, _ENDS], (b"out\n", b"", 7)),
        ([_NO_SECOND, _ENDS], (b"out\n", b"", 7)),
        ([_NO_SUCH], (b"", b"Can't recognize 'nosuch'\n", 9009)),
        ([_BEGINS], (b"", b"", 1)),
        ([_DIES, _DIES, _DIES], (b"", b"", 1)),
    ],
)
def test_only_what_did_not_begin(
    machine: Path, monkeypatch: pytest.MonkeyPatch, starts: list[str], ended: tuple[bytes, bytes, int]
) -> None:
    left = list(starts)

    def wine(_program: str, _option: str, batch: str) -> list[str]:
        verdict = machine.parent / "prefix/drive_c/windows/temp" / batch.rpartition("\\")[2].replace(".cmd", ".rc")
        return ["/bin/sh", "-c", left.pop(0).format(verdict=verdict)]

    monkeypatch.setattr(shells, "wine_command", wine)
    command = Command(machine, machine.parent, "hostname")
    try:
        stdout, stderr, code = b"", b"", None
        while code is None:
            more, complaint, code = command.receive(10)
            stdout, stderr = stdout + more, stderr + complaint
        assert (stdout, stderr, code) == ended
        assert not left
    finally:
        command.terminate()
