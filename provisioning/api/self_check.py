"""``provision windows self-check``: what we take for granted of Windows, tested on one PC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.resources.windows.assumptions import ASSUMPTIONS, check, is_wine
from provisioning.site.inventory import unknown

if TYPE_CHECKING:
    from provisioning.api.site import Site


@dataclass(frozen=True)
class Row:
    """One assumption and what became of it. `verdict`: ``holds``, ``fails``, ``cannot tell`` or ``not in Wine``."""

    name: str
    sentence: str
    matters: str
    source: str
    verdict: str
    detail: str


def self_check(site: Site, pc: str) -> list[Row]:
    """Test every assumption on a PC. Changes nothing there but for a temporary folder, which is removed again.

    Raises :class:`~provisioning.errors.RequestError` for an unknown PC, :class:`~provisioning.errors.TargetError` when
    it does not answer.
    """
    known = site.wired.workstations
    if pc not in known:
        unknown("workstation", pc, known)
    rows = []
    with site.connect() as pool, pool.session(f"windows:{pc}") as session:
        wine = is_wine(session)
        for one in ASSUMPTIONS:
            found = check(session, one)
            verdict, detail = str(found.verdict), found.detail
            if wine and one.not_in_wine and verdict != "holds":
                verdict, detail = "not in Wine", one.not_in_wine
            rows.append(Row(one.name, one.sentence, one.matters, one.source, verdict, detail))
    return rows
