"""A session on a device that answers as Arista EOS does: changes in a configuration session with a commit timer."""

from __future__ import annotations

import re

import pytest

from provisioning.dialects import load
from tests.unit.scripted_device import Family, Faults, Says, ScriptedDevice, session_on

CONFIG = ("config", "if", "console")
SESSION = ("s", "s-if", "s-console")
ABOVE = {"config": "exec", "if": "config", "console": "config", "s": "exec", "s-if": "s", "s-console": "s"}


def _begin(device: ScriptedDevice, found: re.Match[str]) -> str:
    device.state.setdefault("candidate", [])
    device.state["session"] = found[1]
    return ""


def _keep(device: ScriptedDevice, found: re.Match[str]) -> str:
    """A line in a session changes nothing yet."""
    device.state["candidate"].append((device.here, found[0]))
    return ""


def _timer(device: ScriptedDevice, found: re.Match[str]) -> str:
    if "candidate" not in device.state:
        return "% Invalid input"
    device.state["taken back after"] = found[1]
    device.reached += device.state.pop("candidate")
    return ""


def _drop(device: ScriptedDevice, _: re.Match[str]) -> str:
    device.state.pop("candidate", None)
    return ""


EOS = Family(
    prompts={
        "user": "{host}>", "exec": "{host}#", "config": "{host}(config)#", "if": "{host}(config-if-{here})#",
        "console": "{host}(config-mgmt-console)#", "s": "{host}(config-s-provis)#",
        "s-if": "{host}(config-s-provis-if-{here})#", "s-console": "{host}(config-s-provis-mgmt-console)#",
    },
    script=[
        Says("terminal length 0", "Pagination disabled."),
        Says("terminal width 32767", "Width set to 32767 columns."),
        Says("show configuration sessions", "Maximum number of pending sessions: 5"),
        Says("configure session ([a-z]+)", _begin, "s", ["exec"]),
        Says("configure session [a-z]+ commit timer ([0-9:]+)", _timer, modes=["exec"]),
        Says("configure session [a-z]+ (?:commit|abort)", modes=["exec"]),
        Says("abort", _drop, "exec", SESSION),
        Says("configure terminal", to="config"),
        Says("end", to="exec", modes=[*CONFIG, *SESSION]),
        *(Says("exit", to=above, modes=[mode]) for mode, above in ABOVE.items()),
        Says("management console", to="console", modes=CONFIG),
        Says("management console", to="s-console", modes=SESSION),
        Says(r"interface Ethernet9\d", "% Invalid input", modes=[*CONFIG, *SESSION]),
        Says(r"interface (?P<here>Ethernet\d+)", to="if", modes=CONFIG),
        Says(r"interface (?P<here>Ethernet\d+)", to="s-if", modes=SESSION),
        Says(r"(?:no )?switchport .*|(?:no )?shutdown|description .*", modes=["if"]),
        Says(r"(?:no )?switchport .*|(?:no )?shutdown|description .*", _keep, modes=["s-if"], reaches=False),
        Says("write memory", "Copy completed successfully."),
    ],
    refusal="% Invalid input",
)  # fmt: skip


def lines_for(*ports: str) -> list[str]:
    found = {"enabled": False, "mode": "access", "access_vlan": 1}
    return [
        line for port in ports for line in load("eos").port_lines(port, found, {"mode": "access", "access_vlan": 20})
    ]


def guarded(device: ScriptedDevice, monkeypatch: pytest.MonkeyPatch, *ports: str) -> list[str]:
    """The lines that were refused."""
    session = session_on(device, "eos", monkeypatch)
    sent = session.send(lines_for(*ports), ["show configuration sessions"], guarded=True)
    assert "pending sessions" in sent.shown[0]
    return [one.line for one in sent.rejections]


def test_a_session_is_committed_for_two_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(EOS, host="sw-e1", banner="#1 > #2", faults=Faults(piece=9))
    assert guarded(device, monkeypatch, "Ethernet7", "Ethernet8") == []
    assert device.state == {"session": "provisioning", "taken back after": "00:02:00"}
    assert (device.on("Ethernet7"), device.on("Ethernet8")) == (["switchport access vlan 20"],) * 2


def test_lines_that_were_left_from_a_run_that_was_cut_off_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(EOS, host="sw-e1")
    device.state["candidate"] = [("Ethernet1", "shutdown")]
    assert guarded(device, monkeypatch, "Ethernet7") == []
    assert device.on("Ethernet1") == []


@pytest.mark.parametrize("cut_after", [4, 6, 8])
def test_a_session_that_is_lost_changes_nothing(monkeypatch: pytest.MonkeyPatch, cut_after: int) -> None:
    device = ScriptedDevice(EOS, host="sw-e1", faults=Faults(cut_after=cut_after))
    with pytest.raises(Exception, match="closed the session"):
        guarded(device, monkeypatch, "Ethernet7", "Ethernet8")
    assert [line for place, line in device.reached if place.startswith("Ethernet")] == []


def test_a_refused_interface_leaves_neither_session_nor_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """`exit` would have left the session, and `configure terminal` would have changed the running configuration."""
    device = ScriptedDevice(EOS, host="sw-e1")
    assert guarded(device, monkeypatch, "Ethernet7", "Ethernet99", "Ethernet98", "Ethernet8") == [
        "interface Ethernet99", "switchport access vlan 20", "interface Ethernet98", "switchport access vlan 20",
    ]  # fmt: skip
    assert (device.on("Ethernet7"), device.on("Ethernet8")) == (["switchport access vlan 20"],) * 2
    assert device.state["taken back after"] == "00:02:00"


def test_the_same_without_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice(EOS, host="sw-e1")
    session = session_on(device, "eos", monkeypatch)
    sent = session.send(lines_for("Ethernet7", "Ethernet99", "Ethernet8"))
    session.save()
    assert [one.line for one in sent.rejections] == ["interface Ethernet99", "switchport access vlan 20"]
    assert (device.on("Ethernet7"), device.on("Ethernet8")) == (["switchport access vlan 20"],) * 2


def test_a_candidate_that_cannot_be_committed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    family = Family(
        EOS.prompts, [Says("configure session .* timer .*", "% Commit failed: try later"), *EOS.script], EOS.refusal
    )
    device = ScriptedDevice(family, host="sw-e1")
    assert guarded(device, monkeypatch, "Ethernet7") == ["configure session provisioning commit timer 00:02:00"]
    assert device.on("Ethernet7") == []
