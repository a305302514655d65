"""What those who only look need of a site."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from provisioning.engine.events import Listener
from provisioning.engine.planner import TargetSessions
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.ledger import Ledger


class Readable(Protocol):
    """The site as it is patched, and sessions to its systems."""

    @property
    def wired(self) -> Inventory: ...

    def reading(
        self, listener: Listener | None = None, purpose: str = "a plan"
    ) -> AbstractContextManager[TargetSessions]: ...


class Remembering(Readable, Protocol):
    """And what was written down, if anything was."""

    @property
    def has_ledger(self) -> bool: ...

    @property
    def ledger(self) -> Ledger: ...
