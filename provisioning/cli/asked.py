"""From words on the command line to a request."""

from __future__ import annotations

from collections.abc import Sequence

from provisioning.api import Onboard, onboard
from provisioning.errors import RequestError

PROCEDURES = ("onboard",)


def request_of(words: Sequence[str], desk: str | None, packages: Sequence[str]) -> Onboard | None:
    """``onboard E1042`` → a request; no words → ``None``: the whole site. Raises :class:`RequestError`."""
    if not words:
        if desk or packages:
            raise RequestError("--desk and --with go with a person: provision plan onboard PERSON --desk …")
        return None
    procedure, *persons = words
    if procedure not in PROCEDURES:
        raise RequestError(f"there is no procedure {procedure!r}; expected: provision plan onboard PERSON…")
    return onboarding(persons, desk, packages)


def onboarding(persons: Sequence[str], desk: str | None, packages: Sequence[str]) -> Onboard:
    """A request to onboard `persons`, each named once."""
    return onboard(*dict.fromkeys(persons), workplace=desk, software=packages)
