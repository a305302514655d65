"""The proof of policies: what it asks a PC, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from provisioning.resources.base import Proof, ProofResult
from provisioning.resources.windows.policy_proofs import POLICIES_READ_BACK

POLICIES = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies"
EDGE, CHROME = f"{POLICIES}\\Microsoft\\Edge", f"{POLICIES}\\Google\\Chrome"
SYSTEM = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System"


class Pc:
    """``reg query`` of a key prints what `said` gives for the words behind it. `asked` are the commands, by batch."""

    target = "windows:WS-1"
    commands_begun = 0

    def __init__(self, said: Callable[[str], str]) -> None:
        self.said = said
        self.asked: list[list[str]] = []

    def output_of(self, commands: Sequence[Sequence[str]], *, timeout: float = 0) -> str:
        self.asked.append([" ".join(words[2:]) for words in commands])
        return "".join(self.said(line) for line in self.asked[-1])

    def run_doubting(self, commands: Sequence[Sequence[str]], doubts: object, *, timeout: float = 0) -> Any:
        raise AssertionError("nothing is to be exported")

    @contextmanager
    def session(self, target: str) -> Iterator[Pc]:
        yield self


def check(pc: Pc, *keys: str) -> ProofResult:
    wanted = {key: {"n": {"type": "REG_SZ", "data": key.rpartition("\\")[2]}} for key in keys}
    return POLICIES_READ_BACK.check(pc, Proof("windows.policy", pc.target, "policies", {"keys": wanted}))


def printed(*keys: str) -> str:
    return "".join(f"{key}\r\n    n    REG_SZ    {key.rpartition(chr(92))[2]}\r\n\r\n" for key in keys)


def test_all_policies_are_asked_for_by_one_program() -> None:
    pc = Pc(lambda line: {f"{POLICIES} /s /reg:64": printed(EDGE, CHROME), f"{SYSTEM} /reg:64": printed(SYSTEM)}[line])
    assert check(pc, EDGE, CHROME, SYSTEM).passed
    assert [sorted(asked) for asked in pc.asked] == [sorted([f"{POLICIES} /s /reg:64", f"{SYSTEM} /reg:64"])]


def test_one_policy_is_asked_for_by_itself() -> None:
    pc = Pc(lambda _: printed(EDGE))
    assert check(pc, EDGE).passed
    assert pc.asked == [[f"{EDGE} /reg:64"]]


def test_what_could_not_be_asked_for_together_is_asked_for_by_itself() -> None:
    """A key of somebody else's below Policies is locked."""
    alone = {f"{EDGE} /reg:64": printed(EDGE), f"{CHROME} /reg:64": printed(CHROME)}
    pc = Pc(lambda line: alone.get(line, ""))
    assert check(pc, EDGE, CHROME).passed
    assert pc.asked == [[f"{POLICIES} /s /reg:64"], [f"{EDGE} /reg:64", f"{CHROME} /reg:64"]]


def test_a_policy_that_is_not_there_is_named() -> None:
    pc = Pc(lambda line: printed(EDGE) if "/s" in line else "")
    found = check(pc, EDGE, CHROME)
    assert not found.passed
    assert found.detail == f"on WS-1: {CHROME}: n is absent, expected 'Chrome'"
    assert pc.asked[1:] == [[f"{CHROME} /reg:64"]]
