"""The site as it is now, made anew only when the ledger says something new: whoever plans asks for it several times,
and what a site derives from its tables is kept with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioning.intake import amended, ports
from provisioning.ledger import AmendmentRecord
from provisioning.ledger.books import Port
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.ledger import Ledger


@dataclass
class Overlay:
    """What procedures changed since, laid over `files`. May be shared by threads."""

    files: Inventory
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False)
    _said: tuple[list[AmendmentRecord], dict[Port, str]] | None = field(default=None, init=False)
    _site: Inventory | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._here = threading.local()

    @contextmanager
    def one_moment(self, ledger: Ledger) -> Iterator[None]:
        """In this thread the site is what it is now as long as the block runs."""
        former = getattr(self._here, "site", None)
        self._here.site = former or self.now(ledger)
        try:
            yield
        finally:
            self._here.site = former

    def is_amended_by(self, run_id: int) -> bool:
        """Whether a run amended the site as it was looked up last, here or in another thread."""
        with self._guard:
            return self._said is not None and any(one.run_id == run_id for one in self._said[0])

    def now(self, ledger: Ledger) -> Inventory:
        """The very same as the last time, unless an amendment or a switch port was written down or taken back since."""
        if (here := getattr(self._here, "site", None)) is not None:
            return here  # type: ignore[no-any-return]
        said = ledger.laid_over()
        with self._guard:
            if self._site is None or said != self._said:
                self._site = ports.wired(amended.amended(self.files, said[0]), said[1])
                self._said = said
            return self._site
