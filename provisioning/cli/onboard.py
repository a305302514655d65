"""``provision onboard``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from provisioning.api import Site
from provisioning.cli.asked import onboarding
from provisioning.cli.card import card_files, write_cards
from provisioning.cli.carrying import Manner, carry_out, carry_out_later
from provisioning.cli.exits import ERROR
from provisioning.cli.hiring import check_file, onboard_file
from provisioning.cli.invocation import Invocation, change_options, onboard_options
from provisioning.errors import RequestError
from provisioning.procedures.hires import read_hires
from provisioning.site import Inventory
from provisioning.site.clock import future_start


@click.command("onboard")
@click.argument("persons", nargs=-1, metavar="PERSON…")
@onboard_options
@click.option("--start", metavar="TIME", help="Not before then: 2026-12-01T08:00, in the site's time zone.")
@click.option(
    "--from", "file", metavar="FILE", type=click.Path(path_type=Path),
    help="Everybody in this CSV, JSON or YAML file: columns person, desk, start, with, note.",
)  # fmt: skip
@click.option(
    "--result", metavar="FILE", type=click.Path(path_type=Path),
    help="With --from: where the result of each row goes (else FILE.results.csv beside it).",
)  # fmt: skip
@click.option(
    "--card", "cards", metavar="FILE.html|FOLDER", type=click.Path(path_type=Path),
    help="Write everybody's desk card there as well (in a folder: card-PERSON.html).",
)  # fmt: skip
@click.option("--check", is_flag=True, help="With --from: say all that is wrong with its rows. Changes nothing.")
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *, persons: tuple[str, ...], desk: str | None, packages: tuple[str, ...], downgrade: bool, start: str | None,
    file: Path | None, result: Path | None, cards: Path | None, check: bool, yes: bool, output: str,
    report: Path | None,
) -> int:  # fmt: skip
    """Give new colleagues their account, mail, desk port, PC and software.

    Shows the plan and asks; applies; runs the proofs. Ctrl-C finishes what is under way and stops.
    With --start, or where the site wants it approved, a request is written down instead: `provision requests`.
    Exit codes: 0 done (or written down), 3 partly done, waiting or interrupted, 1 error.
    """
    manner = Manner(yes, output, report)
    if file is not None:
        if persons or desk or packages or downgrade or start or report:
            raise RequestError(
                "--from FILE says it all: leave PERSON, --desk, --with, --allow-downgrade, --start and --report out"
            )
        site = invocation.site()
        if check:
            return check_file(site, file, output)
        desks = {} if cards is None else _hired(file, site.wired)
        places = None if cards is None else card_files(cards, tuple(desks))
        return _with_cards(site, places, onboard_file(site, file, result, manner), desks)
    if result is not None or check:
        raise RequestError(f"{'--check' if check else '--result'} goes with --from FILE")
    if not persons:
        raise RequestError("name at least one person, or a file of them with --from FILE")
    request = onboarding(persons, desk, packages, downgrade=downgrade)
    site = invocation.site()
    if cards is not None and start not in {None, "now"}:
        raise RequestError("--card goes with what is carried out now; `provision card PERSON` writes it later")
    places = None if cards is None else card_files(cards, tuple(dict.fromkeys(persons)))
    if start is None or start == "now":
        code = carry_out(lambda told: site.plan(request, told), manner)
        return _with_cards(site, places, code, dict.fromkeys(persons, desk))
    return carry_out_later(site, request, future_start(start, site.inventory), manner)


def _hired(file: Path, inventory: Inventory) -> dict[str, str | None]:
    """The people of a file who can be hired, and the desks that it gives them."""
    return {row.person: row.desk for row in read_hires(file, inventory).rows if row.fault is None}


def _with_cards(site: Site, places: dict[str, Path] | None, code: int, desks: Mapping[str, str | None]) -> int:
    """The exit code, after writing the cards of those who have an account by now."""
    if places and code != ERROR:
        write_cards(site, places, desks={key: desk for key, desk in desks.items() if desk is not None}, skip=True)
    return code
