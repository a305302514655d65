"""Reading keys of a PC's registry: many ``reg export`` in one batch file, their .reg files over SMB."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from provisioning.errors import ProvisioningError, RejectedError, RequestError
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
    """What is at each key and below it; a key that does not exist gives nothing. Keys must be checked ones.

    Raises :class:`RejectedError` for a key that is there and cannot be exported.
    """
    known = _AHEAD.get(session, {}) | _just_seen(session)
    found = {key: known[key] for key in keys if key in known}
    left = [key for key in keys if key not in known]
    for start in range(0, len(left), _IN_ONE_BATCH):
        found.update(_export(session, left[start : start + _IN_ONE_BATCH]))
    return found


def exported_ahead(session: WindowsSession, key: str) -> Exported | None:
    """What is at a key, if it was exported ahead (see :meth:`SharesExports.ahead`)."""
    return _AHEAD.get(session, {}).get(key)


def run_and_export(
    session: WindowsSession, keys: Sequence[str], run: Callable[[Sequence[Sequence[str]]], Sequence[int]]
) -> None:
    """Have `keys` exported by the command that changes something, behind the change. `run` is given the commands that
    export, runs them behind its own, and gives their exit codes, as far as they were run. The next :func:`export` need
    not ask for them again, if nothing else was run on the PC meanwhile."""
    covers = list(together(keys))
    files = {key: f"after-{number}.reg" for number, key in enumerate(covers)}
    codes = run([_words(session, key, name) for key, name in files.items()])
    seen: dict[str, Exported] = {}
    with suppress(ProvisioningError):  # who asks for them is told
        for (cover, name), code in zip(files.items(), codes, strict=False):
            if code == 0:
                exported = _read(session, cover, name)
                seen |= {key: _part(exported, key) for key in keys if is_within(key, cover)}
    _SEEN[session] = session.commands_begun, seen


def _just_seen(session: WindowsSession) -> dict[str, Exported]:
    begun, seen = _SEEN.pop(session, (0, {}))
    return seen if begun == session.commands_begun else {}


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
_SEEN: WeakKeyDictionary[WindowsSession, tuple[int, dict[str, Exported]]] = WeakKeyDictionary()
"""What the last command exported, and how many commands there had been then."""


def covering(keys: Sequence[str]) -> dict[str, list[str]]:
    """``{key to ask for: the keys that it answers}``: a key answers for those below it."""
    found: dict[str, list[str]] = {}
    for key in sorted(dict.fromkeys(keys), key=lambda key: (key.count("\\"), key.casefold())):
        above = next((cover for cover in found if is_within(key, cover)), key)
        found.setdefault(above, []).append(key)
    return found


def together(keys: Sequence[str]) -> dict[str, list[str]]:
    """:func:`covering`, all policies by one key: a program that starts for each of twenty keys takes longer than the
    policies of a whole PC are large."""
    policies = [key for key in keys if is_within(key, _POLICIES)]
    return covering([_POLICIES, *keys] if len(policies) > 1 else keys)


def is_within(key: str, above: str) -> bool:
    """Whether `key` is `above` or lies below it, whatever the case."""
    return f"{key}\\".casefold().startswith(f"{above}\\".casefold())


def _export(session: WindowsSession, keys: Sequence[str]) -> dict[str, Exported]:
    """What could not be fetched together, since a key below is locked, is asked for by itself."""
    covers = together(keys)
    asked = _fetch(session, list(covers))
    above = {key: cover for cover, below in covers.items() for key in below}
    if alone := [key for key in keys if above[key] != key and isinstance(asked[above[key]], RejectedError)]:
        asked |= _fetch(session, alone)
    found: dict[str, Exported] = {}
    for key in keys:
        exported = asked[key if key in alone else above[key]]
        if isinstance(exported, RejectedError):
            raise exported
        found[key] = _part(exported, key)
    return found


def _part(exported: Exported, key: str) -> Exported:
    return {name: values for name, values in exported.items() if is_within(full_key(name), key)}


def _fetch(session: WindowsSession, keys: Sequence[str]) -> dict[str, Exported | RejectedError]:
    """What ``reg export`` gives for each key: nothing for one that does not exist, an error for one that is refused.

    reg.exe ends with 0 or 1 (Microsoft Learn, "reg export"); 1 stands for both. So then the nearest key above it that
    can be listed is listed, by the same command: whether a key is there shows even to those who may not open it.
    """
    files = {key: f"export-{number}.reg" for number, key in enumerate(keys)}
    commands = [_words(session, key, name) for key, name in files.items()]
    doubts = {at: [["reg", "query", up, "/reg:64"] for up in _keys_above(key)] for at, key in enumerate(keys)}
    codes, printed = session.run_doubting(commands, doubts, timeout=_READ_TIMEOUT)
    listed = {line.strip().casefold() for line in printed.splitlines()}
    found: dict[str, Exported | RejectedError] = {}
    for (key, name), said in zip(files.items(), codes, strict=True):
        # A file may still be there from an earlier export; all go with the session's folder
        found[key] = _read(session, key, name) if said[0] == 0 else _without_file(session.target, key, said, listed)
    return found


def _words(session: WindowsSession, key: str, name: str) -> list[str]:
    return ["reg", "export", key, session.path(name), "/y", "/reg:64"]


def _keys_above(key: str) -> list[str]:
    """Nearest first."""
    parts = key.split("\\")
    return ["\\".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]


def _without_file(target: str, key: str, codes: Sequence[int], listed: Container[str]) -> Exported | RejectedError:
    """Nothing for a key that is not there. `codes`: of the export and, where that is 1, of listing each key above."""
    code, *above = codes
    if code != 1 or not above or above[-1] != 0:
        last = codes[-1]
        return RejectedError(target, f"{key} cannot be read (reg.exe ended with exit code {last}); look at the PC")
    nearest = [key, *_keys_above(key)][len(above) - 1]  # what lies below the one that was listed
    if nearest.casefold() not in listed:
        return {}
    return RejectedError(
        target,
        f"{key} cannot be read: {nearest} is there, but it, or a key below it, is locked against this account",
    )


def _read(session: WindowsSession, key: str, name: str) -> Exported:
    octets = session.read(name)
    if octets is None:
        raise RejectedError(session.target, f"reg export of {key} says that it is done, but left no file; try again")
    try:
        return parse(octets)
    except ValueError as exc:
        raise RejectedError(session.target, f"reg export of {key} gave a file that is not understood: {exc}") from exc
