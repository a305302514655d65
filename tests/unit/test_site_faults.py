"""Every fault that a site can have, as data: a case is files laid over a small good site, and the sentences
expected.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from provisioning.errors import SiteError
from provisioning.site.load import load

CASES = Path(__file__).parent.parent / "cases" / "site"
NAMES = sorted(folder.name for folder in CASES.iterdir() if folder.name != "_base")


def laid_over_base(case: str, folder: Path) -> Path:
    """The base site with the case's files instead of, or beside, its own."""
    shutil.copytree(CASES / "_base", folder)
    shutil.copytree(CASES / case, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("expected.txt"))
    return folder


@pytest.mark.parametrize("case", NAMES)
def test_fault_is_named(case: str, tmp_path: Path) -> None:
    folder = laid_over_base(case, tmp_path / "site")
    with pytest.raises(SiteError) as caught:
        load(folder)
    found = str(caught.value).replace(f"{folder}/", "")
    assert found == (CASES / case / "expected.txt").read_text(encoding="utf-8").rstrip("\n")


def test_the_base_site_is_good(tmp_path: Path) -> None:
    site = load(laid_over_base("_base", tmp_path / "site"))
    assert site.workstations["WS-2"].mac == "02:00:5e:10:00:02"
    assert site.software["crm-client"].versions[0].version == "4.10.0"
    assert site.workplaces["D-1"].room == "204"
    assert site.software["toy"].approved is False
