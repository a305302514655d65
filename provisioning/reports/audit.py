"""An audit as text: one block a PC, one line a finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from provisioning.reports.words import count, kind_words, safe, short

_STYLES = {"not approved": "red", "missing": "yellow", "outdated": "yellow", "newer": "yellow"}
_SORT_WIDTH = 14


def audit(report: Mapping[str, Any]) -> Text:
    """What was found, PC by PC, and how much in all; from the plain data of an audit."""
    pcs = report["pcs"]
    found, unread = sum(len(pc["findings"]) for pc in pcs), sum(bool(pc["error"]) for pc in pcs)
    summary = f"{count(len(pcs), 'PC')} audited, {count(found, 'finding')}"
    if unread:
        summary += f", {unread} could not be read"
    lines = [line for pc in pcs for line in _pc(pc)]
    return Text("\n").join([*lines, Text(f"{summary}. Nothing was changed.", "bold")])


def _pc(pc: Mapping[str, Any]) -> Iterator[Text]:
    if pc["error"]:
        said = f"could not be read: {safe(pc['error'])}"
    else:
        said = f"{count(len(pc['findings']), 'finding')}, {count(pc['packages'], 'package')} installed"
    yield Text.assemble((safe(pc["name"]), "bold"), f"  {said}")
    for warning in pc["warnings"]:
        yield Text(f"  ! {safe(warning)}", "yellow")
    for finding in pc["findings"]:
        yield _finding(finding)


def _finding(finding: Mapping[str, str]) -> Text:
    style = _STYLES.get(finding["sort"], "")
    return Text.assemble("  ", (finding["sort"].ljust(_SORT_WIDTH), style), _words(finding))


def _words(finding: Mapping[str, str]) -> str:
    thing, detail = safe(finding["thing"]), short(finding["detail"]) if finding["detail"] else ""
    expected = f", expected {short(finding['expected'])}" if finding["expected"] else ""
    if finding["kind"]:  # a setting
        thing = f"{kind_words(finding['kind'])} {thing}"
        if not finding["found"] and not expected:
            return f"{thing}: not as it should be: {detail}" if detail else thing
        found = short(finding["found"]) if finding["found"] else "not there"
        return f"{thing}: {detail} is {found}{expected or ', expected not to be there'}"
    more = f" ({detail})" if detail else ""
    return f"{thing} {safe(finding['found'])}".rstrip() + f"{expected}{more}"
