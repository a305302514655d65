"""Who gets which extension: a pure choice, and one holder in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from provisioning.errors import RequestError
from provisioning.intake.extensions import give_back_extensions, held_extensions, refuse_given
from provisioning.ledger import Ledger
from provisioning.procedures.base import Accounts, Numbering
from provisioning.procedures.extensions import Claim, choose, claims, must_choose
from provisioning.procedures.onboard import onboard
from provisioning.reports import things
from provisioning.resources.base import Address, Change, State
from provisioning.resources.directory.user import User
from provisioning.resources.phones.configuration import Configuration
from provisioning.resources.phones.subscriber import Subscriber
from provisioning.site import Inventory
from provisioning.site.load import load
from provisioning.site.phones import Exchange, ExtensionRange
from tests.conftest import EXAMPLE

POOL = "extension:staff"


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def numbered(example: Inventory, numbers: ExtensionRange, phones: Mapping[str, str | None]) -> Inventory:
    """The example with another range, and other telephone numbers of people (others: none)."""
    assert example.phones is not None
    people = {
        key: person.model_copy(update={"phone": phones.get(key)}) for key, person in example.people.items()
    }  # fmt: skip
    section = example.phones.model_copy(update={"ranges": {"staff": numbers}})
    return example.model_copy(update={"people": people, "phones": section})


RANGE = ExtensionRange(first="0100", last="0103", reserved=("0100",), number="+49 30 5550 {extension}")


def test_a_number_that_is_written_down_is_the_extension(example: Inventory) -> None:
    chosen = choose(example, ["E1042"], Numbering())["E1042"]
    assert (chosen.number, chosen.telephone) == ("1042", "+49 30 5550 1042")
    assert not must_choose(example, ["E1042"], {})


@pytest.mark.parametrize("written", ["+49 (30) 5550-0102", "+4930 55500102", "+49 30 5550 0102", "+49 (0)30 5550 0102"])
def test_a_number_counts_however_it_is_written(example: Inventory, written: str) -> None:
    site = numbered(example, RANGE, {"E1042": written})
    assert choose(site, ["E1042"], Numbering())["E1042"].number == "0102"


def test_the_lowest_that_is_free_everywhere(example: Inventory) -> None:
    """0100 is reserved, 0101 on the exchange, 0102 fixed for somebody else."""
    site = numbered(example, RANGE, {"E1001": "+49 30 5550 0102", "E1042": "+49 171 5550 0101"})
    assert must_choose(site, ["E1042"], {})
    chosen = choose(site, ["E1042"], Numbering({"staff": {}}, frozenset({"0101"})))
    assert chosen["E1042"].number == "0103"


def test_the_number_of_somebody_who_left_is_free(example: Inventory) -> None:
    site = numbered(example, RANGE, {"E1001": "+49 30 5550 0101"})
    assert choose(site, ["E1042"], Numbering())["E1042"].number == "0102"
    gone = site.people["E1001"].model_copy(update={"left": date(2026, 10, 31)})
    site = site.model_copy(update={"people": {**site.people, "E1001": gone}})
    assert choose(site, ["E1042"], Numbering())["E1042"].number == "0101"


def test_two_people_of_one_request_get_two(example: Inventory) -> None:
    site = numbered(example, RANGE, {})
    chosen = choose(site, ["E1042", "E1043"], Numbering())
    assert [one.number for one in chosen.values()] == ["0101", "0102"]


def test_whoever_has_one_keeps_it(example: Inventory) -> None:
    site = numbered(example, RANGE, {})
    held = {"staff": {"0103": "E1042", "0101": "E1001"}}
    assert choose(site, ["E1042"], Numbering(held, frozenset({"0103"})))["E1042"].number == "0103"
    assert not must_choose(site, ["E1042"], held)


def test_another_number_takes_the_place_of_the_former(example: Inventory) -> None:
    site = numbered(example, RANGE, {"E1042": "+49 30 5550 0102"})
    held = {"staff": {"0103": "E1042"}}
    chosen = choose(site, ["E1042"], Numbering(held))["E1042"]
    assert (chosen.number, chosen.former) == ("0102", ("0103",))
    work = onboard("E1042").compile(site, Accounts(numbering=Numbering(held)))
    states = {resource.key: resource.desired for resource in work.resources if resource.target == "phones"}
    assert states == {"0103": None, "0102": Subscriber(holder="E1042")}
    assert "E1042 had the extension 0103 until now; its subscriber is removed" in work.warnings


def test_a_fixed_number_that_somebody_else_holds_is_refused(example: Inventory) -> None:
    with pytest.raises(RequestError, match=r"extension 1042 of person E1042 .* is held by E1001; take it back"):
        choose(example, ["E1042"], Numbering({"staff": {"1042": "E1001"}}))


def test_an_exhausted_range_says_who_has_it(example: Inventory) -> None:
    site = numbered(example, RANGE, {"E1001": "+49 30 5550 0102"})
    numbering = Numbering({"staff": {"0101": "E1038"}}, frozenset({"0103", "0101"}))
    with pytest.raises(RequestError) as caught:
        choose(site, ["E1042"], numbering)
    assert str(caught.value) == (
        "no extension of the range staff (0100 to 0103) is left for E1042: 2 belong to E1038, E1001; 1 have "
        "subscribers on the exchange that the ledger does not know; release one or extend phones: ranges: staff"
    )


def test_without_a_class_there_is_no_telephone(example: Inventory) -> None:
    profile = example.profiles["sales"].model_copy(update={"phone_class": None})
    site = example.model_copy(update={"profiles": {**example.profiles, "sales": profile}})
    work = onboard("E1042").compile(site, Accounts())
    assert {resource.target for resource in work.resources} & {"phones", "phone-files"} == set()
    user = next(r.desired for r in work.resources if isinstance(r.desired, User))
    assert (user.telephone, user.ip_phone) == ("+49 30 5550 1042", None)


def test_onboarding_sets_up_everything_that_rings(example: Inventory) -> None:
    work = onboard("E1042").compile(example, Accounts())
    by_kind = {resource.kind: resource for resource in work.resources}
    user, subscriber = by_kind["directory.user"], by_kind["phones.subscriber"]
    file = by_kind["phones.configuration"]
    assert isinstance(user.desired, User)
    assert (user.desired.telephone, user.desired.ip_phone) == ("+49 30 5550 1042", "1042")
    assert subscriber.requires == {user.address}
    assert file.key == "02005e104043.cfg"
    assert file.requires == {subscriber.address}
    assert isinstance(file.desired, Configuration)
    assert file.desired.settings["account.1.display_name"] == "Анна Петрова"
    assert file.desired.secrets == {"account.1.password": "kept:1042/E1042"}
    proofs = [proof.parameters for proof in work.proofs if proof.kind == "phones.registration"]
    assert proofs == [{"extension": "1042", "admitted": admitted} for admitted in (True, False)]


def test_an_asterisk_gets_the_name_too(example: Inventory) -> None:
    assert example.phones is not None
    exchange = Exchange(adapter="asterisk-realtime", file=Path("x"), settings={"context": "office"})
    site = example.model_copy(update={"phones": example.phones.model_copy(update={"exchange": exchange})})
    work = onboard("E1042").compile(site, Accounts())
    state = next(r.desired for r in work.resources if r.target == "phones")
    assert state == Subscriber(holder="E1042", display_name="Анна Петрова", settings={"context": "office"})


def test_a_shared_desk_has_no_telephone_of_ones_own() -> None:
    fresh = load(EXAMPLE)  # a copy would keep what the original has looked up
    device = fresh.equipment["phone-204-3"].model_copy(update={"workplace": "B-207-1"})
    site = fresh.model_copy(update={"equipment": {"tel": device}})
    work = onboard("E1043", workplace="B-207-1").compile(site, Accounts())
    assert not any(resource.target == "phone-files" for resource in work.resources)
    assert "tel stands at B-207-1, which is shared: it is not set up for E1043 alone" in work.warnings


# ------------------------------------------------------------------------------------------------------- the ledger


def subscriber(extension: str, before: State | None, after: State | None) -> Change[State]:
    return Change(Address("phones.subscriber", "phones", extension), before, after)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "l.sqlite")


def test_a_run_gives_the_extension_and_its_removal_frees_it(example: Inventory, ledger: Ledger) -> None:
    assert example.phones is not None
    state = Subscriber(holder="E1042")
    change = subscriber("1042", None, state)
    claim = Claim(POOL, "1042", "E1042")
    assert claims(example, [(change.address, state), (change.address, None)]) == (claim,)
    run = ledger.begin("onboard", {}, [change], seats=[(claim.pool, claim.candidates, claim.holder)])
    assert held_extensions(example.phones, ledger) == {"staff": {"1042": "E1042"}}
    with pytest.raises(RequestError, match="nothing is left of extension:staff for E1001: 1 of 1 are taken"):
        ledger.begin("onboard", {}, [change], seats=[(POOL, ("1042",), "E1001")])

    refuse_given(ledger, [claim])
    with pytest.raises(
        RequestError, match="extension 1042 was given to E1042 since this was planned for E1; plan again"
    ):
        refuse_given(ledger, [Claim(POOL, "1042", "E1")])

    ledger.settle({run.changes[0].id: ("failed", None)})
    give_back_extensions(ledger, ledger.run(run.id), "partial")
    assert held_extensions(example.phones, ledger)["staff"] == {"1042": "E1042"}, "the next run gets the same"

    other = ledger.begin("offboard", {}, [change.inverse()])
    ledger.settle({other.changes[0].id: ("verified", None)})
    give_back_extensions(ledger, ledger.run(other.id), "done")
    give_back_extensions(ledger, ledger.run(other.id), "done")
    assert held_extensions(example.phones, ledger)["staff"] == {}
    ledger.close()


def test_what_is_taken_back_whole_is_free_also_where_nothing_was_made(example: Inventory, ledger: Ledger) -> None:
    assert example.phones is not None
    run = ledger.begin("onboard", {}, [], seats=[(POOL, ("1042",), "E1042")])
    ledger.allocate(POOL, ["1001"], "E1001")
    back = ledger.begin("undo", {}, [], undoes=run.id)
    give_back_extensions(ledger, ledger.run(back.id), "partial")
    assert held_extensions(example.phones, ledger)["staff"] == {"1001": "E1001", "1042": "E1042"}
    give_back_extensions(ledger, ledger.run(back.id), "done")
    assert held_extensions(example.phones, ledger)["staff"] == {"1001": "E1001"}
    ledger.close()


def test_who_has_which_number_is_listed(example: Inventory, ledger: Ledger) -> None:
    ledger.allocate(POOL, ["1042"], "E1042")
    ledger.allocate(POOL, ["1999"], "E0000")
    ledger.allocate("licence:crm", ["1"], "E1042")
    assert things.extensions(example, ledger.allocations()) == [
        {
            "extension": "1042",
            "range": "staff",
            "person": "E1042",
            "name": "Анна Петрова",
            "dialled": "+49 30 5550 1042",
        },
        {"extension": "1999", "range": "staff", "person": "E0000", "name": None, "dialled": "+49 30 5550 1999"},
    ]
    ledger.close()
