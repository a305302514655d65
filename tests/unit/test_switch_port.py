"""The IOS dialect and the port state, by cases that are files, and what must never reach a switch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.dialects import NAMES, Dialect, load
from provisioning.errors import RequestError
from provisioning.resources.switch.state import SwitchPort

FOLDER = Path(__file__).parent.parent / "cases" / "dialects"
CASES = sorted(FOLDER.glob("*/*/expected.yml"))


def lines(dialect: Dialect, port: str, found: SwitchPort, desired: SwitchPort) -> list[str]:
    return dialect.port_lines(port, found.fields(), desired.laid_over(found).fields())


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.parent.name}-{path.parent.name}")
def test_case(case: Path) -> None:
    """`found` names the fields that the case is about; what is not named may be anything."""
    expected: dict[str, Any] = yaml.safe_load(case.read_text(encoding="utf-8"))
    dialect = load(case.parent.parent.name)
    outputs = [file.read_text(encoding="utf-8") for file in sorted(case.parent.glob("*.txt"))]
    sections = dialect.read_ports(outputs, expected.get("listed", []))
    for name, reason in expected.get("off_limits", {}).items():
        assert sections[name].off_limits == reason
    for name, fields in expected.get("read", {}).items():
        assert fields.items() <= dict(sections[name].fields).items(), name
    for name in expected.get("usable", []):
        assert sections[name].off_limits is None
    if "port" not in expected:
        return
    port = expected["port"]
    found, desired = SwitchPort.of(sections[port]), SwitchPort(**expected["desired"])
    assert SwitchPort(**expected["found"]).differences(found) == {}
    assert sections[port].off_limits is None
    assert _without_tail(dialect, lines(dialect, port, found, desired)) == expected["lines"]
    after = desired.laid_over(found)
    assert _without_tail(dialect, lines(dialect, port, after, found)) == expected["inverse"]


def _without_tail(dialect: Dialect, typed: list[str]) -> list[str]:
    """Without the lines that lead out of the port again, which are the same in every case."""
    tail = [line.replace("{configure}", dialect.manner.configure) for line in dialect.ports.write.leave]
    if typed and tail:
        assert typed[-len(tail) :] == tail
        return typed[: -len(tail)]
    return typed


@pytest.mark.parametrize("name", NAMES)
def test_every_dialect_has_cases(name: str) -> None:
    assert list((FOLDER / name).glob("*/expected.yml")), f"write tests/cases/dialects/{name}/CASE/expected.yml"


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
        lines(load("ios"), "GigabitEthernet1/0/1", SwitchPort(enabled=True, access_vlan=1), wanted)


def test_what_a_family_does_not_have_is_off_already() -> None:
    """One desk profile serves switches of several families, as long as it asks for nothing that is missing there."""
    dialect = load("ovs")
    assert "security_sticky" not in dialect.ports.write.fields
    found = SwitchPort(enabled=True, mode="access", access_vlan=20)
    assert SwitchPort(security_sticky=False, storm_control=None).agrees_with(found)
    assert lines(dialect, "p7", found, SwitchPort(security_sticky=False, storm_control=None)) == []
    assert not SwitchPort(security_sticky=True).agrees_with(found)
    with pytest.raises(RequestError, match="security_sticky cannot be set on this family"):
        lines(dialect, "p7", found, SwitchPort(security_sticky=True))
