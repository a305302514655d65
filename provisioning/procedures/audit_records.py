"""Judging what waits for people: amendments that the site's files should say, desks that two people have, and patch
orders that stay open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from provisioning.ledger.books import AmendmentRecord, PatchOrder
from provisioning.procedures.audit import Finding
from provisioning.procedures.audit_books import people_at_desks
from provisioning.site import Inventory

__all__ = ["Standing", "judge_amendments", "judge_desks", "judge_orders"]


@dataclass(frozen=True)
class Standing:
    """An amendment in force, and what the site's files say of the same field. `overtaken`: they say something else than
    when it was made, so it counts no longer."""

    record: AmendmentRecord
    files: str | None
    overtaken: bool


def judge_amendments(inventory: Inventory, standing: Iterable[Standing], now: datetime) -> Iterator[Finding]:
    """Amendments that the files have overtaken with something else, and those that are too old to be in the ledger
    only."""
    for one in standing:
        record = one.record
        name = f"{record.section}: {record.key}: {record.field}"
        said, files = _shown(record.value), _shown(one.files)
        about = frozenset(filter(None, (record.key, record.value)))
        if one.overtaken:
            if one.files == record.value:
                continue  # somebody wrote it into the files, as they should
            yield Finding(
                "site", "amendment overtaken", record.key, "warning",
                f"{name} was made {said} by run {record.run_id}, but the site's files say {files} since then, and they "
                "count", said, files, f"if {said} is right, write it into the site's files; if not, nothing is to be "
                "done but to look", about=about,
            )  # fmt: skip
        elif (age := now - datetime.fromisoformat(record.at)) > inventory.audit.amendments:
            yield Finding(
                "site", "amendment to be written", record.key, "remark",
                f"{name} is {said} since run {record.run_id}, {age.days} days ago, and the site's files still say "
                f"{files}", said, files, f"write {said} into the site's files ({name})", about=about,
            )  # fmt: skip


def judge_desks(inventory: Inventory) -> Iterator[Finding]:
    """Desks for one person that several people have, and desks with several PCs."""
    for desk, people in sorted(people_at_desks(inventory).items()):
        place = inventory.workplaces.get(desk)
        if place is not None and not place.shared and len(people) > 1:
            yield Finding(
                "site", "desk of several people", desk, "warning",
                f"the workplace {desk} is for one person, and {' and '.join(people)} have it", "one person",
                " and ".join(people), f"provision move {people[-1]} --to WORKPLACE; or mark it 'shared: true'",
                about=frozenset({desk, *people}),
            )  # fmt: skip
    standing: dict[str, list[str]] = defaultdict(list)
    for name, pc in inventory.workstations.items():
        if pc.workplace is not None:
            standing[pc.workplace].append(name)
    for desk, pcs in sorted(standing.items()):
        if len(pcs) > 1:
            yield Finding(
                "site", "desk with several PCs", desk, "warning",
                f"{' and '.join(pcs)} stand at the workplace {desk}, and only one is provisioned", "one PC",
                " and ".join(pcs), "correct workplace of the PC that stands elsewhere", about=frozenset({desk, *pcs}),
            )  # fmt: skip


def judge_orders(inventory: Inventory, orders: Sequence[PatchOrder], now: datetime) -> Iterator[Finding]:
    """Patch orders that have been open for too long."""
    for order in sorted(orders, key=lambda one: one.number):
        age = now - datetime.fromisoformat(order.opened)
        if age > inventory.audit.orders:
            yield Finding(
                "orders", "order open for long", f"order {order.number}", "warning",
                f"patch order {order.number} ({order.outlet} to {order.switch} {order.switch_port}, {order.purpose}) "
                f"is open since {order.opened[:10]}, {age.days} days", "closed", "open",
                f"provision orders close {order.number} --wait; or provision orders cancel {order.number} --reason …",
                about=frozenset({order.outlet, order.switch, order.purpose}),
            )  # fmt: skip


def _shown(value: str | None) -> str:
    return "nothing" if value is None else value
