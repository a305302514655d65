"""A short storm; ``make storm`` is the long one."""

from __future__ import annotations

import time
from pathlib import Path

from tests.storm.storm import storm


def test_nothing_is_lost_and_nothing_is_done_twice(tmp_path: Path) -> None:
    seed = int(time.time())
    print(f"storm: --seed {seed} --kills 26 --boxes 40")  # noqa: T201  (pytest shows it when the test fails)
    toll = storm(tmp_path / "far", seed=seed, kills=26)
    assert (toll.lost, toll.doubled, toll.broken) == ([], [], [])
    assert toll.kills >= 26
    assert toll.changes > 0
