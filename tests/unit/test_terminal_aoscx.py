"""A session on a device that answers as HPE Aruba AOS-CX does: a checkpoint that takes the change back by itself, modes
below a port, and lines that mean the whole switch when they are typed outside of a port."""

from __future__ import annotations

import re

import pytest

from provisioning.dialects import load
from provisioning.resources.base import Address, Change
from provisioning.resources.switch.port import PORT
from provisioning.resources.switch.state import SwitchPort
from tests.unit.scripted_device import Family, Faults, Says, ScriptedDevice, session_on

LOG = (
    "2026-11-23T05:24:07.118+00:00 sw-a1 intfd[1234]: Event|404|LOG_INFO|AMM|1/1|Link status for interface 1/1/9 is up"
)
LINKS = """--------------------------------------------------------------------------------------------------------
Port      Native  Mode   Type           Enabled Status  Reason                  Speed   Description
          VLAN                                                                  (Mb/s)
--------------------------------------------------------------------------------------------------------
1/1/7     1       access 1GbT           yes     up                              1000    --
1/1/8     1       access 1GbT           yes     down    Waiting for link        --      --
2/1/1     --      routed SFP-SX         yes     up                              1000    --"""
PORTS = {"1/1/7": ["no shutdown", "vlan access 1"], "1/1/8": ["no shutdown", "vlan access 1"], "2/1/1": ["lag 1"]}


def _configuration(device: ScriptedDevice, _: re.Match[str]) -> str:
    ports = device.state.setdefault("ports", {name: list(lines) for name, lines in PORTS.items()})
    return "\n".join(
        line for name, lines in ports.items() for line in (f"interface {name} ", *(f"    {x}" for x in lines))
    )


def _access(device: ScriptedDevice, found: re.Match[str]) -> str:
    device.state["ports"][device.here][1:] = [found[0]]
    return ""


def _enter(device: ScriptedDevice, found: re.Match[str]) -> str:
    """The ports of a member that is restarting are there in the configuration, and cannot be entered."""
    if found["port"] in device.state.get("gone", ()):
        return f"Interface {found['port']} is not available."
    device.mode, device.here = "if", found["port"]
    return ""


CONFIG = ("config", "if", "dot1x", "security")
AOSCX = Family(
    prompts={
        "user": "{host}> ", "exec": "{host}# ", "config": "{host}(config)# ", "if": "{host}(config-if)# ",
        "dot1x": "{host}(config-if-dot1x-auth)# ", "security": "{host}(config-if-port-security)# ",
    },
    script=[
        Says("no page"),
        Says("show running-config interface", _configuration),
        Says("show running-config vlan", "vlan 1,20"),
        Says("show interface brief", LINKS),
        Says("show (?!running).*|show running-config .?include .*", ""),
        Says(r"checkpoint auto \d+", "Auto checkpoint mode expires in 2 minute(s)", modes=["exec"]),
        Says("checkpoint auto confirm", "checkpoint AUTO20261123052406 created", modes=["exec"]),
        Says("configure terminal", to="config"),
        Says("end", to="exec"),
        Says("exit", to="if", modes=["dot1x", "security"]),
        Says("exit", to="config", modes=["if"]),
        Says("exit", to="exec", modes=["config"]),
        Says(r"interface (?P<port>\d/1/\d+)", _enter, modes=CONFIG, reaches=False),
        # Both of these are lines of a port and lines of the whole switch.
        Says("aaa authentication port-access dot1x authenticator", to="dot1x", modes=["if"]),
        Says("port-access port-security", to="security", modes=["if"]),
        Says("aaa authentication port-access dot1x authenticator|port-access port-security", modes=["config"]),
        Says("(?:no )?enable", modes=["dot1x", "security", "config"]),
        Says(r"client-limit \d+", modes=["security"]),
        Says(r"vlan access \d+", _access, modes=["if"]),
        Says(r"(?:no )?shutdown|(?:no )?vlan trunk .*|(?:no )?description.*", modes=["if"]),
        Says("write memory", "Copying configuration: [Success]", modes=["exec"]),
    ],
    refusal="Invalid input: {line}",
)  # fmt: skip


