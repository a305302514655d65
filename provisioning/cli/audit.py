"""``provision audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from provisioning.api import Site
from provisioning.api.auditing import AuditReport
from provisioning.cli.carrying import Manner, carry_out, publish
from provisioning.cli.exits import CHANGES_PENDING, DONE, PARTIAL
from provisioning.cli.files import writable
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.cli.progress import waits
from provisioning.errors import RequestError
from provisioning.procedures.audit import AREAS
from provisioning.reports import audit, prometheus
from provisioning.reports.document import ReportDocument
from provisioning.reports.words import to_json

FOUND = CHANGES_PENDING
"""As for `provision plan` and `provision lines`: nothing went wrong, but somebody has something to do."""


@click.command("audit")
@click.argument("names", nargs=-1, metavar="[NAME…]")
@click.option(
    "--area", "areas", metavar="AREA,…", multiple=True,
    help=f"Only these: {', '.join(AREAS)}.",
)  # fmt: skip
@click.option("--repair", is_flag=True, help="Show one plan of all that can be set right, ask, and carry it out.")
@click.option("-y", "--yes", is_flag=True, help="With --repair: do not ask.")
@click.option(
    "--prometheus", "numbers", metavar="FILE.prom", type=click.Path(path_type=Path),
    help="Write the numbers there, for the node exporter's textfile collector.",
)  # fmt: skip
@output_option
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *, names: tuple[str, ...], areas: tuple[str, ...], repair: bool, yes: bool, numbers: Path | None, output: str,
) -> int:  # fmt: skip
    """Compare the whole site with reality: accounts, ports, PCs, licences, equipment, telephones, folders, records.

    Names of people, PCs, workplaces, equipment and switches narrow it. Changes nothing without --repair, which sets
    right what the site's plan can; what only a person can decide is named with its command and left alone.

    Exit codes: 0 clean (remarks alone are fine), 2 there are findings, 3 something could not be judged, 1 error.
    """
    if yes and not repair:
        raise RequestError("--yes goes with --repair; without it nothing is changed and nobody is asked")
    if numbers is not None:
        if names:
            raise RequestError("--prometheus is for the whole site: leave the names out")
        writable(numbers, "--prometheus", ".prom")
    manner = Manner(yes, output, None)
    if repair:
        manner.check()
    site = invocation.site()
    words = [word.strip() for text in areas for word in text.split(",")]
    report = site.audit(*names, areas=words, listener=waits(console(stderr=output == "json")))
    document = report.to_document()
    if numbers is not None:
        prometheus.write(numbers, document)
    if output == "json" and not (repair and report.repair):
        click.echo(to_json(document))
    elif output != "json":
        console().print(audit.audit(document, short=not names and not areas, repairing=repair and bool(report.repair)))
    if repair:
        return _repair(site, report, manner)
    return ending(report)


def ending(report: AuditReport) -> int:
    """The exit code that tells monitoring how things are."""
    if not report.is_whole:
        return PARTIAL
    return DONE if report.is_clean else FOUND


def _repair(site: Site, report: AuditReport, manner: Manner) -> int:
    request = report.repair
    if request is None:
        if manner.output != "json":
            console().print("\nThere is nothing that a plan could set right.")
        return ending(report)
    if manner.output != "json":
        console().print()

    def tell(done: ReportDocument, how: Manner) -> None:
        if how.output != "json":
            return publish(done, how)
        both: dict[str, Any] = {"audit": report.to_document(), "repair": done.model_dump(mode="json")}
        return click.echo(to_json(both))

    code = carry_out(lambda told: site.plan(request, told), manner, tell)
    left = [finding for finding in report.findings if not finding.is_repairable and finding.severity != "remark"]
    if code == DONE and (left or not report.is_whole):
        return PARTIAL if not report.is_whole else FOUND
    return code
