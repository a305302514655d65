"""The directory's kinds and connection against a real domain controller."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest

from provisioning.connections import directory as connection
from provisioning.connections import ldap_pipeline
from provisioning.connections.directory import DirectorySession, Modify, open_session
from provisioning.connections.distinguished_names import any_of
from provisioning.connections.pool import Pool
from provisioning.errors import (
    CredentialError,
    ProvisioningError,
    RejectedError,
    SecretError,
    TrustError,
    UnreachableError,
)
from provisioning.resources.base import Address, Change, Kind, Proof, ProofResult, State
from provisioning.resources.directory import attributes
from provisioning.resources.directory.accounts import read_accounts
from provisioning.resources.directory.attributes import find
from provisioning.resources.directory.computer import COMPUTER, Computer
from provisioning.resources.directory.membership import MEMBERSHIP, Memberships
from provisioning.resources.directory.proofs import SIGN_IN
from provisioning.resources.directory.user import USER, User
from provisioning.resources.mail.mailbox import MAILBOX, Mailbox
from provisioning.secrets import Secrets
from provisioning.site import Inventory

pytestmark = pytest.mark.lab

S = TypeVar("S", bound=State)
LOGIN = "dir.test"


@pytest.fixture
def session(pool: Pool) -> Iterator[DirectorySession]:
    """A session; every account that a test named ``dir.…`` or ``DIR-…`` is gone before and after it."""
    with pool.session("directory") as opened:
        _sweep(opened)
        yield opened
        _sweep(opened)


def _sweep(session: DirectorySession) -> None:
    for kind, condition in ((USER, "(sAMAccountName=dir.*)"), (COMPUTER, "(sAMAccountName=DIR-*)")):
        names = [entry.text("sAMAccountName") or "" for entry in session.search(condition, ["sAMAccountName"])]
        keys = [name.rstrip("$") for name in names]
        found: dict[str, Any] = kind.read(session, keys)
        assert [o.error for o in _apply(kind, session, dict.fromkeys(found)) if o] == [None] * len(found)


def _apply(kind: Kind[Any, Any], session: DirectorySession, wanted: dict[str, Any]) -> list[Any]:
    """Plan and apply in one: the outcomes."""
    found = kind.read(session, list(wanted))
    changes = [
        Change(Address(kind.name, "directory", key), _view(after, found.get(key)), after)
        for key, after in wanted.items()
    ]
    return kind.apply(session, changes)


def _view(after: State | None, actual: State | None) -> State | None:
    return actual if after is None or actual is None else after.view_of(actual)


def _make(kind: Kind[Any, Any], session: DirectorySession, key: str, wanted: S) -> S:
    """Apply without a refusal; gives what is read afterwards, which must agree."""
    assert _errors(kind, session, {key: wanted}) == {key: None}
    actual: S = kind.read(session, [key])[key]
    assert wanted.differences(actual) == {}
    return actual


def _errors(
    kind: Kind[Any, Any], session: DirectorySession, wanted: dict[str, Any]
) -> dict[str, ProvisioningError | None]:
    return {outcome.key: outcome.error for outcome in _apply(kind, session, wanted)}


def _units(inventory: Inventory) -> list[str]:
    return sorted({profile.ou for profile in inventory.profiles.values()})


def _user(inventory: Inventory, **fields: Any) -> User:
    given = {
        "ou": _units(inventory)[0],
        "name": "Dir Test",
        "user_principal_name": f"{LOGIN}@corp.example",
        "enabled": True,
    }
    return User(**{**given, **fields})


def _sign_in(pool: Pool, login: str = LOGIN) -> ProofResult:
    return SIGN_IN.check(pool, Proof("directory.sign_in", "directory", "signs in", {"login": login}))


# -- users


def test_life_of_an_account(session: DirectorySession, pool: Pool, inventory: Inventory) -> None:
    file = session.secrets.handover_file(LOGIN)
    manager = next(a.login for a in read_accounts(session, employee_ids=inventory.people) if a.employee_id)
    born = _make(
        USER,
        session,
        LOGIN,
        _user(
            inventory,
            given_name="Zoé",
            family_name="Тест",
            display_name="Zoé Тест",
            employee_id="E9999",
            department="Test",
            title="Tester",
            manager=manager,
            telephone="+49 30 1",
            office="B-1",
            company="Corp",
        ),
    )
    assert born.manager == manager
    assert file.stat().st_mode & 0o777 == 0o600
    assert "must change" in _sign_in(pool).detail
    moved = _make(USER, session, LOGIN, User(ou=_units(inventory)[-1], name="Other Name", manager=None, title=None))
    assert moved.given_name == "Zoé"
    _make(USER, session, LOGIN, User(enabled=False))
    assert not _sign_in(pool).passed
    assert "disabled" in _sign_in(pool).detail
    assert _errors(USER, session, {LOGIN: None}) == {LOGIN: None}
    assert USER.read(session, [LOGIN]) == {}
    assert not file.exists()


@pytest.mark.parametrize(
    "name",
    [
        'O\'Brien, "Anna" )(cn=*',
        "Ünal\\#+<>=;",
        "#leading",
        "Анна Петрова",
        "a/b*c(d)e&|!",
        "\\2C,OU=Services",
        "Li (Wei)",
    ],
)
def test_hostile_names_are_only_names(session: DirectorySession, inventory: Inventory, name: str) -> None:
    unit = _units(inventory)[0]
    _make(USER, session, LOGIN, _user(inventory, name=name, given_name=name, display_name=name))
    assert [a.login for a in read_accounts(session, names=[name])] == [LOGIN]
    renamed = _make(USER, session, LOGIN, User(name=f"{name}2"))
    assert renamed.ou == unit


def test_what_no_directory_can_hold_is_refused_before_it_is_sent(
    session: DirectorySession, inventory: Inventory
) -> None:
    wanted = {
        "dir.space": _user(inventory, name=" x"),
        "dir.line": _user(inventory, name="a\nb"),
        "dir.long": _user(inventory, name="x" * 65),
        "dir)(cn=*": _user(inventory),
        "../dir": _user(inventory),
        "dir.no.unit": User(name="x"),
        "dir.boss": _user(inventory, manager="nobody.there"),
    }
    errors = _errors(USER, session, wanted)
    assert all(isinstance(error, RejectedError) for error in errors.values())
    assert "nobody.there" in str(errors["dir.boss"])
    assert USER.read(session, list(wanted)) == {}
    assert not list(inventory.handover.folder.glob("*dir*"))


def test_a_wildcard_is_a_name_that_nobody_has(session: DirectorySession) -> None:
    assert USER.read(session, ["*", "x)(|(sAMAccountName=*", "svc-*"]) == {}
    assert read_accounts(session, logins=["*"], names=["*)(cn=*"], employee_ids=["*"]) == []


def test_one_refused_account_spares_the_others(session: DirectorySession, inventory: Inventory) -> None:
    base = inventory.directory.base_dn
    errors = _errors(
        USER,
        session,
        {
            "dir.good": _user(inventory, name="Good", user_principal_name=None),
            "dir.nowhere": _user(inventory, ou=f"OU=Nowhere,{base}", user_principal_name=None),
            "dir.forbidden": _user(inventory, ou=f"CN=Users,{base}", user_principal_name=None),
            "dir.clash": _user(inventory, name="Good", user_principal_name=None),
        },
    )
    assert errors["dir.good"] is None
    assert "does not exist" in str(errors["dir.nowhere"])
    assert "may not do that" in str(errors["dir.forbidden"])
    assert "taken" in str(errors["dir.clash"])
    assert [file.name for file in inventory.handover.folder.glob("dir.*")] == ["dir.good.initial-password"]


def test_a_password_that_breaks_the_domain_policy(session: DirectorySession, inventory: Inventory) -> None:
    inventory.handover.folder.mkdir(mode=0o700, exist_ok=True)
    session.secrets.handover_file(LOGIN).write_text("abc\n")
    error = _errors(USER, session, {LOGIN: _user(inventory)})[LOGIN]
    assert "password does not meet the domain's policy" in str(error)
    assert "abc" not in str(error)
    assert not session.secrets.handover_file(LOGIN).exists()


def test_an_interrupted_creation_goes_on_with_the_same_password(
    session: DirectorySession, pool: Pool, inventory: Inventory
) -> None:
    session.secrets.issue_initial_password(LOGIN, inventory.directory.passwords)
    _make(USER, session, LOGIN, _user(inventory))
    assert _sign_in(pool).passed


def test_accounts_of_others_are_not_taken_over(session: DirectorySession, inventory: Inventory) -> None:
    change = Change(Address("directory.user", "directory", "svc-check"), None, _user(inventory))
    (outcome,) = USER.apply(session, [change])
    assert "is taken by CN=svc-check" in str(outcome.error)
    assert session.secrets.initial_password("svc-check") is None


def test_a_batch_is_pipelined(session: DirectorySession, inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ldap_pipeline, "WRITES", 7)
    monkeypatch.setattr(connection, "PAGE", 5)
    logins = [f"dir.batch{number}" for number in range(20)]
    wanted: dict[str, Any] = {
        login: _user(inventory, name=login, user_principal_name=None, employee_id=f"T{n}")
        for n, login in enumerate(logins)
    }
    assert set(_errors(USER, session, wanted).values()) == {None}
    found = USER.read(session, [login.upper() for login in logins])
    assert [found[login.upper()].employee_id for login in logins] == [f"T{n}" for n in range(20)]
    assert len(session.search("(sAMAccountName=dir.batch*)", ["cn"])) == 20
    assert set(_errors(USER, session, dict.fromkeys(logins)).values()) == {None}


def test_many_searches_are_made_on_two_connections_that_are_both_signed_in(
    session: DirectorySession, inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    logins = [f"dir.many{number}" for number in range(6)]
    wanted: dict[str, Any] = {
        login: _user(inventory, name=login, user_principal_name=None, employee_id=f"T{n}")
        for n, login in enumerate(logins)
    }
    assert set(_errors(USER, session, wanted).values()) == {None}
    signed_in: list[DirectorySession] = []

    class Noted(DirectorySession):
        def _signed_in(self) -> Any:
            signed_in.append(self)
            return super()._signed_in()

    monkeypatch.setattr(connection, "MANY", 4)
    monkeypatch.setattr(attributes, "CHUNK", 1)
    reader = Noted("directory", inventory, session.secrets)
    try:
        found = USER.read(reader, logins)
        assert [found[login].employee_id for login in logins] == [f"T{n}" for n in range(6)]
        assert len(signed_in) == 2
        assert USER.read(reader, logins[:3]).keys() == set(logins[:3])
        assert len(signed_in) == 2, "a few are asked for on one"
    finally:
        reader.close()


# -- memberships, mailboxes, computers


def test_memberships_touch_only_the_named_groups(session: DirectorySession, inventory: Inventory) -> None:
    one, two, three, *_ = sorted(inventory.managed_groups)
    assert MEMBERSHIP.read(session, [LOGIN]) == {LOGIN: Memberships(groups={})}
    assert "no account" in str(_errors(MEMBERSHIP, session, {LOGIN: Memberships(groups={one: True})})[LOGIN])
    _make(USER, session, LOGIN, _user(inventory))
    colleagues = len(session.search(any_of("sAMAccountName", [one]), ["member"])[0].texts("member"))
    _make(MEMBERSHIP, session, LOGIN, Memberships(groups={one: True, two: True}))
    after = _make(MEMBERSHIP, session, LOGIN, Memberships(groups={one.upper(): None, three: None}))
    assert after.groups == {two: True}
    assert len(session.search(any_of("sAMAccountName", [one]), ["member"])[0].texts("member")) == colleagues
    error = _errors(MEMBERSHIP, session, {LOGIN: Memberships(groups={"no-such-group)(cn=*": True})})[LOGIN]
    assert "no group" in str(error)
    # A domain group that was never delegated to our account: refused, and said so.
    error = _errors(MEMBERSHIP, session, {LOGIN: Memberships(groups={"Domain Admins": True})})[LOGIN]
    assert "may not do that" in str(error)


def test_mailboxes(session: DirectorySession, inventory: Inventory) -> None:
    empty = Mailbox(mail=None, proxy_addresses=None, quota=None)
    full = Mailbox(
        mail="dir.test@corp.example",
        proxy_addresses=("smtp:d@corp.example", "SMTP:dir.test@corp.example"),
        quota=5000,
    )
    assert MAILBOX.read(session, [LOGIN]) == {LOGIN: empty}
    assert _errors(MAILBOX, session, {LOGIN: empty}) == {LOGIN: None}
    assert "no account" in str(_errors(MAILBOX, session, {LOGIN: full})[LOGIN])
    _make(USER, session, LOGIN, _user(inventory))
    _make(MAILBOX, session, LOGIN, full)
    (account,) = read_accounts(session, logins=[LOGIN])
    assert account.addresses == ("d@corp.example", "dir.test@corp.example")
    _make(MAILBOX, session, LOGIN, Mailbox(quota=1))
    _make(MAILBOX, session, LOGIN, empty)


def test_computers(session: DirectorySession, inventory: Inventory) -> None:
    wanted = Computer(
        ou=inventory.directory.computers_ou,
        description='a "quoted" PC',
        location="B2/1",
        dns_host_name="dir-1.corp.example",
        enabled=True,
    )
    _make(COMPUTER, session, "DIR-1", wanted)
    _make(COMPUTER, session, "DIR-1", Computer(description=None, enabled=False))
    assert list(COMPUTER.read(session, ["dir-1", "DIR-1", "DIR-2"])) == ["dir-1", "DIR-1"]
    elsewhere = _errors(COMPUTER, session, {"DIR-1": Computer(ou=f"OU=Nowhere,{inventory.directory.base_dn}")})
    assert isinstance(elsewhere["DIR-1"], RejectedError)
    assert _errors(COMPUTER, session, {"DIR-1": None}) == {"DIR-1": None}


# -- signing in


def test_sign_in_says_why_not(session: DirectorySession, pool: Pool, inventory: Inventory) -> None:
    assert "no account" in _sign_in(pool, "nobody.there").detail
    assert "no account" in _sign_in(pool, "../x").detail
    _make(USER, session, LOGIN, _user(inventory))
    file = session.secrets.handover_file(LOGIN)
    password = file.read_text()
    file.write_text("Wrong-Password-1\n")
    wrong = _sign_in(pool)
    assert (wrong.passed, "wrong password" in wrong.detail) == (False, True)
    file.write_text(password)
    dn = find(session, [LOGIN], [])[LOGIN].dn
    assert session.write([Modify(dn, {"accountExpires": ["1"]})]) == [None]
    assert "account has expired" in _sign_in(pool).detail
    session.secrets.withdraw_initial_password(LOGIN)
    assert "account has expired" in _sign_in(pool).detail
    assert session.write([Modify(dn, {"accountExpires": ["0"]})]) == [None]
    for last_set in ("0", "-1"):  # must be changed at the first sign-in; changed there
        assert session.write([Modify(dn, {"pwdLastSet": [last_set]})]) == [None]
        handed_over = _sign_in(pool)
        assert handed_over.passed, handed_over.detail
        assert "handed over" in handed_over.detail


# -- faults of the connection


def _changed(inventory: Inventory, **fields: Any) -> Inventory:
    return inventory.model_copy(update={"directory": inventory.directory.model_copy(update=fields)})


def _server(inventory: Inventory, **fields: Any) -> Inventory:
    return _changed(inventory, server=inventory.directory.server.model_copy(update=fields))


def _open(inventory: Inventory) -> DirectorySession:
    return open_session("directory", inventory, Secrets(inventory.folder, inventory.handover))


def test_faults_before_the_session(inventory: Inventory, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TrustError, match="not trusted"):
        _open(_server(inventory, host="other.corp.example"))
    with pytest.raises(TrustError, match="not trusted"):
        _open(_changed(inventory, trust=None))
    with pytest.raises(TrustError, match="does not exist"):
        _open(_changed(inventory, trust=tmp_path / "missing.pem"))
    with pytest.raises(UnreachableError, match="does not answer LDAPS"):
        _open(_server(inventory, port=1))
    with pytest.raises(UnreachableError, match="does not answer LDAPS"):
        _open(_server(inventory, port=389))
    with pytest.raises(SecretError, match="NO_SUCH_VARIABLE"):
        _open(
            _changed(
                inventory,
                credential=inventory.directory.credential.model_copy(update={"password": "env:NO_SUCH_VARIABLE"}),
            )
        )
    monkeypatch.setenv("LAB_WRONG", "Canary-Wrong-1")
    wrong = inventory.directory.credential.model_copy(update={"password": "env:LAB_WRONG"})
    with pytest.raises(CredentialError, match="wrong password") as caught:
        _open(_changed(inventory, credential=wrong))
    assert "Canary" not in str(caught.value)
    _open(_changed(inventory, trust=None, verify=False)).close()


def test_a_lost_connection(inventory: Inventory) -> None:
    uses: list[Callable[[DirectorySession], object]] = [
        lambda s: s.search("(cn=x)", ["cn"]),
        lambda s: s.write([Modify("CN=x", {"title": ["x"]})]),
    ]
    for use in uses:
        session = _open(inventory)
        session._connection.socket.shutdown(socket.SHUT_RDWR)
        with pytest.raises(UnreachableError, match="stopped answering"):
            use(session)
        session.close()
