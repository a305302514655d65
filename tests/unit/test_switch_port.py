"""The IOS dialect and the port state, by cases that are files, and what must never reach a switch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.connections.manners import MANNERS
from provisioning.errors import RequestError
from provisioning.resources.switch.dialects import DIALECTS, ios
from provisioning.resources.switch.state import SwitchPort

CASES = sorted((Path(__file__).parent.parent / "cases" / "switch.port").glob("*/expected.yml"))
TAIL = ["exit", "configure terminal"]


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.parent.name)
def test_case(case: Path) -> None:
    expected: dict[str, Any] = yaml.safe_load(case.read_text(encoding="utf-8"))
    sections = ios.sections(case.with_name("running-config.txt").read_text(encoding="utf-8"))
    port = expected["port"]
    found, desired = SwitchPort(**expected["found"]), SwitchPort(**expected["desired"])

    assert sections[port].state == found
    assert _without_tail(ios.lines(port, found, desired)) == expected["lines"]
    after = found.model_copy(update=desired.model_dump(exclude_unset=True))
    assert _without_tail(ios.lines(port, after, found)) == expected["inverse"]
    for name, reason in expected.get("off_limits", {}).items():
        assert sections[name].off_limits == reason


def _without_tail(lines: list[str]) -> list[str]:
    if lines:
        assert lines[-2:] == TAIL
    return lines[:-2]


def test_state_survives_the_ledger() -> None:
    for mode in (None, "access", "trunk", "dynamic desirable", "routed"):
        state = SwitchPort(description="x", enabled=False, mode=mode, access_vlan=7, voice_vlan=None)
        assert SwitchPort.from_plain(state.to_plain()) == state


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("Büro B-204", "Buro B-204"),
        ("Жора", "Zhora"),
        ("北京", "BeiJing"),
        ("  spaces  ", "spaces"),
        ("", None),
    ],
)
def test_descriptions_are_transliterated(name: str, stored: str | None) -> None:
    assert SwitchPort(description=name).description == stored


@pytest.mark.parametrize(
    "text",
    [
        "a\nshutdown",
        "a\rb",
        "help?",
        "a | include b",
        'say "x"',
        "back\\slash",
        "tab\there",
        "bell\x07",
        "x" * 201,
    ],
)
def test_text_that_a_switch_would_not_store_is_refused(text: str) -> None:
    wanted = SwitchPort.model_construct(_fields_set={"description"}, description=text)
    with pytest.raises(RequestError, match="cannot be stored"):
        ios.lines("GigabitEthernet1/0/1", SwitchPort(enabled=True, access_vlan=1), wanted)


STATUS = """
Port      Name               Status       Vlan       Duplex  Speed Type
Gi1/0/1   connected trunk    connected    20         a-full a-1000 10/100/1000BaseTX
Gi1/0/2   x  notconnect  1   connected    trunk      a-full a-1000 10/100/1000BaseTX
Gi1/0/3                      err-disabled 1            auto   auto 10/100/1000BaseTX
Te1/1/1                      connected    trunk        full    10G SFP-10GBase-SR
"""


def test_trunks_are_found_by_column_whatever_the_description_says() -> None:
    assert ios.trunks(STATUS) == {"Gi1/0/2", "Te1/1/1"}


MACS = """          Mac Address Table
-------------------------------------------

Vlan    Mac Address       Type        Ports
----    -----------       --------    -----
  20    0200.5e10.0042    DYNAMIC     Gi1/0/7
*  30   0200.5E10.0043    dynamic     Gi1/0/8
 All    0100.0ccc.cccc    STATIC      CPU
Total Mac Addresses for this criterion: 2
"""


def test_mac_table() -> None:
    assert [(entry.vlan, entry.mac, entry.port) for entry in ios.macs(MACS)] == [
        (20, "02:00:5e:10:00:42", "Gi1/0/7"),
        (30, "02:00:5e:10:00:43", "Gi1/0/8"),
    ]


def test_every_dialect_of_the_site_is_there() -> None:
    assert set(DIALECTS) == set(MANNERS) == {"ios"}
