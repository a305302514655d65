"""``provision init``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from provisioning.cli.exits import DONE
from provisioning.cli.invocation import console
from provisioning.reports.words import safe
from provisioning.site.starter import write_starter


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def VERB(folder: Path) -> int:  # noqa: N802  (it is an object)
    """Write a commented starter site into DIR, which must be new or empty."""
    screen = console()
    for file in write_starter(folder):
        screen.print(f"wrote {safe(file)}")
    screen.print(f"Edit them, then: provision --site {safe(shlex.quote(str(folder)))} validate")
    return DONE
