"""Waves: how PCs are shared out, how a wave stands by its run, and when no further one may begin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.errors import RequestError
from provisioning.ledger import ChangeState, Ledger, RunState
from provisioning.procedures.waves import Wave, check_amount, split, wave_of, why_stop
from provisioning.resources.base import Address, Change, State
from provisioning.resources.windows.package import InstalledPackage

PCS = tuple(f"WS-{number:02}" for number in range(1, 11))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "l.sqlite")
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("amounts", "sizes"),
    [
        ((), [10]),
        (("1", "5", "20%"), [1, 5, 2, 2]),
        (("1", "10%"), [1, 1, 8]),
        (("11",), [10]),
        (("1", "100%", "3"), [1, 9]),
        (("25%", "25%"), [3, 3, 4]),
    ],
)
def test_pcs_are_shared_out_in_their_order(amounts: tuple[str, ...], sizes: list[int]) -> None:
    waves = split(PCS, amounts)
    assert [len(wave) for wave in waves] == sizes
    assert tuple(pc for wave in waves for pc in wave) == PCS


@pytest.mark.parametrize("text", ["0", "101%", "-1", "five", "", "1.5", "0%", "5 %", "100000"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(RequestError, match="expected a number such as 5, or a share"):
        check_amount(text, "--wave")


def wave(done: int, failed: int, waiting: int = 0, number: int = 1) -> Wave:
    pcs = tuple(f"{number}-{i}" for i in range(done + failed + waiting))
    whose = dict.fromkeys(pcs[done : done + failed], "no"), dict.fromkeys(pcs[done + failed :], "off")
    return Wave(number, pcs, number, "partial", pcs[:done], *whose)


@pytest.mark.parametrize(
    ("waves", "limit", "why"),
    [
        ([], "10%", None),
        ([wave(1, 0)], "1", None),
        ([wave(0, 1)], "100%", "1 of 1 PCs failed, and the limit is 100 %"),
        ([wave(9, 1)], "10%", "1 of 10 PCs failed, and the limit is 10 %"),
        ([wave(10, 1)], "10%", None),
        ([wave(1, 0), wave(3, 2)], "3", None),
        ([wave(1, 1), wave(3, 2)], "3", "3 of 7 PCs failed, and the limit is 3"),
        ([wave(0, 0, 2)], "10%", "none of the 2 PCs so far could be tried"),
        ([wave(1, 0, 40)], "10%", None),
    ],
)
def test_when_no_further_wave_may_begin(waves: list[Wave], limit: str, why: str | None) -> None:
    assert why_stop([*waves, Wave(9, ("x",))], limit) == why


def install(pc: str) -> Change[State]:
    return Change(Address("windows.package", f"windows:{pc}", "Fonts"), None, InstalledPackage(version="1.0"))


def test_a_wave_by_its_run(ledger: Ledger) -> None:
    states: dict[str, ChangeState] = {"WS-01": "verified", "WS-02": "failed", "WS-03": "deferred", "WS-04": "blocked"}
    begun = ledger.begin("t", {}, [install(pc) for pc in states], unread={"windows:WS-05": "is it on?"})
    ledger.settle({r.id: (states[r.change.target[8:]], "why") for r in begun.changes})
    found: dict[RunState, Wave] = {}
    for state in ("running", "waiting", "partial"):
        ledger.end(begun.id, state)
        found[state] = wave_of(1, PCS[:6], ledger.run(begun.id))
    assert (found["running"].done, found["waiting"].done) == (("WS-01",), ("WS-01", "WS-06"))
    assert found["waiting"].failed == {"WS-02": "why", "WS-04": "why"}
    assert found["waiting"].waiting == {"WS-05": "is it on?"}
    assert found["partial"].failed == {"WS-02": "why", "WS-04": "why", "WS-05": "is it on?"}, "its deadline is over"
    ledger.end(begun.id, "undone")
    assert wave_of(1, PCS[:6], ledger.run(begun.id)) == Wave(1, PCS[:6])
