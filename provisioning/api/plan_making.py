"""How a plan is made: what a request comes to at a site, read and compared; and how it is made again for what could not
be read. A module of its own, so that what plans nothing (to resume, to ask for something) does not wait for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from provisioning.api import planning, playbook_steps
from provisioning.api.plan import Plan
from provisioning.api.reading_ahead import reading_ahead
from provisioning.engine import planner
from provisioning.engine.events import Listener, one_at_a_time
from provisioning.engine.planner import TargetSessions
from provisioning.engine.prover import prove
from provisioning.engine.undo import to_take_back
from provisioning.errors import RequestError, TargetError
from provisioning.intake import amended, permit_more, ports
from provisioning.intake.seats import shortages, take
from provisioning.ledger import RunRecord
from provisioning.procedures import registry
from provisioning.procedures.approvals import grounds
from provisioning.procedures.base import Accounts, Request, foreseen
from provisioning.procedures.extensions import claims
from provisioning.procedures.leaving_guard import refuse_stranger, seats_again
from provisioning.procedures.licences import Seat, passed_on, seats
from provisioning.procedures.ownership import owners
from provisioning.procedures.packages import downgrade_warnings
from provisioning.procedures.whole_site import whole_site
from provisioning.resources.base import Change, ProofResult, State

if TYPE_CHECKING:
    from provisioning.api.site import Site


def plan(site: Site, request: Request | None, listener: Listener | None) -> Plan:
    """See :meth:`provisioning.api.site.Site.plan`."""
    inventory = site.wired
    request = request or whole_site(inventory)
    with site.reading(listener) as pool, reading_ahead(request, inventory, pool) as ahead:
        work = request.compile(inventory, facts(site, request, pool))
        reading = ahead.read([*work.resources, *(one.resource for one in work.expected)])
    planning.refuse(work, reading)
    changes = planner.compare(work.resources, reading)
    refuse_stranger(request, reading.found, changes)
    whose = owners(inventory, request, [(r.address, r.desired) for r in work.resources])
    # What could not be read may have to be changed when it can be.
    possible = [Change(r.address, None, r.desired) for r in work.resources if r.target in reading.unread]
    wanted = (
        *passed_on(request, seats(inventory, [r.address for r in work.resources if r.desired is not None], whose)),
        *seats_again(request, inventory),
    )
    held = site.ledger.holders([one.asset for one in work.custody]) if site.has_ledger and work.custody else {}
    books, plain = amended.to_write(site.inventory, inventory, work, held), request.to_plain()
    return Plan(
        site,
        request.title,
        plain,
        tuple(changes),
        work.proofs,
        (
            *planning.warnings(inventory),
            *_shortages(site, wanted),
            *downgrade_warnings(changes),
            *planner.lasting(changes),
            *work.warnings,
            *planning.unmet(work, reading),
            *playbook_steps.sentences(inventory, plain, changes),
        ),
        reading.unread,
        len({r.address for r in work.resources if r.target not in reading.unread}),
        grounds=grounds(
            foreseen(request, inventory),
            [*changes, *possible],
            whose,
            work.off_premises,
            [amendment for amendment, _ in books.amendments],
        ),
        seats=wanted,
        extensions=claims(inventory, ((r.address, r.desired) for r in work.resources)),
        orders=ports.to_open(site.ledger if site.has_ledger else None, work.orders, changes=bool(changes)),
        books=books,
    )


def replan(
    site: Site, run: RunRecord, targets: Collection[str], pool: TargetSessions
) -> tuple[Sequence[Change[State]], Mapping[str, TargetError]]:
    """What a run's request asks of targets that could not be read before."""
    if run.undoes is not None:
        changes, unread = to_take_back(site.ledger.run(run.undoes).changes, pool)
        left = planner.inverse(changes)
    else:
        inventory, request = site.wired, registry.from_plain(run.request)
        work = request.compile(inventory, facts(site, request, pool))
        wanted = [*work.resources, *(one.resource for one in work.expected if one.needed)]
        reading = planner.read([r for r in wanted if r.target in targets], pool)
        left, unread = planner.compare(work.resources, reading), dict(reading.unread)
        unread |= (refused := planning.refused(work, reading))
        left = [change for change in left if change.target not in refused]
        whose = owners(inventory, request, [(r.address, r.desired) for r in work.resources])
        permit_more(site.ledger, run, grounds(foreseen(request, inventory), left, whose, work.off_premises))
    left = [change for change in left if change.target in targets]
    take(site.ledger, site.wired, run, left)
    return left, {t: e for t, e in unread.items() if t in targets}


def check(site: Site, names: Sequence[str], workplace: str | None, listener: Listener | None) -> list[ProofResult]:
    """See :meth:`provisioning.api.site.Site.check`."""
    inventory = site.wired
    request = planning.to_check(inventory, names, workplace)
    with site.reading(listener, "a check") as pool:
        accounts = facts(site, request, pool)
        missing = [key for key in request.desks(inventory) if key not in accounts.logins]
        if missing:
            raise RequestError(
                f"{', '.join(missing)} has no account yet, so there is nothing to check; "
                f"run `provision onboard {missing[0]}`"
            )
        return prove(request.compile(inventory, accounts).proofs, pool, one_at_a_time(listener))


def facts(site: Site, request: Request, pool: TargetSessions) -> Accounts:
    """What a request must know of the directory, and of whom else it asks, before it is compiled."""
    return planning.accounts(site.wired, request, pool, lambda: site.ledger if site.has_ledger else None)


def _shortages(site: Site, wanted: Sequence[Seat]) -> Iterator[str]:
    return shortages(site.ledger, wanted) if wanted and site.has_ledger else iter(())
