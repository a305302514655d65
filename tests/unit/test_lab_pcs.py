"""``provision lab site DIR --pcs M``."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.errors import LabError
from provisioning.lab.more_pcs import give_pcs
from provisioning.lab.office import Office
from provisioning.lab.site_copy import write_site

EXAMPLE = Path(__file__).parents[2] / "inventories" / "example"


@pytest.mark.parametrize("count", [2, 5, 23])
def test_as_many_as_asked_for(tmp_path: Path, count: int) -> None:
    write_site(EXAMPLE, tmp_path / "site", 9)
    names = give_pcs(tmp_path / "site", 9, count)
    workstations = Office(tmp_path / "site", 9).inventory.workstations
    reached = {name: str(ws.address) for name, ws in workstations.items() if ws.address}
    assert set(reached) == set(names)
    assert len(set(reached.values())) == count
    assert {"WS-0042": "127.77.9.101", "WS-0043": "127.77.9.102"}.items() <= reached.items()


def test_too_few_and_none(tmp_path: Path) -> None:
    write_site(EXAMPLE, tmp_path / "site", 9)
    with pytest.raises(LabError, match="2 PCs with an address already"):
        give_pcs(tmp_path / "site", 9, 1)
    with pytest.raises(LabError, match="1 to 100"):
        give_pcs(tmp_path / "site", 9, 101)
    with pytest.raises(LabError, match="cannot be read"):
        give_pcs(tmp_path, 9, 3)
