"""A check of the lines as text: what was found and what to do about it, then one line that counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.text import Text

from provisioning.reports.words import count, safe

__all__ = ["BARS", "bars", "grouped", "lines", "summary"]

_STYLES = {"fault": "bold red", "warning": "yellow", "remark": "cyan"}
_WIDTH = 9
BARS = "▁▂▃▄▅▆▇█"
_PIECES = 28


def lines(report: Mapping[str, Any]) -> Text:
    """What a person reads; from the plain data of a report."""
    history = {(one["switch"], one["port"]): one for one in report["history"]}
    said: list[Text] = []
    for alike in grouped(report["findings"]):
        for finding in alike:  # how errors went is said once a port
            said += _finding(finding, report["at"], history.pop((finding["switch"], finding["port"]), None))
        said.append(Text(f"{'':{_WIDTH}}→ {safe(alike[0]['advice'])}"))
    if said:
        said.append(Text())
    for switch in report["switches"]:
        if switch["error"]:
            said.append(
                Text.assemble(("! ", "bold red"), f"{safe(switch['name'])} was not checked: {safe(switch['error'])}")
            )
        said += [Text(f"  {safe(switch['name'])}: {safe(note)}", "dim") for note in switch["notes"]]
    said += [Text(f"  {safe(note)}", "dim") for note in report["notes"]]
    return Text("\n").join([*said, Text(summary(report), "bold")])


def grouped(findings: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Findings that follow each other and have the same advice, so that it need not be repeated."""
    return [list(alike) for _, alike in groupby(findings, key=lambda one: (one["weight"], one["sort"], one["advice"]))]


def summary(report: Mapping[str, Any]) -> str:
    """``94 ports of 2 switches checked, 41 in use, 91 fine: 1 fault, 2 warnings.``"""
    switches = report["switches"]
    unread = sum(bool(switch["error"]) for switch in switches)
    if unread and unread == len(switches):
        return f"Nothing was checked: {count(unread, 'switch', 'switches')} could not be read."
    weights = [finding["weight"] for finding in report["findings"]]
    found = ", ".join(count(weights.count(weight), weight) for weight in _STYLES if weight in weights)
    ports = f"{count(report['ports'], 'port')} of {count(len(switches) - unread, 'switch', 'switches')}"
    text = f"{ports} checked, {report['in_use']} in use, {report['fine']} fine"
    if unread:
        text += f"; {count(unread, 'switch', 'switches')} could not be checked"
    return f"{text}: {found}." if found else f"{text}; nothing was found."


def _finding(finding: Mapping[str, Any], at: str, history: Mapping[str, Any] | None) -> Iterator[Text]:
    place = f" ({safe(finding['place'])})" if finding["place"] else ""
    where = f"{safe(finding['switch'])} {safe(finding['shown'])}{place}"
    weight = finding["weight"]
    yield Text.assemble(
        (weight.ljust(_WIDTH), _STYLES[weight]), (where, "bold"), f": {safe(finding['says'])}{_since(finding, at)}"
    )
    if history is not None and any(history["errors"]):
        hours, errors = history["hours"], history["errors"]
        worst = max(rate for rate in errors if rate is not None)
        said = f"errors an hour over {count(round(hours * len(errors) / 24), 'day')}: {bars(errors)}"
        yield Text(f"{'':{_WIDTH}}{said} at most {worst:,.4g} (mean of {hours:.3g} h)", "dim")


def _since(finding: Mapping[str, Any], at: str) -> str:
    since = finding["since"]
    if since is None or since == at:
        return ""
    return f" [since {since[:16].replace('T', ' ')} UTC]"


def bars(values: Sequence[float | None], pieces: int = _PIECES) -> str:
    """A row of bars; a blank where nothing is known."""
    step = len(values) / pieces
    grouped = [values[round(i * step) : max(round((i + 1) * step), round(i * step) + 1)] for i in range(pieces)]
    worst = [max((value for value in group if value is not None), default=None) for group in grouped]
    top = max((value for value in worst if value is not None), default=0) or 1
    return "".join(" " if value is None else BARS[min(int(value / top * 8), 7)] for value in worst)
