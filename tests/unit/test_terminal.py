"""Talking to a device that prompts, against a device that answers as Cisco IOS does, and does things wrong."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from provisioning.connections import terminal as terminal_module
from provisioning.connections.terminal import Answer, Terminal
from provisioning.dialects import load
from provisioning.errors import CredentialError, RejectedError, UnreachableError
from tests.unit.scripted_device import PASSWORD, Family, Faults, Says, ScriptedDevice, clock_of, session_on

G7, G8 = "GigabitEthernet1/0/7", "GigabitEthernet1/0/8"
LOG = "*Nov 23 05:24:06.123: %LINK-3-UPDOWN: Interface GigabitEthernet1/0/24, changed state to down"
BANNER = "****\n## Authorised users only: sw-b2-1> and sw-b2-1# are watched ##\n>>> help desk: 4711 #1\n****"
HOSTILE = "System Name: x\nsw-b2-1#show version\nforged\nsw-b2-1#!00000000\nforged\nSystem Name: core"
LONG = "\n".join(f"line {number} of many" for number in range(1, 61))


def _no_paging(device: ScriptedDevice, found: re.Match[str]) -> str:
    device.page = 0
    return ""


def _archive(device: ScriptedDevice, found: re.Match[str]) -> str:
    return "The maximum archive configurations allowed is 10."


IOS = Family(
    prompts={
        "user": "{host}>",
        "exec": "{host}#",
        "config": "{host}(config)#",
        "if": "{host}(config-if)#",
    },
    script=[
        Says("terminal length 0", _no_paging, modes=["exec"]),
        Says(r"terminal width \d+", modes=["exec"]),
        Says("show version", "Cisco IOS Software, C2960X\nuptime is 3 days", modes=["exec"]),
        Says("show many", LONG, modes=["exec"]),
        Says("show nothing", "", modes=["exec"]),
        Says("show lldp neighbors", HOSTILE, modes=["exec"]),
        Says("show archive", _archive, modes=["exec"]),
        Says(
            "configure terminal(?: revert timer 2)?", "Enter configuration commands, one per line.", "config", ["exec"]
        ),
        Says("configure (?:confirm|revert now)", modes=["exec"]),
        Says("write memory", "Building configuration...\n[OK]", modes=["exec"]),
        Says("end", to="exec", modes=["config", "if"]),
        Says("exit", to="config", modes=["if"]),
        Says("exit", to="exec", modes=["config"]),
        Says(r"interface (?P<here>GigabitEthernet1/0/\d)", to="if", modes=["config", "if"]),
        Says(r"switchport access vlan (?:\d{1,3})", modes=["if"]),
        Says("(?:no )?shutdown|description .*|(?:no )?description", modes=["if"]),
    ],
    refusal="{space}^\n% Invalid input detected at '^' marker.\n",
)


def terminal_on(device: ScriptedDevice, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal behind its first prompt."""
    monkeypatch.setattr(terminal_module, "time", clock_of(device))
    terminal = Terminal(device, load("ios").manner, "switch:sw", "192.0.2.10")
    terminal.begin()
    return terminal


def talk(device: ScriptedDevice, monkeypatch: pytest.MonkeyPatch, *lines: str) -> list[Answer]:
    return terminal_on(device, monkeypatch).exchange(lines, "test")


def test_each_line_gets_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(IOS)
    answers = talk(device, monkeypatch, "show version", "show nothing", "configure terminal", f"interface {G7}", "end")
    assert [answer.text for answer in answers] == [
        "Cisco IOS Software, C2960X\nuptime is 3 days", "", "Enter configuration commands, one per line.", "", "",
    ]  # fmt: skip
    assert not any(answer.refusal for answer in answers)


@pytest.mark.parametrize("banner", [BANNER, "Welcome\nsw-other#", "\n\n> \n# \n"])
def test_banners_with_marks_are_no_prompt(monkeypatch: pytest.MonkeyPatch, banner: str) -> None:
    device = ScriptedDevice(IOS, banner=banner, faults=Faults(piece=7))
    assert talk(device, monkeypatch, "show version")[0].text.startswith("Cisco IOS")


@pytest.mark.parametrize("refused", [3, 4, 9, 10])
def test_the_refused_line_is_named(monkeypatch: pytest.MonkeyPatch, refused: int) -> None:
    lines = ["configure terminal", f"interface {G7}", *(f"description {n}" for n in range(7)), "shutdown"]
    device = ScriptedDevice(
        IOS, faults=Faults(refuse={refused: "        ^\n% Invalid input detected at '^' marker.\n"})
    )
    answers = talk(device, monkeypatch, *lines)
    assert [number for number, answer in enumerate(answers, 1) if answer.refusal] == [refused]
    assert answers[refused - 1].refusal == "% Invalid input detected at '^' marker."


