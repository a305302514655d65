"""Files to a PC: hashed there together, judged one by one, and nothing half sent stays."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from provisioning.connections import windows_transfer
from provisioning.connections.parcel import Parcel
from provisioning.errors import RejectedError, UnreachableError
from provisioning.site.load import load
from provisioning.site.windows import PullServer
from tests.unit.cli_office import EXAMPLE


class Pc:
    """A folder of files. `full`: names for which there is no room; `spoils`: those that arrive otherwise."""

    target = "windows:WS-0042"

    def __init__(self, *, full: Sequence[str] = (), spoils: Sequence[str] = ()) -> None:
        self.inventory = load(EXAMPLE)
        self.full, self.spoils = full, spoils
        self.files: dict[str, bytes] = {}
        self.commands: list[list[str]] = []
        self.shell: str | Exception = "closed"

    def open_shell(self) -> None:
        if isinstance(self.shell, Exception):
            raise self.shell
        self.shell = "open"

    def push(self, local: Path, name: str) -> str:
        self.files[name] = local.read_bytes() + (b"!" if name in self.spoils else b"")
        if name in self.full:
            raise RejectedError(self.target, "its disk is full")
        return f"C:\\{name}"

    def delete(self, name: str) -> None:
        del self.files[name]

    def output_of(self, commands: Sequence[Sequence[str]], *, timeout: float) -> str:
        assert timeout >= 60
        self.commands.append([words[2] for words in commands])
        return "".join(
            f"Hash:\r\n{hashlib.sha256(self.files[words[2][3:]]).hexdigest()}\r\nok\r\n" for words in commands
        )


@pytest.fixture
def parcels(tmp_path: Path) -> list[Parcel]:
    for name in "abc":
        (tmp_path / name).write_bytes(name.encode() * 100)
    return [Parcel(tmp_path / name, f"{name}.msi") for name in "abc"]


def sent(pc: Pc, parcels: Sequence[Parcel]) -> list[Any]:
    found: list[Any] = windows_transfer.send(pc, parcels)  # type: ignore[arg-type]
    return [str(one) if isinstance(one, RejectedError) else one[0] for one in found]


def test_all_files_are_hashed_by_one_command(parcels: list[Parcel]) -> None:
    pc = Pc()
    assert sent(pc, parcels) == ["C:\\a.msi", "C:\\b.msi", "C:\\c.msi"]
    assert pc.commands == [["C:\\a.msi", "C:\\b.msi", "C:\\c.msi"]]
    assert pc.shell == "open"


def test_a_shell_that_does_not_open_meanwhile_is_told_once_the_files_are_there(parcels: list[Parcel]) -> None:
    pc = Pc()
    pc.shell = UnreachableError(pc.target, "WinRM does not answer")
    with pytest.raises(UnreachableError, match="WinRM does not answer"):
        sent(pc, parcels)
    assert list(pc.files) == ["a.msi", "b.msi", "c.msi"]
    assert pc.commands == []


def test_no_shell_is_opened_meanwhile_for_a_pc_that_may_fetch_its_files_by_a_command(parcels: list[Parcel]) -> None:
    pc = Pc()
    constructed: Any = PullServer
    pull = constructed.model_construct(larger_than=100)
    windows = pc.inventory.windows.model_copy(update={"pull": pull})
    pc.inventory = pc.inventory.model_copy(update={"windows": windows})
    sent(pc, parcels)
    assert (pc.shell, len(pc.commands)) == ("closed", 1)


def test_one_that_has_no_room_or_another_content_stops_no_other_and_does_not_stay(parcels: list[Parcel]) -> None:
    pc = Pc(full=["a.msi"], spoils=["b.msi"])
    first, second, third = sent(pc, parcels)
    assert "its disk is full" in first
    assert "b.msi arrived with another content" in second
    assert third == "C:\\c.msi"
    assert list(pc.files) == ["c.msi"]
    assert pc.commands == [["C:\\b.msi", "C:\\c.msi"]]


def test_nothing_is_asked_when_nothing_arrived(parcels: list[Parcel]) -> None:
    pc = Pc(full=["a.msi"])
    assert "its disk is full" in sent(pc, parcels[:1])[0]
    assert pc.commands == []


def test_what_was_approved_counts_and_not_what_lies_here_now(parcels: list[Parcel]) -> None:
    approved = hashlib.sha256(b"what was approved").hexdigest()
    [answer] = sent(Pc(), [Parcel(parcels[0].local, "a.msi", approved)])
    assert f"expected {approved}" in answer
