"""The copy of the example site that tests work on."""

from __future__ import annotations

from pathlib import Path

from provisioning.site.archive import archive_folder
from provisioning.site.load import load
from tests.unit.cli_office import LAB, write_site


def test_it_keeps_nothing_in_the_lab_of_this_machine(tmp_path: Path) -> None:
    folder = write_site(tmp_path)
    assert [str(file) for file in folder.rglob("*.yml") if LAB in file.read_text(encoding="utf-8")] == []
    site = load(folder)
    assert isinstance(site.ledger, Path)
    for place in (site.ledger, archive_folder(site), site.handover.folder):
        assert place.is_relative_to(tmp_path), place
