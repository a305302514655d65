"""A batch of changes on a switch takes three round trips (four where the device wants the change confirmed), and every
answer in it is the device's own word of then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioning.connections import switch_batch
from provisioning.connections.switch import SwitchSession
from provisioning.errors import RejectedError
from provisioning.lab.switch.device import Device
from provisioning.lab.switch.session import Typing
from provisioning.resources.base import Address, Change
from provisioning.resources.switch.look import look
from provisioning.resources.switch.port import PORT
from provisioning.resources.switch.section import SECTION
from provisioning.resources.switch.state import SwitchPort
from tests.unit.lab_device import G7, G8, made
from tests.unit.scripted_device import session_on

WANTED = SwitchPort(description="B-204", access_vlan=20, enabled=True)


class LabChannel:
    """What paramiko's channel is, with a lab switch behind it. `writes` are what came in, one round trip each."""

    def __init__(self, device: Device) -> None:
        self.typing = Typing(device)
        self.writes: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self.now, self.closed = 0.0, False
        self._out = f"\r\n{self.typing.terminal.prompt}"

    def settimeout(self, seconds: float) -> None: ...

    def sendall(self, octets: bytes) -> None:
        self.writes.append(octets.decode())
        for line in octets.decode().splitlines():
            self.before(line)
            self._out += self.typing.receive(f"{line}\n")

    def recv(self, count: int) -> bytes:
        if not self._out:
            raise TimeoutError
        piece, self._out = self._out[:count], self._out[count:]
        return piece.encode()


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return made(tmp_path)


@pytest.fixture
def channel(device: Device) -> LabChannel:
    return LabChannel(device)


@pytest.fixture
def session(channel: LabChannel, monkeypatch: pytest.MonkeyPatch) -> SwitchSession:
    stand_in: Any = channel
    return session_on(stand_in, "ios", monkeypatch)


def changes(*keys: str) -> list[Change[SwitchPort]]:
    return [Change(Address("switch.port", "switch:sw", key), SwitchPort(), WANTED) for key in keys]


def test_three_round_trips_and_one_to_confirm(session: SwitchSession, channel: LabChannel, device: Device) -> None:
    with PORT.attend(session, [G7, G8], keeping=True):
        assert not WANTED.agrees_with(PORT.read(session, [G7, G8])[G7])
        assert f"interface {G8}" in PORT.keepsake(session).text
        assert [outcome.error for outcome in PORT.apply(session, changes(G7, G8))] == [None, None]
        assert all(map(WANTED.agrees_with, PORT.read(session, [G7, G8]).values()))
    asked, sent, confirmed, saved = channel.writes
    assert "configure terminal" not in asked
    assert asked.count("show running-config\n") == 1
    assert "show lldp neighbors detail" in asked
    assert sent.index("switchport access vlan 20") < sent.index(f"show running-config interface {G7}")
    assert confirmed.startswith("configure confirm\n")
    assert saved.index("write memory") < saved.index(f"show running-config interface {G7}")
    assert device.startup.exists()


def test_the_configuration_is_asked_for_only_when_it_is_kept(session: SwitchSession, channel: LabChannel) -> None:
    with PORT.attend(session, [G7], keeping=False):
        PORT.read(session, [G7])
    assert "show running-config\n" not in channel.writes[0]


def test_without_a_batch_everything_is_asked_when_it_is_wanted(session: SwitchSession, channel: LabChannel) -> None:
    PORT.read(session, [G7])
    PORT.read(session, [G7])
    PORT.apply(session, changes(G7))
    PORT.read(session, [G7])
    assert len(channel.writes) == 7


def test_the_last_read_shows_what_is_there_behind_the_saving(
    session: SwitchSession, channel: LabChannel, device: Device
) -> None:
    def lose(line: str) -> None:
        if line == "write memory":
            device.config.ports[G7] = device.config.ports[G8]

    channel.before = lose
    with PORT.attend(session, [G7], keeping=False):
        PORT.read(session, [G7])
        assert PORT.apply(session, changes(G7))[0].error is None
        assert not WANTED.agrees_with(PORT.read(session, [G7])[G7])
    assert len(channel.writes) == 4


def test_what_was_sent_makes_former_answers_worthless(session: SwitchSession) -> None:
    with PORT.attend(session, [G7], keeping=False):
        assert PORT.read(session, [G7])[G7].description != "another"
        session.configure([f"interface {G7}", "description another"])
        assert PORT.read(session, [G7])[G7].description == "another"


def test_so_does_a_pause(session: SwitchSession, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("provisioning.connections.switch_batch.time.monotonic", lambda: clock[0])
    with PORT.attend(session, [G7], keeping=False):
        before = PORT.read(session, [G7])[G7]
        device.config.ports[G7] = replace(device.config.ports[G8], description="another")
        clock[0] += switch_batch.FRESH
        assert PORT.read(session, [G7])[G7] == before
        clock[0] += 0.1
        assert PORT.read(session, [G7])[G7] != before


def test_nothing_is_remembered_behind_the_batch(session: SwitchSession, channel: LabChannel) -> None:
    with PORT.attend(session, [G7], keeping=False):
        PORT.read(session, [G7])
    PORT.read(session, [G7])
    assert len(channel.writes) == 2


def test_a_refusal_stays_one(session: SwitchSession, channel: LabChannel) -> None:
    with session.batch(["show nonsense"], ()):
        for _ in range(2):
            assert session.show_all(["show nonsense", "show archive"], optional=["show nonsense"])[0] == ""
            with pytest.raises(RejectedError, match="refused the command 'show nonsense'"):
                session.show("show nonsense")
    assert len(channel.writes) == 1


def test_sections_are_asked_for_at_once_as_well(session: SwitchSession, channel: LabChannel) -> None:
    with SECTION.attend(session, [G7], keeping=True):
        session.show("show running-config | section ^interface")
        look(session)
        assert "hostname" in SECTION.keepsake(session).text
    assert len(channel.writes) == 1
