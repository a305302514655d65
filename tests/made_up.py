"""Things, proofs, requests and systems that exist only in a test, known to this process for as long as a block runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from provisioning.api import planning
from provisioning.connections.openers import OPENERS
from provisioning.connections.pool import Opener
from provisioning.procedures import registry
from provisioning.procedures.base import Accounts
from provisioning.resources.registry import KINDS, PROOFS


@contextmanager
def known(
    *, kind: Any, proof: Any, procedure: str, request: Callable[[Mapping[str, Any]], Any], system: str, opener: Opener
) -> Iterator[None]:
    """Whatever is registered here is gone afterwards, so that no later test meets it. Planning asks no directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, kind.name, kind)
        patch.setitem(PROOFS, proof.name, proof)
        patch.setattr(registry, "PROCEDURES", {**registry.PROCEDURES, procedure: request})
        patch.setitem(OPENERS, system, opener)
        patch.setattr(planning, "accounts", lambda *_: Accounts())
        yield
