"""A session on a device that answers as Cisco NX-OS does: a blank behind the prompt, refusals of its own, no guard."""

from __future__ import annotations

import pytest

from provisioning.dialects import load
from provisioning.errors import RejectedError
from tests.unit.scripted_device import Family, Faults, Says, ScriptedDevice, session_on

LOG = "2026 Nov 23 05:24:07 sw-n1 %ETHPORT-5-IF_UP: Interface Ethernet1/9 is up in mode access"
SAVING = "\r[#         ]   1%\r[####      ]  40%\r[##########] 100%\nCopy complete, now saving to disk (please wait)..."
SHOWN = "\n!Command: show running-config interface {port}\n\nversion 9.3(9)\n\ninterface {port}\n  shutdown"
WARNING = "Warning: Edge port type (portfast) should only be enabled on ports connected to a single\n host."
CONFIG = ("config", "if")
NXOS = Family(
    prompts={"user": "{host}> ", "exec": "{host}# ", "config": "{host}(config)# ", "if": "{host}(config-if)# "},
    script=[
        Says(r"terminal (?:length 0|width \d+)"),
        Says(r"show running-config interface (?P<port>\S+)", SHOWN),
        Says("configure terminal", "Enter configuration commands, one per line. End with CNTL/Z.", "config"),
        Says("end", to="exec"),
        Says("exit", to="config", modes=["if"]),
        Says("exit", to="exec", modes=["config"]),
        Says(r"interface Ethernet1/9\d", "Invalid range at '^' marker.", modes=CONFIG, reaches=False),
        Says(r"interface (?P<here>Ethernet\d+/\d+)", to="if", modes=CONFIG),
        Says("switchport access vlan 4094", "ERROR: VLAN 4094 is internally used", modes=["if"], reaches=False),
        Says(r"switchport access vlan \d+", modes=["if"]),
        Says("spanning-tree port type edge", WARNING, modes=["if"]),
        Says(r"(?:no )?shutdown|description .*", modes=["if"]),
        Says("copy running-config startup-config", SAVING),
    ],
    refusal="{space}^\n% Invalid command at '^' marker.",
)  # fmt: skip


def lines_for(*ports: str, vlan: int = 20) -> list[str]:
    found = {"enabled": False, "access_vlan": 1, "portfast": False}
    goal = {"access_vlan": vlan, "portfast": True}
    return [line for port in ports for line in load("nxos").port_lines(port, found, goal)]


def test_the_whole_talk(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(
        NXOS, host="sw-n1", banner="Nexus # > authorised", faults=Faults(log_after={5: LOG}, piece=11)
    )
    session = session_on(device, "nxos", monkeypatch)
    sent = session.send(lines_for("Ethernet1/7"), ["show running-config interface Ethernet1/7"])
    session.save()
    assert sent.rejections == ()
    assert load("nxos").read_ports(sent.shown)["Ethernet1/7"].fields["enabled"] is False
    assert device.on("Ethernet1/7") == ["switchport access vlan 20", "spanning-tree port type edge"]
    assert device.mode == "exec"


def test_what_follows_a_refused_interface_reaches_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(NXOS, host="sw-n1")
    sent = session_on(device, "nxos", monkeypatch).send(lines_for("Ethernet1/7", "Ethernet1/99", "Ethernet1/8"))
    assert sent.rejections[0].line == "interface Ethernet1/99"
    assert sent.rejections[0].answer == "Invalid range at '^' marker."
    assert {place for place, _ in device.reached} == {"Ethernet1/7", "Ethernet1/8"}
    assert device.on("Ethernet1/8") == device.on("Ethernet1/7")


def test_refusals_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(NXOS, host="sw-n1")
    sent = session_on(device, "nxos", monkeypatch).send([*lines_for("Ethernet1/7", vlan=4094), "bogus"])
    assert [(one.line, one.answer) for one in sent.rejections] == [
        ("switchport access vlan 4094", "ERROR: VLAN 4094 is internally used"),
        ("bogus", "% Invalid command at '^' marker."),
    ]


def test_saving_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    family = Family(
        NXOS.prompts, [Says("copy .*", "Configuration update aborted: request was aborted"), *NXOS.script], ""
    )
    with pytest.raises(RejectedError, match="not saved"):
        session_on(ScriptedDevice(family), "nxos", monkeypatch).save()
