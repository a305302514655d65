"""Ports that are left alone on the device's word, and changes of others that must not be mixed with ours."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from provisioning.dialects import load
from provisioning.errors import UnreachableError
from provisioning.resources.switch.look import look, refuse_if_pending
from provisioning.resources.switch.state import SwitchPort

G7, TE1 = "GigabitEthernet1/0/7", "TenGigabitEthernet1/1/1"
CONFIG = f"interface {G7}\n{{lines}}\n!\ninterface {TE1}\n!\n"
STATUS = """
Port      Name               Status       Vlan       Duplex  Speed Type
Gi1/0/7                      connected    {vlan:<10} a-full a-1000 10/100/1000BaseTX
Te1/1/1                      connected    1            full    10G SFP-10GBase-SR
"""
LLDP = """
------------------------------------------------
Local Intf: {port}
Chassis id: 0025.8401.0100
Port id: Gi0/1
Port Description: to the closet
System Name: sw-core

System Description:
Cisco IOS Software

Time remaining: 97 seconds
System Capabilities: {capabilities}
Enabled Capabilities: {capabilities}
Management Addresses - not advertised
Auto Negotiation - not supported
Physical media capabilities - not advertised
Media Attachment Unit type - not advertised
Vlan ID: - not advertised


Total entries displayed: 1
"""
ARP = """Protocol  Address          Age (min)  Hardware Addr   Type   Interface
Internet  {address:<17}     3   0200.5e10.0001  ARPA   Vlan99
"""
MACS = """          Mac Address Table
-------------------------------------------

Vlan    Mac Address       Type        Ports
----    -----------       --------    -----
  99    0200.5e10.0001    {type:<8}    Gi1/0/7
Total Mac Addresses for this criterion: 1
"""
ARCHIVE = "The maximum archive configurations allowed is 10.\n"
TIMER = """Time configured(or reconfigured): 22:50:48 UTC Mon Feb 21 2006
Timer type: absolute timer
Timer value: 2 min
User: {user}(Priv: 15, View: 0)
"""


class Session:
    """A switch whose G7 is a desk's port, but for what `answers` say instead."""

    target, name, our_address = "switch:sw", "sw", "10.20.99.5"

    def __init__(self, lines: str = " switchport mode access", **answers: str) -> None:
        self.dialect = load("ios")
        self.switch = SimpleNamespace(uplinks=(), credential=SimpleNamespace(user="netops"))
        self.asked: list[str] = []
        self._answers = {
            "show running-config | section ^interface": CONFIG.format(lines=lines),
            f"show running-config interface {G7}": CONFIG.format(lines=lines).partition("interface Ten")[0],
            "show interfaces status": STATUS.format(vlan="20"),
            f"show interfaces {G7} status": STATUS.format(vlan="20").partition("Te1")[0],
            "show archive": ARCHIVE,
            **answers,
        }

    def show_all(self, commands: Sequence[str], optional: Collection[str] = ()) -> list[str]:
        self.asked += commands
        assert {*commands} <= {*self._answers, *optional}
        return [self._answers.get(command, "") for command in commands]


def reason(session: Any, **wanted: Any) -> str | None:
    said = {look(session, keys).refusal(session, G7, SwitchPort(access_vlan=20, **wanted)) for keys in ((), (G7,))}
    assert len(said) == 1  # few ports or all: the same answer
    return said.pop()


def test_a_desks_port_may_be_changed() -> None:
    assert reason(Session()) is None
    assert look(Session(), [G7]).guarded  # type: ignore[arg-type] # as far as it is needed
    assert not look(Session(**{"show archive": " Archive feature not enabled"})).guarded  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (" switchport mode trunk", "on the switch its mode is trunk"),
        (" no switchport\n ip address 10.20.1.1 255.255.255.0", "on the switch its mode is routed"),
        (" channel-group 3 mode active", "on the switch it belongs to port channel 3"),
    ],
)
def test_by_its_configuration(lines: str, says: str) -> None:
    assert reason(Session(lines)) == says


def test_a_trunk_that_was_negotiated() -> None:
    status = STATUS.format(vlan="trunk")
    commands = ("show interfaces status", f"show interfaces {G7} status")
    assert "runs it as a trunk right now" in str(reason(Session("", **dict.fromkeys(commands, status))))


@pytest.mark.parametrize(
    ("port", "capabilities", "says"),
    [
        ("Gi1/0/7", "B", "behind it is sw-core (LLDP: B)"),
        ("Gi1/0/7", "B,R", "behind it is sw-core (LLDP: B,R)"),
        ("Gi1/0/7", "B,T", None),  # a telephone
        ("Te1/1/1", "B,R", None),
    ],
)
def test_a_switch_behind_it(port: str, capabilities: str, says: str | None) -> None:
    shown = LLDP.format(port=port, capabilities=capabilities)
    assert reason(Session(**{"show lldp neighbors detail": shown})) == says


@pytest.mark.parametrize("kind", ["DYNAMIC", "STATIC"])
@pytest.mark.parametrize("address", ["10.20.99.5", "10.20.99.1", "10.20.99.77"])
def test_the_way_that_management_comes_in(address: str, kind: str) -> None:
    session = Session(**{
        "show ip arp": ARP.format(address=address),
        "show mac address-table": MACS.format(type=kind),
        "show running-config | include ^ip (default-gateway|route 0.0.0.0 0.0.0.0)": "ip default-gateway 10.20.99.1\n",
    })  # fmt: skip
    ours = address != "10.20.99.77"  # our machine and the gateway, but no other
    assert reason(session) == ("the switch's own management comes in there" if ours else None)


@pytest.mark.parametrize("keys", [(), (G7,)])
def test_while_a_change_waits_nothing_is_begun(keys: Sequence[str]) -> None:
    session: Any = Session(**{"show archive config rollback timer": TIMER.format(user="backup")})
    with pytest.raises(UnreachableError, match=r"a change by backup still waits .* takes it back in 2 min at most"):
        look(session, keys)


def test_what_an_earlier_process_of_ours_left_is_taken_back_at_once() -> None:
    command = "show archive config rollback timer"
    session: Any = Session(**{command: TIMER.format(user="netops")})
    session.revert = lambda: "" if session._answers.pop(command) else "none"
    assert G7 in look(session).sections
    stubborn: Any = Session(**{command: TIMER.format(user="netops")})
    stubborn.revert = lambda: "% Rollback is not possible now"
    with pytest.raises(UnreachableError, match="a change by netops still waits"):
        look(stubborn)


def test_only_ones_own_change_may_be_confirmed() -> None:
    command = "show archive config rollback timer"
    refuse_if_pending(Session(), "netops")  # type: ignore[arg-type] # as far as it is needed
    refuse_if_pending(Session(**{command: TIMER.format(user="netops")}), "netops")  # type: ignore[arg-type]
    left = TIMER.format(user="backup") + "Timer will expire in 97 seconds\n"
    with pytest.raises(UnreachableError, match=r"a change by backup .* in 97 s"):
        refuse_if_pending(Session(**{command: left}), "netops")  # type: ignore[arg-type]
