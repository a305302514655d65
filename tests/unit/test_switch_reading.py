"""Configurations as no device should print them: cut off, garbled, hostile. They are read without an error, and what is
odd about one port says nothing about the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from provisioning.dialects import NAMES, Dialect, load
from provisioning.dialects.guard import Guard
from provisioning.dialects.lists import ports_of, vlans_of
from provisioning.dialects.manner import Manner
from provisioning.dialects.ports import Case, OffLimits, Ports, Rule, Wording, Writing
from provisioning.dialects.reading import Section, read_ports
from provisioning.resources.switch.state import SwitchPort

FOLDER = Path(__file__).parent.parent / "cases" / "dialects"
OUTPUTS = {
    str(case.relative_to(FOLDER)): [file.read_text(encoding="utf-8") for file in sorted(case.glob("*.txt"))]
    for case in sorted(FOLDER.glob("*/*/"))
}
SECTIONS = ("aoscx", "eos", "ios", "nxos", "os10", "vrp")
"""Families whose configuration has a section for every port."""


def read(case: str, outputs: Sequence[str]) -> Mapping[str, Section]:
    return load(case.partition("/")[0]).read_ports(outputs)


@settings(max_examples=150, deadline=None)
@given(case=st.sampled_from(sorted(OUTPUTS)), data=st.data())
def test_no_text_makes_the_reading_fail(case: str, data: st.DataObject) -> None:
    lines = [line for output in OUTPUTS[case] for line in output.splitlines()]
    number = data.draw(st.integers(0, len(lines) - 1))
    how = data.draw(st.sampled_from(["cut", "shuffle", "words", "text", "numbers"]))
    if how == "cut":
        lines = "\n".join(lines)[: data.draw(st.integers(0, 2000))].splitlines()
    elif how == "shuffle":
        lines = data.draw(st.permutations(lines))
    elif how == "words":
        lines[number] = " ".join(data.draw(st.permutations(lines[number].split(" "))))
    elif how == "text":
        lines.insert(number, data.draw(st.text(max_size=40)))
    else:
        odd = data.draw(
            st.sampled_from(["99999999999", "-1", "1-", ",,", "1.2.3", "²", "5-1", "all", "A1-B9", "*", "[9-2]"])
        )
        lines[number] = "".join(odd if char.isdigit() else char for char in lines[number])
    for section in read(case, ["\n".join(lines)]).values():
        assert section.off_limits is None or section.off_limits


@pytest.mark.parametrize("name", SECTIONS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_lines_that_nobody_knows_change_nothing(name: str, data: st.DataObject) -> None:
    """Also the start of the next line, and words that are a command in another place."""
    case = data.draw(st.sampled_from([case for case in sorted(OUTPUTS) if case.startswith(f"{name}/")]))
    lines = OUTPUTS[case][0].splitlines()
    known = read(case, OUTPUTS[case])
    heads = [number for number, line in enumerate(lines) if line.rstrip().removeprefix("interface ") in known]
    words = st.lists(st.sampled_from(["frobnicate", "vlan", "interface", "mode", "7", "shutdown", "off"]), min_size=2)
    indent = next((line[: len(line) - len(line.lstrip())] for line in lines if line.startswith(" ")), " ")
    odd = f"{indent}x-{' '.join(data.draw(words))}"
    lines.insert(data.draw(st.sampled_from(heads)) + 1, odd)
    found = read(case, ["\n".join(lines), *OUTPUTS[case][1:]])
    assert {port: section.fields for port, section in found.items()} == {
        port: section.fields for port, section in known.items()
    }
    assert {port: section.off_limits for port, section in found.items()} == {
        port: section.off_limits for port, section in known.items()
    }


HOSTILE = [
    ("aoscx", "interface 1/1/7\n    description {}\n    no shutdown\n    no routing\n    vlan access 20\n", "1/1/7"),
    ("eos", "interface Ethernet7\n   description {}\n   switchport access vlan 20\n", "Ethernet7"),
    ("ios", "interface GigabitEthernet1/0/7\n description {}\n switchport access vlan 20\n", "GigabitEthernet1/0/7"),
    ("junos", 'set interfaces ge-0/0/7 description "{}"\n'
              "set interfaces ge-0/0/7 unit 0 family ethernet-switching vlan members 20\n", "ge-0/0/7"),
    ("nxos", "interface Ethernet1/7\n  description {}\n  switchport access vlan 20\n", "Ethernet1/7"),
    ("os10", 'interface ethernet1/1/7\n description "{}"\n no shutdown\n switchport access vlan 20\n', "ethernet1/1/7"),
    ("procurve", 'interface 7\n   name "{}"\n   exit\nvlan 20\n   untagged 7\n   exit\n', "7"),
    ("vrp", "interface GigabitEthernet0/0/7\n description {}\n port link-type access\n port default vlan 20\n#\n",
     "GigabitEthernet0/0/7"),
]  # fmt: skip
TEXTS = [
    "shutdown", "disable", "undo shutdown", "no switchport", "channel-group 1", "lag 1", "eth-trunk 1", "lacp active",
    "switchport access vlan 66", "switchport mode trunk", "vlan trunk native 66", "vlan access 66", "untagged 7",
    "port default vlan 66", "port link-type trunk", "system default switchport shutdown", "switchport", "banner motd #",
    "x unit 0 family ethernet-switching interface-mode trunk", "x unit 0 family ethernet-switching vlan members 66",
    "set interfaces ge-0/0/7 disable", "deactivate interfaces ge-0/0/7", "interface Ethernet1/7", "vlan 66", "voice",
    "{port}",
    "%LINK-3-UPDOWN: Interface Ethernet1/7", "---- More ----", "description description", "exit", "!", "#", "EOF",
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "port"), HOSTILE, ids=[name for name, _, _ in HOSTILE])
@pytest.mark.parametrize("description", TEXTS)
def test_a_description_that_imitates_configuration_is_a_description(
    name: str, text: str, port: str, description: str
) -> None:
    found = load(name).read_ports([text.replace("{}", description)])
    plain = load(name).read_ports([text.replace("{}", "desk 7")])
    assert found.keys() == plain.keys()
    assert {**found[port].fields, "description": ""} == {**plain[port].fields, "description": ""}
    assert found[port].fields.get("description") == description or "%LINK" in description
    assert found[port].off_limits is None


@pytest.mark.parametrize(
    ("name", "banner"),
    [
        ("aoscx", "banner motd !\n{}!\n"),
        ("eos", "banner login\n{}EOF\n"),
        ("ios", "banner motd ^C\n{}^C\n"),
        ("nxos", "banner motd #\n{}#\n"),
        ("os10", "banner motd ^C\n{}^C\n"),
        ("procurve", 'banner motd "To whom it may concern:\n{}"\n'),
        ("vrp", 'header login information "\n{}"\n'),
    ],
)
def test_a_banner_is_no_configuration(name: str, banner: str) -> None:
    text = next(text for one, text, _ in HOSTILE if one == name).replace("{}", "desk")
    imitated = text.replace("20", "66").replace('"', "'")
    assert load(name).read_ports([banner.replace("{}", imitated) + text]) == load(name).read_ports([text])


@pytest.mark.parametrize("text", ["-10", "10-x", "4096", "1-99999999", "1.5"])
def test_what_is_no_list_of_vlans(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid literal|no VLAN"):
        vlans_of(text)


@pytest.mark.parametrize(
    ("text", "known", "ports"),
    [
        ("1-3,A2", (), ("1", "2", "3", "A2")),
        ("1/9-1/11", (), ("1/9", "1/10", "1/11")),
        ("A23-B2", ("A1", "A23", "A24", "B1", "B2", "B3"), ("A23", "A24", "B1", "B2")),
        (
            "ge-0/0/46 to ge-1/0/1",
            ("ge-0/0/9", "ge-0/0/47", "ge-1/0/0"),
            ("ge-0/0/46", "ge-0/0/47", "ge-1/0/0", "ge-1/0/1"),
        ),
        ('"ge-0/0/[9-10]"', ("ge-0/0/1", "ge-0/0/9", "ge-0/0/10"), ("ge-0/0/9", "ge-0/0/10")),
        ("ge-*/0/2*", ("ge-0/0/2", "ge-3/0/21", "ge-0/1/2"), ("ge-0/0/2", "ge-3/0/21")),
    ],
)
def test_lists_of_ports(text: str, known: tuple[str, ...], ports: tuple[str, ...]) -> None:
    assert ports_of(text, known) == ports


def test_a_range_that_no_device_has_is_no_range() -> None:
    with pytest.raises(ValueError, match="no range"):
        ports_of("1-99999999")


def _used(part: object) -> Iterator[tuple[type, str]]:
    if isinstance(part, BaseModel):
        for name in part.model_fields_set:
            yield type(part), name
            yield from _used(getattr(part, name))
    elif isinstance(part, tuple):
        for one in part:
            yield from _used(one)
    elif hasattr(part, "values"):
        for one in part.values():
            yield from _used(one)


def test_every_word_of_the_files_is_needed_by_a_family() -> None:
    used = {pair for name in NAMES for pair in _used(load(name))} | {(Manner, "enable")}  # they all call it so
    forms: list[type[BaseModel]] = [Dialect, Manner, Guard, Ports, Rule, OffLimits, Wording, Case, Writing]
    assert [(form.__name__, name) for form in forms for name in form.model_fields if (form, name) not in used] == []


def test_the_same_text_is_understood_once(monkeypatch: pytest.MonkeyPatch) -> None:
    understood: list[str] = []

    def counted(ports: Any, outputs: tuple[str, ...], listed: tuple[str, ...]) -> Any:
        understood.extend(outputs)
        return read_ports(ports, outputs, listed)

    monkeypatch.setattr("provisioning.dialects.model.read_ports", counted)
    texts = [f"interface GigabitEthernet1/0/7\n description desk {number} of this test\n" for number in range(2)]
    ios = load("ios")
    ios._understood.clear()
    for text in (texts[0], texts[0], texts[1], texts[0]):
        section = ios.read_ports([text])["GigabitEthernet1/0/7"]
        assert section.lines == (text.splitlines()[1].strip(),)
        assert SwitchPort.of(section) is SwitchPort.of(section)
    assert understood == texts
