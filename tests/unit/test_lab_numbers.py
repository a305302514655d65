"""The tests run in several processes at once, file by file: no two files may use the same lab."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

FILES = sorted((Path(__file__).parent.parent / "lab").glob("test_*.py"))
_NUMBER = re.compile(
    r"^NUMBER = (\d+)$|Bench\.make\((?:.*, )?(\d+)\)|for number in \((\d+), (\d+)\)|[\"']127\.77\.(\d+)\.", re.MULTILINE
)
_OFFICE = range(1, 10)
"""Of the processes themselves; 254 and above are nobody's."""


def test_every_file_has_labs_of_its_own() -> None:
    used: Counter[int] = Counter()
    for file in FILES:
        found = {int(n) for hit in _NUMBER.findall(file.read_text(encoding="utf-8")) for n in hit if n}
        used.update(number for number in found if number not in _OFFICE and number < 254)
    assert used, "no file has a lab of its own any more: take this test away"
    assert [number for number, files in used.items() if files > 1] == []
