"""``provision patch``."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from provisioning.api import Plan, Site, patching
from provisioning.cli.carrying import Manner, carry_out, keep, publish
from provisioning.cli.exits import CHANGES_PENDING, DONE, ERROR, PARTIAL
from provisioning.cli.files import writable
from provisioning.cli.invocation import Invocation, change_options, console
from provisioning.cli.patching import wait_for, wait_option, write_page
from provisioning.cli.progress import waits
from provisioning.engine.events import Listener
from provisioning.errors import RequestError
from provisioning.ledger import PatchOrder
from provisioning.procedures.patch import Patch
from provisioning.procedures.patch_proof import Verdict
from provisioning.reports import patch_order, text
from provisioning.reports.document import ReportDocument
from provisioning.reports.words import to_json


@dataclass
class _Patching:
    """One call of the verb, as far as it got."""

    site: Site
    outlet: str
    to: str
    spare: int | None
    manner: Manner
    request: Patch | None = None
    plan: Plan | None = None
    report: ReportDocument | None = None
    words: list[str] = field(default_factory=list)

    def make_plan(self, told: Listener) -> Plan:
        self.request, missing = patching.patch_request(self.site, self.outlet, self.to, told, spare=self.spare)
        plan = self.site.plan(self.request, told)
        already = self._already()
        self.plan = replace(plan, warnings=(*missing, *already, *plan.warnings))
        return self.plan

    def _already(self) -> tuple[str, ...]:
        outlet = self.site.wired.outlets[self.outlet]
        if outlet.switch is None:
            return ()
        found = self.order
        by = f"patch order {found.number}, {found.state}" if found else "the site's files"
        return (
            f"outlet {self.outlet} is patched to {outlet.switch} {outlet.switch_port} already ({by}); it stays there",
        )

    @property
    def order(self) -> PatchOrder | None:
        """The order that stands for the outlet."""
        if not self.site.has_ledger:
            return None
        found = self.site.ledger.patch_orders(1, states=("open", "closed"), outlet=self.outlet)
        return found[0] if found else None

    def tell(self, report: ReportDocument, manner: Manner) -> None:
        """The report now; as JSON at the end, together with the order."""
        self.report = report
        if manner.output == "json":
            keep(report, manner)
        else:
            publish(report, manner)
            if (order := self.order) is not None:
                console().print()
                console().print(patch_order.text(patch_order.sheet(self.site.wired, order)))
            if report.state in _UNFINISHED and report.run is not None:
                console().print(f"The port is not set yet: the cable can wait until `provision resume {report.run}`.")


_UNFINISHED = {"partial", "waiting", "interrupted"}


@click.command("patch")
@click.argument("outlet")
@click.option("--to", required=True, metavar="WORKPLACE|EQUIPMENT|PROFILE", help="What the outlet is for.")
@wait_option
@click.option("--page", metavar="FILE.html", type=click.Path(path_type=Path), help="Write the order there, to print.")
@click.option("--use-spare", is_flag=True, help="Take a port that the site keeps spare, if no other is free.")
@click.option("--dry-run", is_flag=True, help="Show plan and order; change nothing, allocate nothing.")
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *,
    outlet: str,
    to: str,
    wait: float | None,
    page: Path | None,
    use_spare: bool,
    dry_run: bool,
    yes: bool,
    output: str,
    report: Path | None,
) -> int:
    """Patch a wall outlet: pick a free switch port, configure it, and tell the technician where the cable goes.

    The port is free for the site, for the ledger and on the switch itself. An outlet that is patched already keeps its
    port. `provision undo RUN` restores the port and frees it; `provision orders` lists what technicians have to do.
    Exit codes: 0 done, 2 changes are pending (--dry-run), 3 partly done or no cable yet (--wait), 1 error.
    """
    if page is not None:
        writable(page, "--page", ".html")
    if dry_run and (wait is not None or report is not None):
        raise RequestError("--dry-run configures nothing, so there is nothing to wait for or to report; leave it out")
    manner = Manner(yes, output, report)
    work = _Patching(invocation.site(), outlet, to, 0 if use_spare else None, manner)
    if dry_run:
        return _dry(work, page)
    code = carry_out(work.make_plan, manner, work.tell)
    order = work.order
    if page is not None and order is not None and work.report is not None:
        write_page(work.site, order, page)
    verdict = _wait(work, order, wait) if code == DONE and work.report is not None else None
    if output == "json" and work.report is not None:
        click.echo(to_json(_plain(work, verdict)))
    return PARTIAL if code == DONE and wait is not None and not _lies(work.order) else code


def _lies(order: PatchOrder | None) -> bool:
    return order is None or order.state == "closed"


def _wait(work: _Patching, order: PatchOrder | None, seconds: float | None) -> Verdict | None:
    if seconds is None or order is None or order.state != "open":
        return None
    return wait_for(work.site, order, seconds, console(stderr=work.manner.output == "json"))


def _plain(work: _Patching, verdict: Verdict | None) -> dict[str, Any]:
    assert work.report is not None  # noqa: S101  (for the type checker)
    order = work.order
    sheet = None if order is None else patch_order.plain(patch_order.sheet(work.site.wired, order))
    seen = None if verdict is None else verdict.sentence
    return {**work.report.model_dump(mode="json"), "patch_order": sheet, "seen": seen}


def _dry(work: _Patching, page: Path | None) -> int:
    plan = work.make_plan(waits(console(stderr=work.manner.output == "json")))
    order = plan.orders[0] if plan.orders else work.order
    sheet = None if order is None else patch_order.sheet(work.site.wired, order)
    if work.manner.output == "json":
        plain = plan.to_document().model_dump(mode="json")
        click.echo(to_json({**plain, "patch_order": None if sheet is None else patch_order.plain(sheet)}))
    else:
        console().print(text.plan(plan, lines=True))
        if sheet is not None:
            console().print()
            console().print(patch_order.text(sheet))
    if page is not None and order is not None:
        write_page(work.site, order, page, work.request)
    if plan.unread:
        return ERROR
    return DONE if plan.is_empty else CHANGES_PENDING
