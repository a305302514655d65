"""Several Windows Installer packages by one command: a batch file that asks what waits for a restart, runs msiexec for
each, asks again, and removes the packages' files. Programs that are started and round trips are what installing small
packages takes; and msiexec, unlike a vendor's setup program, ends when everything is registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError, UnreachableError
from provisioning.resources.windows import restart
from provisioning.resources.windows.installers import Deed, deed_of, hung, judged, keys_of, msi_words

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession
    from provisioning.resources.windows.installer_files import InstallerFiles
    from provisioning.site.software import Installer

_FILE = "steps.cmd"


@dataclass(frozen=True)
class _Order:
    name: str
    installer: Installer
    deed: Deed
    pushed: str
    words: Sequence[str]


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
            orders.append(_Order(name, installer, deed_of(name, installer), pushed, msi_words(installer, pushed, keys)))
        except UnreachableError:
            raise
        except ProvisioningError as exc:
            errors[name] = exc
    busy: UnreachableError | None = None
    while orders:
        ended, left = _run(session, orders, errors, files)
        busy = busy or ended
        orders = left
    if busy is not None:
        raise busy
    return errors


def _run(
    session: WindowsSession, orders: Sequence[_Order], errors: dict[str, ProvisioningError], files: InstallerFiles
) -> tuple[UnreachableError | None, list[_Order]]:
    """One batch file. Its failures go into `errors`; gives what has to wait, and what was not begun because the one
    before it did not end."""
    looks = list(restart.WAITING)
    pushed = [one.pushed for one in orders]
    commands = [*looks, *(one.words for one in orders), *looks]
    try:
        steps = session.run_in_turn(commands, timeout=session.inventory.windows.install_timeout, removed=pushed)
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
    if len(steps) == len(commands):
        for one in orders:
            files.forget(one.installer)
        after = restart.waiting_in("".join(step.stdout for step in steps[-len(looks) :]))
    else:
        after = restart.waiting(session)
    if restarts or after.grew_since(before):
        restart.note(session)
    left = list(orders[len(done) + 1 :])
    if len(done) < len(orders):
        errors[orders[len(done)].name] = hung(session, orders[len(done)].deed)
        for one in orders[: len(done) + 1]:
            files.remove(one.installer)
    return busy, left
