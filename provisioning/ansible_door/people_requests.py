"""Joiners and leavers, and people who are called or do something else from now on: from a task to a request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from provisioning.ansible_door.definition import Result, Task
from provisioning.ansible_door.fulfilling import (
    Asked,
    asked_before,
    carry_out,
    fulfil,
    start_of,
    to_be_asked,
    unchanged,
    unfinished,
)
from provisioning.ansible_door.naming import people, person, text, texts
from provisioning.api import Plan, Site
from provisioning.api.cards import cards
from provisioning.api.leaving import Wishes, equipment_of, number_of, offboarding, signed_in
from provisioning.api.returning import erasing, offboarded, pending_deletions, reinstating
from provisioning.errors import RequestError
from provisioning.intake import leavers
from provisioning.ledger import RunRecord
from provisioning.procedures.offboard import Offboard, leavers_of
from provisioning.procedures.onboard import onboard
from provisioning.procedures.rename import rename
from provisioning.procedures.reprofile import reassign
from provisioning.resources.directory.user import User
from provisioning.site.clock import start_words

# -- onboard


def onboard_task(task: Task) -> Result:
    site, given = task.site, task.given
    persons, desk = people(site, texts(given, "persons")), text(given, "desk")
    plans: list[Plan] = []

    def look() -> Asked:
        software, downgrade = texts(given, "software"), bool(given.get("allow_downgrade"))
        request = onboard(*persons, workplace=desk, software=software, downgrade=downgrade)

        def plan() -> Plan:
            plans.append(site.plan(request))
            return plans[0]

        return Asked(request, plan=plan, start=start_of(task))

    done = fulfil(task, look)
    return done if done.get("failed") or "waiting" in done else done | _newcomers(site, persons, desk, plans)


def _newcomers(site: Site, persons: tuple[str, ...], desk: str | None, plans: list[Plan]) -> Result:
    """What a play wants to know of new colleagues: never a password, but where the initial one waits."""
    named = {
        change.after.employee_id: change.key
        for plan in plans
        for change in plan.changes
        if isinstance(change.after, User) and change.after.employee_id
    }
    found = {
        one.person: one
        for one in cards(site, *persons, desks=dict.fromkeys(persons, desk) if desk else None, skip=True)
    }
    told: list[Result] = []
    for key in persons:
        card, seat = found.get(key), desk or site.wired.person(key).workplace
        login = card.login if card else named.get(key)
        file = None if login is None else site.secrets.handover_file(login)
        told.append(
            {
                "person": key,
                "login": login,
                "principal": card.principal if card else None,
                "mail": card.addresses[0] if card and card.addresses else None,
                "desk": seat,
                "workstation": site.wired.workstation_at.get(seat or ""),
                "extension": card.extension if card else None,
                "telephone": card.telephone if card else site.wired.people[key].phone,
                "handover": str(file) if file is not None and file.exists() else None,
            }
        )
    only = {name: value for name, value in told[0].items() if name != "person"} if len(told) == 1 else {}
    return {"people": told} | only


# -- offboard


def offboard_task(task: Task) -> Result:
    site, given = task.site, task.given
    name = person(site, str(given["person"]))
    held: list[Any] = []

    def look() -> Asked:
        if (said := _left(site, name)) is not None:
            held.extend(equipment_of(site, _leaver(site, name)))
            return Asked(already=said)
        forward, successor = (
            one and person(site, one) for one in (text(given, "forward_to"), text(given, "manager_of_reports"))
        )
        day = _day(text(given, "day"))
        reply, subject, keep = text(given, "reply"), text(given, "reply_subject"), given.get("keep_mail_days")
        request = offboarding(site, name, Wishes(day, forward, reply, subject, keep, successor))
        held.extend(equipment_of(site, request.person))
        start = None if day is None else _end_of(site, request, day)

        def plan() -> Plan:
            made = site.plan(request)
            told = (*signed_in(site, request), *(one.sentence for one in held))
            return replace(made, warnings=(*made.warnings, *told))

        return Asked(request, plan=plan, start=start)

    done = fulfil(task, look)
    return done | {"to_return": [one.to_plain() for one in held]}


def _left(site: Site, name: str) -> str | None:
    """Since when somebody has left, where nothing of the offboarding is left to do."""
    key = _leaver(site, name)
    runs = leavers.offboardings(site.ledger, key) if site.has_ledger else []
    if runs:
        done = runs[-1].state == "done"
        return f"{key} has left already: run {runs[-1].id} offboarded them" if done else None
    known = site.wired.people.get(key)
    if known is None or known.left is None:
        return None
    return f"{key} has left on {known.left}, as the site's files say; `provision audit {key}` tells what is left"


def _leaver(site: Site, name: str) -> str:
    """The number of somebody who may have been offboarded: the site need not know them any more."""
    return offboarded(site).get(name.casefold(), number_of(site.wired, name))


def _end_of(site: Site, request: Offboard, day: date) -> datetime | None:
    """When that day is over; ``None`` where it is, and it was asked for in time. Raises :class:`RequestError`."""
    end = leavers_of(site.wired).end_of(day, site.wired.time_zone)
    if end > datetime.now(UTC):
        return end
    known = asked_before(site, request.title, request.to_plain(), end)
    if known is not None:
        return None
    raise RequestError(
        f"day: {day} was over on {start_words(end, site.inventory)}, and nobody asked for it before; leave `day` out "
        "to shut them out now"
    )


def _day(words: str | None) -> date | None:
    if words is None:
        return None
    try:
        if len(words) != len("2026-12-31"):
            raise ValueError
        return date.fromisoformat(words)
    except ValueError as exc:
        raise RequestError(f"day: {words!r} is none; expected a date such as 2026-12-31 (ISO 8601)") from exc


# -- reinstate, erase


def reinstate_task(task: Task) -> Result:
    site = task.site
    name = person(site, str(task.given["person"]))

    def look() -> Asked:
        key = _leaver(site, name)
        runs: list[RunRecord] = leavers.offboardings(site.ledger, key) if site.has_ledger else []
        known = site.wired.people.get(key)
        if not runs and (known.left is None if known is not None else key in offboarded(site).values()):
            return Asked(already=f"{key} is here: nobody offboarded them, or they are back")
        begun = unfinished(site, "reinstate", lambda plain: plain["person"] == key and plain["run"] == runs[-1].id)
        return Asked(begun=begun) if begun is not None else Asked(reinstating(site, name))

    return fulfil(task, look)


def erase_task(task: Task) -> Result:
    """The deletion that every offboarding asks for lies ahead; this one begins at once."""
    site = task.site
    with site.kept_open():
        request = erasing(site, person(site, str(task.given["person"])))
        plan = site.plan(request)
        if not plan.changes and not plan.unread:
            return unchanged(f"nothing is left of {request.name} ({request.person})", plan.warnings)
        known = asked_before(site, plan.title, plan.request)
        later = known is not None and datetime.fromisoformat(known.start) > datetime.now(UTC)
        if later and task.check:
            return to_be_asked(site, plan, None)
        if later:
            for number in pending_deletions(site, request.person):
                site.cancel(number, "asked for at once instead")
        done = carry_out(task, plan)
        return done | ({"changed": True} if later else {})


# -- rename, reassign


def rename_task(task: Task) -> Result:
    site, given = task.site, task.given
    words = {"given": text(given, "given"), "family": text(given, "family"), "new_login": bool(given.get("new_login"))}

    def look() -> Asked:
        key = person(site, str(given["person"]))
        request = rename(site.wired, key, **words)  # type: ignore[arg-type]
        same = request.to_plain()
        begun = unfinished(site, "rename", lambda plain: plain["persons"] == [key])
        if begun is not None and begun.record.request == same and start_of(task) is None:
            return Asked(begun=begun)
        return Asked(request, start=start_of(task))

    return fulfil(task, look)


def reassign_task(task: Task) -> Result:
    site, given = task.site, task.given
    names = ("profile", "department", "title")

    def look() -> Asked:
        key, manager = person(site, str(given["person"])), text(given, "manager")
        words: dict[str, Any] = {name: text(given, name) for name in names}
        words["manager"] = None if manager is None else person(site, manager)
        former, keep = text(given, "former"), texts(given, "keep")
        begun = unfinished(site, "reassign", lambda plain: plain["persons"] == [key])
        asked = {name: value for name, value in words.items() if value is not None}
        if begun is not None and all(begun.record.request.get(name) == value for name, value in asked.items()):
            return Asked(begun=begun)
        if former is None and words["profile"] == site.wired.person(key).profile:
            keep = ()  # the job was changed before: what stayed, stayed
        return Asked(reassign(site.wired, key, former=former, keep=keep, **words), start=start_of(task))

    return fulfil(task, look)
