"""A command of the lab's PCs whose Wine died before it began is started again; one that began never is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.lab.windows import shells
from provisioning.lab.windows.shells import Command

_DIES = "exit 1"
_BEGINS = "echo begun > {verdict}; exit 1"
_ENDS = "echo out; echo 7 > {verdict}"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    (tmp_path / "prefix/drive_c/windows/temp").mkdir(parents=True)
    names = {"name": "PC", "host": "pc", "address": "127.0.0.1", "user": "u", "errand": ""}
    paths = {name: str(tmp_path) for name in ("folder", "password", "authority")}
    (tmp_path / "pc.json").write_text(json.dumps({**names, **paths}))
    return tmp_path / "pc.json"


@pytest.mark.parametrize(
    ("starts", "code", "stdout"),
    [
        ([_DIES, _DIES, _ENDS], 7, b"out\n"),
        ([_BEGINS], 1, b""),
        ([_DIES, _DIES, _DIES], 1, b""),
    ],
)
def test_only_what_did_not_begin(
    machine: Path, monkeypatch: pytest.MonkeyPatch, starts: list[str], code: int, stdout: bytes
) -> None:
    left = list(starts)

    def wine(_program: str, _option: str, batch: str) -> list[str]:
        verdict = machine.parent / "prefix/drive_c/windows/temp" / batch.rpartition("\\")[2].replace(".cmd", ".rc")
        return ["/bin/sh", "-c", left.pop(0).format(verdict=verdict)]

    monkeypatch.setattr(shells, "wine_command", wine)
    command = Command(machine, machine.parent, "hostname")
    try:
        assert command.receive(10) == (stdout, b"", code)
        assert not left
    finally:
        command.terminate()
