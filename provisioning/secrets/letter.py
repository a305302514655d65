"""The sealed letter: one page of HTML that holds an initial password, to be printed, folded and handed over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import ClassVar

import jinja2
from pydantic import SecretStr

from provisioning.errors import SecretError
from provisioning.secrets.waiting import write_private


@dataclass(frozen=True)
class Letter:
    """What stands on the letter beside the password. `user` is what is typed at sign-in."""

    name: str
    user: str
    company: str | None
    note: str | None
    day: date

    template: ClassVar[str] = "letter.html.j2"

    def write(self, file: Path, password: SecretStr) -> None:
        """Write the letter into a new file, mode 0600. Raises :class:`SecretError`; an existing file is refused."""
        if cause := self._write(file, password):
            raise SecretError(f"the letter {file} cannot be written ({cause}); the password goes on waiting")

    def _write(self, file: Path, password: SecretStr) -> str | None:
        try:
            write_private(file, _page(self.template).render(letter=self, password=password.get_secret_value()).encode())
        except FileExistsError:
            return "there is such a file already; name another one"
        except OSError as exc:
            return exc.strerror or type(exc).__name__
        return None


@dataclass(frozen=True)
class PhoneLetter(Letter):
    """The same for a softphone: `user` is the extension; what is typed into its settings beside it."""

    domain: str
    server: str
    transport: str

    template: ClassVar[str] = "phone_letter.html.j2"


@cache
def _page(name: str) -> jinja2.Template:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True).from_string(text)
