"""An audit as text: the sum first, then area by area, one line a finding and one that says what to do about it."""

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

_NAMED = 5
"""Findings that a sentence of the work log names."""


def audit(report: Mapping[str, Any], *, short: bool = False) -> Text:
    """What a person reads; from the plain data of an audit. `short`: of many findings of one sort the first ones."""
    lines = [Text(f"{summary(report)} Nothing was changed.", "bold")]
    findings = sorted(report["findings"], key=lambda one: list(_TITLES).index(one["area"]))
    for area, group in groupby(findings, key=lambda one: str(one["area"])):
        here = list(group)
        lines += [Text(), Text(f"{area}: {_TITLES[area]}, {_counted(here)}", "bold"), *_area(here, short=short)]
    if report["unread"]:
        lines.append(Text())
    for what, areas, reason in _unread(report["unread"]):
        lines.append(Text.assemble(("! ", "bold red"), f"{what} could not be judged ({areas}): {reason}"))
    lines += [Text(f"  {safe(note)}", "dim") for note in report["notes"]]
    repairable = sum(one["repairable"] for one in report["findings"])
    if repairable:
        lines += [Text(), Text(f"`provision audit --repair` shows how to set {_of_them(repairable)} right, and asks.")]
    return Text("\n").join(lines)


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
    told = [one["sentence"] for one in report["findings"] if one["severity"] != "remark"]
    named = "; ".join(told[:_NAMED])
    more = f"; and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    unread = [f"could not judge {', '.join(one['what'] for one in report['unread'][:_NAMED])}"] * bool(report["unread"])
    said = [f"Audit: {summary(report)[:-1]}", *([named + more] if named else []), *unread]
    return f"{'. '.join(said)}. `provision audit` shows all."
