"""What the verbs that write pages share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from provisioning.site.help_desk import Language

F = TypeVar("F", bound=Callable[..., Any])


def language_option(function: F) -> F:
    """``--language en|fr|ru``."""
    return click.option(
        "--language", type=click.Choice(get_args(Language)), help="Of the page, whatever the site and the person say."
    )(function)
