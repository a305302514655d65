"""Amendments between the site and the ledger: what procedures changed of what the files say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from provisioning.errors import LedgerError
from provisioning.ledger import Amendment, AmendmentRecord, Books, CustodyTransfer, RunRecord, RunState
from provisioning.procedures.base import Work
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.ledger import Ledger


def amended(inventory: Inventory, records: Iterable[AmendmentRecord]) -> Inventory:
    """The site with the amendments laid over that its files have not overtaken. Raises
    :class:`~provisioning.errors.LedgerError` for an amendment that the site cannot take."""
    updates: dict[str, dict[str, dict[str, str | None]]] = defaultdict(lambda: defaultdict(dict))
    for record in records:
        if not overtaken(inventory, record):
            updates[record.section][record.key][record.field] = record.value
    if not updates:
        return inventory
    sections = {}
    for section, things in updates.items():
        known: Mapping[str, BaseModel] = getattr(inventory, section)
        sections[section] = {**known, **{key: _with(section, key, known[key], new) for key, new in things.items()}}
    return inventory.model_copy(update=sections)


def overtaken(inventory: Inventory, record: AmendmentRecord) -> bool:
    """Whether the files (`inventory` is what they say) have said something else since the amendment was made."""
    thing = getattr(inventory, record.section).get(record.key)
    return thing is None or _plain(thing, record.field) != record.was


def to_write(files: Inventory, now: Inventory, work: Work, holders: Mapping[str, str]) -> Books:
    """What of `work` is not so yet. `files` is what the site's files say, `now` the site as it is; `holders`: asset →
    who has it."""
    new = [one for one in work.amendments if said(now, one) != one.value]
    return Books(
        tuple((one, said(files, one)) for one in new),
        tuple(one for one in work.custody if holders.get(one.asset) != one.to),
        dict(work.reserved),
        {one.subject: said(now, one) for one in new if said(now, one) != said(files, one)},
    )


def to_take_back(files: Inventory, ledger: Ledger, run_id: int) -> Books:
    """What the undo of a run takes back of what was written down with it: amendments that hold, each with what the site
    says until then, and custody that nobody passed on. What is reserved stays so."""
    former = {one.subject: one.value for one in ledger.replaced_amendments(run_id) if not overtaken(files, one)}
    holding = [one for one in ledger.amendments(run_id=run_id) if not overtaken(files, one)]
    newest = {one.asset: one for one in ledger.custody()}
    return Books(
        tuple((Amendment(*one.subject, former.get(one.subject, one.was)), one.value) for one in holding),
        tuple(CustodyTransfer(one.asset, one.former) for one in newest.values() if one.run_id == run_id),
    )


def said(inventory: Inventory, amendment: Amendment) -> str | None:
    """What a site says of the field that an amendment speaks of."""
    thing = getattr(inventory, amendment.section).get(amendment.key)
    return None if thing is None else _plain(thing, amendment.field)


def settle(ledger: Ledger, run: RunRecord, state: RunState) -> None:
    """When a run ends in `state` (the ledger does not say so yet): what it hands over is booked; what it took back
    holds no longer. Twice is once."""
    if run.undoes is None and state in {"done", "partial"}:
        ledger.book_custody(run.id)
    elif run.undoes is not None and state == "done":
        ledger.take_back_amendments(run.undoes)
        ledger.take_back_custody(run.undoes, run.id)


def _plain(thing: BaseModel, field: str) -> str | None:
    value = thing.model_dump(mode="json", include={field}).get(field)
    return None if value is None else str(value)


def _with(section: str, key: str, thing: BaseModel, new: Mapping[str, str | None]) -> BaseModel:
    words: dict[str, Any] = {**thing.model_dump(exclude_unset=True), **new}
    try:
        return type(thing).model_validate(words)
    except ValidationError as exc:
        first = exc.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise LedgerError(
            f"the ledger amends {section}: {key}: {field} to something that the site cannot take ({first['msg']}); "
            "write the right value into the site's file, it wins then"
        ) from exc
