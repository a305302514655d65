"""From a device's configuration text to the fields of its ports, by the rules of its dialect. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provisioning.dialects.blocks import Block, blocks_of, port_of
from provisioning.dialects.lists import ports_of, vlan_number, vlans_of
from provisioning.dialects.ports import Ports, Rule

__all__ = ["Section", "read_ports"]

_VLANS, _WITHOUT = "allowed_vlans", "without_vlans"
_VLAN = frozenset({"access_vlan", "voice_vlan", "native_vlan"})
_NUMBERS = frozenset({"speed", "security_maximum"})
_APART = frozenset({"port", "ports", "vlan_name", "vlan_id", "marked_vlan", _WITHOUT})


@dataclass(frozen=True)
class Section:
    """A port as its device shows it: field → value, its very lines, and why it must be left alone (if so). `models` is
    what has been made of it, by class."""

    fields: Mapping[str, Any]
    lines: tuple[str, ...]
    off_limits: str | None = None
    models: dict[type, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class _Vlans:
    """What the device says of its VLANs: name → number, and the numbers of those that it marks."""

    names: Mapping[str, int]
    marked: frozenset[int]


@dataclass
class _Port:
    """What was gathered about one port."""

    fields: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    doubt: str | None = None


@dataclass(frozen=True)
class _Match:
    """A line that a rule fits, and the groups of the rule's patterns."""

    line: str
    groups: Mapping[str, str]


@dataclass(frozen=True)
class _Gathered:
    """What is known so far: of ports, of ports in general, of VLANs."""

    ports: dict[str, _Port]
    defaults: Mapping[str, Any]
    vlans: _Vlans

    def port(self, name: str) -> _Port:
        if name not in self.ports:
            self.ports[name] = _Port(dict(self.defaults))
        return self.ports[name]


def read_ports(ports: Ports, outputs: Iterable[str], listed: Sequence[str] = ()) -> dict[str, Section]:
    """Port → section, from the outputs of `ports.read`. `listed` are ports that exist whether or not they are
    configured. No text makes this raise: a line that fits a rule and has no meaning (VLAN 9999) puts its port off
    limits."""
    blocks = [(port_of(ports, block), block) for output in outputs for block in blocks_of(ports, output)]
    own = [(port, block) for port, block in blocks if port is not None]
    vlans = _Vlans(dict(_vlan_names(ports, blocks)), frozenset(_marked_vlans(ports, blocks)))
    defaults = {**ports.defaults, **_said_of_all(ports, blocks)}
    found = {name: _Port(dict(defaults)) for name in listed}
    gathered = _Gathered(found, defaults, vlans)
    for port, block in own:
        gathered.port(port).lines.extend(block.lines)
    for rule in ports.rules:
        if not rule.everywhere:
            is_in_section = rule.heading is None
            for whose, block in own if is_in_section and ports.layout != "flat" else blocks:
                if matches := _matches(rule, block):
                    _apply(rule, matches, whose, block, gathered, in_section=is_in_section and whose is not None)
    return {name: _section(ports, name, port) for name, port in found.items()}


_Blocks = Sequence[tuple[str | None, Block]]
"""Blocks, each with the port whose section it is."""


def _said_of_all(ports: Ports, blocks: _Blocks) -> dict[str, Any]:
    return {
        name: value
        for rule in ports.rules
        if rule.everywhere and any(_matches(rule, block) for _, block in blocks)
        for name, value in rule.set.items()
    }


def _vlan_names(ports: Ports, blocks: _Blocks) -> Iterator[tuple[str, int]]:
    for rule in ports.rules:
        if rule.groups >= {"vlan_name", "vlan_id"}:
            for match in (match for _, block in blocks for match in _matches(rule, block)):
                if match.groups.get("vlan_name") and match.groups.get("vlan_id"):
                    yield match.groups["vlan_name"], int(match.groups["vlan_id"])


def _marked_vlans(ports: Ports, blocks: _Blocks) -> Iterator[int]:
    for rule in ports.rules:
        if "marked_vlan" in rule.groups:
            said = (match.groups for _, block in blocks for match in _matches(rule, block))
            yield from (int(groups["marked_vlan"]) for groups in said if "marked_vlan" in groups)