def apply(device: ScriptedDevice, monkeypatch: pytest.MonkeyPatch, wanted: SwitchPort, *ports: str) -> dict[str, str]:
    """Port → what went wrong with it ("" for nothing)."""
    before = SwitchPort(mode="access", access_vlan=1)
    changes = [Change(Address("switch.port", "switch:sw", key), before, wanted) for key in ports]
    outcomes = PORT.apply(session_on(device, "aoscx", monkeypatch), changes)
    return {outcome.key: str(outcome.error or "") for outcome in outcomes}


def typed(device: ScriptedDevice) -> list[str]:
    return [line for line in device.lines if not line.startswith("!")]


def test_a_checkpoint_stands_before_the_change_and_is_confirmed_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(AOSCX, host="sw-a1", banner="--> # <--", faults=Faults(piece=13))
    assert apply(device, monkeypatch, SwitchPort(mode="access", access_vlan=20), "1/1/7", "1/1/8") == {
        "1/1/7": "",
        "1/1/8": "",
    }
    lines = typed(device)
    assert lines.index("checkpoint auto 2") < lines.index("vlan access 20") < lines.index("checkpoint auto confirm")
    assert lines[-1] == "write memory"
    assert device.state["ports"]["1/1/7"] == ["no shutdown", "vlan access 20"]


def test_log_messages_and_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(AOSCX, host="sw-a1", faults=Faults(log_after={3: LOG, 5: LOG}))
    session = session_on(device, "aoscx", monkeypatch)
    sent = session.send(["interface 1/1/7", "description x", "bogus", "exit"])
    assert [(one.line, one.answer) for one in sent.rejections] == [("bogus", "Invalid input: bogus")]


def test_a_port_that_cannot_be_entered_gets_none_of_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines would switch 802.1X off for the whole switch. The other ports get theirs."""
    device = ScriptedDevice(AOSCX, host="sw-a1")
    device.state["gone"] = ["1/1/8"]
    wanted = SwitchPort(mode="access", access_vlan=20)
    errors = apply(device, monkeypatch, wanted, "1/1/7", "1/1/8")
    assert "1/1/8 was not touched" in errors["1/1/8"]
    assert "is not available" in errors["1/1/8"]
    assert [place for place, _ in device.reached if place == "config"] == []
    assert "vlan access 20" in device.state["ports"]["1/1/7"]


def test_without_the_rehearsal_the_whole_switch_would_be_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the rehearsal is for."""
    device = ScriptedDevice(AOSCX, host="sw-a1")
    device.state["gone"] = ["1/1/8"]
    found = {"mode": "access", "dot1x": "auto"}
    lines = load("aoscx").port_lines("1/1/8", found, {"mode": "access", "dot1x": None})
    session_on(device, "aoscx", monkeypatch).send(lines)
    assert ("config", "no enable") in device.reached


def test_the_port_of_a_telephone_is_run_as_a_trunk_and_is_a_desk_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = ["no shutdown", "vlan trunk native 20", "vlan trunk allowed 20,120"]
    script = [
        Says("show interface brief", LINKS.replace("1/1/7     1       access", "1/1/7     20      trunk ")),
        Says("show running-config vlan", "vlan 1\nvlan 20\nvlan 120\n    voice"),
        *AOSCX.script,
    ]
    device = ScriptedDevice(Family(AOSCX.prompts, script, AOSCX.refusal), host="sw-a1")
    device.state["ports"] = {"1/1/7": voice}
    errors = apply(
        device, monkeypatch, SwitchPort(mode="access", access_vlan=20, voice_vlan=120, enabled=True), "1/1/7"
    )
    assert errors == {"1/1/7": ""}
