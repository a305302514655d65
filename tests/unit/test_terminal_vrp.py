"""Talking to a switch with Huawei VRP: its prompts, refusals, pager and the question that `save` asks."""

from __future__ import annotations

import re

import pytest

from provisioning.dialects import load
from provisioning.errors import RejectedError, UnreachableError
from tests.unit.scripted_device import Family, Faults, Says, ScriptedDevice, session_on

G7, G8 = "GigabitEthernet0/0/7", "GigabitEthernet0/0/8"
LOG = "Nov 23 2026 05:24:06+00:00 sw-b2-1 %%01IFNET/4/IF_STATE(l)[12]:Interface GigabitEthernet0/0/9 has turned DOWN."
CARET = "{space}^\nError: Unrecognized command found at '^' position."
BANNER = (
    "Info: The max number of VTY users is 5, and the number\n      of current VTY users on line is 1.\n<not this one>"
)
SECTION = f"#\ninterface {G7}\n description WS-0042\n#\nreturn"


def _no_paging(device: ScriptedDevice, found: re.Match[str]) -> str:
    device.page = 0
    return "Info: The configuration takes effect on the current user terminal interface only."


VRP = Family(
    prompts={
        "user": "<{host}>",
        "exec": "<{host}>",
        "system": "[{host}]",
        "if": "[{host}-{here}]",
        "asks": "Are you sure to continue?[Y/N]",
    },
    script=[
        Says("screen-length 0 temporary", _no_paging, modes=["exec"]),
        Says("undo terminal monitor", "Info: Current terminal monitor is off.", modes=["exec"]),
        Says("display current-configuration interface.*", SECTION),
        Says("display many", "\n".join(f"line {number}" for number in range(60))),
        Says("system-view", "Enter system view, return user view with Ctrl+Z.", "system", ["exec"]),
        Says(r"interface (?P<here>GigabitEthernet0/0/\d)", to="if", modes=["system", "if"]),
        Says(r"port default vlan \d{1,3}|(?:undo )?shutdown|(?:undo )?description.*", modes=["if"]),
        Says("port link-type trunk", "Error: Please renew the default configurations.", modes=["if"]),
        Says("return", to="exec", modes=["system", "if"]),
        Says("save", "The current configuration will be written to the device.", "asks", ["exec"]),
        Says("y", "It will take several minutes to save configuration file, please wait.......\n"
             "Configuration file had been saved successfully\nNote: The configuration file will take effect after "
             "being activated", "exec", ["asks"]),
        Says(".*", "Error: Please choose 'YES' or 'NO' first before pressing 'Enter'. ", modes=["asks"]),
    ],
    refusal=CARET,
    comment="#",
    pager="  ---- More ----",
    erase="\x1b[42D" + " " * 42 + "\x1b[42D",
)  # fmt: skip


def port(name: str, *lines: str) -> list[str]:
    """As the dialect frames the lines of one port."""
    manner, write = load("vrp").manner, load("vrp").ports.write
    leave = [line.replace("{configure}", manner.configure) for line in write.leave]
    return [f"interface {name}", *lines, *leave]


def test_a_change_is_typed_read_and_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(VRP, banner=BANNER, page=24)
    session = session_on(device, "vrp", monkeypatch)
    show = "display current-configuration interface"
    sent = session.send(port(G7, "port default vlan 20", "undo shutdown"), [show])
    assert sent.rejections == ()
    assert session.dialect.read_ports(sent.shown)[G7].fields["description"] == "WS-0042"
    assert device.on(G7) == ["port default vlan 20", "undo shutdown"]
    session.save()
    assert device.lines.count("save") == device.lines.count("y") == 1
    assert device.mode == "exec"


def test_what_follows_a_refused_interface_reaches_no_other_port(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(VRP)
    session = session_on(device, "vrp", monkeypatch)
    lines = [
        *port(G7, "port default vlan 20"),
        *port("GigabitEthernet9/9/9", "port default vlan 666"),
        *port(G8, "shutdown"),
    ]
    sent = session.send(lines)
    assert [(refused.index, refused.line) for refused in sent.rejections] == [
        (4, "interface GigabitEthernet9/9/9"),
        (5, "port default vlan 666"),
    ]
    assert device.on(G7) == ["port default vlan 20"]
    assert device.on(G8) == ["shutdown"]
    assert not device.closed
    assert device.mode == "exec"


def test_refusals_are_in_the_devices_words(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(VRP, faults=Faults(log_after={5: LOG}))
    session = session_on(device, "vrp", monkeypatch)
    sent = session.send(port(G7, "shutdown", "port link-type trunk", "port default vlan 9999"))
    assert [(refused.index, refused.answer) for refused in sent.rejections] == [
        (2, "Error: Please renew the default configurations."),
        (3, "Error: Unrecognized command found at '^' position."),
    ]


def test_a_pager_that_cannot_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_on(ScriptedDevice(VRP, faults=Faults(page=24)), "vrp", monkeypatch)
    shown = session.show("display many")
    assert shown.splitlines() == [f"line {number}" for number in range(60)]


def test_a_save_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Family(
        VRP.prompts,
        [Says("y", "Error: The storage has not enough space.", "exec", ["asks"]), *VRP.script],
        VRP.refusal,
        comment="#",
    )
    with pytest.raises(RejectedError, match="did not confirm 'save'"):
        session_on(ScriptedDevice(full), "vrp", monkeypatch).save()


def test_a_session_that_is_cut_in_mid_change(monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_on(ScriptedDevice(VRP, faults=Faults(cut_after=6)), "vrp", monkeypatch)
    with pytest.raises(UnreachableError, match="closed the session"):
        session.send(port(G7, "shutdown", "undo shutdown"))


@pytest.mark.parametrize("piece", [1, 5])
def test_octets_come_in_pieces(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    device = ScriptedDevice(VRP, faults=Faults(piece=piece, broken_echo={5: LOG}))
    session = session_on(device, "vrp", monkeypatch)
    assert session.send(port(G7, "shutdown")).rejections == ()
    assert device.on(G7) == ["shutdown"]