def _matches(rule: Rule, block: Block) -> list[_Match]:
    heading = None
    if rule.heading is not None:
        heading = rule.heading.fullmatch(block.heading)
        if heading is None:
            return []
    lines = block.lines or ([""] if heading is not None else [])
    fits = rule.line.fullmatch
    hits = [hit for line in (["\n".join(lines)] if rule.whole else lines) if (hit := fits(line))]
    if not hits:
        return []
    if rule.beside is not None and not any(rule.beside.fullmatch(line) for line in lines):
        return []
    if rule.unless is not None and any(rule.unless.fullmatch(line) for line in lines):
        return []
    around = heading.groupdict() if heading is not None else {}
    return [
        _Match(hit.string, {name: text for name, text in {**hit.groupdict(), **around}.items() if text is not None})
        for hit in hits
    ]


def _apply(
    rule: Rule, matches: Sequence[_Match], own: str | None, block: Block, known: _Gathered, *, in_section: bool
) -> None:
    """Let one rule speak about one block."""
    for match in matches:
        if rule.marked is not None and int(match.groups[rule.marked]) not in known.vlans.marked:
            continue
        said = match.line if in_section else f"{block.heading} {match.line}".strip()
        try:
            values, doubt = dict(_values(rule, match.groups, known.vlans.names)), None
        except ValueError:
            values, doubt = {}, f"its line {said!r} cannot be understood"
        named = not in_section or "ports" in match.groups or "port" in match.groups
        for name in _ports(match.groups, own, known.ports) if named or own is None else (own,):
            port = known.port(name)
            if not in_section:
                # What a line beside the ports' own sections says about one of them: ``vlan 20 untagged 7``.
                port.lines.append(said.replace(match.groups.get("ports", name), name))
            port.doubt = port.doubt or doubt
            _put(port.fields, values)


def _ports(groups: Mapping[str, str], own: str | None, known: Iterable[str]) -> tuple[str, ...]:
    try:
        return ports_of(groups.get("ports", groups.get("port", own or "")), known)
    except ValueError:
        return ()


def _values(rule: Rule, groups: Mapping[str, str], vlan_names: Mapping[str, int]) -> Iterator[tuple[str, Any]]:
    for name, value in rule.set.items():
        yield name, vlans_of(value) if name == _VLANS else value
    for name, text in groups.items():
        if name == _WITHOUT:
            yield name, vlans_of(text)
        if name in _APART:
            continue
        word = text.strip().strip('"')
        if name in rule.values and word in rule.values[name]:
            yield name, rule.values[name][word]
        elif name == _VLANS:
            yield name, frozenset({vlan_names[word]}) if word in vlan_names else _numbers(word.strip("[]"))
        elif name in _VLAN:  # a name that nothing explains is no VLAN that we know
            yield name, vlan_names.get(word, vlan_number(word) if word.isdecimal() else None)
        elif name in _NUMBERS:
            yield name, int(word)
        elif name == "storm_control":
            yield name, float(word)
        else:
            yield name, word


def _numbers(text: str) -> frozenset[int]:
    """Of names that nothing explains no number is known."""
    named = re.search(r"[^\W\d]", text) and not re.fullmatch(r"(?i)all|none|[\d\s,-]+(?:to[\d\s,-]+)+", text.strip())
    return frozenset() if named else vlans_of(text)


def _put(fields: dict[str, Any], values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name == _VLANS:
            fields[name] = frozenset(fields.get(name) or ()) | value
        elif name == _WITHOUT:
            fields[_VLANS] = frozenset(fields.get(_VLANS) or ()) - value
        else:
            fields[name] = value


def _section(ports: Ports, name: str, port: _Port) -> Section:
    lines = tuple(dict.fromkeys(port.lines))
    return Section(port.fields, lines, _off_limits(ports, name, lines) or port.doubt)


def _off_limits(ports: Ports, name: str, lines: Sequence[str]) -> str | None:
    if not ports.physical.fullmatch(name):
        return "it is not a physical port"
    for limit in ports.off_limits:
        for match in filter(None, map(limit.line.fullmatch, lines)):
            return limit.says.format(**match.groupdict())
    return None
