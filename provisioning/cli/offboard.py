"""``provision offboard``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import click

from provisioning.api import Plan, Site
from provisioning.api.leaving import Wishes, equipment_of, has_account, offboarding, signed_in, still_open
from provisioning.cli.carrying import Manner, carry_out, carry_out_later, keep, publish
from provisioning.cli.invocation import Invocation, change_options, console
from provisioning.cli.matching import match_person
from provisioning.engine.events import Listener
from provisioning.errors import RequestError
from provisioning.procedures.matching import matches
from provisioning.procedures.offboard import Offboard, leavers_of
from provisioning.reports.document import ReportDocument
from provisioning.reports.holdings import Held
from provisioning.reports.words import safe, to_json
from provisioning.site import Inventory
from provisioning.site.clock import start_words
from provisioning.site.leavers import today

_LONGEST = 65_536
"""Octets of a reply's file."""


@dataclass(frozen=True)
class _Leaving:
    """One call of the verb."""

    site: Site
    request: Offboard
    held: tuple[Held, ...]

    def make_plan(self, told: Listener) -> Plan:
        plan = self.site.plan(self.request, told)
        person = self.request.person
        more = (*signed_in(self.site, self.request), *still_open(self.site, person), *returned(person, self.held))
        return replace(plan, warnings=(*plan.warnings, *more))

    def tell(self, report: ReportDocument, manner: Manner) -> None:
        """The report, as JSON with the list of what is to be returned."""
        if manner.output == "json":
            keep(report, manner)
            click.echo(to_json({**report.model_dump(mode="json"), "to_return": [one.to_plain() for one in self.held]}))
        else:
            publish(report, manner)


@click.command("offboard")
@click.argument("person")
@click.option("--on", "day", metavar="DATE", help="The last day, such as 2026-12-31: carried out when it is over.")
@click.option("--forward-to", metavar="PERSON", help="Who gets a copy of the leaver's mail.")
@click.option("--reply", metavar="TEXT", help="What whoever writes to the leaver is told.")
@click.option("--reply-file", metavar="FILE", type=click.Path(path_type=Path), help="The same, from a UTF-8 file.")
@click.option("--reply-subject", metavar="TEXT", help="The subject of that reply.")
@click.option("--keep-mail-days", metavar="N", type=click.IntRange(1, 3650), help="Instead of the site's number.")
@click.option("--manager-of-reports", metavar="PERSON", help="Who manages the leaver's people from now on.")
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *, person: str, day: str | None, forward_to: str | None, reply: str | None, reply_file: Path | None,
    reply_subject: str | None, keep_mail_days: int | None, manager_of_reports: str | None,
    yes: bool, output: str, report: Path | None,
) -> int:  # fmt: skip
    """Shut out a leaver: account, memberships, sessions, telephone, port. Mail and home folder are kept for a while.

    PERSON is a person of the site (a part of the name will do), a login or an employee number. Shows the plan and what
    is to be returned, and asks; applies; runs the proofs. With --on it is done by `provision worker` (or `provision
    due`) when that day is over. `provision reinstate PERSON` gives everything back.
    Exit codes: 0 done (or written down), 3 partly done, waiting or interrupted, 1 error.
    """
    if reply is not None and reply_file is not None:
        raise RequestError("--reply and --reply-file are the same thing; give one of them")
    manner = Manner(yes, output, report)
    manner.check_report()
    site = invocation.site()
    last = None if day is None else _last_day(day)
    start = None if last is None else _start(last, site.wired)
    text = reply if reply_file is None else _text(reply_file)
    forward_to, manager_of_reports = (one and match_person(site, one) for one in (forward_to, manager_of_reports))
    request = offboarding(
        site, whom(site, person), Wishes(last, forward_to, text, reply_subject, keep_mail_days, manager_of_reports)
    )
    leaving = _Leaving(site, request, equipment_of(site, request.person))
    if start is None:
        return carry_out(leaving.make_plan, manner, leaving.tell)
    screen = console(stderr=output == "json")
    for sentence in returned(request.person, leaving.held):
        screen.print(safe(sentence))
    return carry_out_later(site, request, start, manner)


def returned(person: str, held: Sequence[Held]) -> Iterator[str]:
    """What the leaver has, and how its return is booked."""
    yield from (one.sentence for one in held)
    if any(one.is_equipment for one in held):
        yield (
            "the return of equipment is not booked by this but when it is there: `provision custody take NUMBER`; "
            f"`provision custody return-list {person} --page FILE.html` prints the list to sign"
        )


def whom(site: Site, text: str) -> str:
    """Who is to be offboarded: a person of the site by a whole name; else the login or number of an account whose
    person the site does not know (any more), exactly as it is typed; else whoever is meant by a part of a name."""
    found = matches(site.wired, text, "person")
    if any(one.sure for one in found):
        return match_person(site, text)
    return text if not found or has_account(site, text) else match_person(site, text)


def _last_day(text: str) -> date:
    try:
        if len(text) != len("2026-12-31"):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError as exc:
        raise RequestError(f"--on {text!r}: expected a date such as 2026-12-31 (ISO 8601)") from exc


def _start(day: date, site: Inventory) -> datetime:
    """When that day is over. Raises :class:`RequestError` when it is so already."""
    end = leavers_of(site).end_of(day, site.time_zone)
    if end <= datetime.now(UTC):
        over = "today's end was" if day == today(site.time_zone) else "that day was over on"
        raise RequestError(f"--on {day}: {over} {start_words(end, site)}; leave --on out to do it now")
    return end


def _text(file: Path) -> str:
    """Raises :class:`RequestError`."""
    try:
        octets = file.read_bytes() if file.stat().st_size <= _LONGEST else None
    except OSError as exc:
        raise RequestError(f"--reply-file {file}: cannot be read: {exc.strerror}") from exc
    if octets is None:
        raise RequestError(f"--reply-file {file}: is longer than {_LONGEST // 1024} KiB; shorten it")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise RequestError(f"--reply-file {file}: is not UTF-8; save it as UTF-8") from exc
