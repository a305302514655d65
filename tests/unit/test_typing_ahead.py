"""What a session sends first goes out with the first question, and costs no round trip of its own."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from tests.unit.scripted_device import Family, Says, ScriptedDevice, session_on

LONG = "\n".join(f"line {number} of many" for number in range(1, 61))


def _no_paging(device: ScriptedDevice, found: re.Match[str]) -> str:
    device.page = 0
    return ""


def family(*, pages_anyway: bool = False) -> Family:
    script = [
        Says("terminal length 0", "" if pages_anyway else _no_paging),
        Says("terminal width 511"),
        Says("show long", LONG),
        Says("show short", "one line"),
    ]
    return Family(prompts={"user": "{host}>", "exec": "{host}#"}, script=script, refusal="% Invalid input")


class Counting(ScriptedDevice):
    """A device that remembers what came in one write."""

    def __init__(self, family: Family, page: int = 0) -> None:
        super().__init__(family, page=page)
        self.writes: list[str] = []

    def sendall(self, octets: bytes) -> None:
        self.writes.append(octets.decode())
        super().sendall(octets)


def test_the_settings_go_with_the_first_question(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Counting(family(), page=24)
    session = session_on(device, "ios", monkeypatch)
    assert device.writes == []
    assert session.show_all(["show long", "show short"]) == [LONG, "one line"]
    assert session.show("show short") == "one line"
    first, second = device.writes
    assert re.fullmatch(r"terminal length 0\nterminal width 511\nshow long\n!\w{8}\nshow short\n!\w{8}\n", first)
    assert second.startswith("show short\n!")


def test_a_device_that_pages_nevertheless_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Counting(family(pages_anyway=True), page=24)
    session = session_on(device, "ios", monkeypatch)
    assert session.show_all(["show short", "show long", "show short"]) == ["one line", LONG, "one line"]
    assert session.show_all(["show long"]) == [LONG]


@pytest.mark.parametrize("page", [1, 2, 3])
def test_even_one_with_pages_of_a_line(monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    device = Counting(family(pages_anyway=True), page=page)
    assert session_on(device, "ios", monkeypatch).show_all(["show long", "show short"]) == [LONG, "one line"]


def test_settings_that_are_refused_are_no_answer_to_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Counting(Family(prompts=family().prompts, script=family().script[2:], refusal="% Invalid input"))
    assert session_on(device, "ios", monkeypatch).show_all(["show long", "show short"]) == [LONG, "one line"]


def test_a_session_that_is_opened_again_sends_them_again(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Counting(family(), page=24)
    session = session_on(device, "ios", monkeypatch)
    assert session.show("show short") == "one line"
    again = Counting(family(), page=24)
    session._client, device.closed = None, True
    monkeypatch.setattr("provisioning.connections.switch.sign_in", lambda *_: _connection(again))
    assert session.show_all(["show long"]) == [LONG]
    assert again.writes[0].startswith("terminal length 0\n")


def test_a_forged_end_is_part_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a neighbour calls itself comes out in a table: it must not end the answer."""
    forged = f"before\nsw-b2-1#!{'0' * 8}\nsw-b2-1#\nbehind"
    device = Counting(Family(prompts=family().prompts, script=[Says("show name", forged)], refusal="% Invalid input"))
    assert session_on(device, "ios", monkeypatch).show("show name").endswith("behind")


def _connection(device: Counting) -> SimpleNamespace:
    return SimpleNamespace(remote_conn=device, remote_conn_pre=None, disconnect=lambda: None)
