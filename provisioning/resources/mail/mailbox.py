"""Mailboxes, as the directory describes them: the mail system looks addresses and quota up there.

The quota lies in ``maxStorage`` (MS-ADA2: the disk space that a user may use, in bytes), an
attribute that every AD user has without a schema extension; states hold MiB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, cast

from pydantic import AfterValidator, Field

from provisioning.connections.ldap_operations import Modify
from provisioning.errors import ProvisioningError, RejectedError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.directory import attributes as ad
from provisioning.resources.directory.known_entries import PartOfAccount

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession, Operation, Values

_MIB = 1024 * 1024


def _sorted(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return tuple(sorted(values)) if values else None


class Mailbox(State):
    """`mail` is the primary address, `proxy_addresses` all addresses in AD's form (``SMTP:`` primary,
    ``smtp:`` alias; case tells them apart; none is ``None``), `quota` is in MiB."""

    ignore_case: ClassVar[frozenset[str]] = frozenset({"mail"})

    mail: str | None = None
    proxy_addresses: Annotated[tuple[str, ...] | None, AfterValidator(_sorted)] = None
    quota: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True)
class MailboxKind(PartOfAccount):
    """``mail.mailbox``; target ``directory``; the key is the login. Never absent: who has no account has an
    empty one."""

    attributes: ClassVar[tuple[str, ...]] = ("mail", "proxyAddresses", "maxStorage")
    name: str = "mail.mailbox"
    state: type[Mailbox] = Mailbox

    def read(self, session: DirectorySession, keys: Sequence[str]) -> dict[str, Mailbox]:
        """One search a batch."""
        found = ad.find(session, keys, self.attributes)
        boxes = dict.fromkeys(keys, Mailbox(mail=None, proxy_addresses=None, quota=None))
        for key, entry in found.items():
            storage = entry.number("maxStorage")
            boxes[key] = Mailbox(
                mail=entry.text("mail"),
                proxy_addresses=tuple(entry.texts("proxyAddresses")) or None,
                quota=max(storage // _MIB, 1) if storage else None,
            )
        return boxes

    def apply(self, session: DirectorySession, changes: Sequence[Change[Mailbox]]) -> list[Outcome]:
        """One pipelined modify a mailbox."""
        found = ad.find(session, [change.key for change in changes], [])
        errors: dict[str, ProvisioningError] = {}
        wanted: dict[str, Operation] = {}
        for change in changes:
            values = _values(change)
            if change.key in found:
                if values:
                    wanted[change.key] = Modify(found[change.key].dn, values)
            elif any(values.values()):
                errors[change.key] = RejectedError(change.target, f"{change.key} has no account; create it first")
        errors |= ad.apply_in_one(session, wanted)
        return ad.outcomes(cast("Sequence[Change[State]]", changes), errors)


def _values(change: Change[Mailbox]) -> dict[str, Values]:
    box = change.after
    if box is None:
        return {"mail": [], "proxyAddresses": [], "maxStorage": []}
    values: dict[str, Values] = {}
    changed = ad.changed_fields(cast("Change[State]", change))
    if "mail" in changed:
        values["mail"] = [box.mail] if box.mail else []
    if "proxy_addresses" in changed:
        values["proxyAddresses"] = list(box.proxy_addresses or ())
    if "quota" in changed:
        values["maxStorage"] = [str(box.quota * _MIB)] if box.quota else []
    return values


MAILBOX = MailboxKind()
