"""Reading keys of a PC's registry: many ``reg export`` in one batch file, their .reg files over SMB."""

from __future__ import annotations

from collections.abc import Sequence

from provisioning.connections.windows import WindowsSession
from provisioning.errors import RejectedError, RequestError
from provisioning.resources.windows.reg_file import RegistryValue, full_key, parse

_READ_TIMEOUT = 120.0  # seconds for all exports of a batch
_ROOTS = {"HKEY_LOCAL_MACHINE", "HKEY_USERS", "HKEY_CLASSES_ROOT"}
_IN_ONE_BATCH = 200
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
    found: dict[str, Exported] = {}
    for start in range(0, len(keys), _IN_ONE_BATCH):
        found.update(_export(session, keys[start : start + _IN_ONE_BATCH]))
    return found


def _export(session: WindowsSession, keys: Sequence[str]) -> dict[str, Exported]:
    files = {key: f"export-{number}.reg" for number, key in enumerate(keys)}
    session.run_all(
        [["reg", "export", key, session.path(name), "/y", "/reg:64"] for key, name in files.items()],
        timeout=_READ_TIMEOUT,
    )
    found: dict[str, Exported] = {}
    for key, name in files.items():
        octets = session.read(name)
        session.delete(name)
        try:
            found[key] = parse(octets) if octets is not None else {}
        except ValueError as exc:
            raise RejectedError(
                session.target, f"reg export of {key} gave a file that is not understood: {exc}"
            ) from exc
    return found
