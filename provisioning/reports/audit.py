"""An audit as text: area by area, one line a finding and one that says what to do about it; the sum comes last, where a
terminal shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.text import Text

from provisioning.reports.words import count, safe

__all__ = ["audit", "sentence", "summary"]

_STYLES = {"fault": "bold red", "warning": "yellow", "remark": "cyan"}
_WIDTH = 9
_TITLES = {
    "directory": "accounts, groups, computers",
    "mail": "mailboxes",
    "ports": "switch ports",
    "software": "software on PCs",
    "settings": "settings of PCs",
    "licences": "licences",
    "equipment": "equipment and who has it",
    "phones": "telephones",
    "files": "home folders and shares",
    "intranet": "published settings",
    "orders": "patch orders",
    "site": "the site's own files",
}
_SHOWN = 5
"""Findings of one sort that a short report shows."""

_PEOPLE = 12
"""People of whom much is wrong that it names."""

_MUCH, _AREAS = 5, 3
"""Findings and areas that are much."""

_SCREEN = 20
"""Findings that are shown one by one all the same."""

_NAMED = 5
"""Findings that a sentence of the work log names."""

_LONGEST = 120
"""Characters that it takes of each."""


def audit(report: Mapping[str, Any], *, short: bool = False, repairing: bool = False) -> Text:
    """What a person reads; from the plain data of an audit. `short`: of many findings of one sort the first ones, and
    who lacks nearly everything in one line. `repairing`: a plan follows."""
    findings = sorted(report["findings"], key=lambda one: list(_TITLES).index(one["area"]))
    much = _of_much(findings) if short else {}
    blocks = [Text("\n").join(_people(much))] if much else []
    for area, group in groupby(findings, key=lambda one: str(one["area"])):
        here = [one for one in group if not _is_in(one, much)]
        if here:
            heading = Text(f"{area}: {_TITLES[area]}, {_counted(here)}", "bold")
            blocks.append(Text("\n").join([heading, *_area(here, short=short)]))
    unread = [
        Text.assemble(("! ", "bold red"), f"{what} could not be judged ({areas}): {reason}")
        for what, areas, reason in _unread(report["unread"])
    ]
    last = [*unread, *(Text(f"  {safe(note)}", "dim") for note in report["notes"])]
    repairable = sum(one["repairable"] for one in report["findings"])
    if repairable and not repairing:
        last.append(Text(f"`provision audit --repair` shows how to set {_of_them(repairable)} right, and asks."))
    last.append(Text(summary(report) + ("" if repairing else " Nothing was changed."), "bold"))
    return Text("\n\n").join([*blocks, Text("\n").join(last)])


def _of_much(findings: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Person → the findings about what a plan would make or change, for those who lack much in several areas; nobody
    where all of it fits on a screen."""
    of_person: dict[str, list[Mapping[str, Any]]] = {}
    for one in findings:
        if one["person"] and one["repairable"] and one["severity"] != "fault":
            of_person.setdefault(one["person"], []).append(one)
    much = {
        person: theirs
        for person, theirs in of_person.items()
        if len(theirs) >= _MUCH and len({one["area"] for one in theirs}) >= _AREAS
    }
    return much if sum(map(len, much.values())) > _SCREEN else {}


def _is_in(finding: Mapping[str, Any], much: Mapping[str, Sequence[Mapping[str, Any]]]) -> bool:
    return finding["repairable"] and finding["severity"] != "fault" and finding["person"] in much


def _people(much: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Text]:
    number = sum(map(len, much.values()))
    yield Text(f"people of whom much is not as the site says, {count(number, 'warning')}", "bold")
    for person, theirs in list(much.items())[:_PEOPLE]:
        said = ", ".join(f"{area} {len(list(group))}" for area, group in groupby(one["area"] for one in theirs))
        yield Text.assemble("  ", ("warning".ljust(_WIDTH), _STYLES["warning"]), f"{person}: {said}", ("  *", "dim"))
    if len(much) > _PEOPLE:
        yield Text(f"  {'':{_WIDTH}}… and {len(much) - _PEOPLE} more people", "dim")
    yield Text(
        f"  {'':{_WIDTH}}→ `provision audit PERSON` lists it; never onboarded: `provision onboard PERSON`", "dim"
    )


def _area(findings: Sequence[Mapping[str, Any]], *, short: bool) -> Iterator[Text]:
    for _, alike in groupby(findings, key=lambda one: (one["severity"], one["sort"])):
        every = list(alike)
        shown = every[:_SHOWN] if short and len(every) > _SHOWN + 1 else every
        for repair, group in groupby(shown, key=lambda one: one["repair"]):
            for finding in group:
                severity = finding["severity"]
                yield Text.assemble(
                    "  ", (severity.ljust(_WIDTH), _STYLES[severity]), safe(finding["sentence"]),
                    ("" if not finding["repairable"] else "  *", "dim"),
                )  # fmt: skip
            if repair and not finding["repairable"]:
                yield Text(f"  {'':{_WIDTH}}→ {safe(repair)}", "dim")
        if shown is not every:
            said = f"and {len(every) - len(shown)} more ({every[0]['sort']}): `provision audit --area "
            yield Text(f"  {'':{_WIDTH}}… {said}{every[0]['area']}` lists them all", "dim")


def _unread(unread: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """What, areas and reason; what is silent for the same reason (many PCs, at night) is one line."""

    def alike(one: Mapping[str, Any]) -> tuple[str, str]:
        name = one["what"].partition(":")[2] or one["what"]
        return ", ".join(one["areas"]), re.sub(re.escape(name), "…", one["reason"], flags=re.IGNORECASE)

    for (areas, reason), group in groupby(sorted(unread, key=alike), key=alike):
        every = list(group)
        names = ", ".join(safe(one["what"]) for one in every)
        yield names, areas, safe(every[0]["reason"] if len(every) == 1 else reason)


def _counted(findings: Sequence[Mapping[str, Any]]) -> str:
    severities = [one["severity"] for one in findings]
    return ", ".join(count(severities.count(one), one) for one in _STYLES if one in severities)


def _of_them(number: int) -> str:
    return "the one with a *" if number == 1 else f"the {number} with a *"


def summary(report: Mapping[str, Any]) -> str:
    """``12 people, 30 accounts, 400 things looked at: 1 fault, 2 warnings.``"""
    names = {"people": "person", "accounts": "account", "things": "thing", "PCs": "PC", "switches": "switch"}
    many = {"people": "people", "switches": "switches"}
    looked = [count(number, names[what], many.get(what)) for what, number in report["looked"].items() if number]
    found = _counted(report["findings"])
    unread = f", {count(len(report['unread']), 'thing')} could not be judged" if report["unread"] else ""
    return f"{', '.join(looked) or 'Nothing'} looked at: {found or 'nothing was found'}{unread}."


def sentence(report: Mapping[str, Any]) -> str:
    """An audit as one sentence for the work log."""
    told = [_cut(one["sentence"]) for one in report["findings"] if one["severity"] != "remark"]
    named = "; ".join(told[:_NAMED])
    more = f"; and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    silent = [one["what"] for one in report["unread"]]
    others = f" and {len(silent) - _NAMED} more" if len(silent) > _NAMED else ""
    unread = [f"Could not judge {', '.join(silent[:_NAMED])}{others}"] if silent else []
    said = [f"Audit: {summary(report)[:-1]}", *([named + more] if named else []), *unread]
    return f"{'. '.join(said)}. `provision audit` shows all."


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"
