"""Who has what: for lists, and as the return list that a leaver signs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from markupsafe import Markup

from provisioning.ledger import CustodyRecord
from provisioning.reports.holdings import Held, described
from provisioning.reports.templates import render
from provisioning.reports.texts import Texts
from provisioning.reports.words import moment
from provisioning.site import Inventory


def rows(records: Iterable[CustodyRecord], site: Inventory) -> list[dict[str, Any]]:
    """One line a transfer, for lists and JSON."""
    return [
        {
            "asset": one.asset,
            "what": described(site, one.asset),
            "from": one.former,
            "to": one.to,
            "name": _name(site, one.to),
            "at": moment(one.at),
            "who": one.who,
            "run": one.run_id,
            "document": one.document,
            "note": one.note,
        }
        for one in records
    ]


def _name(site: Inventory, holder: str) -> str | None:
    person = site.people.get(holder)
    return f"{person.given_name} {person.family_name}" if person else None


# ------------------------------------------------------------------------------------------------------ page


@dataclass(frozen=True)
class ReturnList:
    """What a leaver brings back."""

    person: str
    name: str
    department: str
    left: date | None
    company: str | None
    items: tuple[Held, ...]


def page(listed: ReturnList, site: Inventory, t: Texts, at: datetime) -> str:
    """The list as HTML 5 to print, with lines for both signatures."""
    return render(
        "return_list.html.j2",
        t,
        listed=listed,
        items=[(one, _item(one, site, t), _note(one, t)) for one in listed.items],
        to_return=sum(one.is_equipment for one in listed.items),
        at=at,
    )


def _item(one: Held, site: Inventory, t: Texts) -> Markup:
    if one.sort == "licence":
        return t("custody.licence", name=one.name)
    if one.sort == "extension":
        return t("custody.extension", number=one.name)
    if one.sort == "equipment" and (device := site.equipment.get(one.name)) is not None:
        model = f" {device.model}" if device.model else ""
        return Markup("{}{}").format(t(f"custody.kind_{device.kind}"), t.shown(model))
    name = t.shown(one.what or one.name)
    return Markup("{} {}").format(t("custody.pc"), name) if one.sort == "pc" else name


def _note(one: Held, t: Texts) -> Markup | None:
    return t(f"custody.{one.sort}_note") if one.sort in {"licence", "extension"} else None
