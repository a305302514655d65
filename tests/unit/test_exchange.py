"""Subscribers on both sorts of exchange: Kamailio's table, and Asterisk's realtime tables as its scripts make them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from provisioning.connections.exchange import ExchangeSession
from provisioning.connections.sip_messages import ha1
from provisioning.errors import CredentialError, RejectedError, RequestError, TargetError, UnreachableError
from provisioning.resources.base import Address, Change
from provisioning.resources.phones.adapters import Login, Row
from provisioning.resources.phones.asterisk import caller_id, fitting_name
from provisioning.resources.phones.subscriber import SUBSCRIBER, Subscriber, taken
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.ledger import LedgerServer
from provisioning.site.load import load
from provisioning.site.phones import Exchange
from tests.conftest import EXAMPLE
from tests.postgres import Cluster

KAMAILIO = """
CREATE TABLE subscriber (id INTEGER PRIMARY KEY NOT NULL, username VARCHAR(64) DEFAULT '' NOT NULL,
  domain VARCHAR(64) DEFAULT '' NOT NULL, password VARCHAR(64) DEFAULT '' NOT NULL,
  ha1 VARCHAR(128) DEFAULT '' NOT NULL, ha1b VARCHAR(128) DEFAULT '' NOT NULL,
  CONSTRAINT subscriber_account_idx UNIQUE (username, domain))
"""
KAMAILIO_ON_POSTGRES = KAMAILIO.replace("id INTEGER", "id SERIAL")
# The columns that matter of Asterisk 20's contrib/ast-db-manage, with its enumerations.
ASTERISK_TYPES = """
CREATE TYPE yesno_values AS ENUM ('yes', 'no');
CREATE TYPE pjsip_auth_type_values AS ENUM ('md5', 'userpass', 'google_oauth')
"""
ASTERISK = """
CREATE TABLE ps_auths (id VARCHAR(40) NOT NULL UNIQUE, auth_type pjsip_auth_type_values, nonce_lifetime INTEGER,
  md5_cred VARCHAR(40), password VARCHAR(80), realm VARCHAR(40), username VARCHAR(40));
CREATE TABLE ps_aors (id VARCHAR(40) NOT NULL UNIQUE, contact VARCHAR(255), max_contacts INTEGER,
  remove_existing yesno_values);
CREATE TABLE ps_endpoints (id VARCHAR(40) NOT NULL UNIQUE, transport VARCHAR(40), aors VARCHAR(200), auth VARCHAR(40),
  context VARCHAR(40), disallow VARCHAR(200), allow VARCHAR(200), direct_media yesno_values, callerid VARCHAR(40))
"""
SETTINGS = {"context": "office", "allow": "alaw,opus", "direct_media": "no"}


@dataclass
class Made:
    """An exchange's database with nobody in it."""

    session: ExchangeSession
    asterisk: bool

    def sql(self, statement: str, **words: str) -> list[Any]:
        """Behind our back."""
        with self.session._engine.begin() as connection:
            done = connection.execute(text(statement), words)
            return list(done) if done.returns_rows else []

    def state(self, holder: str, name: str = "Zoé") -> Subscriber:
        """What procedures ask for on such an exchange."""
        if self.asterisk:
            return Subscriber(holder=holder, display_name=name, settings=SETTINGS)
        return Subscriber(holder=holder)

    def digest(self, extension: str) -> str:
        """What the exchange compares answers with."""
        if self.asterisk:
            return str(self.sql("SELECT md5_cred FROM ps_auths WHERE id = :user", user=extension)[0][0])
        return str(self.sql("SELECT ha1 FROM subscriber WHERE username = :user", user=extension)[0][0])

    def apply(self, extension: str, before: Subscriber | None, after: Subscriber | None) -> TargetError | None:
        change = Change(Address("phones.subscriber", "phones", extension), before, after)
        return SUBSCRIBER.apply(self.session, [change])[0].error  # type: ignore[return-value]

    def seen(self, extension: str) -> Subscriber | None:
        return SUBSCRIBER.read(self.session, [extension]).get(extension)


def inventory_with(exchange: Exchange) -> Inventory:
    example = load(EXAMPLE)
    assert example.phones is not None
    return example.model_copy(update={"phones": example.phones.model_copy(update={"exchange": exchange})})


