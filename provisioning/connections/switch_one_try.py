"""A password that a switch refused is not given to it again by this process, however many uses ask for a session.

Plan, apply, verification and proofs open sessions of their own, and a wrong password that is tried at each of them
locks the account, on a RADIUS or TACACS+ server that of all switches. So the first refusal answers for all: uses that
come at the same time wait for the first of them. A corrected password is another one and is tried at once.
"""

from __future__ import annotations

import hashlib
import secrets as randomness
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from provisioning.errors import CredentialError
from provisioning.secrets import Secrets
from provisioning.site.network import Switch

__all__ = ["REFUSALS", "Refusals", "one_try"]

PATIENCE = 1800.0
"""Seconds after which a refused password is tried again: it may have been made right on the switch."""

_Place = tuple[str, int, str]


class Refusals:
    """What was refused, by address and user. Passwords are kept as keyed digests only."""

    def __init__(self) -> None:
        self._key = randomness.token_bytes(32)
        self._guard = threading.Lock()
        self._locks: defaultdict[_Place, threading.Lock] = defaultdict(threading.Lock)
        self._refused: dict[_Place, tuple[bytes, float, str]] = {}

    def lock(self, place: _Place) -> threading.Lock:
        """To be held while signing in."""
        with self._guard:
            return self._locks[place]

    def check(self, target: str, place: _Place, switch: Switch, secrets: Secrets) -> None:
        with self._guard:
            digest, at, words = self._refused.get(place, (b"", 0.0, ""))
        if digest and time.monotonic() - at < PATIENCE and digest == self._digest(switch, secrets):
            raise CredentialError(target, f"{words} (said before; not tried again, so that no account is locked)")

    def refused(self, place: _Place, switch: Switch, secrets: Secrets, words: str) -> None:
        digest = self._digest(switch, secrets)
        with self._guard:
            self._refused[place] = digest, time.monotonic(), words

    def accepted(self, place: _Place) -> None:
        with self._guard:
            self._refused.pop(place, None)

    def _digest(self, switch: Switch, secrets: Secrets) -> bytes:
        references = (switch.credential.password, switch.enable or switch.credential.password)
        passwords = "\0".join(secrets.resolve(reference).get_secret_value() for reference in references)
        return hashlib.blake2b(passwords.encode(), key=self._key).digest()


REFUSALS = Refusals()


@contextmanager
def one_try(target: str, switch: Switch, secrets: Secrets) -> Iterator[None]:
    """Sign in inside of this. Raises :class:`CredentialError` if the same password was refused there before."""
    place = (str(switch.ssh.connect_to), switch.ssh.port, switch.credential.user)
    with REFUSALS.lock(place):
        REFUSALS.check(target, place, switch, secrets)
        try:
            yield
        except CredentialError as exc:
            REFUSALS.refused(place, switch, secrets, exc.message)
            raise
        REFUSALS.accepted(place)
