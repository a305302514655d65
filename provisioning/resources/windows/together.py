"""Several Windows Installer packages by one command, to be installed or removed: a batch file that asks what waits for
a restart, runs msiexec for each, asks again, exports what is installed then, and removes the packages' files. Programs
that are started and round trips are what installing small packages takes; and msiexec, unlike a vendor's setup program,
ends when everything is registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError, UnreachableError
from provisioning.resources.windows import restart
from provisioning.resources.windows.entries import UNINSTALL_KEYS
from provisioning.resources.windows.exports import run_and_export
from provisioning.resources.windows.installer_files import InstallerFiles
from provisioning.resources.windows.installers import Deed, deed_of, hung, judged, keys_of, msi_words

if TYPE_CHECKING:
    from provisioning.connections.windows import Result, WindowsSession
    from provisioning.site.software import Installer

_FILE = "steps.cmd"


@dataclass(frozen=True)
class _Order:
    name: str
    deed: Deed
    words: Sequence[str]
    installer: Installer | None = None
    pushed: str | None = None


def install_together(
    session: WindowsSession, wanted: Mapping[str, Installer], files: InstallerFiles
) -> dict[str, ProvisioningError]:
    """Install MSIs, by the names of their packages; what failed, by name. One that fails does not stop the others.
    What needs a restart is noted for ``windows.restart``. Raises :class:`UnreachableError` when another installation is
    under way on the PC, or the PC goes away."""
    errors: dict[str, ProvisioningError] = {}
    orders = []
    for name, installer in wanted.items():
        try:
            keys, pushed = keys_of(session, name, installer), files.place(installer)
            words = msi_words(installer, pushed, keys)
            orders.append(_Order(name, deed_of(name, installer), words, installer, pushed))
        except UnreachableError:
            raise
        except ProvisioningError as exc:
            errors[name] = exc
    _run_all(session, orders, errors, files)
    return errors


def remove_together(
    session: WindowsSession, wanted: Mapping[str, tuple[Deed, Sequence[str]]]
) -> dict[str, ProvisioningError]:
    """Remove packages by the words that make msiexec do so, by name. Otherwise as :func:`install_together`."""
    errors: dict[str, ProvisioningError] = {}
    orders = [_Order(name, deed, words) for name, (deed, words) in wanted.items()]
    _run_all(session, orders, errors, InstallerFiles(session, []))
    return errors


def _run_all(
    session: WindowsSession, orders: Sequence[_Order], errors: dict[str, ProvisioningError], files: InstallerFiles
) -> None:
    busy: UnreachableError | None = None
    while orders:
        ended, orders = _run(session, orders, errors, files)
        busy = busy or ended
    if busy is not None:
        raise busy


def _installers(orders: Sequence[_Order]) -> list[Installer]:
    return [one.installer for one in orders if one.installer is not None]


def _run(
    session: WindowsSession, orders: Sequence[_Order], errors: dict[str, ProvisioningError], files: InstallerFiles
) -> tuple[UnreachableError | None, list[_Order]]:
    """One batch file. Its failures go into `errors`; gives what has to wait, and what was not begun because the one
    before it did not end."""
    looks = list(restart.WAITING)
    pushed = [one.pushed for one in orders if one.pushed is not None]
    commands = [*looks, *(one.words for one in orders), *looks]
    steps: list[Result] = []
    asked = len(commands)

    def run(behind: Sequence[Sequence[str]]) -> Sequence[int]:
        nonlocal asked
        asked += len(behind)
        seconds = session.inventory.windows.install_timeout
        steps.extend(session.run_in_turn([*commands, *behind], timeout=seconds, removed=pushed))
        return [step.exit_code for step in steps[len(commands) :]]

    try:
        run_and_export(session, UNINSTALL_KEYS, run)
    finally:
        session.delete(_FILE)  # keys may stand in it
    busy: UnreachableError | None = None
    restarts = False
    done = steps[len(looks) : len(looks) + len(orders)]
    for one, step in zip(orders, done, strict=False):
        try:
            restarts |= judged(session, one.deed, step.exit_code).restart
        except UnreachableError as exc:
            busy = exc
        except ProvisioningError as exc:
            errors[one.name] = exc
    before = restart.waiting_in("".join(step.stdout for step in steps[: len(looks)]))
    if len(steps) == asked:
        for installer in _installers(orders):
            files.forget(installer)
    if len(steps) >= len(commands):
        after = restart.waiting_in("".join(step.stdout for step in steps[len(commands) - len(looks) : len(commands)]))
    else:
        after = restart.waiting(session)
    if restarts or after.grew_since(before):
        restart.note(session)
    left = list(orders[len(done) + 1 :])
    if len(done) < len(orders):
        errors[orders[len(done)].name] = hung(session, orders[len(done)].deed)
        for installer in _installers(orders[: len(done) + 1]):
            files.remove(installer)
    return busy, left
