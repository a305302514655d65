"""Talking to a switch with Juniper Junos: candidate, commit and its refusals, commit confirmed, prompts of members."""

from __future__ import annotations

import re

import pytest

from provisioning.dialects import load
from provisioning.errors import UnreachableError
from tests.unit.scripted_device import Family, Faults, Says, ScriptedDevice, session_on

HOST = "netops@sw-j1"
SYNTAX = "{space}^\nsyntax error."
CHECK = (
    "[edit interfaces ge-0/0/7 unit 0 family ethernet-switching vlan]\n  'members 999'\n"
    "    No vlan matches vlan tag 999 for interface ge-0/0/7.0\nfpc1:\nerror: commit failed: (statements constraint "
    "check failed)\nerror: configuration check-out failed"
)
ENTERING = "warning: uncommitted changes will be discarded on exit\nEntering configuration mode"
SHOWN = 'set interfaces ge-0/0/7 description "WS-0042 B-204"\nset vlans staff vlan-id 20'


def _set(device: ScriptedDevice, found: re.Match[str]) -> str:
    device.state.setdefault("candidate", []).append(found[0])
    return ""


def _delete(device: ScriptedDevice, found: re.Match[str]) -> str:
    _set(device, found)
    return "warning: statement not found"


def _commit(device: ScriptedDevice, found: re.Match[str]) -> str:
    candidate = device.state.pop("candidate", [])
    if any("members 999" in line for line in candidate):
        device.state["candidate"] = candidate
        return CHECK
    if "confirmed" in found[0]:
        device.state["unconfirmed"] = candidate
        return f"{found[0]} will be automatically rolled back in 5 minutes unless confirmed\ncommit complete\n\n# x"
    device.state["active"] = [*device.state.get("active", []), *device.state.pop("unconfirmed", []), *candidate]
    return "fpc0:\nconfiguration check succeeds\nfpc1:\ncommit complete\nfpc0:\ncommit complete"


def _rollback(device: ScriptedDevice, found: re.Match[str]) -> str:
    device.state.pop("candidate", None)
    if found[1] == "1":
        device.state.pop("unconfirmed", None)
    return "load complete"


def _exit(device: ScriptedDevice, found: re.Match[str]) -> str:
    assert "candidate" not in device.state, "the device would ask whether to throw the change away"
    return "Exiting configuration mode"


JUNOS = Family(
    prompts={"user": "{host}>", "exec": "\r\n{{master:0}}\r\n{host}> ", "config": "\r\n{{master:0}}[edit]\r\n{host}# "},
    script=[
        Says("set cli screen-length 0", "Screen length set to 0", modes=["exec"]),
        Says("set cli screen-width 1024", "Screen width set to 1024", modes=["exec"]),
        Says("set cli complete-on-space off", "Disabling complete-on-space", modes=["exec"]),
        Says("set cli timestamp disable", "CLI timestamp disabled", modes=["exec"]),
        Says("show configuration.*", SHOWN, modes=["exec"]),
        Says("configure exclusive", ENTERING, "config", ["exec"]),
        Says("set interfaces .*", _set, modes=["config"]),
        Says("delete interfaces .*", _delete, modes=["config"]),
        Says(r"commit(?: confirmed \d+)?", _commit, modes=["config"]),
        Says(r"rollback (\d)", _rollback, modes=["config"]),
        Says("exit configuration-mode", _exit, "exec", ["config"]),
    ],
    refusal=SYNTAX,
    comment="#",
)  # fmt: skip
MEMBERS = "set interfaces ge-0/0/7 unit 0 family ethernet-switching vlan members"


def device_of(faults: Faults | None = None, banner: str = "--- JUNOS 21.4R3 Kernel 64-bit ---") -> ScriptedDevice:
    return ScriptedDevice(JUNOS, host=HOST, banner=banner, faults=faults)


