"""A session on a device that answers as Dell SmartFabric OS10 does: configuration mode is refused within itself, and
port security is a mode below a port."""

from __future__ import annotations

import pytest

from provisioning.dialects import load
from tests.unit.scripted_device import Family, Faults, Says, ScriptedDevice, session_on

LOG = (
    "<165>1 2026-11-23T05:24:06.616888+00:00 sw-o1 dn_alm 669 - - Node.1-Unit.1:PRI [event], Dell EMC (OS10) "
    "%IFM_OSTATE_DN: Interface operational state is down :ethernet1/1/9"
)
SHOWN = "!\ninterface ethernet1/1/7\n no shutdown\n switchport access vlan 20\n flowcontrol receive off"
OS10 = Family(
    prompts={
        "user": "{host}> ", "exec": "{host}# ", "config": "{host}(config)# ", "if": "{host}(conf-if-eth{here})# ",
        "security": "{host}(config-if-port-sec)# ",
    },
    script=[
        Says("terminal length 0", modes=["exec"]),
        Says("show running-configuration interface ethernet", SHOWN, modes=["exec"]),
        Says("configure terminal", to="config", modes=["exec"]),
        Says("end", to="exec", modes=["config", "if", "security"]),
        Says("exit", to="if", modes=["security"]),
        Says("exit", to="config", modes=["if"]),
        Says("exit", to="exec", modes=["config"]),
        Says(r"interface ethernet1/1/9\d", "% Error: Invalid port number.", modes=["config", "if"], reaches=False),
        Says(r"interface ethernet(?P<here>1/1/\d+(?::\d)?)", to="if", modes=["config", "if"]),
        Says("switchport port-security", to="security", modes=["if"]),
        Says(r"no disable|mac-learn limit \d+", modes=["security"]),
        Says("switchport access vlan 77", "% Error: VLAN 77 is not configured.", modes=["if"], reaches=False),
        Says(r"switchport access vlan \d+|(?:no )?shutdown|description \".*\"", modes=["if"]),
        Says("write memory", modes=["exec"]),
    ],
    refusal="% Error: Unrecognized command.",
)  # fmt: skip


def lines_for(*ports: str, vlan: int = 20) -> list[str]:
    found = {"enabled": False, "mode": "access", "access_vlan": 1, "security_maximum": None}
    goal = {"mode": "access", "access_vlan": vlan, "security_maximum": 2}
    return [line for port in ports for line in load("os10").port_lines(port, found, goal)]


def test_the_whole_talk(monkeypatch: pytest.MonkeyPatch) -> None:
    banner = "Dell SmartFabric OS10\n*-*-* # > *-*-*"
    device = ScriptedDevice(
        OS10, host="sw-o1", banner=banner, faults=Faults(piece=17, log_after={4: LOG, 6: f"{LOG}\n{LOG}"})
    )
    session = session_on(device, "os10", monkeypatch)
    sent = session.send(lines_for("ethernet1/1/7"), ["show running-configuration interface ethernet"])
    session.save()
    assert sent.rejections == ()
    assert device.on("1/1/7") == ["switchport access vlan 20"]
    assert ("security", "mac-learn limit 2") in device.reached
    assert load("os10").read_ports(sent.shown)["ethernet1/1/7"].fields["access_vlan"] == 20
    assert device.mode == "exec"


def test_that_configuration_mode_is_refused_within_itself_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(OS10, host="sw-o1")
    sent = session_on(device, "os10", monkeypatch).send(lines_for("ethernet1/1/7", "ethernet1/1/8", "ethernet1/1/25:3"))
    assert sent.rejections == ()
    assert device.lines.count("configure terminal") == 4


def test_what_follows_a_refused_interface_reaches_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(OS10, host="sw-o1")
    sent = session_on(device, "os10", monkeypatch).send(lines_for("ethernet1/1/7", "ethernet1/1/99", "ethernet1/1/8"))
    assert sent.rejections[0].answer == "% Error: Invalid port number."
    assert device.on("1/1/7") == device.on("1/1/8") == ["switchport access vlan 20"]
    assert [place for place, _ in device.reached if place == "config"] == []


def test_refusals_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(OS10, host="sw-o1")
    sent = session_on(device, "os10", monkeypatch).send(lines_for("ethernet1/1/7", vlan=77))
    assert [(one.line, one.answer) for one in sent.rejections] == [
        ("switchport access vlan 77", "% Error: VLAN 77 is not configured.")
    ]
