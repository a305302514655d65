"""Sessions that stay open, and sessions that do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioning.api import Site
from provisioning.api import site as site_module
from provisioning.connections.pool import Pool

EXAMPLE = Path(__file__).parent.parent.parent / "inventories" / "example"


class Door:
    """Counts who came in and who went out."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []

    def open(self, target: str, inventory: Any, secrets: Any) -> Any:
        door = self
        self.opened.append(target)

        class Session:
            def close(self) -> None:
                door.closed.append(target)

        return Session()


def use(pool: Any, *targets: str) -> None:
    for target in targets:
        with pool.session(target):
            pass
        pool.drop(target)


@pytest.mark.parametrize(
    ("keeps", "opened"), [(0, ["a:1", "a:2", "a:1", "a:2"]), (1, ["a:1", "a:2", "a:2"]), (9, ["a:1", "a:2"])]
)
def test_a_pool_keeps_so_many_targets(keeps: int, opened: list[str]) -> None:
    door = Door()
    site: Any = None
    with Pool(site, site, {"a": door.open}, keeps=keeps) as pool:
        use(pool, "a:1", "a:2", "a:1", "a:2")
    assert door.opened == opened
    assert sorted(door.closed) == sorted(opened)


def test_a_kept_session_that_is_lost_is_opened_again() -> None:
    door = Door()
    site: Any = None
    with Pool(site, site, {"a": door.open}, keeps=9) as pool:
        with pytest.raises(OSError, match="cable"), pool.session("a:1"):
            raise OSError("cable")
        use(pool, "a:1")
    assert door.opened == door.closed == ["a:1", "a:1"]


def test_a_site_keeps_sessions_open_within_a_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door()
    monkeypatch.setattr(site_module, "OPENERS", {"a": door.open})
    site = Site.load(EXAMPLE)
    with site.kept_open():
        for _ in range(3):
            with site.connect() as pool:
                use(pool, "a:1")
        assert door.opened == ["a:1"]
        assert door.closed == []
    assert door.closed == ["a:1"]
    with site.connect() as pool:
        use(pool, "a:1")
    assert door.opened == door.closed == ["a:1", "a:1"]
