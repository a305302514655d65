"""From fields to the lines that bring a port there, by the wording of its dialect. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from provisioning.dialects.lists import vlan_list
from provisioning.dialects.ports import Ports, Wording, meets, word_of
from provisioning.errors import RequestError

__all__ = ["port_lines", "silent_fields", "visit_lines"]

_PLACEHOLDER = re.compile(r"\{(\w+)(?:\|(\w+))?\}")


def port_lines(
    ports: Ports, port: str, found: Mapping[str, Any], goal: Mapping[str, Any], configure: str = ""
) -> list[str]:
    """The lines that bring `port` from `found` to `goal` (every field of it); empty when nothing differs.

    A port that is on and stays on is bounced when a field changes that the PC behind it would not notice: a PC whose
    link stays up keeps the address of its former VLAN until the lease runs out.

    Raises :class:`RequestError` for what this family of devices cannot be told.
    """
    write = ports.write
    silent = silent_fields(ports, goal)
    changed = [name for name in goal if goal[name] != found.get(name) and name not in silent]
    # What the family does not have is off already.
    changed = [name for name in changed if name in ports.write.fields or (goal[name] or found.get(name))]
    if "mode" in changed and found.get("mode") == "trunk" and "allowed_vlans" in silent:
        silent -= {"allowed_vlans"}  # a trunk's list goes with it
        changed.append("allowed_vlans")
    if not changed:
        return []
    for name in changed:
        if name not in write.fields:
            raise RequestError(f"{port}: {name} cannot be set on this family of switches; take it out of the profile")
    on = write.fields.get("enabled")
    bounced = on is not None and found.get("enabled") and goal.get("enabled") and {*changed} & {*write.bounce}
    others = {name: _rendered(write.fields[name], value) for name, value in goal.items() if name in write.fields}
    words = {**others, "port": port, "configure": configure}
    lines = [*_filled(write.enter, words)]
    if bounced and on is not None:
        lines += _filled(on.values["false"], words)
    early = [name for name in write.early if goal.get(name) is None]
    for name in dict.fromkeys([*early, *write.fields]):
        wording = write.fields[name]
        if name in silent:
            continue
        if name in changed and name == "allowed_vlans":
            lines += _trunk(wording, found, goal, words)
        elif name in changed or ({*wording.also} & {*changed} and goal.get(name) is not None):
            lines += _said(name, wording, found, goal, words)
        elif {*wording.renew} & {*changed} and found.get(name) and goal.get(name):
            lines += _filled([*wording.values["false"], *wording.values["true"]], words)
        elif name == "enabled" and bounced:
            lines += _filled(wording.values["true"], words)
    return [*lines, *_filled(write.leave, words)]


def visit_lines(ports: Ports, port: str, configure: str = "") -> list[str]:
    """Into the port and out of it again: nothing is changed."""
    words = {"port": port, "configure": configure}
    return [*_filled(ports.write.enter, words), *_filled(ports.write.leave, words)]


def silent_fields(ports: Ports, fields: Mapping[str, Any]) -> frozenset[str]:
    """Fields that mean nothing on a port that is as `fields` say: the access VLAN of a trunk, on some families."""
    return frozenset(name for name, wording in ports.write.fields.items() if not meets(wording.when, fields))


def _said(
    name: str, wording: Wording, found: Mapping[str, Any], goal: Mapping[str, Any], words: Mapping[str, str]
) -> Iterator[str]:
    port, before, value = words["port"], found.get(name), goal[name]
    chosen = _chosen(wording, found, goal, value)
    if chosen is None:
        raise RequestError(f"{port}: {name} cannot be {value!r} on this family of switches; correct the profile")
    if isinstance(value, str) and wording.stored is not None and not wording.stored.fullmatch(value):
        raise RequestError(f"{port}: the {name} {value!r} cannot be stored by the switch ({_why(wording, value)})")
    said = [line for line in chosen if before not in {None, value} or "{before}" not in line]
    yield from _filled(said, {**words, "value": _rendered(wording, value), "before": _rendered(wording, before)})


def _chosen(wording: Wording, found: Mapping[str, Any], goal: Mapping[str, Any], value: Any) -> Sequence[str] | None:
    """The lines for `value`; ``None`` if the family has none for it (an empty list: another field's lines say it)."""
    if wording.cases:
        fitting = [case.type for case in wording.cases if meets(case.was, found) and meets(case.becomes, goal)]
        return [line for lines in fitting for line in lines] if fitting else None
    if word_of(value) in wording.values:
        return wording.values[word_of(value)]
    if value is None or (wording.default is not None and value == wording.default and wording.clear):
        return wording.clear or None
    return wording.set or None


def _why(wording: Wording, text: str) -> str:
    stored = wording.stored
    bad = sorted({char for char in text if stored is not None and not stored.fullmatch(char)})
    return f"because of {' '.join(map(repr, bad))}" if bad else f"because of its length of {len(text)} characters"


def _trunk(
    wording: Wording, found: Mapping[str, Any], goal: Mapping[str, Any], words: Mapping[str, str]
) -> Iterator[str]:
    """A trunk's list of VLANs is added to and taken from, never replaced. A port that only now becomes a trunk gets
    its whole list at once (it would carry every VLAN otherwise); one that is no trunk any more loses it."""
    before, after = (frozenset(fields.get("allowed_vlans") or ()) for fields in (found, goal))
    was, becomes = (fields.get("mode") == "trunk" for fields in (found, goal))
    if wording.set and becomes and not was:
        yield from _numbered(wording.set, after, words)
    elif was and not becomes:
        yield from _numbered(wording.clear, before or frozenset({1}), words)
    else:
        yield from _numbered(wording.add, after - before, {**words, "after": vlan_list(after)})
        yield from _numbered(wording.remove, before - after, words)


def _numbered(lines: Iterable[str], vlans: Collection[int], words: Mapping[str, str]) -> Iterator[str]:
    """``{value}`` is the whole list; lines with ``{vlan}`` come once for each."""
    for line in lines if vlans else ():
        if "{vlan}" in line:
            yield from (text for vlan in sorted(vlans) for text in _filled([line], {**words, "vlan": str(vlan)}))
        else:
            yield from _filled([line], {**words, "value": vlan_list(vlans)})


def _rendered(wording: Wording, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, frozenset):
        return vlan_list(value)
    word = word_of(int(value) if isinstance(value, float) and value.is_integer() else value)
    return wording.renders.get(word, word)


def _filled(lines: Iterable[str], words: Mapping[str, str]) -> Iterator[str]:
    """Placeholders are looked for once: what is filled in may hold braces."""

    def word(hit: re.Match[str]) -> str:
        return words.get(hit[1], hit[0] if hit[2] is None else "") or hit[2] or ""

    for line in lines:
        yield _PLACEHOLDER.sub(word, line) if "{" in line else line
