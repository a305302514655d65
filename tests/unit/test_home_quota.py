"""Quotas of home folders, where a server offers them; and the folders above homes."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from pydantic import ValidationError

from provisioning.api.planning import unmet
from provisioning.connections.file_quotas import entries
from provisioning.connections.files import FilesSession
from provisioning.connections.security_descriptors import ALLOW, Ace, sid_bytes
from provisioning.engine.planner import Reading, compare
from provisioning.errors import RejectedError
from provisioning.procedures.base import Accounts, Work
from provisioning.procedures.onboard import onboard
from provisioning.resources.base import Address, Change, Proof, Resource
from provisioning.resources.files.folder import FOLDER
from provisioning.resources.files.quota import QUOTA, Quota
from provisioning.resources.files.quota_proof import ROOM
from provisioning.site import Inventory
from provisioning.site.files import Homes
from provisioning.site.load import load
from tests.conftest import EXAMPLE
from tests.unit.test_home_folders import HERS, SIDS, MadeUp

KEY = "quota$\\anna"
MIB = 1024 * 1024


@dataclass
class WithQuotas(MadeUp):
    """A file server that keeps quotas: SID → octets."""

    offers: bool = True
    limits: dict[str, int] = field(default_factory=dict)
    shown: int = 1 << 50

    def quotas_offered(self, share: str) -> bool:
        return self.offers and share == "quota$"

    def quota(self, share: str, sid: str) -> int | None:
        assert share == "quota$"
        return self.limits.get(sid)

    def set_quota(self, share: str, sid: str, octets: int | None) -> None:
        self.limits |= {sid: octets} if octets is not None else {}
        if octets is None:
            self.limits.pop(sid, None)

    def visitor(self) -> Any:
        return self

    def room(self, login: str, path: str) -> int:
        return min(self.shown, self.limits.get(SIDS[login], 1 << 50))

    def session(self, target: str) -> Any:
        from contextlib import nullcontext  # noqa: PLC0415

        return nullcontext(self)


def seen(server: WithQuotas, *keys: str) -> dict[str, Quota]:
    return QUOTA.read(cast(FilesSession, server), keys or (KEY,))


def applied(server: WithQuotas, before: Quota | None, after: Quota | None, key: str = KEY) -> str | None:
    (outcome,) = QUOTA.apply(
        cast(FilesSession, server), [Change(Address("files.quota", "files:files", key), before, after)]
    )
    return None if outcome.error is None else str(outcome.error)


def test_a_quota_is_set_read_and_taken_back() -> None:
    server, wanted = WithQuotas(), Quota(limit=5120)
    assert seen(server) == {}
    assert applied(server, None, wanted) is None
    assert server.limits == {SIDS["anna"]: 5120 * MIB}
    assert wanted.agrees_with(seen(server)[KEY])
    assert applied(server, wanted, None) is None
    assert (seen(server), server.limits) == ({}, {})


def test_who_is_not_in_the_directory_yet_has_no_quota() -> None:
    server = WithQuotas()
    assert seen(server, "quota$\\nobody") == {}
    assert "the directory has no account or group 'nobody'" in str(
        applied(server, None, Quota(limit=1), "quota$\\nobody")
    )


def test_where_nothing_is_offered_nothing_is_planned_and_the_plan_says_so() -> None:
    work = onboard("E1042").compile(load(EXAMPLE), Accounts())
    (quota,) = (r for r in work.resources if r.kind == "files.quota")
    assert (quota.key, quota.desired) == ("quota$\\anna.petrova", Quota(limit=10240))
    assert quota.requires == {Address("directory.user", "directory", "anna.petrova")}
    assert planned(work, quota, WithQuotas()) == (["create"], [])
    changes, said = planned(work, quota, WithQuotas(offers=False))
    assert changes == []
    assert said == [
        "homes have no limit: the file server files has no quotas on quota$, or does not let us set them "
        "(docs/home-folders.md)"
    ]


def planned(work: Work, quota: Resource, server: WithQuotas) -> tuple[list[str], list[str]]:
    """The changes of the quota, and what the plan says of it."""
    keys = [quota.key, *(e.resource.key for e in work.expected if e.resource.kind == "files.quota")]
    found = seen(server, *keys)
    reading = Reading({Address(quota.kind, quota.target, key): found.get(key) for key in keys}, {})
    return [c.action for c in compare([quota], reading)], list(unmet(work, reading))


def test_a_quota_that_cannot_be_set_any_more_is_an_error_not_a_success() -> None:
    server = WithQuotas(offers=False)
    assert "there are no quotas on quota$" in str(applied(server, None, Quota(limit=1)))


@pytest.mark.parametrize(
    ("server", "passed", "said"),
    [
        (WithQuotas(limits={SIDS["anna"]: 512 * MIB}), True, "anna is shown a disk of 512 MiB; 512 MiB are set"),
        (WithQuotas(limits={SIDS["anna"]: 512 * MIB}, shown=100 * MIB), True, "shown a disk of 100 MiB"),
        (WithQuotas(limits={SIDS["anna"]: 1024 * MIB}), False, "has 1024 MiB for anna instead of 512 MiB"),
        (WithQuotas(), False, "has no limit for anna instead of 512 MiB"),
    ],
)
def test_a_quota_is_proved(server: WithQuotas, passed: bool, said: str) -> None:
    asked = {"login": "anna", "path": "homes$\\anna", "share": "quota$", "limit": 512}
    result = ROOM.check(cast(Any, server), Proof("files.room", "files:files", "x", asked))
    assert result.passed is passed
    assert said in result.detail


def test_a_quota_that_is_set_and_not_enforced_fails_the_proof() -> None:
    class Lax(WithQuotas):
        def room(self, login: str, path: str) -> int:
            return 1 << 40

    asked = {"login": "anna", "path": "homes$\\anna", "share": "quota$", "limit": 512}
    result = ROOM.check(
        cast(Any, Lax(limits={SIDS["anna"]: 512 * MIB})), Proof("files.room", "files:files", "x", asked)
    )
    assert not result.passed
    assert "does the server enforce quotas?" in result.detail


def entry(sid: str, limit: int, following: int = 0) -> bytes:
    who = sid_bytes(sid)
    return struct.pack("<IIqqqq", following, len(who), 0, 17, limit, limit) + who


def test_entries_on_the_wire() -> None:
    first = entry("S-1-5-21-1-2-3-500", -1, 72)
    octets = first + bytes(72 - len(first)) + entry("S-1-5-21-1-2-3-501", 42)
    assert list(entries(octets)) == [("S-1-5-21-1-2-3-500", None), ("S-1-5-21-1-2-3-501", 42)]
    assert list(entries(b"")) == []
    assert list(entries(entry("S-1-1-0", 0))) == [("S-1-1-0", None)]
    with pytest.raises(ValueError, match="not a SID"):
        list(entries(octets[:50]))


# -- the site ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "amount"), [("500 MiB", 500), ("10GiB", 10240), ("2 TiB", 2 << 20)])
def test_amounts_have_units(text: str, amount: int) -> None:
    assert Homes.model_validate({"server": "a", "share": "homes$", "quota": text}).quota == amount


@pytest.mark.parametrize("text", ["10", "10 GB", "10 gib", "0 MiB", "-1 GiB", "1.5 GiB", "", True, 0, "10 000 MiB"])
def test_an_amount_without_a_known_unit_is_refused(text: object) -> None:
    with pytest.raises(ValidationError, match="500 MiB, 10 GiB or 2 TiB"):
        Homes.model_validate({"server": "a", "share": "homes$", "quota": text})


def differing(inventory: Inventory, *, homes: dict[str, Any], profile: dict[str, Any]) -> Inventory:
    assert inventory.files is not None
    assert inventory.files.homes is not None
    files = inventory.files.model_copy(update={"homes": inventory.files.homes.model_copy(update=homes)})
    profiles = {name: one.model_copy(update=profile) for name, one in inventory.profiles.items()}
    return inventory.model_copy(update={"files": files, "profiles": profiles})


@pytest.mark.parametrize(
    ("everybody", "profile", "limit"), [(10240, None, 10240), (10240, 51200, 51200), (None, 7, 7), (None, None, None)]
)
def test_a_profile_may_have_more(everybody: int | None, profile: int | None, limit: int | None) -> None:
    site = differing(load(EXAMPLE), homes={"quota": everybody}, profile={"home_quota": profile})
    work = onboard("E1042").compile(site, Accounts())
    assert [r.desired for r in work.resources if r.kind == "files.quota"] == ([Quota(limit=limit)] if limit else [])
    assert [p.parameters["limit"] for p in work.proofs if p.kind == "files.room"] == ([limit] if limit else [])
    assert any(e.resource.kind == "files.quota" for e in work.expected) is bool(limit)


# -- the folders above -------------------------------------------------------------------------------------------------


def test_folders_above_a_home_are_made_with_it_and_the_plan_says_so() -> None:
    site = differing(load(EXAMPLE), homes={"folder": "Staff\\Homes"}, profile={})
    work = onboard("E1042").compile(site, Accounts())
    (above,) = (e for e in work.expected if e.resource.kind == "files.folder")
    assert above.resource.key == "homes$\\Staff\\Homes"
    nothing = Reading({above.resource.address: None}, {})
    assert list(unmet(work, nothing)) == [
        "homes$\\Staff\\Homes is not there yet on files: it is made with the first folder below it, and stays"
    ]
    assert list(unmet(work, Reading({above.resource.address: HERS}, {}))) == [], "whatever its list is"


def test_everybody_may_pass_through_the_folders_above_and_no_more() -> None:
    server = MadeUp()
    change = Change(Address("files.folder", "files:files", "homes$\\Staff\\anna"), None, HERS)
    assert FOLDER.apply(cast(FilesSession, server), [change])[0].error is None
    above = server.folders["homes$\\Staff"]
    assert above.aces == (Ace(ALLOW, 3, 0x1F01FF, SIDS["File-Admins"]), Ace(ALLOW, 0, 0x1000A1, "S-1-5-11"))
    assert not above.inherits
    assert "homes$\\Staff\\anna" in server.folders


def test_a_share_has_no_folder_above() -> None:
    class NoShares(MadeUp):
        def make_all(self, path: str, descriptor: Any) -> None:
            raise RejectedError(self.target, f"{path} is no folder to be made")

    change = Change(Address("files.folder", "files:files", "homes$\\anna"), None, HERS)
    assert FOLDER.apply(cast(FilesSession, NoShares()), [change])[0].error is None