@pytest.fixture(
    params=[
        "kamailio",
        "asterisk-realtime",
        pytest.param("kamailio on PostgreSQL", marks=pytest.mark.lab),
        pytest.param("asterisk-realtime on PostgreSQL", marks=pytest.mark.lab),
    ]
)
def exchange(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    adapter, _, server = request.param.partition(" on ")
    if server:
        cluster: Cluster = request.getfixturevalue("cluster")
        monkeypatch.setenv("EXCHANGE_PASSWORD", cluster.password)
        place = LedgerServer(url=cluster.url(cluster.make_database()), password="env:EXCHANGE_PASSWORD")
        setting = Exchange(adapter=adapter, database=place)
        kamailio, asterisk = KAMAILIO_ON_POSTGRES, f"{ASTERISK_TYPES};{ASTERISK}"
    else:
        (tmp_path / "x.sqlite").touch()
        setting = Exchange(adapter=adapter, file=tmp_path / "x.sqlite")
        kamailio, asterisk = KAMAILIO, re.sub(r"\w+_values", "VARCHAR(12)", ASTERISK)
    secrets = Secrets(tmp_path, tmp_path / "handover", phone_passwords=tmp_path / "phones")
    made = Made(ExchangeSession("phones", inventory_with(setting), secrets), adapter != "kamailio")
    for statement in (asterisk if made.asterisk else kamailio).split(";"):
        made.sql(statement)
    yield made
    made.session.close()


def test_made_changed_removed(exchange: Made) -> None:
    wanted, passwords = exchange.state("E1042"), exchange.session.secrets.phone_passwords
    assert exchange.seen("1042") is None
    assert exchange.apply("1042", None, wanted) is None
    found = exchange.seen("1042")
    assert found is not None
    assert wanted.agrees_with(found)
    password = passwords.issue("1042", "E1042")
    assert exchange.digest("1042") == ha1("1042", "corp.example", password)
    assert taken(exchange.session) == {"1042"}

    other = exchange.state("E1001", "Hannah")
    assert exchange.apply("1042", wanted, other) is None
    assert exchange.digest("1042") == ha1("1042", "corp.example", passwords.issue("1042", "E1001"))
    assert other.agrees_with(exchange.seen("1042") or Subscriber())
    assert exchange.apply("1042", other, None) is None
    assert (exchange.seen("1042"), taken(exchange.session), passwords.kept("1042")) == (None, frozenset(), ())
    assert exchange.apply("1042", other, None) is None, "what is gone already is fine"


def test_no_clear_password_is_in_the_database(exchange: Made) -> None:
    exchange.apply("1042", None, exchange.state("E1042"))
    password = exchange.session.secrets.phone_passwords.issue("1042", "E1042").get_secret_value()
    tables = ("ps_auths", "ps_aors", "ps_endpoints") if exchange.asterisk else ("subscriber",)
    rows = [row for table in tables for row in exchange.sql(f"SELECT * FROM {table}")]  # noqa: S608  (ours)
    assert len(rows) == len(tables)
    assert password not in str(rows)


def test_a_digest_by_hand_is_nobodys_and_the_kept_password_comes_back(exchange: Made) -> None:
    wanted = exchange.state("E1042")
    exchange.apply("1042", None, wanted)
    before = exchange.digest("1042")
    table = "ps_auths SET md5_cred" if exchange.asterisk else "subscriber SET ha1"
    exchange.sql(f"UPDATE {table} = 'x'")
    found = exchange.seen("1042")
    assert found is not None
    assert found.holder is None
    change = Change(Address("phones.subscriber", "phones", "1042"), wanted.view_of(found), wanted)
    assert "is replaced; phones with the former one" in str(SUBSCRIBER.lasting(change, []))
    assert exchange.apply("1042", wanted.view_of(found), wanted) is None
    assert exchange.digest("1042") == before
    assert change.inverse().done_in(exchange.seen("1042")), "what nobody knows cannot be put back"
    assert exchange.apply("1042", wanted, wanted.view_of(found)) is None
    assert exchange.digest("1042") == before
    error = exchange.apply("1043", None, wanted.model_copy(update={"holder": None}))
    assert "the password of 1043 was never known here, so the subscriber cannot be made again; onboard" in str(error)


def test_somebody_elses_subscriber_is_not_overwritten(exchange: Made) -> None:
    exchange.apply("1042", None, exchange.state("E1001"))
    error = exchange.apply("1042", None, exchange.state("E1042"))
    assert isinstance(error, RejectedError)
    assert "1042 has a subscriber already; plan again" in str(error)


def test_a_crash_between_the_password_and_the_exchange_is_told_apart(exchange: Made) -> None:
    """The new password is kept, the exchange still has the former one."""
    exchange.apply("1042", None, exchange.state("E1001"))
    exchange.session.secrets.phone_passwords.issue("1042", "E1042")
    found = exchange.seen("1042")
    assert found is not None
    assert found.holder == "E1001"


def test_a_setting_that_the_exchange_does_not_have(exchange: Made) -> None:
    if not exchange.asterisk:
        pytest.skip("Kamailio has no settings")
    error = exchange.apply("1042", None, Subscriber(holder="E1042", settings={"kontext": "office"}))
    assert "ps_endpoints has no setting 'kontext' here; correct phones: exchange: settings" in str(error)
    assert taken(exchange.session) == frozenset()


def test_names_fit_the_column_of_the_caller_id() -> None:
    name = 'José María "Pepe" García López de la Torre'
    assert caller_id(name, "1042") == "\"José María 'Pepe' García López\" <1042>"
    assert len(caller_id(name, "1042") or "") <= 40
    assert fitting_name(name, "1042") == "José María 'Pepe' García López"


# ------------------------------------------------------------------------------------------------ what goes wrong


def session(tmp_path: Path, setting: Exchange) -> ExchangeSession:
    secrets = Secrets(tmp_path, tmp_path / "handover", phone_passwords=tmp_path / "phones")
    return ExchangeSession("phones", inventory_with(setting), secrets)


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"there is no database .*x\.sqlite; is the exchange set up"):
        session(tmp_path, Exchange(adapter="kamailio", file=tmp_path / "x.sqlite"))
    assert not (tmp_path / "x.sqlite").exists()


