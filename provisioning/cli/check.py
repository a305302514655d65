"""``provision check``."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click

from provisioning.cli.exits import DONE, PARTIAL
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.errors import RequestError
from provisioning.reports import document, text
from provisioning.reports.words import to_json


@click.command("check")
@click.argument("names", nargs=-1, required=True, metavar="PERSON|WORKPLACE|EQUIPMENT…")
@click.option("--desk", metavar="WORKPLACE", help="Check the person at this workplace.")
@output_option
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation, *, names: tuple[str, ...], desk: str | None, output: str
) -> int:
    """Prove that a person, a workplace or equipment is ready: signs in, gets mail, is in the right VLAN, and so on.

    Changes nothing. Exit codes: 0 all proofs passed, 3 some did not, 1 error.
    """
    names = tuple(dict.fromkeys(names))
    if desk is not None and len(names) > 1:
        raise RequestError(f"--desk {desk} cannot seat {len(names)} people; name one person")
    site, begun, started = invocation.site(), time.monotonic(), _now()
    results = site.check(*names, workplace=desk)
    report = document.without_run(
        f"check {', '.join(names)}", "passed" if all(result.passed for result in results) else "failed",
        started=started, finished=_now(), proofs=results, seconds={"prove": time.monotonic() - begun},
    )  # fmt: skip
    if output == "json":
        click.echo(to_json(report.model_dump(mode="json")))
    else:
        console().print(text.report(report))
    return DONE if report.state == "passed" else PARTIAL


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
