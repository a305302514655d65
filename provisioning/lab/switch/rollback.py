"""Taking a configuration back: archived configurations, ``configure replace``, and changes that must be confirmed.

As in "Configuration Replace and Configuration Rollback" and "Configuration Rollback Confirmed Change" of the IOS
Configuration Management guides. The timer belongs to the switch: it runs on when the session that set it is cut.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.lab.switch.device import Device

_DEFAULT_MAXIMUM = 10
_NOT_PENDING = "%No Rollback Confirmed Change pending"
_NO_ARCHIVE = "%Turn config archive on before using Rollback Confirmed Change"
_WARNING = (
    "Rollback Confirmed Change: Rollback will begin in one minute.\n"
    'Enter "configure confirm" if you wish to keep what you\'ve configured'
)


@dataclass(frozen=True)
class Pending:
    """A change that is taken back at `deadline` (seconds of the monotonic clock) unless it is confirmed. `tell` prints
    on the line that began it, `user` is who did."""

    file: str
    minutes: int
    deadline: float
    warn_at: float
    user: str
    tell: Callable[[str], None]


class Rollback:
    """What a device can take back, and the change that waits for its confirmation."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._number = 0
        self.pending: Pending | None = None

    # -- archived configurations

    def setting(self, word: str) -> str | None:
        """A setting of the ``archive`` block; ``None`` when there is none."""
        lines = self._device.config.settings.get("archive", ())
        return next((line.partition(" ")[2] for line in lines if line.partition(" ")[0] == word), None)

    @property
    def _maximum(self) -> int:
        return int(self.setting("maximum") or _DEFAULT_MAXIMUM)

    def _stem(self) -> str | None:
        path = self.setting("path")
        return None if path is None else path.partition(":")[2].lstrip("/")

    def archived(self) -> list[str]:
        """Archived configurations, oldest first."""
        stem = self._stem()
        return [] if stem is None else [n for n in self._device.flash.names() if n.startswith(f"{stem}-")]

    def archive(self) -> str | None:
        """Keep the running configuration; the name of the file, ``None`` without an archive path."""
        if self._stem() is None:
            return None
        name = self._next_name()
        self._number += 1
        self._device.flash.write(name, self._device.config.text() + "\n")
        for old in self.archived()[: -self._maximum]:
            self._device.flash.delete(old)
        return name

    def _next_name(self) -> str:
        now = time.time()
        stamp = time.strftime("%b-%d-%H-%M-%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03}"
        return f"{self._stem()}-{stamp}-{self._number}"

    def show(self) -> str:
        """``show archive``."""
        if self._stem() is None:
            return " Archive feature not enabled"
        files = self.archived()
        are = "is" if len(files) == 1 else "are"
        lines = [
            f"The maximum archive configurations allowed is {self._maximum}.",
            f"There {are} currently {len(files)} archive configuration{'' if len(files) == 1 else 's'} saved.",
            f"The next archive file will be named flash:{self._next_name()}",
            " Archive #  Name",
        ]
        for number in range(1, self._maximum + 1):
            if number > len(files):
                lines.append(f"   {number}")
                continue
            recent = " <- Most Recent" if number == len(files) else ""
            lines.append(f"   {number:<8} flash:{files[number - 1]}{recent}")
        return "\n".join(lines)

    # -- changes that must be confirmed

    def begin(self, minutes: int, user: str, tell: Callable[[str], None]) -> str:
        """``configure terminal revert timer N``; what the device prints. No change begins when it starts with ``%``."""
        if self.pending is not None:
            return "%Rollback Confirmed Change is already pending, confirm or revert it first"
        name = self.archive()
        if name is None:
            return _NO_ARCHIVE
        minute = self._device.faults.minute
        now = time.monotonic()
        self.pending = Pending(name, minutes, now + minutes * minute, now + (minutes - 1) * minute, user, tell)
        return f"Rollback Confirmed Change: Backing up current running config to flash:{name}\n"

    def confirm(self) -> str:
        """``configure confirm``: keep what was configured."""
        if self.pending is None:
            return _NOT_PENDING
        self.pending = None
        return ""

    def restart(self, minutes: int) -> str:
        """``configure revert timer N``: another time, counted from now."""
        if self.pending is None:
            return _NOT_PENDING
        deadline = time.monotonic() + minutes * self._device.faults.minute
        self.pending = replace(self.pending, minutes=minutes, deadline=deadline)
        return ""

    def revert(self) -> str:
        """``configure revert now``."""
        if self.pending is None:
            return _NOT_PENDING
        file, self.pending = self.pending.file, None
        return f"Rollback Confirmed Change: rolling to:flash:{file}\n\n{self.replace(file)}"

    def timer(self) -> str:
        """``show archive config rollback timer``."""
        if self.pending is None:
            return _NOT_PENDING
        left = max(0, round(self.pending.deadline - time.monotonic()))
        return "\n".join(
            [
                "Time configured(or reconfigured): " + time.strftime("%H:%M:%S UTC %a %b %e %Y", time.gmtime()),
                "Timer type: absolute timer",
                f"Timer value: {self.pending.minutes} min",
                f"User: {self.pending.user}(Priv: 15, View: 0)",
                f"Timer will expire in {left} seconds",
            ]
        )

    def tick(self) -> None:
        """Warn and revert when it is time. The device's clock calls this often."""
        pending = self.pending
        if pending is None:
            return
        now = time.monotonic()
        if now >= pending.deadline:
            self._device.record(
                f"%ARCHIVE_DIFF-5-ROLLBK_CNFMD_CHG_ROLLBACK_START: Start rolling to: flash:{pending.file}"
            )
            pending.tell(self.revert())
        elif now >= pending.warn_at:
            self.pending = replace(pending, warn_at=pending.deadline + 1)
            pending.tell(_WARNING)

    # -- replacing

    def replace(self, name: str) -> str:
        """``configure replace flash:NAME force``: make the running configuration what the file says."""
        text = self._device.flash.read(name)
        if text is None:
            return f"%Error opening flash:{name} (No such file or directory)"
        wanted, refused = self._device.understood(text)
        self._device.adopt(wanted)
        if refused:
            listed = "\n".join(refused)
            return (
                "The rollback configlet from the last pass is listed below:\n********\n"
                f"!List of Rollback Commands:\n{listed}\nend\n********\n\n"
                "Rollback aborted after 5 passes\n"
                "The following commands are failed to apply to the IOS image.\n********\n"
                f"{listed}\n********"
            )
        return "Total number of passes: 1\nRollback Done\n"
