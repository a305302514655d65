"""``phones.configuration``: the file that one desk phone fetches and sets itself up from.

It holds the phone's SIP password. A state never does: `secrets` maps a line to where its value comes from:
``kept:1042/E1042`` (the password of extension 1042 that is kept here, made for person E1042) or a secret reference of
the site (``env:…``). A value that is none of these reads as :data:`FOREIGN`; it cannot be put back, so a state that
asks for it is content with whatever is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from pydantic import SecretStr

from provisioning.errors import ProvisioningError, RejectedError, RequestError, SecretError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.phones.families import Format, family_of, writable
from provisioning.site.phones import PhoneFiles

if TYPE_CHECKING:
    from provisioning.connections.shell import ShellSession

FOREIGN = "another value"
_EXTENSION = re.compile(r"[0-9]{2,10}")
_KEPT = re.compile(rf"kept:({_EXTENSION.pattern})/(\S+)")


class Configuration(State):
    """Line → value, and line → where a secret value comes from, in the names of the phone's maker."""

    settings: Mapping[str, str | None]
    secrets: Mapping[str, str | None]

    def differences(self, actual: Self | None) -> dict[str, tuple[Any, Any]]:
        """Foreign secrets differ from nothing."""
        found = super().differences(actual)
        return {n: pair for n, pair in found.items() if not (n.startswith("secrets[") and pair[1] == FOREIGN)}


class ConfigurationKind:
    """Target ``phone-files``, key the file's name: ``0015651a2b3c.cfg``, ``cfg000b821a2b3c.xml``,
    ``spa0018b91a2b3c.xml``. Lines that nobody manages stay as they are."""

    name = "phones.configuration"
    state = Configuration

    def read(self, session: ShellSession, keys: Sequence[str]) -> dict[str, Configuration]:
        """One file a key."""
        found = {}
        for key in keys:
            path, family = _file(session, key)
            if (entries := _read(session, path, family)) is not None:
                found[key] = _state(session, key, family, entries)
        return found

    def apply(self, session: ShellSession, changes: Sequence[Change[Configuration]]) -> list[Outcome]:
        """Each file is replaced in one step."""
        return [Outcome(change.key, _apply(session, change)) for change in changes]

    def lasting(self, change: Change[Configuration], others: Sequence[Change[Configuration]]) -> str | None:  # noqa: ARG002
        """A secret that was never known here is gone once it is replaced."""
        gone = ", ".join(sorted(_foreign(change.before) - _foreign(change.after)))
        return f"{change.key}: the former value of {gone} is not known here and does not come back" if gone else None


def kept(extension: str, holder: str) -> str:
    """Where a phone's SIP password comes from, in a state's words."""
    return f"kept:{extension}/{holder}"


def holder_of(state: Configuration) -> str | None:
    """The person whose SIP password the file holds."""
    found = (_KEPT.fullmatch(source) for source in state.secrets.values() if source is not None)
    return next((match[2] for match in found if match), None)


def _foreign(state: Configuration | None) -> set[str]:
    return {name for name, source in state.secrets.items() if source == FOREIGN} if state is not None else set()


def _apply(session: ShellSession, change: Change[Configuration]) -> ProvisioningError | None:
    try:
        path, family = _file(session, change.key)
        if change.after is None:
            session.delete_file(path)
            return None
        entries = {} if change.before is None else _read(session, path, family) or {}
        for name, value in _wanted(session, change).items():
            if value is None:
                entries.pop(name, None)
            elif not writable(family, name, value):
                raise RequestError(f"{session.target}: {change.key} cannot hold the value of {name}; correct the site")
            else:
                entries[name] = value
        session.write_file(path, family.write(entries), _settings(session).permissions)
    except (RejectedError, RequestError, SecretError) as exc:
        return exc
    return None


def _wanted(session: ShellSession, change: Change[Configuration]) -> dict[str, str | None]:
    """Line → value to be written, for all that is managed."""
    after = change.after
    if after is None:
        return {}
    wanted: dict[str, str | None] = dict(after.settings)
    for name, source in after.secrets.items():
        if source != FOREIGN:
            wanted[name] = None if source is None else _value(session, source).get_secret_value()
    return wanted


def _value(session: ShellSession, source: str) -> SecretStr:
    match = _KEPT.fullmatch(source)
    if match is None:
        return session.secrets.resolve(source)
    extension, holder = match.groups()
    for entry in reversed(session.secrets.phone_passwords.kept(extension)):
        if entry.holder == holder:
            return entry.password
    raise SecretError(f"no SIP password of {extension} for {holder} is kept; plan again")


def _state(session: ShellSession, key: str, family: Format, entries: Mapping[str, str]) -> Configuration:
    references = _references(session, key, family)
    secret = {name for name in entries if name in references or family.is_secret(name)}
    return Configuration(
        settings={name: value for name, value in entries.items() if name not in secret},
        secrets={name: _source(session, name, entries, family, references.get(name)) for name in sorted(secret)},
    )


def _source(session: ShellSession, name: str, entries: Mapping[str, str], family: Format, reference: str | None) -> str:
    value = entries[name]
    if name == family.password:
        extension = entries.get(family.user, "")
        for entry in session.secrets.phone_passwords.kept(extension) if _EXTENSION.fullmatch(extension) else ():
            if entry.password.get_secret_value() == value:
                return kept(extension, entry.holder)
    if reference is not None and session.secrets.resolve(reference).get_secret_value() == value:
        return reference
    return FOREIGN


def _references(session: ShellSession, key: str, family: Format) -> Mapping[str, str]:
    """The secret lines that the site gives to the model of the phone with this file."""
    phones = session.inventory.phones
    for device in session.inventory.equipment.values():
        model = phones.models.get(device.model or "") if phones else None
        if model is not None and family.file_of(device.mac) == key:
            return model.secrets
    return {}


def _read(session: ShellSession, path: str, family: Format) -> dict[str, str] | None:
    text = session.read_if_there(path)
    if text is None:
        return None
    try:
        return family.parse(text)
    except ValueError as exc:
        raise RejectedError(session.target, f"{path} {exc}; remove the file, or correct it") from exc


def _settings(session: ShellSession) -> PhoneFiles:
    phones = session.inventory.phones
    if phones is None or phones.files is None:
        raise RequestError(f"{session.target}: the site does not say where phones' files go; add phones: files")
    return phones.files


def _file(session: ShellSession, key: str) -> tuple[str, Format]:
    family = family_of(key)
    if family is None:
        raise RequestError(
            f"{session.target}: {key!r} is no phone's file; expected 0015651a2b3c.cfg (Yealink), cfg000b821a2b3c.xml "
            "(Grandstream) or spa0018b91a2b3c.xml (Cisco SPA)"
        )
    return f"{_settings(session).folder}/{key}", family


CONFIGURATION = ConfigurationKind()
