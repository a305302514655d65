"""``files.quota``: how much somebody may store on a file server.

Target ``files:NAME``; the key is the share where quotas are set, and the login: ``homes$\\anna.petrova``. A server
counts all files of a person on the volume behind the share. Where it has no quotas, or does not let us set them, every
quota reads as it should be, and an :class:`~provisioning.procedures.base.Expectation` on ``SHARE\\`` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field

from provisioning.errors import ProvisioningError, RejectedError, UnreachableError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.files.principals import named

if TYPE_CHECKING:
    from provisioning.connections.files import FilesSession

_MIB = 1024 * 1024


class Quota(State):
    """`limit` is in MiB; no limit is no quota. `offered`: whether the server has quotas at all."""

    limit: Annotated[int, Field(ge=1)] | None = None
    offered: bool = True

    def differences(self, actual: Self | None) -> dict[str, tuple[Any, Any]]:
        """Nothing can be set where nothing is offered, so only whether it is can differ."""
        found = super().differences(actual)
        if actual is not None and not actual.offered:
            return {name: pair for name, pair in found.items() if name == "offered"}
        return found


def offer_key(share: str) -> str:
    """The key that reads whether quotas are offered."""
    return f"{share}\\"


class QuotaKind:
    """``files.quota``; absent: no limit."""

    name = "files.quota"
    state = Quota

    def read(self, session: FilesSession, keys: Sequence[str]) -> dict[str, Quota]:
        """One question to the directory for all; one to the server a share, and one a person."""
        shares = {key.partition("\\")[0] for key in keys}
        offered = {share: session.quotas_offered(share) for share in shares}
        principals = named(session, {login for key in keys if (login := key.partition("\\")[2])})
        found = {}
        for key in keys:
            share, _, login = key.partition("\\")
            if not login or not offered[share]:
                found[key] = Quota(limit=None, offered=offered[share])
            elif login.casefold() in principals.sids:
                octets = session.quota(share, principals.sid(login))
                if octets is not None:
                    found[key] = Quota(limit=max(octets // _MIB, 1), offered=True)
        return found

    def apply(self, session: FilesSession, changes: Sequence[Change[Quota]]) -> list[Outcome]:
        """One request a person."""
        principals = named(session, {change.key.partition("\\")[2] for change in changes})
        outcomes = []
        for change in changes:
            share, _, login = change.key.partition("\\")
            limit = None if change.after is None else change.after.limit
            error: ProvisioningError | None = None
            try:
                if not session.quotas_offered(share):
                    raise RejectedError(
                        session.target, f"there are no quotas on {share}; turn them on, then plan again"
                    )
                session.set_quota(share, principals.sid(login), None if limit is None else limit * _MIB)
            except UnreachableError:
                raise
            except ProvisioningError as exc:
                error = exc
            outcomes.append(Outcome(change.key, error))
        return outcomes


QUOTA = QuotaKind()
