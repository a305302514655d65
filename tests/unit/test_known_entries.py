"""How often the directory is asked: once for what several kinds read of the same accounts, anew after every write."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import SecretStr

from provisioning.connections.directory import DirectorySession
from provisioning.connections.ldap_operations import Add, Entry, Modify, Operation
from provisioning.engine import planner
from provisioning.errors import SecretError
from provisioning.resources.base import Address, Change, Resource
from provisioning.resources.directory.attributes import CHUNK, find
from provisioning.resources.directory.known_entries import remembering
from provisioning.resources.directory.membership import MEMBERSHIP, Memberships
from provisioning.resources.directory.user import USER, User
from provisioning.resources.mail.mailbox import Mailbox
from provisioning.resources.registry import KINDS

STAFF = "CN=Staff,OU=Groups,DC=x"


class Directory:
    """Accounts by login and the group Staff. It notes what it is asked and what is written."""

    def __init__(self, *logins: str) -> None:
        self.groups: dict[str, list[str]] = {login: [] for login in logins}
        self.asked: list[tuple[list[str], frozenset[str]]] = []
        self.written: list[Operation] = []
        self.no_room_for: set[str] = set()
        self.collecting: set[bool] = set()
        self.directory = SimpleNamespace(passwords=None)
        self.secrets = SimpleNamespace(
            waiting=SimpleNamespace(waits=lambda login: False),
            issue_initial_password=self._issue,
            withdraw_initial_password=lambda login: None,
        )

    def search_many(self, conditions: Sequence[str], attributes: Sequence[str]) -> list[Entry]:
        self.collecting.add(gc.isenabled())
        if not conditions:
            return []
        text = "".join(conditions)
        if "objectClass=group" in text:
            return [Entry(STAFF, {"samaccountname": (b"Staff",)})]
        logins = re.findall(r"sAMAccountName=([^)]*)\)", text)
        self.asked.append((logins, frozenset(attributes)))
        return [self._entry(login) for login in logins if login in self.groups]

    def write(self, operations: Iterable[Operation]) -> list[None]:
        before = len(self.written)
        for operation in operations:
            self.written.append(operation)
            if isinstance(operation, Add):
                self.groups[str(operation.attributes["sAMAccountName"][0])] = []
            if isinstance(operation, Modify) and operation.dn == STAFF:
                for dn in operation.add["member"]:
                    self.groups[str(dn)[3:].partition(",")[0]].append(STAFF)
        return [None] * (len(self.written) - before)

    def _entry(self, login: str) -> Entry:
        found: dict[str, tuple[bytes, ...]] = {"samaccountname": (login.title().encode(),), "name": (login.encode(),)}
        found |= {"memberof": tuple(dn.encode() for dn in self.groups[login]), "useraccountcontrol": (b"512",)}
        return Entry(f"CN={login},OU=Staff,DC=x", found)

    def _issue(self, login: str, _: object) -> SecretStr:
        if login in self.no_room_for:
            raise SecretError(f"the initial password of {login} cannot be left: no space")
        return SecretStr(f"first-{login}")


class Sessions:
    def __init__(self, session: Directory) -> None:
        self._session = session

    @contextmanager
    def session(self, _: str) -> Iterator[Any]:
        yield self._session

    def drop(self, target: str) -> None:
        pass


def session_of(directory: Directory) -> DirectorySession:
    return cast(DirectorySession, directory)


def test_a_plan_asks_once_for_the_account_its_groups_and_its_mailbox() -> None:
    directory = Directory("anna", "boris")
    directory.groups["anna"] = [STAFF]
    things = [
        Resource(kind, "directory", login, state)
        for login in ("anna", "boris", "clara")
        for kind, state in (
            ("directory.user", User(name=login)),
            ("directory.membership", Memberships(groups={"Staff": True})),
            ("mail.mailbox", Mailbox(mail=None)),
        )
    ]
    reading = planner.read(things, Sessions(directory))
    ((logins, attributes),) = [one for one in directory.asked if "memberOf" in one[1]]
    assert sorted(logins) == ["anna", "boris", "clara"]
    assert {"proxyAddresses", "displayName", "manager"} <= attributes
    assert directory.asked == [(logins, attributes)]  # and nothing else was asked of accounts
    found = {(a.kind, a.key): state for a, state in reading.found.items()}
    assert found["directory.membership", "anna"] == Memberships(groups={"Staff": True})
    assert found["directory.user", "clara"] is None
    assert found["directory.membership", "clara"] == Memberships(groups={})


@pytest.mark.parametrize(("others", "collecting"), [((), False), (("switch:sw-1",), True)])
def test_the_collector_rests_while_nothing_but_the_directory_is_read(
    others: Sequence[str], collecting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, port = Directory("anna"), SimpleNamespace(read=lambda session, keys: {})
    monkeypatch.setitem(cast(dict[str, Any], KINDS), "switch.port", port)
    things = [Resource("directory.user", "directory", "anna", User(name="anna"))]
    things += [Resource("switch.port", target, "Gi1/0/1", None) for target in others]
    planner.read(things, Sessions(directory))
    assert directory.collecting == {collecting}
    assert gc.isenabled()


def test_what_was_read_to_be_compared_is_known_when_it_is_changed_and_read_anew_afterwards() -> None:
    directory = Directory("anna")
    session = session_of(directory)
    change = Change(
        Address("directory.membership", "directory", "anna"),
        Memberships(groups={"Staff": None}),
        Memberships(groups={"Staff": True}),
    )
    with MEMBERSHIP.attend(session, ["anna"], keeping=False):
        assert MEMBERSHIP.read(session, ["anna"])["anna"].groups == {}
        assert MEMBERSHIP.apply(session, [change])[0].error is None
        assert MEMBERSHIP.read(session, ["anna"])["anna"].groups == {"Staff": True}
    assert [logins for logins, _ in directory.asked] == [["anna"], ["anna"]]
    MEMBERSHIP.read(session, ["anna"])
    MEMBERSHIP.read(session, ["anna"])
    assert len(directory.asked) == 4  # outside of the block everything is read


def test_only_what_was_not_asked_for_is_asked() -> None:
    directory = Directory("anna", "boris")
    session = session_of(directory)
    with remembering(session):
        assert set(find(session, ["anna", "nobody"], ["name"])) == {"anna"}
        assert set(find(session, ["ANNA", "boris", "nobody"], [])) == {"ANNA", "boris"}
        assert set(find(session, ["anna"], ["memberOf"])) == {"anna"}  # another attribute
    assert [logins for logins, _ in directory.asked] == [["anna", "nobody"], ["boris"], ["anna"]]


def test_two_sessions_do_not_know_of_each_other() -> None:
    one, other = Directory("anna"), Directory()
    with remembering(session_of(one)):
        assert find(session_of(one), ["anna"], [])
        assert not find(session_of(other), ["anna"], [])
        with remembering(session_of(one)):
            assert find(session_of(one), ["anna"], [])
        assert find(session_of(one), ["anna"], [])
    assert len(one.asked) == 2


def test_many_accounts_are_asked_for_in_parts() -> None:
    conditions: list[str] = []

    class Counting(Directory):
        def search_many(self, asked: Sequence[str], attributes: Sequence[str]) -> list[Entry]:
            conditions.extend(asked)
            return super().search_many(asked, attributes)

    logins = [f"n{number}" for number in range(2 * CHUNK + 1)]
    assert len(find(session_of(Counting(*logins)), logins, [])) == len(logins)
    assert [condition.count("sAMAccountName=") for condition in conditions] == [CHUNK, CHUNK, 1]


@pytest.mark.parametrize("no_room_for", [set(), {"boris"}])
def test_a_password_that_cannot_be_left_stops_its_own_account_only(no_room_for: set[str]) -> None:
    directory = Directory()
    directory.no_room_for = no_room_for
    changes = [
        Change(Address("directory.user", "directory", login), None, User(ou="OU=Staff,DC=x", name=login))
        for login in ("anna", "boris", "clara")
    ]
    outcomes = {one.key: one.error for one in USER.apply(session_of(directory), changes)}
    assert {login for login, error in outcomes.items() if isinstance(error, SecretError)} == no_room_for
    assert set(directory.groups) == {"anna", "boris", "clara"} - no_room_for
    passwords = [one.attributes["unicodePwd"][0] for one in directory.written if isinstance(one, Add)]
    assert passwords == [f'"first-{one}"'.encode("utf-16-le") for one in directory.groups]
