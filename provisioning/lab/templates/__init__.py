"""Configuration files of the lab's servers, as Jinja templates beside this file."""

from __future__ import annotations

from importlib import resources

import jinja2

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FunctionLoader(
        lambda name: resources.files(__name__).joinpath(name).read_text(encoding="utf-8"),
    ),
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # noqa: S701 - these are configuration files of servers, not pages
    keep_trailing_newline=True,
    trim_blocks=True,
)


def render(template: str, **values: object) -> str:
    """The text of one template with `values` filled in; a value that the template wants and does not get
    is an error."""
    return _ENVIRONMENT.get_template(template).render(**values)
