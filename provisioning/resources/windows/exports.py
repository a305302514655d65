"""Reading keys of a PC's registry: many ``reg export`` in one batch file, their .reg files over SMB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from provisioning.errors import RejectedError, RequestError
from provisioning.resources.windows.reg_file import RegistryValue, full_key, parse

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

_READ_TIMEOUT = 120.0  # seconds for all exports of a batch
_ROOTS = {"HKEY_LOCAL_MACHINE", "HKEY_USERS", "HKEY_CLASSES_ROOT"}
_IN_ONE_BATCH = 200
_POLICIES = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies"
Exported = dict[str, dict[str, RegistryValue]]


def check_key(target: str, key: str) -> str:
    """The key with its root spelled out. Raises :class:`RequestError` for one that cannot be managed."""
    full = full_key(key)
    root, _, path = full.partition("\\")
    if root == "HKEY_CURRENT_USER":
        raise RequestError(
            f"{target}: {key} is the hive of the account that signs in for us, not of the person; use HKLM or HKU\\SID"
        )
    if root not in _ROOTS or not path or '"' in path or path.endswith("\\") or "\\\\" in path:
        raise RequestError(
            f"{target}: {key!r} is not a registry key that can be managed; expected for example "
            "HKLM\\SOFTWARE\\Policies\\…"
        )
    return full


def export(session: WindowsSession, keys: Sequence[str]) -> dict[str, Exported]:
    """What is at each key and below it; a key that does not exist gives nothing. Keys must be checked
    ones."""
    known = _AHEAD.get(session, {})
    found = {key: known[key] for key in keys if key in known}
    left = [key for key in keys if key not in known]
    for start in range(0, len(left), _IN_ONE_BATCH):
        found.update(_export(session, left[start : start + _IN_ONE_BATCH]))
    return found


class SharesExports:
    """A kind that reads by :func:`export` (a :class:`~provisioning.resources.base.Sharing`)."""

    @contextmanager
    def ahead(self, session: WindowsSession, questions: Sequence[str]) -> Iterator[None]:
        """Within the block these keys are exported already, by one command."""
        _AHEAD[session] = export(session, list(dict.fromkeys(questions)))
        try:
            yield
        finally:
            del _AHEAD[session]


_AHEAD: WeakKeyDictionary[WindowsSession, dict[str, Exported]] = WeakKeyDictionary()
"""What was exported ahead, by session, which one thread has at a time."""


def covering(keys: Sequence[str]) -> dict[str, list[str]]:
    """``{key to ask for: the keys that it answers}``: a key answers for those below it."""
    found: dict[str, list[str]] = {}
    for key in sorted(dict.fromkeys(keys), key=lambda key: (key.count("\\"), key.casefold())):
        above = next((cover for cover in found if is_within(key, cover)), key)
        found.setdefault(above, []).append(key)
    return found


def is_within(key: str, above: str) -> bool:
    """Whether `key` is `above` or lies below it, whatever the case."""
    return f"{key}\\".casefold().startswith(f"{above}\\".casefold())


def _export(session: WindowsSession, keys: Sequence[str]) -> dict[str, Exported]:
    """A program that starts for each of twenty keys takes longer than the policies of a whole PC are large: so they
    are fetched together. What could not be (no such key, or one below it is locked) is asked for by itself."""
    together = [key for key in keys if is_within(key, _POLICIES)]
    covers = covering([_POLICIES, *keys] if len(together) > 1 else keys)
    asked = _fetch(session, list(covers))
    above = {key: cover for cover, below in covers.items() for key in below}
    alone = [key for key in keys if above[key] not in asked and above[key] != key]
    asked |= _fetch(session, alone) if alone else {}
    found: dict[str, Exported] = {}
    for key in keys:
        exported = asked.get(key if key in alone else above[key], {})
        found[key] = {name: values for name, values in exported.items() if is_within(full_key(name), key)}
    return found


def _fetch(session: WindowsSession, keys: Sequence[str]) -> dict[str, Exported]:
    """What ``reg export`` gives for each key; nothing for one that it gives nothing for."""
    files = {key: f"export-{number}.reg" for number, key in enumerate(keys)}
    codes = session.run_all(
        [["reg", "export", key, session.path(name), "/y", "/reg:64"] for key, name in files.items()],
        timeout=_READ_TIMEOUT,
    )
    found: dict[str, Exported] = {}
    for (key, name), code in zip(files.items(), codes, strict=True):
        # A file may still be there from an earlier export; all go with the session's folder
        octets = session.read(name) if code == 0 else None
        if octets is None:
            continue
        try:
            found[key] = parse(octets)
        except ValueError as exc:
            raise RejectedError(
                session.target, f"reg export of {key} gave a file that is not understood: {exc}"
            ) from exc
    return found
