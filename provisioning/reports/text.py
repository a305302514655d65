"""Plans and reports as text: a tree by target that someone who has never seen the tool can read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Protocol

from rich.text import Text

from provisioning.errors import TargetError, UnreachableError
from provisioning.ledger import Books, CustodyTransfer
from provisioning.reports.document import (
    ChangeReport,
    Difference,
    ProofReport,
    ReportDocument,
    WaitingReport,
    differences,
)
from provisioning.reports.words import (
    ACTIONS,
    NOTHING,
    count,
    field_words,
    kind_words,
    moment,
    safe,
    short,
    short_pair,
    system_words,
)
from provisioning.resources.base import Address, Change, Proof, State

_STYLE = {"create": "green", "update": "yellow", "delete": "red"}
_VERDICT = {
    "verified": ("✓", "green", "done"),
    "failed": ("✗", "red", "failed"),
    "blocked": ("·", "yellow", "not attempted"),
    "abandoned": ("·", "yellow", "not begun"),
    "planned": ("·", "yellow", "not begun"),
    "attempted": ("?", "yellow", "begun, never verified"),
    "deferred": ("…", "yellow", "waits"),
}
_ENDED = {
    "done": ("green", "done"),
    "partial": ("yellow", "partly done"),
    "waiting": ("yellow", "waiting"),
    "interrupted": ("yellow", "interrupted"),
    "running": ("yellow", "running, or ended without a word"),
    "undone": ("green", "done, and taken back since"),
    "unchanged": ("green", "no changes"),
    "passed": ("green", "all proofs passed"),
    "failed": ("red", "not all proofs passed"),
}

_TELLING = frozenset({"windows.user_data"})
"""Kinds of proofs whose evidence is wanted when they pass, too: how much was copied, and how fast."""
_CHECK = "`provision check PERSON` runs the proofs."


class Planned(Protocol):
    """What this module needs to know of a plan (:class:`provisioning.api.Plan` is one)."""

    @property
    def title(self) -> str: ...
    @property
    def changes(self) -> Sequence[Change[State]]: ...
    @property
    def proofs(self) -> Sequence[Proof]: ...
    @property
    def warnings(self) -> Sequence[str]: ...
    @property
    def unread(self) -> Mapping[str, TargetError]: ...
    @property
    def resources(self) -> int: ...
    @property
    def grounds(self) -> Mapping[str, Sequence[str]]: ...
    @property
    def lines(self) -> Mapping[Address, Sequence[str]]: ...
    @property
    def books(self) -> Books: ...
    @property
    def undoes(self) -> int | None: ...


# ----------------------------------------------------------------------------------------------------- plans


def plan(planned: Planned, *, lines: bool = False) -> Text:
    """The whole plan: changes by target, what was not read, warnings, counts, and what will be proven; with `lines`
    also what will be typed on devices."""
    title = Text(safe(planned.title), "bold")
    if planned.changes:
        title.append("\n+ will be created, ~ will be changed, - will be deleted; – stands for nothing", "not bold dim")
    blocks = [title]
    typed = planned.lines if lines else {}
    blocks += [_target(target, list(changes), typed) for target, changes in _by_target(planned.changes)]
    blocks += [
        _unread(
            {target: error.message for target, error in planned.unread.items()},
            _COMES_LATER
            if all(isinstance(error, UnreachableError) for error in planned.unread.values())
            else _LEFT_OUT,
        ),
        _books(planned.books) if planned.undoes is None else _books_taken_back(planned.books),
        _warnings(planned.warnings),
    ]
    blocks += [counts(planned)]
    if planned.changes or planned.books.stand_alone:
        blocks += [_to_be_proven(planned.proofs)]
    elif not planned.unread:
        blocks += [Text(f"Everything is as it should be. {_CHECK}")]
    return _paragraphs([*blocks, _to_be_approved(planned.grounds)])


def counts(planned: Planned) -> Text:
    """``Plan: 14 to create, 3 to change, 0 to delete, 25 unchanged.``"""
    parts = [
        f"{sum(change.action == action for change in planned.changes)} {words}"
        for action, (_, words) in ACTIONS.items()
    ]
    line = Text(f"Plan: {', '.join(parts)}, {max(0, planned.resources - len(planned.changes))} unchanged", "bold")
    if planned.unread:
        line.append(f"; {count(len(planned.unread), 'target')} could not be read")
    return line.append(".")


def _by_target(changes: Iterable[Change[State]]) -> Iterator[tuple[str, Iterator[Change[State]]]]:
    return groupby(sorted(changes, key=lambda change: change.target), key=lambda change: change.target)


def _target(target: str, changes: Iterable[Change[State]], typed: Mapping[Address, Sequence[str]]) -> Text:
    lines = [_heading(target)]
    for change in changes:
        sign, _ = ACTIONS[change.action]
        lines.append(Text(f"  {sign} {kind_words(change.address.kind)} {safe(change.key)}", _STYLE[change.action]))
        lines += [_difference(change.action, difference) for difference in differences(change)]
        if typed.get(change.address):
            lines.append(Text("      typed on the device:", "dim"))
            lines += [Text(f"        {safe(line)}", "dim") for line in typed[change.address]]
    return Text("\n").join(lines)


def _heading(target: str) -> Text:
    what = system_words(target)
    return Text.assemble((safe(target), "bold"), (f"  ({what})" if what else "", "dim"))


def _difference(action: str, difference: Difference) -> Text:
    line = Text(f"      {field_words(difference.field)}: ")
    if action == "create":
        return line.append(short(difference.new))
    if action == "delete":
        return line.append(short(difference.old))
    old, new = short_pair(difference.old, difference.new)
    return line.append(old, "dim").append(" → ").append(new)


_LEFT_OUT = "What is there is unknown, so it is left out. Run this again once it answers."
_COMES_LATER = "What is there is unknown. `apply` begins with the rest and comes back to it until it answers."


def _unread(unread: Mapping[str, str], advice: str = _LEFT_OUT) -> Text:
    lines = [Text(f"! {safe(target)}: {safe(reason, lines=True)}", "red") for target, reason in unread.items()]
    return Text("\n").join([*lines, Text(f"  {advice}", "dim")] if lines else [])


def _warnings(warnings: Sequence[str]) -> Text:
    return Text("\n").join(Text(f"Warning: {safe(warning, lines=True)}", "yellow") for warning in warnings)


def _books(books: Books) -> Text:
    """What is written into the ledger with the run. A first handing over with a new desk goes without saying."""
    custody = [one for one in books.custody if books.amendments or one.document]
    until = " (the ledger holds it until the site's files say it)" if books.amendments else ""
    return _written(f"To be written down{until}:", books, custody)


def _books_taken_back(books: Books) -> Text:
    return _written("To be taken back in the ledger:", books, books.custody)


def _written(heading: str, books: Books, custody: Sequence[CustodyTransfer]) -> Text:
    lines = [
        f"{one.section} {safe(one.key)}: {field_words(one.field)} "
        f"{safe(books.now.get(one.subject, was) or NOTHING)} → {safe(one.value or NOTHING)}"
        for one, was in books.amendments
    ]
    lines += [f"{_asset(one.asset)} goes to {safe(one.to)}" for one in custody]
    return Text("\n".join([heading, *(f"  {line}" for line in lines)]) if lines else "")


def _asset(asset: str) -> str:
    """``licence:crm/E1042`` is a seat of the pool."""
    pool, colon, seat = asset.partition(":")
    return f"the licence seat {safe(seat.partition('/')[0])}" if (pool, colon) == ("licence", ":") else safe(asset)


def _to_be_approved(grounds: Mapping[str, Sequence[str]]) -> Text:
    heading = [Text("Needs approval:", "bold yellow")] if grounds else []
    by_role = (Text(f"  {safe(role)}: {safe('; '.join(why))}") for role, why in grounds.items())
    return Text("\n").join([*heading, *by_role])


def _to_be_proven(proofs: Sequence[Proof]) -> Text:
    lines = [Text("Will be proven:", "bold")] if proofs else []
    return Text("\n").join([*lines, *(Text(f"  • {safe(proof.name)}") for proof in proofs)])


# --------------------------------------------------------------------------------------------------- reports


def report(document: ReportDocument) -> Text:
    """What a run did or a check found, by target, with the proofs and what to do next."""
    return _paragraphs(
        [
            _ending(document),
            _unread(document.unread),
            _warnings(document.warnings),
            _done_by_target(document.changes, {one.target: one.reason for one in document.waiting}),
            _waiting(document.waiting),
            proofs(document.proofs),
            _handover(document.handover),
            _next_step(document),
        ]
    )


def settled(change: Change[State], state: str, error: object | None, already: bool = False) -> Text:
    """One line for a change that has just come to its end; `already`: there was nothing left to do."""
    sign, style, words = _VERDICT[state]
    line = Text.assemble(
        (f"{sign} ", style), f"{safe(change.target)}: {kind_words(change.address.kind)} {safe(change.key)} "
    )
    if state == "verified":
        if already:
            return line.append("is so already", style)
        return line.append({"create": "created", "update": "changed", "delete": "deleted"}[change.action], style)
    line.append(words, style)
    return line.append(f": {safe(_without(change.target, str(error)), lines=True)}" if error else "")


def proof(name: str, target: str, passed: bool, detail: str) -> Text:
    """One line for a proof, with its evidence when it did not pass."""
    line = Text.assemble(("✓ ", "green") if passed else ("✗ ", "red"), safe(name))
    return (
        line
        if passed
        else line.append(f"\n    {safe(target)}: ", "red").append(safe(_without(target, detail), lines=True))
    )


def proofs(results: Sequence[ProofReport]) -> Text:
    """All proofs, with their count."""
    if not results:
        return Text()
    passed = sum(result.passed for result in results)
    lines = [
        Text(
            f"Proofs: {passed} of {len(results)} passed",
            "bold green" if passed == len(results) else "bold red",
        )
    ]
    for one in results:
        line = Text("  ") + proof(one.name, one.target, one.passed, one.detail)
        lines.append(line.append(f": {safe(one.detail)}") if one.passed and one.kind in _TELLING else line)
    return Text("\n").join(lines)


def _without(target: str, detail: str) -> str:
    return detail.removeprefix(f"{target}: ")


def _ending(document: ReportDocument) -> Text:
    style, words = _ENDED[document.state]
    total = sum(document.seconds.values())
    line = Text.assemble((f"Run {document.run}: " if document.run else "", "bold"), (words, f"bold {style}"))
    line.append(f" — {safe(document.title)}")
    if total:
        line.append(f" ({', '.join(f'{phase} {value:.1f} s' for phase, value in document.seconds.items())})", "dim")
    return line


def _done_by_target(changes: Sequence[ChangeReport], awaited: Mapping[str, str]) -> Text:
    """`awaited`: target → why it is waited for, which is said once, not for each of its changes."""
    lines = []
    for target, group in groupby(sorted(changes, key=lambda change: change.target), key=lambda change: change.target):
        mine = list(group)
        counted = [
            Text(f"{number} {'waiting' if state == 'deferred' else words}", style)
            for state, (_, style, words) in _VERDICT.items()
            if (number := sum(change.state == state for change in mine))
        ]
        lines.append(Text(f"  {safe(target)}: ").append(Text(", ").join(counted)))
        for change in mine:
            if change.state != "verified":
                sign, style, words = _VERDICT[change.state]
                error = _without(target, change.error or words)
                why = "" if error == _without(target, awaited.get(target, "")) else f": {safe(error, lines=True)}"
                lines.append(
                    Text.assemble("    ", (f"{sign} ", style), f"{kind_words(change.kind)} {safe(change.key)}", why)
                )
    return Text("\n").join([Text("Changes:", "bold"), *lines]) if lines else Text()


def _waiting(targets: Sequence[WaitingReport]) -> Text:
    lines = [Text("Waiting for:", "bold")] if targets else []
    for one in targets:
        tries = count(one.attempts, "try", "tries")
        lines.append(Text(f"  … {safe(one.target)}: {safe(_without(one.target, one.reason), lines=True)}", "yellow"))
        until = f", given up on {moment(one.deadline)}" if one.deadline else ""
        lines.append(Text(f"      {tries} in vain, next on {moment(one.next_try)}{until}", "dim"))
    return Text("\n").join(lines)


def _handover(handover: Mapping[str, str]) -> Text:
    return Text("\n").join(
        Text(
            f"The initial password of {safe(login)} waits. To give it out, once: provision handover {safe(login)}"
        ).append(f"\n  (until then it is in {safe(file)})", "dim")
        for login, file in handover.items()
    )


def _next_step(document: ReportDocument) -> Text:
    if document.state == "unchanged":
        return Text(f"Everything is as it should be. {_CHECK}")
    if document.run is None or document.state == "undone":
        return Text()
    resume = f"provision resume {document.run}"
    if document.undoes is not None:
        return Text("" if document.state == "done" else f"To try the rest again: provision undo {document.undoes}")
    undo = f"provision undo {document.run}"
    if document.state == "waiting":
        return Text(
            f"What was done is kept, the rest waits. To try again what is due: {resume} (--now: all of it); "
            f"or take it back: {undo}"
        )
    if document.state in {"partial", "interrupted", "running"}:
        return Text(f"What was done is kept. To go on: {resume}; or take it back: {undo}")
    return Text(f"To take it back: {undo}")


def _paragraphs(blocks: Iterable[Text]) -> Text:
    return Text("\n\n").join(block for block in blocks if block.plain)
