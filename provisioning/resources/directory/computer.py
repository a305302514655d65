"""Computer accounts (class computer, MS-ADSC), so that a PC may join the domain in its own unit."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from provisioning.connections.distinguished_names import parent, relative_name
from provisioning.connections.ldap_operations import Add, Delete, Modify, Rename
from provisioning.errors import ProvisioningError, RejectedError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.directory import attributes as ad

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession, Entry, Operation, Values

TEXTS = {"description": "description", "location": "location", "dns_host_name": "dNSHostName"}


class Computer(State):
    """One workstation's account. `ou` is the DN of its unit; its CN there is its name."""

    ignore_case: ClassVar[frozenset[str]] = frozenset({"ou", "dns_host_name"})

    ou: ad.DistinguishedName | None = None
    description: str | None = None
    location: str | None = None
    dns_host_name: str | None = None
    enabled: bool = True


@dataclass(frozen=True)
class ComputerKind:
    """``directory.computer``; the key is the computer's name, without the ``$`` of its sAMAccountName."""

    name: str = "directory.computer"
    state: type[Computer] = Computer

    def read(self, session: DirectorySession, keys: Sequence[str]) -> dict[str, Computer]:
        """One search a batch."""
        found = _find(session, keys)
        return {
            key: Computer(
                ou=parent(entry.dn),
                enabled=not (entry.number("userAccountControl") or 0) & ad.DISABLED,
                **ad.read_texts(entry, TEXTS),
            )
            for key, entry in found.items()
        }

    def apply(self, session: DirectorySession, changes: Sequence[Change[Computer]]) -> list[Outcome]:
        """All changes pipelined; moves to another unit after all others."""
        found = _find(session, [change.key for change in changes])
        errors: dict[str, ProvisioningError] = {}
        first: dict[str, Operation] = {}
        moves: dict[str, Operation] = {}
        for change in changes:
            try:
                operation, move = _operations(change, found.get(change.key))
            except (RejectedError, ValueError) as exc:
                kept = exc if isinstance(exc, RejectedError) else RejectedError(change.target, f"{change.key}: {exc}")
                errors[change.key] = kept
                continue
            if operation:
                first[change.key] = operation
            if move:
                moves[change.key] = move
        errors |= ad.apply_in_one(session, first)
        errors |= ad.apply_in_one(session, {key: move for key, move in moves.items() if key not in errors})
        return ad.outcomes(cast("Sequence[Change[State]]", changes), errors)


def _find(session: DirectorySession, keys: Sequence[str]) -> dict[str, Entry]:
    return ad.find(session, keys, ["userAccountControl", *TEXTS.values()], among=ad.COMPUTERS, ending="$")


def _operations(change: Change[Computer], entry: Entry | None) -> tuple[Operation | None, Rename | None]:
    if refusal := ad.refuse_login(change.target, change.key):
        raise refusal
    computer = change.after
    if computer is None:
        return (Delete(entry.dn) if entry else None), None
    if change.before is None:
        return _new_entry(change, computer, entry), None
    if entry is None:
        raise RejectedError(change.target, f"the computer account {change.key} is gone; plan again")
    changed = ad.changed_fields(cast("Change[State]", change))
    replace = ad.written_texts(computer, TEXTS, only=changed)
    if "enabled" in changed:
        control = entry.number("userAccountControl") or ad.WORKSTATION_ACCOUNT
        replace["userAccountControl"] = [ad.with_flag(control, enabled=computer.enabled)]
    move = None
    if "ou" in changed and computer.ou:
        move = Rename(entry.dn, relative_name("CN", change.key), computer.ou)
    return (Modify(entry.dn, replace) if replace else None), move


def _new_entry(change: Change[Computer], computer: Computer, entry: Entry | None) -> Add:
    if entry is not None:
        raise RejectedError(
            change.target, f"the computer account {change.key} exists already at {entry.dn}; plan again"
        )
    if computer.ou is None:
        raise RejectedError(change.target, f"{change.key} cannot be created without ou; set it")
    enabled = computer.enabled or "enabled" not in computer.managed()
    # A join sets a password of its own; until then nobody must be able to guess the one that is there.
    password = secrets.token_urlsafe(48) + "aA1!"
    values: dict[str, Values] = {
        "objectClass": ["computer"],
        "sAMAccountName": [f"{change.key}$"],
        "userAccountControl": [ad.with_flag(ad.WORKSTATION_ACCOUNT, enabled=enabled)],
        "unicodePwd": [f'"{password}"'.encode("utf-16-le")],
    }
    values |= {name: texts for name, texts in ad.written_texts(computer, TEXTS).items() if texts}
    return Add(f"{relative_name('CN', change.key)},{computer.ou}", values)


COMPUTER = ComputerKind()
