r"""``windows.printer``: per-machine connections to shared printers, which everybody who signs in on the PC gets.

``rundll32 printui.dll,PrintUIEntry /ga`` and ``/gd`` (Microsoft Learn, "rundll32 printui.dll,PrintUIEntry") keep them
as keys ``,,SERVER,QUEUE`` below ``HKLM\SYSTEM\CurrentControlSet\Control\Print\Connections``, with the values
`Server`, `Printer`, `Provider` and `LocalConnection`; the spooler looks there when it starts, and gives the connections
to whoever signs in. We write the keys ourselves: printui reports by message boxes, in the PC's language, and rundll32
hands on no exit code. A running spooler is restarted, so that the next sign-in is enough.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from provisioning.errors import ProvisioningError, RejectedError, RequestError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.windows.exports import SharesExports, export
from provisioning.resources.windows.reg_file import KeyEdit, RegistryValue, values_of, write

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

CONNECTIONS = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Print\\Connections"
PROVIDER = "win32spl.dll"
"""The LAN Manager print provider, the only one that printui knows."""

_SHARE = re.compile(r"\\\\([A-Za-z0-9][A-Za-z0-9.-]{0,252})\\([A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,78}[A-Za-z0-9._-])?)")
_GOES_ON = frozenset({5, 1051, 1052, 1053, 1061})
"""winerror.h, of a service that runs: access denied, others that depend on it run, it cannot be stopped, or not now."""
_NEVER_RAN = 0x80000000
"""From here on an exit code is an NTSTATUS: sc.exe itself did not run."""

_IMPORT_TIMEOUT, _SPOOLER_STOPS = 60.0, 20.0  # seconds


class PrinterConnection(State):
    r"""A connection to ``\\server\queue``. `provider` is the DLL that prints over it."""

    ignore_case: ClassVar[frozenset[str]] = frozenset({"provider"})
    provider: str


class PrinterKind(SharesExports):
    r"""Target ``windows:NAME``, key ``\\server\queue``."""

    name = "windows.printer"
    state = PrinterConnection

    def read(self, session: WindowsSession, keys: Sequence[str]) -> dict[str, PrinterConnection]:
        """All connections by one export. A key without a server is no connection, for the spooler neither."""
        paths = {key: _path(session.target, key) for key in keys}
        exported = export(session, [CONNECTIONS])[CONNECTIONS]
        found = {}
        for key, path in paths.items():
            values = {name.casefold(): value.data for name, value in values_of(exported, path).items()}
            if values.get("server"):
                found[key] = PrinterConnection(provider=str(values.get("provider", "")))
        return found

    def questions(self, session: WindowsSession, keys: Sequence[str]) -> list[str]:  # noqa: ARG002  (all are in one key)
        """What :meth:`read` exports."""
        return [CONNECTIONS]

    def apply(self, session: WindowsSession, changes: Sequence[Change[PrinterConnection]]) -> list[Outcome]:
        """One .reg file for all that are made, one ``reg delete`` for each that goes; then the spooler."""
        errors: dict[str, ProvisioningError] = {}
        edits: list[KeyEdit] = []
        going: list[str] = []
        for change in changes:
            try:
                path = _path(session.target, change.key)
            except RequestError as exc:
                errors[change.key] = exc
                continue
            if change.after is None:
                going.append(path)
            else:
                edits.append(KeyEdit(path, _values(change.key, change.after)))
        failure = _import(session, edits) if edits else None
        if going:
            session.run_all([["reg", "delete", path, "/f", "/reg:64"] for path in going])
        if failure is not None:
            errors |= {c.key: failure for c in changes if c.after is not None and c.key not in errors}
        elif (edits or going) and (stuck := restart_spooler(session)) is not None:
            errors |= {change.key: stuck for change in changes if change.key not in errors}
        return [Outcome(change.key, errors.get(change.key)) for change in changes]

    def finish(self, session: WindowsSession, changes: Sequence[Change[PrinterConnection]]) -> None:  # noqa: ARG002
        """The keys are as wanted, but whoever wrote them may have been killed before the spooler was told."""
        if (stuck := restart_spooler(session)) is not None:
            raise stuck


def restart_spooler(session: WindowsSession) -> ProvisioningError | None:
    """Stop and start the print spooler if it runs; documents that wait are printed afterwards. One that does not run
    (disabled by policy, or not started yet) is left so."""
    code = session.run(["sc", "stop", "Spooler"]).exit_code
    if code in _GOES_ON or code >= _NEVER_RAN:
        return RejectedError(
            session.target,
            f"the connections are written, but the print spooler does not stop (sc ended with exit code {code}); "
            "restart the service Spooler on this PC",
        )
    if code != 0:
        return None  # 1062: it does not run
    deadline = time.monotonic() + _SPOOLER_STOPS
    # 1056: it is still stopping
    while (code := session.run(["sc", "start", "Spooler"]).exit_code) != 0:
        if time.monotonic() > deadline:
            return RejectedError(
                session.target,
                f"the connections are written, but the print spooler does not start again (sc ended with exit code "
                f"{code}); start the service Spooler on this PC",
            )
        time.sleep(0.5)
    return None


def _path(target: str, key: str) -> str:
    match = _SHARE.fullmatch(key)
    if match is None:
        raise RequestError(
            f"{target}: {key!r} is not a shared printer; expected \\\\server\\queue, of letters, digits and . _ - "
            "(and spaces in the queue's name)"
        )
    return f"{CONNECTIONS}\\,,{match[1]},{match[2]}"


def _values(key: str, wanted: PrinterConnection) -> dict[str, RegistryValue | None]:
    return {
        "Server": RegistryValue(type="REG_SZ", data=key.rpartition("\\")[0]),
        "Printer": RegistryValue(type="REG_SZ", data=key),
        "Provider": RegistryValue(type="REG_SZ", data=wanted.provider),
        "LocalConnection": RegistryValue(type="REG_DWORD", data=1),
    }


def _import(session: WindowsSession, edits: Sequence[KeyEdit]) -> ProvisioningError | None:
    path = session.write("printers.reg", write(edits))
    try:
        code = session.run(["reg", "import", path, "/reg:64"], timeout=_IMPORT_TIMEOUT).exit_code
    finally:
        session.delete("printers.reg")
    if code == 0:
        return None
    return RejectedError(session.target, f"reg import of the printer connections ended with exit code {code}")


PRINTER = PrinterKind()
