"""Registry values, most of them policies. A key is managed value by value; one that does not exist reads
as empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from provisioning.errors import ProvisioningError, RejectedError, RequestError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.windows.exports import SharesExports, check_key, export, run_and_export
from provisioning.resources.windows.reg_file import (
    KeyEdit,
    RegistryValue,
    full_key,
    has_subkeys,
    values_of,
    write,
)

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

__all__ = ["REGISTRY", "RegistryKey", "RegistryKind", "RegistryValue"]

_IMPORT_TIMEOUT = 120.0  # seconds


class RegistryKey(State):
    """Values of one key. The name ``""`` is the key's default value; ``None`` means that the value must be
    absent.

    `exclusive`: values that are not named must be absent too (lists that Group Policy keeps as values 1, 2, 3
    …). Names are compared without regard to case, as the registry does. Another type with the same data is a
    difference.
    """

    values: dict[str, RegistryValue | None]
    exclusive: bool = False

    def view_of(self, actual: Self) -> Self:
        found = {name.casefold(): (name, value) for name, value in actual.values.items()}
        seen = {name: found.pop(name.casefold(), (name, None))[1] for name in self.values}
        if not self.exclusive:
            return type(self)(values=seen)
        return type(self)(values={**seen, **dict(found.values())}, exclusive=True)

    def differences(self, actual: Self | None) -> dict[str, tuple[Any, Any]]:
        seen = self.view_of(actual).values if actual is not None else {}
        wanted = {**dict.fromkeys(seen), **self.values}
        return {f"values[{name}]": (seen.get(name), value) for name, value in wanted.items() if seen.get(name) != value}


class RegistryKind(SharesExports):
    """``windows.registry``: target ``windows:NAME``, key a path such as
    ``HKLM\\SOFTWARE\\Policies\\Microsoft\\Edge``."""

    name = "windows.registry"
    state = RegistryKey

    def read(self, session: WindowsSession, keys: Sequence[str]) -> dict[str, RegistryKey]:
        """All values of each key. Two round trips for commands, whatever the number of keys."""
        full = {key: check_key(session.target, key) for key in keys}
        exported = export(session, list(dict.fromkeys(full.values())))
        return {key: RegistryKey(values=dict(values_of(exported[path], path))) for key, path in full.items()}

    def questions(self, session: WindowsSession, keys: Sequence[str]) -> list[str]:
        """What :meth:`read` exports."""
        return [check_key(session.target, key) for key in keys]

    def apply(self, session: WindowsSession, changes: Sequence[Change[RegistryKey]]) -> list[Outcome]:
        """One .reg file with all changes, one ``reg import``, behind which the same command exports what there is then.
        A key that we leave empty and without subkeys is removed."""
        edits: dict[str, KeyEdit] = {}
        outcomes: dict[str, ProvisioningError] = {}
        for change in changes:
            try:
                edits[change.key] = _edit(session.target, change)
                write([edits[change.key]])
            except RequestError as exc:
                outcomes[change.key] = exc
            except ValueError as exc:
                outcomes[change.key] = RequestError(f"{session.target}: {change.key}: {exc}")
        edits = {key: edit for key, edit in edits.items() if key not in outcomes}
        if edits:
            emptied = [edits[c.key].key for c in changes if c.key in edits and _emptied(c)]
            failure = _import(session, list(edits.values()), emptied)
            outcomes.update(dict.fromkeys(edits, failure) if failure else {})
            if emptied and not failure:
                _remove_empty(session, emptied)
        return [Outcome(change.key, outcomes.get(change.key)) for change in changes]


def _edit(target: str, change: Change[RegistryKey]) -> KeyEdit:
    key = check_key(target, change.key)
    before: Mapping[str, RegistryValue | None] = change.before.values if change.before is not None else {}
    if change.after is None:
        return KeyEdit(key, dict.fromkeys(before))
    wanted = dict(change.after.values)
    if change.after.exclusive:
        named = {name.casefold() for name in wanted}
        wanted |= {name: None for name in before if name.casefold() not in named}
    # deletions first, so that a value that changes the case of its name is not deleted after it was set
    return KeyEdit(key, dict(sorted(wanted.items(), key=lambda item: item[1] is not None)))


def _emptied(change: Change[RegistryKey]) -> bool:
    left = change.after.values.values() if change.after is not None else ()
    return not any(value is not None for value in left)


def _import(session: WindowsSession, edits: Sequence[KeyEdit], emptied: Sequence[str]) -> ProvisioningError | None:
    path = session.write("import.reg", write(edits))
    codes: list[int] = []

    def run(behind: Sequence[Sequence[str]]) -> Sequence[int]:
        codes.extend(session.run_all([["reg", "import", path, "/reg:64"], *behind], timeout=_IMPORT_TIMEOUT))
        return codes[1:]

    try:
        run_and_export(session, emptied or [edit.key for edit in edits], run)
    finally:
        session.delete("import.reg")
    if codes[0] == 0:
        return None
    return RejectedError(
        session.target,
        f"reg import ended with exit code {codes[0]}; some of the {len(edits)} keys may be locked against this account",
    )


def _remove_empty(session: WindowsSession, keys: Sequence[str]) -> None:
    """Remove those of `keys` that hold no values and no keys, deepest first, so that a chain of them goes
    as a whole."""
    exported = export(session, keys)
    going: list[str] = []
    for key in sorted(keys, key=len, reverse=True):
        there = {name for name in exported[key] if full_key(name).casefold() not in {g.casefold() for g in going}}
        if there and not values_of(exported[key], key) and not has_subkeys(there, key):
            going.append(key)
    if going:
        session.run_all([["reg", "delete", key, "/f", "/reg:64"] for key in going])


REGISTRY = RegistryKind()