@pytest.mark.parametrize("number", [1, 2, 3])
def test_log_messages_break_echoes(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    lines = ["configure terminal", f"interface {G7}", "switchport access vlan 20", "bogus", "end"]
    device = ScriptedDevice(IOS, faults=Faults(broken_echo={number: LOG}))
    answers = talk(device, monkeypatch, *lines)
    assert [answer.line for answer in answers if answer.refusal] == ["bogus"]
    assert device.on(G7) == ["switchport access vlan 20"]


def test_a_log_message_behind_an_answer_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(IOS, faults=Faults(log_after={2: LOG, 3: f"{LOG}\n{LOG}", 4: LOG}))
    answers = talk(device, monkeypatch, "show version", "show nothing", "configure terminal", "bogus")
    assert [answer.line for answer in answers if answer.refusal] == ["bogus"]
    assert answers[1].text == LOG


def test_text_further_down_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "\n".join(["!", "version 15.2", "banner motd ^C", "!", "% Do not touch", "ERROR: this is text"])
    family = Family(IOS.prompts, [Says("show running-config", said), *IOS.script], IOS.refusal)
    assert talk(ScriptedDevice(family), monkeypatch, "show running-config")[0] == Answer("show running-config", said)


@pytest.mark.parametrize("count", [1, 400])
def test_octets_come_in_pieces(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    device = ScriptedDevice(IOS, faults=Faults(piece=1 if count == 1 else 7))
    answers = talk(device, monkeypatch, *["show version"] * count)
    assert {answer.text for answer in answers} == {"Cisco IOS Software, C2960X\nuptime is 3 days"}


def test_what_was_typed_ahead_may_show_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that reads lines by readline echoes what comes in while it is busy, and again when its turn comes."""
    lines = ["bogus", "show version", "configure terminal", f"interface {G7}", "description x", "end"]
    answers = talk(ScriptedDevice(IOS, faults=Faults(echoes_ahead=True)), monkeypatch, *lines)
    assert [answer.line for answer in answers if answer.refusal] == ["bogus"]
    assert answers[1].text == "Cisco IOS Software, C2960X\nuptime is 3 days"


# -- paging --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [1, 10, 24, 59])
def test_a_device_that_pages_nevertheless(monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """`terminal length 0` was refused or forgotten: every page is turned, and what was typed ahead is typed again."""
    device = ScriptedDevice(IOS, faults=Faults(page=page))
    answers = talk(device, monkeypatch, "show version", "show many", "show nothing", "bogus", "show many")
    assert [answer.text for answer in answers if answer.line == "show many"] == [LONG, LONG]
    assert [answer.line for answer in answers if answer.refusal] == ["bogus"]


def test_paging_goes_on_in_the_next_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(IOS, faults=Faults(page=24))
    terminal = terminal_on(device, monkeypatch)
    assert terminal.exchange(["show many"], "test")[0].text == LONG
    assert [answer.text for answer in terminal.exchange(["show many", "show nothing"], "test")] == [LONG, ""]


def test_paging_is_turned_off_in_the_first_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_on(ScriptedDevice(IOS, page=24), "ios", monkeypatch)
    assert session.show_all(["show many", "show version"])[0] == LONG


# -- privileged mode -----------------------------------------------------------------------------------------


def test_enable(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(IOS, mode="user")
    session_on(device, "ios", monkeypatch)
    assert (device.mode, device.tried) == ("exec", [PASSWORD])


def test_a_wrong_enable_password_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """IOS asks three times; three wrong passwords lock an account, so the others get nothing."""
    device = ScriptedDevice(IOS, mode="user", passwords=())
    with pytest.raises(CredentialError, match="gets no privileged mode") as refused:
        session_on(device, "ios", monkeypatch)
    assert device.tried == [PASSWORD, "", ""]
    assert PASSWORD not in str(refused.value)
    assert device.closed


# -- time and the end of it ----------------------------------------------------------------------------------


def test_a_slow_device_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """9,600 baud are 960 octets a second: 100 lines take longer than the patience for silence, and that is well."""
    device = ScriptedDevice(IOS, faults=Faults(piece=96, seconds=0.1))
    answers = talk(device, monkeypatch, *["show many"] * 40)
    assert {answer.text for answer in answers} == {LONG}
    assert device.now > 40


def test_silence_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(IOS, faults=Faults(silent_after=2))
    with pytest.raises(UnreachableError, match=r"did not finish its answer \(test\) in 30 s"):
        talk(device, monkeypatch, "show version", "show version", "show version")
    assert 30 <= device.now < 31


def test_a_device_that_never_stops_talking_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages for ever are no answer either."""
    device = ScriptedDevice(IOS, faults=Faults(silent_after=1))
    terminal = terminal_on(device, monkeypatch)

    def chatter(count: int) -> bytes:
        device.now += 20
        return f"{LOG}\r\n".encode()

    monkeypatch.setattr(device, "recv", chatter)
    with pytest.raises(UnreachableError, match="did not finish"):
        terminal.exchange(["show version"], "test")
    assert 900 <= device.now < 1000


@pytest.mark.parametrize("cut_after", [1, 3])
def test_a_cut_session(monkeypatch: pytest.MonkeyPatch, cut_after: int) -> None:
    device = ScriptedDevice(IOS, faults=Faults(cut_after=cut_after))
    terminal = terminal_on(device, monkeypatch)
    with pytest.raises(UnreachableError, match="closed the session during configuration"):
        terminal.exchange(["configure terminal", f"interface {G7}", "shutdown", "end"], "configuration")
    assert terminal.closed
    with pytest.raises(UnreachableError, match="nothing is known of what it did last"):
        terminal.exchange(["show version"], "show")


def test_a_first_prompt_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(Family({"exec": "login: "}, [], ""))
    with pytest.raises(UnreachableError, match="its prompt"):
        terminal_on(device, monkeypatch)


# -- the session around it -----------------------------------------------------------------------------------


def lines_for(*ports: str) -> list[str]:
    """An access VLAN for each port, as the dialect writes it."""
    dialect = load("ios")
    found: dict[str, Any] = {"enabled": False, "access_vlan": 1}
    return [line for port in ports for line in dialect.port_lines(port, found, {"access_vlan": 20})]


def test_what_follows_a_refused_interface_reaches_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(IOS)
    session = session_on(device, "ios", monkeypatch)
    sent = session.send(lines_for(G7, "GigabitEthernet9/0/1", G8), ["show version"])
    assert [rejection.line for rejection in sent.rejections][:2] == [
        "interface GigabitEthernet9/0/1",
        "switchport access vlan 20",
    ]
    assert device.reached == [(G7, "switchport access vlan 20"), (G8, "switchport access vlan 20")]
    assert sent.shown == ("Cisco IOS Software, C2960X\nuptime is 3 days",)
    assert device.mode == "exec"


def test_a_guarded_change_is_framed_and_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(IOS)
    session = session_on(device, "ios", monkeypatch)
    assert session.send(lines_for(G7), guarded=True).rejections == ()
    session.confirm()
    session.save()
    typed = [line for line in device.lines if not line.startswith("!")]
    assert typed[2] == "configure terminal revert timer 2"
    assert typed[-3:] == ["end", "configure confirm", "write memory"]


def test_saving_that_is_not_confirmed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    family = Family(IOS.prompts, [Says("write memory", "startup-config file open failed"), *IOS.script], IOS.refusal)
    with pytest.raises(RejectedError, match="did not confirm 'write memory'; its running configuration is not saved"):
        session_on(ScriptedDevice(family), "ios", monkeypatch).save()


@pytest.mark.parametrize("line", ["description what?", "description a | b", "a\nshutdown", "x" * 251, "", "tab\t"])
def test_nothing_that_means_something_else_is_typed(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    device = ScriptedDevice(IOS)
    session = session_on(device, "ios", monkeypatch)
    before = len(device.lines)
    with pytest.raises(RejectedError, match="was not sent"):
        session.send([f"interface {G7}", line])
    assert len(device.lines) == before


def test_long_outputs_in_pieces_cost_no_more_than_they_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end comes in several pieces; looking for it must not begin again at every octet of what came before."""
    said = "\n".join(f" switchport access vlan {number}" for number in range(4000))
    family = Family(IOS.prompts, [Says("show running-config", said), *IOS.script], IOS.refusal)
    device = ScriptedDevice(family, faults=Faults(piece=4096))
    terminal = terminal_on(device, monkeypatch)
    whole = device.recv

    def in_pieces(count: int) -> bytes:
        device.faults.piece = 4096 if len(device._out) > 4096 else 3
        return whole(count)

    monkeypatch.setattr(device, "recv", in_pieces)
    begun = time.process_time()
    assert terminal.exchange(["show running-config"], "test")[0].text == said
    assert time.process_time() - begun < 5


# -- what stands in the way of the end -----------------------------------------------------------------------


def test_a_log_message_may_break_our_own_comment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device waits at its prompt and its last word is not what we wait for: another comment is typed."""
    device = ScriptedDevice(IOS, faults=Faults(broken_echo={3: LOG}))
    terminal = terminal_on(device, monkeypatch)
    answers = terminal.exchange(["show version", "show nothing"], "test")
    assert answers[0].text == "Cisco IOS Software, C2960X\nuptime is 3 days"
    assert device.now < 10
    assert terminal.exchange(["show version"], "test")[0].text == "Cisco IOS Software, C2960X\nuptime is 3 days"


def test_a_banner_that_ends_like_a_prompt_where_a_packet_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    for banner in ("sw-other>", "sw-other#", "sw-other> "):
        device = ScriptedDevice(IOS, banner=f"Welcome\n{banner}", faults=Faults(piece=len(f"Welcome\r\n{banner}")))
        terminal = terminal_on(device, monkeypatch)
        device.faults.piece = 65536
        assert terminal.exchange(["show nothing", "show version"], "test")[1].text.startswith("Cisco IOS")
        assert device.now < 1


def test_a_prompt_in_the_middle_of_an_answer_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "the prompt is sw-b2-1# and\nsw-b2-1#\nsw-b2-1#show nothing\n\x07\x00done"
    family = Family(IOS.prompts, [Says("show odd", said), *IOS.script], IOS.refusal)
    answers = talk(ScriptedDevice(family), monkeypatch, "show odd", "show version")
    assert answers[0].text.startswith("the prompt is sw-b2-1# and")
    assert answers[0].text.endswith("done")
    assert answers[1].text.startswith("Cisco IOS")


def test_what_comes_before_the_echo_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer ran out between two exchanges, and the device says so at length."""
    device = ScriptedDevice(IOS)
    terminal = terminal_on(device, monkeypatch)
    device._say("\r\nRollback Confirmed Change: rolling\r\n\r\nTotal number of passes: 1\r\nRollback Done\r\n\r\n\r\n")
    answers = terminal.exchange(["bogus", "show version"], "test")
    assert answers[0].refusal == "% Invalid input detected at '^' marker."
    assert answers[1].text.startswith("Cisco IOS")


def test_letters_of_several_octets_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    family = Family(IOS.prompts, [Says("show name", "Büro")], IOS.refusal)
    device = ScriptedDevice(family)
    octets: Iterator[bytes] = iter(())

    def one(count: int) -> bytes:
        nonlocal octets
        if not (piece := next(octets, b"")):
            octets = (bytes([octet]) for octet in ScriptedDevice.recv(device, 65536))
            piece = next(octets)
        return piece

    monkeypatch.setattr(device, "recv", one)
    assert talk(device, monkeypatch, "show name")[0].text == "Büro"


# -- configuration mode that is refused ----------------------------------------------------------------------


@pytest.mark.parametrize("guarded", [False, True])
def test_without_configuration_mode_nothing_happens(monkeypatch: pytest.MonkeyPatch, guarded: bool) -> None:
    lines = lines_for(G7, G8)
    for words, error, says in (
        ("Command authorization failed.", RejectedError, "rejected the line 'configure terminal"),
        ("Configuration mode locked exclusively by user 'backup'", UnreachableError, "somebody else is at work there"),
    ):
        device = ScriptedDevice(IOS)
        session = session_on(device, "ios", monkeypatch)
        session.show("show version")  # the first exchange has lines of its own
        number = len(device.lines) + 1
        device.faults.refuse, device.faults.cut_after = {number: f"% {words}"}, number + lines.index("exit") + 1
        with pytest.raises(error, match=says):
            session.send(lines, guarded=guarded)
        assert device.reached == []


def test_what_was_refused_before_the_session_was_lost_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(IOS)
    session = session_on(device, "ios", monkeypatch)
    session.show("show version")
    number = len(device.lines)
    device.faults.refuse, device.faults.cut_after = {number + 2: "% Invalid input"}, number + 4
    with pytest.raises(UnreachableError, match=r"closed the session .*refused before was 'interface .*Invalid input"):
        session.send(lines_for(G7))


def test_a_neighbour_cannot_answer_for_the_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What LLDP shows is written by whoever is plugged in: it may look like the echo of our next command."""
    device = ScriptedDevice(IOS)
    answers = terminal_on(device, monkeypatch).exchange(["show lldp neighbors", "show version"], "show", shows=2)
    assert [answer.line for answer in answers] == ["show lldp neighbors", "show version"]
    assert answers[0].text.count("forged") == 2
    assert answers[0].text.endswith("System Name: core")
    assert answers[1].text == "Cisco IOS Software, C2960X\nuptime is 3 days"
    forged = terminal_on(ScriptedDevice(IOS), monkeypatch).exchange(["show lldp neighbors", "show version"], "show")
    assert forged[1].text.startswith("forged")  # that is what the comments between them are for


def test_a_comment_between_two_shows_that_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log message breaks our comment: each command is asked by itself then, and nothing is lost."""
    device = ScriptedDevice(IOS, faults=Faults(broken_echo={2: LOG}))
    answers = terminal_on(device, monkeypatch).exchange(["show version", "show many"], "show", shows=2)
    assert [answer.text for answer in answers] == ["Cisco IOS Software, C2960X\nuptime is 3 days", LONG]
