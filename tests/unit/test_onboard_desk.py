"""Onboarding somebody at another desk than the site's files say: from then on they sit there, until it is undone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from provisioning.api import Site
from provisioning.errors import RequestError
from provisioning.ledger import Amendment
from provisioning.procedures.base import Accounts
from provisioning.procedures.onboard import onboard
from provisioning.procedures.together import Together
from provisioning.site import Inventory
from provisioning.site.approvals import Approvals
from provisioning.site.load import load
from tests.unit.audit_office import Reality, in_memory
from tests.unit.cli_office import EXAMPLE

WHO, DESK = "E1043", "B-204-2"


@pytest.fixture
def example() -> Inventory:
    """Nobody is asked for approval, and the first day is over."""
    site = load(EXAMPLE)
    here = site.people[WHO].model_copy(update={"start": None})
    return site.model_copy(update={"approvals": Approvals(), "people": {**site.people, WHO: here}})


@pytest.fixture
def office(example: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reality]:
    reality = in_memory(example, tmp_path, monkeypatch)
    reality.as_wanted()
    del reality.accounts[WHO]
    yield reality
    if "ledger" in vars(reality.site):
        reality.site.ledger.close()


def at(site: Site, person: str = WHO) -> str | None:
    return Site(site.inventory).wired.people[person].workplace


def seated(site: Inventory, **desks: str) -> Inventory:
    people = {key: site.people[key].model_copy(update={"workplace": desk}) for key, desk in desks.items()}
    return site.model_copy(update={"people": {**site.people, **people}})


def test_the_desk_is_amended_and_compiles_to_the_same_again(example: Inventory) -> None:
    assert onboard(WHO).compile(example, Accounts()).amendments == ()
    request = onboard(WHO, workplace=DESK)
    work = request.compile(example, Accounts())
    assert work.amendments == (Amendment("people", WHO, "workplace", DESK),)
    assert Together((request, request)).compile(example, Accounts()).amendments == work.amendments
    again = request.compile(seated(example, **{WHO: DESK}), Accounts())
    assert (again.resources, again.proofs, again.custody) == (work.resources, work.proofs, work.custody)


def test_somebody_who_sat_elsewhere_leaves_nothing_behind_unsaid(example: Inventory) -> None:
    def said(site: Inventory) -> list[str]:
        return [w for w in onboard(WHO, workplace=DESK).compile(site, Accounts()).warnings if "until now" in w]

    assert said(example) == []
    [warning] = said(seated(example, **{WHO: "B-207-1"}))
    assert warning.startswith(f"{WHO} has been at B-207-1 until now")
    assert warning.endswith(f"provision move {WHO} --to {DESK}")


def test_a_leavers_desk_is_free_and_a_colleagues_is_not(example: Inventory) -> None:
    with pytest.raises(RequestError, match="workplace B-204-1 belongs to person E1038"):
        onboard(WHO, workplace="B-204-1").compile(example, Accounts())
    gone = example.people["E1038"].model_copy(update={"left": date(2026, 11, 1)})
    site = example.model_copy(update={"people": {**example.people, "E1038": gone}})
    assert onboard(WHO, workplace="B-204-1").compile(site, Accounts()).amendments


def test_the_site_knows_it_from_then_on_and_the_undo_takes_it_back(office: Reality) -> None:
    plan = office.site.plan(onboard(WHO, workplace=DESK))
    assert [(one.value, was) for one, was in plan.books.amendments] == [(DESK, None)]
    run = plan.apply()
    assert run.succeeded
    assert at(office.site) == DESK
    assert run.undo().succeeded
    assert at(office.site) is None


def test_the_desk_that_the_files_say_is_not_written_down(office: Reality) -> None:
    desk = office.site.inventory.people["E1038"].workplace
    assert office.site.plan(onboard("E1038", workplace=desk)).books.amendments == ()


def test_a_request_for_later_says_so_when_it_begins(office: Reality) -> None:
    request = office.site.request(onboard(WHO, workplace=DESK), start=datetime(2026, 1, 1, tzinfo=UTC))
    assert at(office.site) is None
    office.site.carry_out(request.id)
    assert at(office.site) == DESK
    with pytest.raises(RequestError, match=f"workplace {DESK} belongs to person {WHO}"):
        Site(office.site.inventory).plan(onboard("E1038", workplace=DESK))


def test_everybody_of_a_file_sits_where_it_says(office: Reality, tmp_path: Path) -> None:
    file = tmp_path / "hires.csv"
    file.write_text(f"person,desk\n{WHO},{DESK}\n", encoding="utf-8")
    [result] = office.site.onboard_all(office.site.hires(file).rows)
    assert result.run is not None, result
    assert at(office.site) == DESK
    office.site.run(result.run).undo()
    assert at(office.site) is None
