"""A few ports are asked for by name, and still nothing is touched that must be left alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import pytest

from provisioning.connections.switch import Rejection, Sent
from provisioning.lab.switch.device import Device
from provisioning.lab.switch.terminal import Terminal
from provisioning.resources.base import Address, Change
from provisioning.resources.switch.look import FEW, look
from provisioning.resources.switch.port import PORT
from provisioning.resources.switch.state import SwitchPort
from provisioning.site import Inventory
from tests.unit.lab_device import G7, G8, UPLINK, made
from tests.unit.switch_fakes import FakeSwitch

WHOLE = "show running-config | section ^interface"
ONE = "show running-config interface "
WANTED = SwitchPort(description="B-204", access_vlan=20, enabled=True)


class LabSwitch(FakeSwitch):
    """A session on a lab device. `says` answers instead of the device where it wants to."""

    our_address = "10.255.99.1"

    def __init__(self, device: Device, inventory: Inventory) -> None:
        super().__init__("sw-b2-1", inventory, {})
        self.terminal = Terminal(device)
        self.says: Callable[[str], str | None] = lambda _: None
        self.saved = 0

    def show_all(self, commands: Sequence[str], optional: Collection[str] = ()) -> list[str]:
        self.writes.append(list(commands))
        shown = [self._answer(command) for command in commands]
        for command, output in zip(commands, shown, strict=True):
            assert "% Invalid" not in output or command in optional, command
        return ["" if "% Invalid" in output else output for output in shown]

    def send(self, lines: Sequence[str], show: Sequence[str] = (), *, guarded: bool = False) -> Sent:
        self.writes.append([*lines, *show])
        answers = [self.terminal.type(line) for line in ["configure terminal", *lines, "end"]]
        again = "configure terminal"  # entered again to be sure: a device that is there already refuses it
        refused = [
            Rejection(i, line, text)
            for i, (line, text) in enumerate(zip(lines, answers[1:], strict=False))
            if "% Invalid" in text and line != again
        ]
        return Sent(tuple(refused), tuple(self._answer(command) for command in show))

    def confirm(self) -> None: ...

    def save(self) -> None:
        self.saved += 1

    def _answer(self, command: str) -> str:
        said = self.says(command)
        return self.terminal.type(command) if said is None else said


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return made(tmp_path)


@pytest.fixture
def session(device: Device, inventory: Inventory) -> LabSwitch:
    return LabSwitch(device, inventory)


def apply(session: LabSwitch, *keys: str, wanted: SwitchPort = WANTED) -> dict[str, str | None]:
    """The error of each port that is asked to be as wanted."""
    target: Any = session
    changes = [Change(Address("switch.port", "switch:sw-b2-1", key), SwitchPort(), wanted) for key in keys]
    return {o.key: None if o.error is None else str(o.error) for o in PORT.apply(target, changes)}


def test_few_are_asked_by_name_and_what_is_behind_them_of_the_whole_switch(session: LabSwitch, device: Device) -> None:
    assert apply(session, G7, G8) == {G7: None, G8: None}
    asked, sent = session.writes
    assert asked[:4] == [ONE + G7, ONE + G8, f"show interfaces {G7} status", f"show interfaces {G8} status"]
    assert {"show lldp neighbors detail", "show mac address-table"} <= {*asked}
    assert WHOLE not in [*asked, *sent]
    assert sent[-2:] == [ONE + G7, ONE + G8]
    assert (device.config.ports[G7].access_vlan, device.config.ports[G8].description) == (20, "B-204")
    assert session.saved == 1


def test_many_are_asked_at_once(session: LabSwitch) -> None:
    keys = [f"GigabitEthernet1/0/{number}" for number in range(1, FEW + 2)]
    assert apply(session, *keys) == dict.fromkeys(keys)
    assert [WHOLE in write for write in session.writes] == [True, True]
    assert [text for write in session.writes for text in write if text.startswith((ONE, "show interfaces Gi"))] == []


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["switchport mode trunk"], "on the switch its mode is trunk"),
        (["channel-group 1 mode active"], "it belongs to port channel 1"),
    ],
)
def test_what_its_configuration_forbids(session: LabSwitch, lines: Sequence[str], reason: str) -> None:
    session.send([f"interface {G7}", *lines])
    told = apply(session, G7, G8)
    assert reason in (told[G7] or "")
    assert told[G8] is None


def test_an_uplink_and_a_port_that_is_not_there(session: LabSwitch) -> None:
    told = apply(session, UPLINK, "GigabitEthernet1/0/77", G8)
    assert "was not touched" in (told[UPLINK] or "")
    assert "has no interface GigabitEthernet1/0/77" in (told["GigabitEthernet1/0/77"] or "")
    assert "did you mean 'GigabitEthernet1/0/7'" in (told["GigabitEthernet1/0/77"] or "")
    assert told[G8] is None
    assert [WHOLE in write for write in session.writes] == [False, True, False]


def test_a_trunk_that_was_negotiated(session: LabSwitch) -> None:
    real = session._answer
    session.says = lambda command: (
        Terminal(session.terminal.device).type(command).replace("1            auto", "trunk        auto")
        if command == f"show interfaces {G8} status"
        else None
    )
    assert "trunk" in real(f"show interfaces {G8} status")
    told = apply(session, G7, G8)
    assert (told[G7], "runs it as a trunk right now" in (told[G8] or "")) == (None, True)


def test_management_comes_in_there(session: LabSwitch) -> None:
    session.says = lambda command: (
        "Internet  10.255.99.1             0   0200.5e10.00a1  ARPA   Vlan99" if command == "show ip arp" else None
    )
    told = apply(session, G7, G8)
    assert "management comes in there" in (told[G7] or "")
    assert told[G8] is None


@pytest.mark.parametrize("command", [ONE + G8, f"show interfaces {G8} status"])
@pytest.mark.parametrize("answer", ["", "% Invalid input detected at '^' marker."])
def test_a_device_that_does_not_know_the_short_question_is_asked_the_long_one(
    session: LabSwitch, command: str, answer: str
) -> None:
    target: Any = session
    session.says = lambda asked: answer if asked == command else None
    seen = look(target, [G7, G8])
    assert len(session.writes) == 2
    assert WHOLE in session.writes[1]
    assert len(seen.sections) > 20
    assert {G7, G8}.isdisjoint(seen.silent)


def test_a_line_that_is_swallowed_is_noticed_and_the_port_restored(session: LabSwitch, device: Device) -> None:
    real = session.terminal.type
    session.terminal.type = lambda line: "" if line.strip() == "switchport access vlan 20" else real(line)  # type: ignore[method-assign]
    before = device.config.ports[G8]
    told = apply(session, G8)
    assert "access_vlan is 1 instead of 20; its former lines are in place" in (told[G8] or "")
    assert (device.config.ports[G8], session.saved) == (before, 0)
