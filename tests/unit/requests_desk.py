"""A site in memory, and whoever sits in front of it: for tests of requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from provisioning.api import Site
from provisioning.cli.program import PROGRAM
from provisioning.ledger.tables import requests
from tests.unit.cli_office import Office, install, write_site

GROUNDS = {"security": ("E1002 joins the group IT-Support",)}
ROLES = """
approvals:
  roles:
    security: [anna, boris, CORP\\clara]
    budget: [boris, dora]
"""


@dataclass
class Desk:
    """A site in memory, and whoever sits in front of it."""

    office: Office
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    opened: list[Site] = field(default_factory=list)

    @property
    def site(self) -> Site:
        self.opened.append(Site.load(self.folder))
        return self.opened[-1]

    def is_now(self, person: str) -> None:
        """From now on somebody else is at the keyboard."""
        for place in ("ledger.requests", "ledger.runs", "ledger.worklog", "intake.requests"):
            self.monkeypatch.setattr(f"provisioning.{place}.acting_user", lambda: person)

    def run(self, *words: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(PROGRAM, ["--site", str(self.folder), *words], input=answer)

    def ok(self, *words: str) -> str:
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, *words: str) -> str:
        result = self.run(*words)
        assert result.exit_code == 1, result.output
        assert "bug" not in result.stderr
        return result.stderr

    def make_due(self, request_id: int) -> None:
        """Let time pass."""
        with self.site.ledger._database.write() as connection:
            ours = update(requests).where(requests.c.id == request_id)
            connection.execute(ours.values(start="2026-01-01T00:00:00.000+00:00"))

    @property
    def touched(self) -> bool:
        return bool(self.office.a.applied or self.office.b.applied)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    office = Office()
    install(office, monkeypatch.setattr, monkeypatch.setitem)
    made = Desk(office, write_site(tmp_path), monkeypatch)
    (made.folder / "approvals.yml").write_text(ROLES, encoding="utf-8")
    load = Site.load

    def remember(folder: Path) -> Site:
        made.opened.append(load(folder))
        return made.opened[-1]

    monkeypatch.setattr(Site, "load", remember)
    made.is_now("requester")
    yield made
    for site in made.opened:
        if "ledger" in vars(site):
            site.ledger.close()
