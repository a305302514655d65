"""Refused sign-ins, remembered by the whole process, so that a wrong password does not lock an account.

A domain counts wrong passwords (MS-SAMR 3.1.1.7.1, lockoutThreshold), and a run speaks to many PCs, by WinRM and SMB,
for several kinds. So a PC that refused a password is not given it again for a while, and after refusals by two PCs a
domain account's is given to no other one, unless it was right somewhere: then each refusal is that PC's own affair.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time

from provisioning.errors import CredentialError

PATIENCE = 1800.0
"""Seconds after which a refused password is tried again; domains usually forget wrong ones in 10 to 30 minutes."""

_ENOUGH = 2  # PCs


class SignIns:
    """What became of passwords in this process. Passwords are kept as keyed digests only."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._refused: dict[bytes, dict[str, float]] = {}
        self._right: set[bytes] = set()
        self._lock = threading.Lock()

    def check(self, target: str, where: str, user: str, password: str) -> None:
        """Raises :class:`CredentialError` when this password should not be tried `where` (a way into `target`)."""
        with self._lock:
            identity = self._identity(user, password)
            if identity in self._right:
                return
            late = time.monotonic() - PATIENCE
            refused = {place: at for place, at in self._refused.get(identity, {}).items() if at > late}
            self._refused[identity] = refused
        if where in refused:
            raise CredentialError(
                target, f"{where} refused the password of {user} before, so it was not tried again; {_NEXT}"
            )
        if not _of_domain(user):  # each PC counts for its own account
            return
        if len({place.partition(" ")[0] for place in refused}) >= _ENOUGH:
            raise CredentialError(
                target,
                f"the password of {user} was refused by {' and '.join(sorted(refused)[:_ENOUGH])}, so it was not tried "
                f"here (the domain might lock the account); {_NEXT}",
            )

    def refused(self, where: str, user: str, password: str) -> None:
        """It was tried and refused. `where` begins with the PC, then a space."""
        with self._lock:
            self._refused.setdefault(self._identity(user, password), {})[where] = time.monotonic()

    def accepted(self, user: str, password: str) -> None:
        """It was right."""
        with self._lock:
            self._right.add(self._identity(user, password))

    def _identity(self, user: str, password: str) -> bytes:
        return hashlib.blake2b(f"{user.casefold()}\0{password}".encode(), key=self._key).digest()


class SignIn:
    """One way into one PC, with one account. `way` is for people, such as ``WinRM, ntlm, port 5986``."""

    def __init__(self, target: str, way: str, user: str, password: str) -> None:
        self._target = target
        self._where = f"{target} ({way})"
        self._account = user, password

    def check(self) -> None:
        """Raises :class:`CredentialError` when the password was refused before and is better not tried."""
        SIGN_INS.check(self._target, self._where, *self._account)

    def refused(self) -> None:
        """It was tried and refused."""
        SIGN_INS.refused(self._where, *self._account)

    def accepted(self) -> None:
        """It was right."""
        SIGN_INS.accepted(*self._account)


def _of_domain(user: str) -> bool:
    return "@" in user or ("\\" in user and not user.startswith(".\\"))


_NEXT = "check windows.credential in the site"
SIGN_INS = SignIns()
"""Those of this process."""
