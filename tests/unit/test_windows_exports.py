"""Reading many keys: what is asked for together, what by itself, and that each key gets its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioning.resources.windows.exports import covering, export

POLICIES = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies"
EDGE, CHROME = f"{POLICIES}\\Microsoft\\Edge", f"{POLICIES}\\Google\\Chrome"
SYSTEM = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System"


class Pc:
    """A registry of `keys` with one value each. ``reg export`` of a key that is `locked`, or has one below, gives
    nothing."""

    target = "windows:WS-1"

    def __init__(self, *keys: str, locked: str = "-") -> None:
        self.keys, self.locked = keys, locked
        self.asked: list[list[str]] = []
        self.files: dict[str, bytes] = {}

    def path(self, name: str) -> str:
        return name

    def run_all(self, commands: Sequence[Sequence[str]], *, timeout: float = 0) -> list[int]:
        self.asked.append([words[2] for words in commands])
        codes = []
        for _, _, key, file, *_ in commands:
            codes.append(1)
            inside = [known for known in self.keys if f"{known}\\".casefold().startswith(f"{key}\\".casefold())]
            if inside and self.locked not in inside:
                codes[-1] = 0
                text = "".join(f'[{known}]\r\n"n"="{known.rpartition(chr(92))[2]}"\r\n\r\n' for known in inside)
                self.files[file] = b"\xff\xfe" + f"Windows Registry Editor Version 5.00\r\n\r\n{text}".encode(
                    "utf-16-le"
                )
        return codes

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
    pc = Pc(EDGE)
    assert found(pc, EDGE) == {EDGE: [EDGE]}
    pc.keys = ()
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
