"""``provision hires``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.cli.carrying import Manner
from provisioning.cli.exits import DONE, ERROR, PARTIAL
from provisioning.cli.hiring import conflicts, tell
from provisioning.cli.invocation import Invocation, output_option
from provisioning.reports.words import count, safe, to_json


@click.group("hires", no_args_is_help=False)
def VERB() -> None:  # noqa: N802  (it is an object)
    """Bring what the personnel office knows of new people into the site."""


@VERB.command("import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@output_option
@click.pass_obj
def import_(invocation: Invocation, file: Path, yes: bool, output: str) -> int:
    """Add the people in FILE whom the site does not have yet to its table of people.

    FILE is a CSV, JSON or YAML file; the site says in hires: columns what its personnel office calls the columns. Shows
    what will be written, and asks; the site is validated with them first. People whom the site has already stay as they
    are. Then `provision onboard --from FILE` gives them their accounts.
    Exit codes: 0 done or nothing to do, 3 some rows are named and left out, 1 error.
    """
    manner, text = Manner(yes, output, None), output == "text"
    found = invocation.site().newcomers(file)
    bad = any(row.fault for row in found.hires.rows)
    if text:
        tell(file, found.hires)
        for line in found.lines:
            click.echo(f"  + {safe(line)}")
    if found.people:
        manner.check()
        click.echo(f"{safe(found.file)}: {count(len(found.people), 'row')} to be added.", err=not text)
        if not yes and not click.confirm("\nWrite them?", err=not text):
            click.echo("Nothing was changed.", err=True)
            return ERROR
        found.write()
    if text:
        said = f"Added {count(len(found.people), 'person', 'people')}" if found.people else "Nobody to add"
        click.echo(f"{said}. Now: provision onboard --from {safe(file)}" if found.people else f"{said}.")
    else:
        added = {key: person.model_dump(mode="json", exclude_none=True) for key, person in found.people.items()}
        click.echo(to_json({"file": str(found.file), "added": added, "conflicts": conflicts(found.hires)}))
    return PARTIAL if bad else DONE