def test_a_change_is_committed_and_the_session_left(monkeypatch: pytest.MonkeyPatch) -> None:
    device = device_of()
    session = session_on(device, "junos", monkeypatch)
    sent = session.send(["delete interfaces ge-0/0/7 disable", f"{MEMBERS} 20"], load("junos").ports.read)
    assert sent.rejections == ()
    assert session.dialect.read_ports(sent.shown)["ge-0/0/7"].fields["description"] == "WS-0042 B-204"
    assert device.state["active"] == ["delete interfaces ge-0/0/7 disable", f"{MEMBERS} 20"]
    assert device.mode == "exec"
    session.save()  # a commit is kept anyway
    assert "save" not in " ".join(device.lines)


def test_a_refused_line_is_named_and_the_rest_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    device = device_of()
    sent = session_on(device, "junos", monkeypatch).send(["set interface ge-0/0/7 bogus", f"{MEMBERS} 20"])
    assert [(refused.index, refused.answer) for refused in sent.rejections] == [(0, "syntax error.")]
    assert device.state["active"] == [f"{MEMBERS} 20"]


@pytest.mark.parametrize("guarded", [False, True])
def test_a_refused_commit_changes_nothing(monkeypatch: pytest.MonkeyPatch, guarded: bool) -> None:
    device = device_of()
    session = session_on(device, "junos", monkeypatch)
    sent = session.send([f"{MEMBERS} 20", f"{MEMBERS} 999"], ["show configuration | display set"], guarded=guarded)
    (refused,) = sent.rejections
    assert (refused.index, refused.line.split()[0]) == (-1, "commit")
    assert refused.answer.startswith("error: commit failed")
    assert "active" not in device.state
    assert "unconfirmed" not in device.state
    assert device.mode == "exec"
    assert sent.shown[0].startswith("set interfaces")


def test_a_guarded_change_is_kept_or_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    device = device_of()
    session = session_on(device, "junos", monkeypatch)
    session.send([f"{MEMBERS} 20"], guarded=True)
    assert device.state["unconfirmed"] == [f"{MEMBERS} 20"]
    assert "commit confirmed 5" in device.lines
    session.confirm()
    assert device.state["active"] == [f"{MEMBERS} 20"]
    session.send([f"{MEMBERS} 30"], guarded=True)
    session.revert()
    assert device.state["active"] == [f"{MEMBERS} 20"]
    assert "unconfirmed" not in device.state
    assert device.mode == "exec"


def test_somebody_else_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    locked = "error: configuration database locked by:\n  alice terminal p1 (pid 2144) on since 2026-11-23 05:20:00 UTC"
    family = Family(JUNOS.prompts, [Says("configure exclusive", locked), *JUNOS.script], JUNOS.refusal, comment="#")
    device = ScriptedDevice(family, host=HOST)
    session = session_on(device, "junos", monkeypatch)
    sent = session.send([f"{MEMBERS} 20"], ["show configuration | display set"])
    assert (sent.rejections[0].index, sent.rejections[0].answer) == (-1, "error: configuration database locked by:")
    assert "active" not in device.state
    assert not device.closed
    assert device.mode == "exec"


def test_a_commit_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """An EX2300 is silent for up to a minute."""
    assert session_on(device_of(), "junos", monkeypatch).patience == 180.0


def test_the_session_is_cut_in_mid_change(monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_on(device_of(Faults(cut_after=7)), "junos", monkeypatch)
    with pytest.raises(UnreachableError, match="closed the session"):
        session.send([f"{MEMBERS} 20", f"{MEMBERS} 30"])


@pytest.mark.parametrize("ahead", [False, True])
def test_messages_and_echoes_in_between(monkeypatch: pytest.MonkeyPatch, ahead: bool) -> None:
    log = "Message from syslogd@sw-j1 at Nov 23 05:24:06  ...\nsw-j1 fpc0 PFE: error: not ours"
    device = device_of(Faults(log_after={6: log}, echoes_ahead=ahead, piece=11))
    session = session_on(device, "junos", monkeypatch)
    sent = session.send([f"{MEMBERS} 20", f"{MEMBERS} 30"], load("junos").ports.read)
    assert sent.rejections == ()
    assert session.dialect.read_ports(sent.shown)["ge-0/0/7"].fields["description"] == "WS-0042 B-204"
