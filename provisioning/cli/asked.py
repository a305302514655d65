"""From words on the command line to a request."""

from __future__ import annotations

from collections.abc import Sequence

from provisioning.api import Onboard, onboard
from provisioning.errors import RequestError
from provisioning.procedures.base import Request
from provisioning.procedures.equipment import connecting
from provisioning.procedures.publish import Publish
from provisioning.site import Inventory

WORDS = ("onboard", "connect", "publish")
"""What ``provision plan`` takes as its first word: verbs of the same name carry it out."""


def request_of(
    inventory: Inventory, words: Sequence[str], desk: str | None, packages: Sequence[str], *, downgrade: bool = False
) -> Request | None:
    """``onboard E1042`` → a request; no words → ``None``: the whole site. Raises :class:`RequestError`."""
    procedure, *names = words or (None,)
    if procedure == "onboard":
        return onboarding(names, desk, packages, downgrade=downgrade)
    if procedure is not None and procedure not in WORDS:
        raise RequestError(
            f"there is no procedure {procedure!r}; expected: provision plan onboard PERSON…, provision plan connect "
            "[NAME…] or provision plan publish"
        )
    if desk or packages or downgrade:
        raise RequestError(
            "--desk and --with go with a person, as does --allow-downgrade: provision plan onboard PERSON --desk …"
        )
    if procedure == "connect":
        return connecting(inventory, names)
    if names:
        raise RequestError(f"publish takes no names, and {names[0]!r} is one: provision plan publish")
    return Publish() if procedure == "publish" else None


def onboarding(
    persons: Sequence[str], desk: str | None, packages: Sequence[str], *, downgrade: bool = False
) -> Onboard:
    """A request to onboard `persons`, each named once."""
    return onboard(*dict.fromkeys(persons), workplace=desk, software=packages, downgrade=downgrade)
