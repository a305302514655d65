"""Requests as plain data and as sentences: what was asked for, who must approve it, what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from provisioning.ledger import LoggedEntry, RequestRecord, now
from provisioning.reports.words import safe
from provisioning.site import Inventory
from provisioning.site.clock import start_words

Thing = dict[str, Any]

_STYLES = {"proven": "green", "partial": "yellow", "awaiting approval": "yellow", "refused": "red"}


def listed(records: Sequence[RequestRecord], site: Inventory) -> list[Thing]:
    """One row a request."""
    return [
        {
            "request": record.id,
            "asked": record.title,
            "state": record.state,
            "start": start_words(record.start, site),
            "who": record.who,
            "needs": list(record.missing),
            "runs": list(record.runs),
        }
        for record in records
    ]


def story(record: RequestRecord, site: Inventory, log: Sequence[LoggedEntry] = ()) -> Thing:
    """Everything about one request."""
    return {
        "request": record.id,
        "title": record.title,
        "state": record.state,
        "reason": record.reason,
        "who": record.who,
        "at": start_words(record.at, site),
        "start": start_words(record.start, site),
        "asked": dict(record.request),
        "ticket": record.ticket,
        "needs": [_need(record, role, site) for role in record.needs],
        "words": [
            {
                "role": word.role,
                "verdict": "withdrawn" if word.withdrawn else word.verdict,
                "who": word.who,
                "at": start_words(word.at, site),
                "reason": word.reason,
            }
            for word in record.approvals
        ],
        "runs": list(record.runs),
        "work_log": [{"at": start_words(entry.at, site), "sentence": entry.sentence} for entry in log],
    }


def _need(record: RequestRecord, role: str, site: Inventory) -> Mapping[str, Any]:
    return {
        "role": role,
        "to_approve": list(record.grounds.get(role, ())),
        "approved": role not in record.missing,
        "may_approve": list(site.approvals.who_may([role], but=record.who)),
    }


def outcome(record: RequestRecord, site: Inventory) -> Text:
    """A request as its state stands, and what to do next."""
    words: str = record.state
    if record.state == "scheduled":
        words = "scheduled, due now" if record.start <= now() else f"scheduled for {start_words(record.start, site)}"
    shown = Text.assemble(
        "Request ", (str(record.id), "bold"), ": ", (words, _STYLES.get(record.state, "")), f" — {safe(record.title)}"
    )
    for line in _next(record, site):
        shown.append(f"\n  {safe(line)}")
    return shown


def _next(record: RequestRecord, site: Inventory) -> list[str]:
    """What a person should know or do next, by state."""
    reason = [record.reason] if record.reason else []
    match record.state:
        case "awaiting approval":
            return [*reason, "Nothing was changed.", *_approvers(record, site)]
        case "scheduled":
            when = "`provision due`" if record.start <= now() else "When its time has come, `provision due`"
            return [
                f"Nothing was changed yet. {when} (from cron or a systemd timer) carries it out; a worker does it by "
                "itself.",
                f"`provision cancel {record.id}` gives it up.",
            ]
        case "partial" if record.runs:
            return [*reason, f"`provision show run {record.runs[-1]}` tells what is missing."]
    return [*reason, f"`provision show request {record.id}` tells its story."]


def _approvers(record: RequestRecord, site: Inventory) -> list[str]:
    lines = [
        f"The role {word.role} has approved ({word.who}: {word.reason})."
        for word in record.approvals
        if word.verdict == "approved" and not word.withdrawn and word.role not in record.missing
    ]
    for role in record.missing:
        users = ", ".join(site.approvals.who_may([role], but=record.who))
        lines.append(f"The role {role} must approve: {'; '.join(record.grounds.get(role, ()))}.")
        lines.append(f"  Who may: {users or f'nobody; name users for it in the site (approvals: roles: {role})'}.")
    lines.append(f'provision approve {record.id} --reason "…"   or   provision refuse {record.id} --reason "…"')
    if record.start > record.at:
        lines.append(f"It begins on {start_words(record.start, site)} at the earliest.")
    return lines
