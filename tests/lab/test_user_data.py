"""A person's data, moved between two PCs of the lab over SMB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import smbclient

from provisioning.connections.pool import Pool
from provisioning.connections.windows_tree import SmbTree
from provisioning.errors import RejectedError, UnreachableError
from provisioning.lab.office import Office
from provisioning.resources.base import Address, Change, Proof
from provisioning.resources.windows import user_data_copy
from provisioning.resources.windows.user_data import USER_DATA, UserData
from provisioning.resources.windows.user_data_manifest import load, save
from provisioning.resources.windows.user_data_proofs import USER_DATA_THERE
from provisioning.resources.windows.user_data_survey import survey

pytestmark = pytest.mark.lab

OLD, NEW = "WS-0042", "WS-0043"
SOURCE, TARGET = f"windows:{OLD}", f"windows:{NEW}"
LOGIN, SID = "анна 100%", "S-1-5-21-7-8-9-1107"
LONG = "\\".join(["Документы очень длинной темы и ещё длиннее"] * 8) + "\\итог & (копия) 'x'.txt"


@dataclass
class Both:
    pool: Pool
    old: Path
    new: Path

    def wanted(self) -> UserData:
        with self.pool.session(SOURCE) as session:
            found = survey(session, LOGIN)
        return UserData(source=OLD, listing=found.listing, files=len(found.entries), octets=found.octets)

    def state(self) -> UserData | None:
        with self.pool.session(TARGET) as session:
            return USER_DATA.read(session, [LOGIN]).get(LOGIN)

    def apply(self, before: UserData | None, after: UserData | None) -> Exception | None:
        change: Change[Any] = Change(Address("windows.user_data", TARGET, LOGIN), before, after)
        with self.pool.session(TARGET) as session:
            return USER_DATA.apply(session, [change])[0].error

    def proof(self) -> tuple[bool, str]:
        result = USER_DATA_THERE.check(self.pool, Proof("windows.user_data", TARGET, "p", {"profile": LOGIN}))
        return result.passed, result.detail

    def on_new(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.new)): p.read_bytes() for p in self.new.rglob("*") if p.is_file()}


@pytest.fixture
def both(office: Office, pool: Pool) -> Iterator[Both]:
    old = office.pcs.make_profile(OLD, SID, LOGIN)
    new = office.pcs.make_profile(NEW, SID, LOGIN)
    place = Both(pool, old, new)
    (old / "Desktop/заметка.txt").write_bytes("привет".encode())
    (old / "Documents/empty.txt").write_bytes(b"")
    (old / "Documents/big.bin").write_bytes(bytes(range(256)) * 20_000)
    (old / "Documents/cache.tmp").write_bytes(b"left behind by the rules")
    (old / "Documents/desktop.ini").write_bytes(b"left behind by the rules")
    long = old / "Documents" / LONG.replace("\\", "/")
    long.parent.mkdir(parents=True)
    long.write_bytes(b"deep")
    (old / "secret.txt").write_bytes(b"not in a folder that belongs to the data")
    yield place
    place.apply(place.state(), None)
    for folder in (old, new):
        office.pcs.remove_profile(OLD if folder is old else NEW, SID, LOGIN)


def test_brought_proven_again_nothing_and_taken_back(both: Both) -> None:
    (both.new / "Documents/own.txt").write_bytes(b"mine")
    before = both.on_new()
    wanted = both.wanted()
    assert wanted.files == 4
    assert both.state() is None
    assert both.apply(None, wanted) is None
    assert both.state() == wanted
    passed, detail = both.proof()
    assert passed
    assert detail.startswith(f"from {OLD}: 4 files, 5.1 MB at ")
    there = both.on_new()
    assert there[f"Documents/{LONG}".replace("\\", "/")] == b"deep"
    assert there["Desktop/заметка.txt"] == "привет".encode()
    assert set(there) - set(before) == {p.replace("\\", "/") for p in (
        "Desktop/заметка.txt", "Documents/empty.txt", "Documents/big.bin", f"Documents/{LONG}",
    )}  # fmt: skip
    old, new = both.old / "Desktop/заметка.txt", both.new / "Desktop/заметка.txt"
    assert abs(old.stat().st_mtime - new.stat().st_mtime) < 0.001
    assert (both.old / "secret.txt").exists(), "nothing is changed at the source"
    assert both.apply(wanted, None) is None
    assert both.state() is None
    assert both.on_new() == before


def test_nothing_is_overwritten_and_changed_work_is_kept(both: Both) -> None:
    (both.new / "Desktop/ЗАМЕТКА.txt").write_bytes(b"another one, newer")
    (both.new / "Documents/big.bin").write_bytes((both.old / "Documents/big.bin").read_bytes())
    wanted = both.wanted()
    assert both.apply(None, wanted) is None
    there = both.on_new()
    assert there["Desktop/ЗАМЕТКА.txt"] == b"another one, newer"
    assert there[f"Desktop/заметка ({OLD}).txt"] == "привет".encode()
    (both.new / f"Desktop/заметка ({OLD}).txt").write_bytes(b"worked on since")
    (both.new / "Documents/empty.txt").unlink()
    assert both.state() != wanted
    assert not both.proof()[0]
    assert both.apply(wanted, None) is None
    left = both.on_new()
    assert left[f"Desktop/заметка ({OLD}).txt"] == b"worked on since", "somebody's work is not removed"
    assert "Documents/big.bin" in left, "the same content was there before: not ours to remove"


def test_a_kill_in_the_middle_is_gone_on_with(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = both.wanted()
    renamed = SmbTree.rename
    calls: list[str] = []

    def killed_after_two(self: SmbTree, path: str, to: str) -> bool:
        calls.append(to)
        if len(calls) > 2:
            raise UnreachableError(TARGET, "the cable was pulled")
        return renamed(self, path, to)

    monkeypatch.setattr(SmbTree, "rename", killed_after_two)
    monkeypatch.setattr(user_data_copy, "save", _only_the_first(save))
    assert isinstance(both.apply(None, wanted), UnreachableError)
    half = both.state()
    assert half is not None
    assert half.listing == ""
    assert not both.proof()[0]
    monkeypatch.undo()
    assert both.apply(half, wanted) is None
    assert both.state() == wanted
    assert both.apply(wanted, None) is None
    assert [name for name in both.on_new() if "заметка" in name or "big" in name] == [], "what a kill left is ours too"


def _only_the_first(save: Any) -> Any:
    """As after a kill: the manifest is what was written before the first file."""
    done: list[int] = []

    def saved(*arguments: Any) -> None:
        if not done:
            save(*arguments)
        done.append(1)

    return saved


def test_a_second_transfer_brings_what_is_new_and_can_be_taken_back_alone(both: Both) -> None:
    first = both.wanted()
    assert both.apply(None, first) is None
    (both.old / "Desktop/later.txt").write_bytes(b"later")
    (both.old / "Desktop/заметка.txt").write_bytes("правка".encode())
    second = both.wanted()
    assert second != first
    assert both.apply(first, second) is None
    assert both.on_new()[f"Desktop/заметка ({OLD}).txt"] == "правка".encode()
    assert both.apply(second, first) is None
    assert both.state() == first
    assert "Desktop/later.txt" not in both.on_new()
    assert both.on_new()["Desktop/заметка.txt"] == "привет".encode()


def test_open_files_are_named_and_everything_else_is_copied(both: Both, pool: Pool) -> None:
    wanted = both.wanted()
    with pool.session(SOURCE) as session:
        files = session._files
        path = files.unc(f"users\\{LOGIN}\\Documents\\big.bin")
        with smbclient.open_file(path, mode="r+b", share_access="", **files.how()):
            error = both.apply(None, wanted)
    assert isinstance(error, UnreachableError)
    assert "open in a program at WS-0042: Documents\\big.bin;" in str(error)
    half = both.state()
    assert half is not None
    assert "Desktop/заметка.txt" in both.on_new()
    assert both.apply(half, wanted) is None
    assert both.state() == wanted


def test_a_file_that_goes_away_meanwhile_is_not_missed(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, placed = both.wanted(), user_data_copy._placed

    def placed_late(*arguments: Any) -> Any:
        (both.old / "Documents/empty.txt").unlink()
        return placed(*arguments)

    monkeypatch.setattr(user_data_copy, "_placed", placed_late)
    assert both.apply(None, wanted) is None
    assert both.state() == wanted
    assert both.proof()[0]


def test_who_never_signed_in_at_the_new_pc_is_waited_for(both: Both, office: Office) -> None:
    wanted = both.wanted()
    office.pcs.remove_profile(NEW, SID, LOGIN)
    error = both.apply(None, wanted)
    assert isinstance(error, UnreachableError)
    assert "sign in once" in str(error)
    office.pcs.make_profile(NEW, SID, LOGIN)


def test_disk_full_and_unknown_people(both: Both, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = both.wanted()
    monkeypatch.setattr(SmbTree, "room", lambda _: 1024)
    error = both.apply(None, wanted)
    assert isinstance(error, RejectedError)
    assert "0 MiB free" in str(error)
    assert both.state() is None
    with pool.session(SOURCE) as session, pytest.raises(RejectedError, match="nobody called 'nobody'"):
        survey(session, "nobody")


def test_a_manifest_that_leads_elsewhere_is_refused(both: Both, pool: Pool, office: Office) -> None:
    assert both.apply(None, both.wanted()) is None
    with pool.session(TARGET) as session:
        tree = session.tree()
        place = office.pcs.drive(NEW) / "windows/system32/config/systemprofile"
        path = max(place.rglob("user-data-*.json"), key=lambda p: p.stat().st_mtime)
        good = path.read_text(encoding="utf-8")
        path.write_text(good.replace("Desktop", "..\\\\..\\\\Windows"), encoding="utf-8")
        with pytest.raises(RejectedError, match="leads out of the profile"):
            load(session, tree, LOGIN)
        path.write_text("{", encoding="utf-8")
        with pytest.raises(RejectedError, match="damaged"):
            load(session, tree, LOGIN)
        path.write_text(good, encoding="utf-8")
