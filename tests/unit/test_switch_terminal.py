"""The lab's IOS-style command line behaves like the real one where it matters: abbreviations, carets, the
wrong-port hazard."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.lab.switch.config import PortConfig
from provisioning.lab.switch.device import Device
from provisioning.lab.switch.interfaces import full_name, in_range
from provisioning.lab.switch.session import Typing
from provisioning.lab.switch.terminal import Terminal
from tests.unit.lab_device import G7, PORTS, NoPlane, made, typed


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return made(tmp_path)


def test_abbreviations(device: Device) -> None:
    terminal = Terminal(device)
    answers = typed(
        terminal,
        "conf t",
        "int gi 1/0/7",
        " desc B-204-3",
        "sw mo acc",
        "sw acc vl 20",
        "sw vo vl 120",
        "shut",
        "no shut",
        "end",
    )
    assert answers[1:] == [""] * 8
    assert device.config.ports[G7] == PortConfig("B-204-3", "access", 20, 120)
    assert terminal.prompt == "sw-b2-1#"


@pytest.mark.parametrize(
    ("mode", "line", "answer"),
    [
        ("exec", "shw version", "        ^\n% Invalid input detected at '^' marker."),
        (
            "exec",
            "show running-config interface Gi9/0/1",
            f"{' ' * 40}^\n% Invalid input detected at '^' marker.",
        ),
        ("exec", "show", "% Incomplete command."),
        ("exec", "s", "% Incomplete command."),
        ("exec", "co", '% Ambiguous command:  "co"'),
        ("config", "interface Foo1/0/1", f"{' ' * 26}^\n% Invalid input detected at '^' marker."),
        ("config-if", "switchport access vlan 5000", f"{' ' * 42}^\n% Invalid input detected at '^' marker."),
        (
            "config-if",
            "switchport access vlan 20 30",
            f"{' ' * 45}^\n% Invalid input detected at '^' marker.",
        ),
        ("config-if", "switchport access vlan 77", "% Access VLAN does not exist. Creating vlan 77"),
        ("exec", "switchport mode access", "        ^\n% Invalid input detected at '^' marker."),
    ],
)
def test_errors(device: Device, mode: str, line: str, answer: str) -> None:
    terminal = Terminal(device)
    typed(terminal, *{"exec": [], "config": ["conf t"], "config-if": ["conf t", f"interface {G7}"]}[mode])
    assert terminal.type(line) == answer


def test_a_rejected_interface_leaves_the_session_in_the_former_one(device: Device) -> None:
    terminal = Terminal(device)
    typed(terminal, "configure terminal", f"interface {G7}", "interface Gi7/0/1", "switchport access vlan 120")
    assert device.config.ports[G7].access_vlan == 120


def test_leaving_and_entering_again_is_safe_wherever_the_session_is(device: Device) -> None:
    for opening in (f"interface {G7}", "interface Gi7/0/1"):
        terminal = Terminal(device)
        typed(terminal, "configure terminal", opening, "exit", "configure terminal")
        assert terminal.mode == "config"


def test_filters(device: Device) -> None:
    terminal = Terminal(device)
    typed(terminal, "conf t", "int range gi1/0/7 - 8 , te1/1/1", "description x", "end")
    assert terminal.type("show run | section ^interface.*/[78]$").splitlines() == [
        "interface GigabitEthernet1/0/7", " description x",
        "interface GigabitEthernet1/0/8", " description x",
    ]  # fmt: skip
    assert terminal.type("show run | include hostname") == "hostname sw-b2-1"
    assert terminal.type("show run | begin line vty").splitlines()[0] == "line vty 0 4"
    assert "Invalid input" in terminal.type("show run | sort x")


def test_interface_names() -> None:
    assert full_name("g1/0/7", PORTS) == full_name("gigabitethernet 1/0/7", PORTS) == G7
    assert full_name("Gi1/0/99", PORTS) is full_name("x", PORTS) is None
    assert in_range("Gi1/0/1-3,Te1/1/1", PORTS) == [*list(PORTS)[:3], "TenGigabitEthernet1/1/1"]
    assert in_range("Gi1/0/23 - 26", PORTS) is None


def test_only_what_was_saved_survives_a_restart(device: Device) -> None:
    terminal = Terminal(device)
    typed(
        terminal,
        "conf t",
        f"int {G7}",
        "description saved | as is",
        "switchport access vlan 20",
        "shutdown",
        "spanning-tree portfast",
    )
    saved = device.config.section(G7)
    assert "[OK]" in typed(terminal, "end", "write memory")[1]
    typed(terminal, "conf t", f"int {G7}", "description lost", "no shutdown", "end")
    again = Device(device.settings)
    again.plane = NoPlane("", "", "", "", PORTS)
    again.restart()
    assert again.config.section(G7) == saved
    assert again.config.ports["TenGigabitEthernet1/1/1"].mode == "trunk"


def test_default_interface(device: Device) -> None:
    terminal = Terminal(device)
    typed(terminal, "conf t", f"int {G7}", "description x", "sw ac vl 20", f"default interface {G7}")
    assert device.config.section(G7) == [f"interface {G7}"]


def test_a_question_mark_asks_for_help_and_is_not_stored(device: Device, tmp_path: Path) -> None:
    keyboard = Typing(device, tmp_path / "password")
    keyboard.receive(f"conf t\nint {G7}\ndescription what")
    assert "% Unrecognized command" in keyboard.receive("? now\n")
    assert device.config.ports[G7].description == "what now"


def test_enable_asks_for_the_password_without_echo(device: Device, tmp_path: Path) -> None:
    keyboard = Typing(device, tmp_path / "password")
    keyboard.terminal.mode = "user"
    assert keyboard.receive("enable\n").endswith("Password: ")
    assert "wrong" not in keyboard.receive("wrong\n")
    assert keyboard.terminal.prompt == "sw-b2-1>"
    keyboard.receive("enable\n")
    assert keyboard.receive("secret word\n") == "\r\nsw-b2-1#"
