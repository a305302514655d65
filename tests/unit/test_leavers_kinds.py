"""Kinds and proofs of leaving, on a directory that is made up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from provisioning.connections.directory import Entry, Modify
from provisioning.errors import ProvisioningError, RejectedError, RequestError
from provisioning.resources.base import Address, Change, Proof
from provisioning.resources.directory.all_groups import ALL_GROUPS, AllGroups, entry_by_entry
from provisioning.resources.directory.password import PASSWORD, SMARTCARD_REQUIRED, Password
from provisioning.resources.directory.shut_out import NO_TICKET, SHUT_OUT
from provisioning.resources.files.archived import ARCHIVED, Archived
from provisioning.resources.mail.contents import CONTENTS, MailContents
from provisioning.resources.switch.released import RELEASED
from provisioning.resources.switch.state import SwitchPort

ANNA = "CN=Anna,OU=Sales,DC=x"
NORMAL, DISABLED = 0x200, 0x2


class Directory:
    """One account, and what is written to it."""

    def __init__(self, control: int = NORMAL, groups: Sequence[str] = ()) -> None:
        self.entry = Entry(ANNA, _values(sAMAccountName=["anna"], userAccountControl=[str(control)], memberOf=groups))
        self.written: list[Any] = []
        self.withdrawn: list[str] = []
        self.directory = SimpleNamespace(passwords=None)
        self.secrets = SimpleNamespace(
            issue_initial_password=lambda login, _: SecretStr(f"first-{login}"),
            withdraw_initial_password=self.withdrawn.append,
        )
        self.refuses: ProvisioningError | None = None

    def search(self, condition: str, attributes: Sequence[str], **_: Any) -> list[Entry]:
        return [self.entry] if "anna" in condition and "objectClass=group" not in condition else []

    def search_many(self, conditions: Sequence[str], attributes: Sequence[str]) -> list[Entry]:
        return [entry for condition in conditions for entry in self.search(condition, attributes)]

    def write(self, operations: Sequence[Any]) -> list[ProvisioningError | None]:
        self.written += operations
        return [self.refuses for _ in operations]


def _values(**attributes: Sequence[str]) -> Mapping[str, tuple[bytes, ...]]:
    return {name.lower(): tuple(value.encode() for value in values) for name, values in attributes.items()}


def turn(before: bool, after: bool) -> Change[Password]:
    return Change(Address("directory.password", "directory", "anna"), Password(random=before), Password(random=after))


def test_a_password_that_nobody_knows() -> None:
    session = Directory(NORMAL | DISABLED)
    assert PASSWORD.read(session, ["anna", "nobody"]) == {"anna": Password(random=False)}  # type: ignore[arg-type]
    for _ in range(2):
        assert PASSWORD.apply(session, [turn(False, True)])[0].error is None  # type: ignore[arg-type]
    one, other = session.written
    assert isinstance(one, Modify)
    assert one.replace["userAccountControl"] == [str(NORMAL | DISABLED | SMARTCARD_REQUIRED)]
    (octets,) = one.replace["unicodePwd"]
    assert len(octets.decode("utf-16-le")) > 100  # type: ignore[union-attr]
    assert one.replace["unicodePwd"] != other.replace["unicodePwd"]
    assert session.withdrawn == ["anna", "anna"]  # what waited for hand-over opens nothing any more
    assert "nobody knows" in str(PASSWORD.lasting(turn(False, True), []))


def test_a_password_for_somebody_who_is_back() -> None:
    session = Directory(NORMAL | SMARTCARD_REQUIRED)
    assert PASSWORD.read(session, ["anna"]) == {"anna": Password(random=True)}  # type: ignore[arg-type]
    assert PASSWORD.apply(session, [turn(True, False)])[0].error is None  # type: ignore[arg-type]
    assert session.written[0].replace == {
        "userAccountControl": [str(NORMAL)],
        "unicodePwd": ['"first-anna"'.encode("utf-16-le")],
        "pwdLastSet": ["0"],
    }
    assert session.withdrawn == []


def test_a_refused_password_leaves_what_waits_alone() -> None:
    session = Directory()
    session.refuses = RejectedError("directory", "no")
    assert PASSWORD.apply(session, [turn(False, True)])[0].error is session.refuses  # type: ignore[arg-type]
    assert session.withdrawn == []


def test_no_account_has_no_password() -> None:
    gone = Change(Address("directory.password", "directory", "gone"), Password(random=False), Password(random=True))
    assert "is gone" in str(PASSWORD.apply(Directory(), [gone])[0].error)  # type: ignore[arg-type]


def test_all_groups_are_written_group_by_group() -> None:
    address = Address("directory.all_groups", "directory", "anna")
    change = Change(address, AllGroups(groups=("Staff", "Chess")), AllGroups(groups=("STAFF", "Sales")))
    turned = entry_by_entry(change)
    assert turned.before is not None
    assert turned.after is not None
    assert turned.after.groups == {"STAFF": True, "Sales": True, "Chess": None}
    assert turned.before.groups == {"Staff": True, "STAFF": True, "Chess": True}  # so that STAFF is not written
    assert AllGroups(groups=("b", "A")).groups == ("A", "b")
    assert AllGroups(groups=("STAFF",)).agrees_with(AllGroups(groups=("staff",)))
    assert not AllGroups(groups=()).agrees_with(AllGroups(groups=("staff",)))
    assert ALL_GROUPS.read(Directory(), ["nobody"])["nobody"] == AllGroups(groups=())  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------------------------- proofs


class Sessions:
    """Gives out one session, whatever is asked for."""

    def __init__(self, one: Any) -> None:
        self.one = one

    @contextmanager
    def session(self, _: str) -> Iterator[Any]:
        yield self.one


@pytest.mark.parametrize(
    ("control", "groups", "passed", "said"),
    [
        (NORMAL | DISABLED | SMARTCARD_REQUIRED, (), True, "no sign-in was tried"),
        (NORMAL | SMARTCARD_REQUIRED, (), False, "is enabled"),
        (NORMAL | DISABLED, (), False, "may be known"),
        (NORMAL | DISABLED | SMARTCARD_REQUIRED, ("CN=Staff,DC=x",), False, "member of CN=Staff,DC=x"),
    ],
)
def test_shut_out(control: int, groups: Sequence[str], passed: bool, said: str) -> None:
    proof = Proof("directory.shut_out", "directory", "x", {"login": "anna"})
    result = SHUT_OUT.check(Sessions(Directory(control, groups)), proof)
    assert (result.passed, said in result.detail) == (passed, True)


class Intranet:
    """Gives tickets to some."""

    inventory = SimpleNamespace(intranet=SimpleNamespace(check=SimpleNamespace(outsider="svc")))

    def __init__(self, **statuses: int) -> None:
        self.statuses = statuses

    def open(self, url: str, login: str) -> int:
        if login not in self.statuses:
            raise RejectedError(
                "intranet", f"the KDC gives no ticket in the name of {login} (why); check that it is on"
            )
        return self.statuses[login]


@pytest.mark.parametrize(
    ("intranet", "passed", "said"),
    [
        (Intranet(svc=401), True, "no ticket in the name of anna (why); svc gets one"),
        (Intranet(svc=401, anna=401), False, "still gets a ticket"),
        (Intranet(svc=401, anna=200), False, "opens (status 200)"),
        (Intranet(), False, "does not work for anybody"),
    ],
)
def test_no_ticket(intranet: Intranet, passed: bool, said: str) -> None:
    proof = Proof("directory.no_ticket", "intranet", "x", {"login": "anna", "url": "https://i/"})
    result = NO_TICKET.check(Sessions(intranet), proof)
    assert (result.passed, said in result.detail) == (passed, True), result.detail


# ----------------------------------------------------------------------------------------------- what only goes


def test_what_is_deleted_for_good_says_so_and_does_not_come_back() -> None:
    for kind, state in ((CONTENTS, MailContents()), (ARCHIVED, Archived())):
        address = Address(kind.name, "somewhere", "anna")
        assert "no undo" in str(kind.lasting(Change(address, state, None), []))  # type: ignore[arg-type]
        session = SimpleNamespace(target="somewhere")
        (outcome,) = kind.apply(session, [Change(address, None, state)])  # type: ignore[arg-type]
        assert isinstance(outcome.error, RequestError)
        assert "backup" in str(outcome.error)


@pytest.mark.parametrize(
    ("state", "passed", "said"),
    [
        ({"enabled": False, "access_vlan": 1}, True, "is shut"),
        ({"enabled": True, "access_vlan": 1}, False, "enabled is True instead of False"),
        (None, False, "has no port"),
    ],
)
def test_released(state: Any, passed: bool, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {} if state is None else {"Gi1": SwitchPort(**state)}
    monkeypatch.setattr("provisioning.resources.switch.released.PORT", SimpleNamespace(read=lambda *_: found))
    wanted = SwitchPort(enabled=False, access_vlan=1).to_plain()
    proof = Proof("network.released", "switch:s", "x", {"interface": "Gi1", "wanted": wanted})
    result = RELEASED.check(Sessions(None), proof)
    assert (result.passed, said in result.detail) == (passed, True), result.detail
