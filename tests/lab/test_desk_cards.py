"""Cards from the real directory, and the page of a real run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.lab.office import Office
from tests.lab.admin import Admin, admin_of
from tests.unit.html_pages import checked

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Iterator[Admin]:
    somebody = admin_of(office, tmp_path / "site")
    yield somebody
    somebody.take_all_back()


def test_the_card_of_somebody_with_an_account_and_the_page_of_a_run(admin: Admin, tmp_path: Path) -> None:
    card, page = tmp_path / "card.html", tmp_path / "run.html"
    admin.must("card", "Hart", "--output", str(card))
    own = checked(card.read_text(encoding="utf-8")).own
    for words in ("Welcome, William Hart!", "B-204-1", "WS-0043", "Jörg Müller"):
        assert words in own, words
    refused = admin.run("card", "E1042", "--output", str(card))
    assert (refused.code, "E1042 has no account yet" in refused.err) == (1, True)

    admin.must("patch", "B2-01B", "--to", "guest", "--yes")
    admin.must("report", "1", "--language", "fr", "--output", str(page))
    shown = checked(page.read_text(encoding="utf-8"))
    assert shown.language == "fr"
    assert "provision undo 1" in shown.html
    for words in ("Ordre de brassage 1", "Panneau P1", "VLAN d’accès"):
        assert words in shown.own, words
    assert 'class="timeline"' in shown.html
