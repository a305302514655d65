"""What every verb gets: where the site is, and where to write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from provisioning.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from provisioning.api import Site

F = TypeVar("F", bound="Callable[..., Any]")

EXAMPLE = Path("inventories/example")


@dataclass(frozen=True)
class Invocation:
    """One call of the program. `named` is the site's folder as the user gave it."""

    named: Path | None

    @property
    def site_folder(self) -> Path:
        """Raises :class:`RequestError` when no folder was named and none is found."""
        if self.named is not None:
            return self.named
        for folder in (Path(), EXAMPLE):
            if (folder / "site.yml").is_file():
                return folder
        raise RequestError(
            "no site: this folder holds no site.yml; name one with --site DIR or PROVISION_SITE=DIR, "
            "or write a starter site with `provision init DIR`"
        )

    def site(self, *, asks: bool = True) -> Site:
        """The site, read and validated. A verb that asks nobody (``--yes``, or one that never `asks`) goes straight on
        from its plan to the run and its proofs: its sessions stay open to the end."""
        from provisioning.api import Site  # noqa: PLC0415  (help must not load it)

        site = Site.load(self.site_folder)
        context = click.get_current_context(silent=True)
        if context is not None and (context.params.get("yes") or not asks):
            context.with_resource(site.kept_open())
        return site


def console(*, stderr: bool = False) -> Console:
    """Where text goes: colours on a terminal only (NO_COLOR is honoured), no wrapping, no markup."""
    from rich.console import Console  # noqa: PLC0415  (help must not load it)

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def output_option(function: F) -> F:
    """``--output text|json``."""
    return click.option(
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        help="json: one document on stdout, nothing else.",
    )(function)


def onboard_options(function: F) -> F:
    """What may be said of the people to be onboarded."""
    desk = click.option("--desk", metavar="WORKPLACE", help="Seat the person here instead of where the site says.")
    extra = click.option(
        "--with",
        "packages",
        metavar="PACKAGE",
        multiple=True,
        help="An optional package beside the profile's; repeatable.",
    )
    older = click.option(
        "--allow-downgrade",
        "downgrade",
        is_flag=True,
        help="Replace packages that are newer on the PC than in the catalogue.",
    )
    return desk(extra(older(function)))


def change_options(function: F) -> F:
    """What every verb takes that changes something."""
    yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
    report = click.option(
        "--report",
        metavar="FILE.json",
        type=click.Path(path_type=Path),
        help="Write the report there as well, and FILE.html beside it.",
    )
    return yes(report(output_option(function)))