@pytest.mark.parametrize("adapter", ["kamailio", "asterisk-realtime"])
def test_a_database_of_something_else_is_said(tmp_path: Path, adapter: Any) -> None:
    (tmp_path / "x.sqlite").touch()
    opened = session(tmp_path, Exchange(adapter=adapter, file=tmp_path / "x.sqlite"))
    with pytest.raises(RejectedError, match=r"lacks a table or column of the exchange; .* the right one\?"):
        SUBSCRIBER.read(opened, ["1042"])
    opened.close()


def test_a_locked_database_is_busy_not_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.connections.exchange._BUSY", 0.1)
    (tmp_path / "x.sqlite").touch()
    opened = session(tmp_path, Exchange(adapter="kamailio", file=tmp_path / "x.sqlite"))
    made = Made(opened, asterisk=False)
    made.sql(KAMAILIO)
    with opened._engine.connect() as other:
        other.exec_driver_sql("BEGIN EXCLUSIVE")
        with pytest.raises(UnreachableError, match=r"x\.sqlite does not answer \(OperationalError\)"):
            made.apply("1042", None, Subscriber(holder="E1042"))
    opened.close()


@pytest.mark.lab
def test_a_refused_sign_in_names_the_setting_and_no_password(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXCHANGE_PASSWORD", "wrong-password")
    place = LedgerServer(url=cluster.url("postgres"), password="env:EXCHANGE_PASSWORD")
    opened = session(tmp_path, Exchange(adapter="kamailio", database=place))
    with pytest.raises(CredentialError, match="refuses our sign-in; correct phones: exchange: database") as caught:
        taken(opened)
    assert "wrong-password" not in str(caught.value)
    opened.close()


def test_a_site_without_telephones_says_so(tmp_path: Path) -> None:
    site = load(EXAMPLE).model_copy(update={"phones": None})
    with pytest.raises(RequestError, match="the site says nothing about 'phones'; add phones: to it"):
        ExchangeSession("phones", site, Secrets(tmp_path, tmp_path / "h"))


def test_a_digest_is_never_shown() -> None:
    login = Login.of("1042", "corp.example", SecretStr("geheim"), "md5")
    assert login.ha1 not in repr(login) + repr(Row(login.ha1))
