"""Reading many keys: what is asked for together, what by itself, and that each key gets its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from provisioning.errors import RejectedError
from provisioning.resources.windows.exports import covering, export, is_within, run_and_export

POLICIES = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies"
EDGE, CHROME = f"{POLICIES}\\Microsoft\\Edge", f"{POLICIES}\\Google\\Chrome"
SYSTEM = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System"


class Pc:
    """A registry of `keys` with one value each. ``reg export`` of a key that is `locked`, or has one below, ends with
    `code` and gives nothing; nor does anything list what is below a locked key. Keys above `keys` exist."""

    target = "windows:WS-1"

    def __init__(self, *keys: str, locked: str = "-", code: int = 1) -> None:
        self.keys, self.locked, self.code = keys, locked, code
        self.asked: list[list[str]] = []
        self.listed: list[str] = []
        self.files: dict[str, bytes] = {}
        self.commands_begun = 0
        self.forgetful = False

    def path(self, name: str) -> str:
        return name

    def run_doubting(
        self, commands: Sequence[Sequence[str]], doubts: Mapping[int, Sequence[Sequence[str]]], *, timeout: float = 0
    ) -> tuple[list[list[int]], str]:
        self.asked.append([words[2] for words in commands])
        self.commands_begun += 1
        codes, printed = [], ""
        for number, (_, _, key, file, *_) in enumerate(commands):
            codes.append([self.export(key, file)])
            for _, _, above, _ in doubts[number]:
                if codes[-1][-1] == 1:
                    code, said = self.list(above)
                    codes[-1].append(code)
                    printed += said
        return codes, printed

    def export(self, key: str, file: str) -> int:
        inside = [known for known in self.keys if is_within(known, key)]
        if self.locked in inside or is_within(key, self.locked):
            return self.code
        if not inside:
            return 1
        text = "".join(f'[{known}]\r\n"n"="{known.rpartition(chr(92))[2]}"\r\n\r\n' for known in inside)
        content = f"Windows Registry Editor Version 5.00\r\n\r\n{text}"
        if not self.forgetful:
            self.files[file] = b"\xff\xfe" + content.encode("utf-16-le")
        return 0

    def list(self, key: str) -> tuple[int, str]:
        self.listed.append(key)
        if is_within(key, self.locked) or not any(is_within(known, key) for known in self.keys):
            return 1, ""
        depth = key.count("\\") + 2
        below = {"\\".join(known.split("\\")[:depth]) for known in self.keys if is_within(known, key)} - {key}
        return 0, "".join(f"{line}\r\n" for line in ["", key, "    n    REG_SZ    0", *below])

    def read(self, name: str) -> bytes | None:
        return self.files.get(name)

    def delete(self, name: str) -> None:
        self.files.pop(name, None)


def found(pc: Any, *keys: str) -> dict[str, list[str]]:
    return {key: list(values) for key, values in export(pc, keys).items()}


def test_policies_are_fetched_together_and_told_apart() -> None:
    start = f"{EDGE}\\RestoreOnStartupURLs"
    pc = Pc(POLICIES, EDGE, start, CHROME, f"{POLICIES}\\Microsoft\\EdgeUpdate", SYSTEM)
    absent = f"{POLICIES}\\Mozilla\\Firefox"
    assert found(pc, EDGE, start, CHROME, SYSTEM, absent) == {
        EDGE: [EDGE, start],
        start: [start],
        CHROME: [CHROME],
        SYSTEM: [SYSTEM],
        absent: [],
    }
    assert [sorted(asked) for asked in pc.asked] == [sorted([POLICIES, SYSTEM])]


def test_a_file_that_an_earlier_export_left_is_not_read() -> None:
    pc = Pc(EDGE, CHROME)
    assert found(pc, EDGE) == {EDGE: [EDGE]}
    pc.keys = (CHROME,)
    assert list(pc.files) == ["export-0.reg"]
    assert found(pc, EDGE) == {EDGE: []}


def test_one_policy_is_asked_for_by_itself() -> None:
    pc = Pc(EDGE, CHROME)
    assert found(pc, EDGE) == {EDGE: [EDGE]}
    assert pc.asked == [[EDGE]]


def test_a_locked_key_among_the_policies_hides_no_other() -> None:
    pc = Pc(POLICIES, EDGE, CHROME, f"{POLICIES}\\Secret", locked=f"{POLICIES}\\Secret")
    assert found(pc, EDGE, CHROME) == {EDGE: [EDGE], CHROME: [CHROME]}
    assert pc.asked == [[POLICIES], [EDGE, CHROME]]


def test_a_key_answers_for_those_below_it_whatever_the_case() -> None:
    assert covering(["A\\B\\C", "a\\b", "A\\BC", "A\\B\\D\\E"]) == {
        "a\\b": ["a\\b", "A\\B\\C", "A\\B\\D\\E"],
        "A\\BC": ["A\\BC"],
    }
    pc = Pc(EDGE.upper())
    assert found(pc, EDGE, f"{EDGE}\\x") == {EDGE: [EDGE.upper()], f"{EDGE}\\x": []}


def test_a_key_is_absent_when_what_is_above_it_does_not_list_it() -> None:
    pc = Pc(EDGE, "HKEY_LOCAL_MACHINE\\SOFTWARE\\Vendor")
    absent = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Vendor\\Product\\Setting"
    assert found(pc, absent) == {absent: []}
    assert pc.listed == ["HKEY_LOCAL_MACHINE\\SOFTWARE\\Vendor\\Product", "HKEY_LOCAL_MACHINE\\SOFTWARE\\Vendor"]
    assert len(pc.asked) == 1


@pytest.mark.parametrize("locked", [EDGE, f"{POLICIES}\\Microsoft", f"{EDGE}\\x"])
def test_a_key_that_is_there_and_refused_is_not_absent(locked: str) -> None:
    pc = Pc(POLICIES, EDGE, f"{EDGE}\\x", locked=locked)
    with pytest.raises(
        RejectedError, match=r"\\Edge cannot be read: .* is there, but it, or a key below it, is locked"
    ):
        found(pc, EDGE)


def test_an_exit_code_that_reg_does_not_have_is_not_absence() -> None:
    pc = Pc(POLICIES, EDGE, locked=EDGE, code=0xC0000142)
    with pytest.raises(RejectedError, match=rf"\\Edge cannot be read \(reg.exe ended with exit code {0xC0000142}\)"):
        found(pc, EDGE)
    assert pc.listed == []


def test_a_registry_that_lists_nothing_at_all_is_not_absence() -> None:
    with pytest.raises(RejectedError, match="exit code 1"):
        found(Pc(), EDGE)


def test_an_export_without_its_file_is_an_error() -> None:
    pc = Pc(EDGE)
    pc.forgetful = True
    with pytest.raises(RejectedError, match=r"reg export of .*\\Edge says that it is done, but left no file"):
        found(pc, EDGE)


def changed(pc: Any, *keys: str) -> None:
    """Something that changes the PC and exports these keys behind that."""

    def run(commands: Sequence[Sequence[str]]) -> list[int]:
        codes, _ = pc.run_doubting(commands, {at: [] for at in range(len(commands))})
        return [code for (code,) in codes]

    run_and_export(pc, keys, run)


def test_what_the_change_exported_is_not_asked_for_again() -> None:
    pc = Pc(EDGE, CHROME, SYSTEM)
    changed(pc, EDGE, CHROME)
    assert found(pc, EDGE, CHROME) == {EDGE: [EDGE], CHROME: [CHROME]}
    assert pc.asked == [[POLICIES]]
    assert found(pc, EDGE) == {EDGE: [EDGE]}
    assert pc.asked == [[POLICIES], [EDGE]]


def test_what_the_change_exported_is_too_old_after_another_command() -> None:
    pc = Pc(EDGE)
    changed(pc, EDGE)
    pc.keys = (CHROME,)
    pc.commands_begun += 1
    assert found(pc, EDGE) == {EDGE: []}


def test_what_the_change_could_not_export_is_asked_for() -> None:
    pc = Pc(CHROME)
    changed(pc, EDGE)
    pc.keys = (EDGE, CHROME)
    assert found(pc, EDGE) == {EDGE: [EDGE]}
