"""What the templates of self-contained pages share: escaping, the texts of a language, one base page."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from provisioning.reports import words
from provisioning.reports.texts import Texts


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("provisioning.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["code"] = lambda text: Markup("<code>{}</code>").format(words.safe(text))
    environment.filters["why"] = lambda change: change.error.removeprefix(f"{change.target}: ")
    environment.filters["safe_text"] = lambda text: words.safe(text, lines=True)
    return environment


def render(name: str, texts: Texts, **values: Any) -> str:
    """HTML 5 of the template `name` (it extends ``base.html.j2``), which knows the texts as ``t``. Nothing in it is
    loaded from elsewhere, and every value is escaped."""
    return _environment().get_template(name).render(t=texts, language=texts.language, **values)
