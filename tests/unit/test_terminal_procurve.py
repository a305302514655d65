"""Talking to a ProCurve: a key before the first prompt, a terminal that draws, and lines that name their ports."""

from __future__ import annotations

import re

import pytest

from provisioning.dialects import load
from provisioning.errors import UnreachableError
from tests.unit.scripted_device import Family, Faults, Says, ScriptedDevice, session_on

RUNNING = '\nRunning configuration:\n\ninterface 7\n   name "WS-0042 B-204"\n   exit\nvlan 20\n   untagged 7\n   exit\n'
LOG = "I 11/23/26 05:24:06 00076 ports: port 9 is now on-line"
BANNER = "HP J9773A 2530-24G-PoEP Switch\nSoftware revision YA.16.10.0012\n\n Confidential computer software #1 >\n"


def _no_paging(device: ScriptedDevice, found: re.Match[str]) -> str:
    device.page = 0
    return ""


PROCURVE = Family(
    prompts={
        "user": "{host}> ",
        "greeting": "Press any key to continue",
        "exec": "{host}# ",
        "config": "{host}(config)# ",
    },
    script=[
        Says("no page", _no_paging),
        Says(r"terminal width \d+"),
        Says("show running-config", RUNNING),
        Says("configure", to="config", modes=["exec"]),
        Says(r"vlan \d{1,4} (?:un)?tagged (?P<port>\d\d?)|no vlan \d{1,4} tagged \d+", modes=["config"]),
        Says(r'interface \d\d? (?:enable|disable|name ".*"|power-over-ethernet)', modes=["config"]),
        Says("end", to="exec", modes=["config"]),
        Says("write memory", modes=["exec", "config"]),
    ],
    refusal="Invalid input: {line}",
    comment="!!",  # none: what we end with is refused, and does nothing
    pager="-- MORE --, next page: Space, next line: Enter, quit: Control-C",
)


class Drawing(ScriptedDevice):
    """Wants a key first, and draws on a screen of 24 lines; some models end a line by inserting one."""

    scrolls = False

    def _keys(self, text: str, ahead: str = "") -> None:
        if self.mode == "greeting" and text:
            self.mode, text = "exec", text[1:]
            self._say("\x1b[2J\x1b[?7l\x1b[3;23r\x1b[?6l\x1b[24;1H\x1b[?25h" + self.newline + self.prompt)
        super()._keys(text, ahead)

    def _say(self, text: str) -> None:
        end = "\x1b[1;0H\x1b[1M\x1b[24;1H\x1b[1L" if self.scrolls else "\x1b[24;0H\x1bE"
        drawn = text.replace(self.newline, end + "\x1b[24;1H").replace("# ", "# \x1b[24;1H\x1b[24;12H\x1b[?25h")
        super()._say("\x1b[24;1H" + drawn)


class Scrolling(Drawing):
    scrolls = True


@pytest.mark.parametrize("kind", [Drawing, Scrolling])
@pytest.mark.parametrize("piece", [65536, 7, 1])
def test_a_terminal_that_draws(monkeypatch: pytest.MonkeyPatch, kind: type[Drawing], piece: int) -> None:
    device = kind(PROCURVE, mode="greeting", banner=BANNER, page=20, faults=Faults(piece=piece))
    session = session_on(device, "procurve", monkeypatch)
    sent = session.send(["interface 7 disable", "vlan 20 untagged 7", "interface 7 enable"], ["show running-config"])
    assert sent.rejections == ()
    assert session.dialect.read_ports(sent.shown)["7"].fields["access_vlan"] == 20
    session.save()
    assert device.lines[-2] == "write memory"
    assert device.mode == "exec"


def test_refusals_name_the_line_and_reach_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(PROCURVE, faults=Faults(log_after={4: LOG}))
    lines = [
        "interface 7 disable",
        "interface 777 enable",
        "vlan 20 untagged 777",
        "interface 7 bogus",
        "vlan 30 untagged 7",
    ]
    sent = session_on(device, "procurve", monkeypatch).send(lines)
    assert [(refused.index, refused.answer) for refused in sent.rejections] == [
        (1, "Invalid input: interface 777 enable"),
        (2, "Invalid input: vlan 20 untagged 777"),
        (3, "Invalid input: interface 7 bogus"),
    ]
    assert device.on("config") == ["interface 7 disable", "vlan 30 untagged 7"]


def test_a_pager_that_cannot_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_on(ScriptedDevice(PROCURVE, faults=Faults(page=4)), "procurve", monkeypatch)
    shown = session.show("show running-config")
    assert load("procurve").read_ports([shown])["7"].fields["description"] == "WS-0042 B-204"
    assert "MORE" not in shown


def test_the_session_is_cut_in_mid_change(monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_on(ScriptedDevice(PROCURVE, faults=Faults(cut_after=5)), "procurve", monkeypatch)
    with pytest.raises(UnreachableError, match="closed the session"):
        session.send(["interface 7 disable", "vlan 20 untagged 7"])
