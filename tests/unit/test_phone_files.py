"""Files of desk phones: each maker's form there and back, and what must never be in a state."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.errors import RejectedError, RequestError
from provisioning.resources.base import Address, Change
from provisioning.resources.phones.configuration import CONFIGURATION, FOREIGN, Configuration, holder_of
from provisioning.resources.phones.families import FAMILIES, Account, family_of, writable
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.load import load
from provisioning.site.phones import Family
from tests.conftest import EXAMPLE

MAC = "02:00:5e:10:40:43"
ACCOUNT = Account("1042", "Анна <O'Brien> & Søn", "corp.example", "sip.corp.example", 5061, "tls")
NAMES: dict[Family, str] = {
    "yealink": "02005e104043.cfg",
    "grandstream": "cfg02005e104043.xml",
    "cisco-spa": "spa02005e104043.xml",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_reads_back_as_it_was_written(name: Family) -> None:
    family = FAMILIES[name]
    entries = {**family.account(ACCOUNT), family.password: "geheim"}
    assert family.parse(family.write(entries)) == entries
    assert family.file_of(MAC) == NAMES[name]
    assert family_of(NAMES[name]) is family
    assert family.is_secret(family.password)
    assert all(writable(family, line, value) for line, value in entries.items())


def test_each_maker_is_told_the_same() -> None:
    yealink, grandstream, cisco = (FAMILIES[name].account(ACCOUNT) for name in NAMES)
    assert yealink["account.1.sip_server.1.transport_type"] == grandstream["P130"] == "2"
    assert cisco["SIP_Transport_1_"] == "TLS"
    assert yealink["account.1.sip_server.1.address"] == grandstream["P47"] == cisco["Proxy_1_"] == "corp.example"
    assert grandstream["P48"] == cisco["Outbound_Proxy_1_"] == "sip.corp.example:5061"
    assert yealink["account.1.outbound_proxy.1.address"] == "sip.corp.example"


@pytest.mark.parametrize(
    "name", ["02005e104043.xml", "cfg02005E104043.xml", "../02005e104043.cfg", "y000000000000.cfg"]
)
def test_other_names_are_nobodys(name: str) -> None:
    assert family_of(name) is None


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]><flat-profile/>',
        "<flat-profile>",
        "<device/>",
        "<flat-profile>" + " " * 1_000_001 + "</flat-profile>",
    ],
)
def test_hostile_xml_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is "):
        FAMILIES["cisco-spa"].parse(text)


@pytest.mark.parametrize(
    ("name", "line", "value"),
    [
        ("yealink", "a", "x\ny"), ("yealink", "a", " x"), ("yealink", "a=b", "x"), ("grandstream", "P1 ", "x"),
        ("grandstream", "P3", "x "), ("cisco-spa", "a%b", "x"),
    ],
)  # fmt: skip
def test_what_a_line_cannot_hold_is_refused(name: Family, line: str, value: str) -> None:
    assert not writable(FAMILIES[name], line, value)


def test_lines_that_a_phone_reads_several_times_stay_several() -> None:
    text = "#!version:1.0.0.1\nsecurity.user_password = user:1\nring = 3\nsecurity.user_password = admin:2\n"
    found = FAMILIES["yealink"].parse(text)
    assert len(found) == 3
    assert sum(map(FAMILIES["yealink"].is_secret, found)) == 2
    assert FAMILIES["yealink"].write(found) == text


@pytest.mark.parametrize(
    ("name", "line", "secret"),
    [
        ("grandstream", "P34", True), ("grandstream", "P406", True), ("grandstream", "P1706", True),
        ("grandstream", "P2", True), ("grandstream", "P196", True), ("grandstream", "P3", False),
        ("grandstream", "P340", False), ("grandstream", "P35", False), ("cisco-spa", "Admin_Passwd", True),
        ("cisco-spa", "Password_2_", True), ("cisco-spa", "P34", False), ("yealink", "account.1.auth_name", False),
        ("yealink", "static.security.user_password", True), ("yealink", "phone_setting.phone_lock.unlock_pin", True),
    ],
)  # fmt: skip
def test_what_is_secret_by_its_name(name: Family, line: str, secret: bool) -> None:
    assert FAMILIES[name].is_secret(line) is secret


class Server:
    """The folder of the phones' files, in memory."""

    target = "phone-files"

    def __init__(self, inventory: Inventory, secrets: Secrets) -> None:
        self.inventory, self.secrets = inventory, secrets
        self.files: dict[str, tuple[str, int]] = {}

    def read_if_there(self, path: str) -> str | None:
        return self.files[path][0] if path in self.files else None

    def write_file(self, path: str, text: str, mode: int) -> None:
        self.files[path] = text, mode

    def delete_file(self, path: str) -> None:
        self.files.pop(path, None)


@pytest.fixture
def server(tmp_path: Any) -> Server:
    inventory = load(EXAMPLE)
    return Server(inventory, Secrets(tmp_path, tmp_path / "handover", phone_passwords=tmp_path / "phones"))


FILE, PATH = "02005e104043.cfg", "/srv/phones/02005e104043.cfg"


def put(server: Server, before: Configuration | None, after: Configuration | None) -> Any:
    change = Change(Address("phones.configuration", "phone-files", FILE), before, after)
    return CONFIGURATION.apply(server, [change])[0].error  # type: ignore[arg-type]


def seen(server: Server) -> Configuration:
    return CONFIGURATION.read(server, [FILE])[FILE]  # type: ignore[arg-type]


def test_a_state_says_where_secrets_come_from_and_never_what_they_are(server: Server) -> None:
    password = server.secrets.phone_passwords.issue("1042", "E1042").get_secret_value()
    wanted = Configuration(settings={"account.1.user_name": "1042"}, secrets={"account.1.password": "kept:1042/E1042"})
    assert put(server, None, wanted) is None
    text, mode = server.files[PATH]
    assert f"account.1.password = {password}\n" in text
    assert mode == 0o640
    assert seen(server) == wanted
    assert password not in str(seen(server).to_plain())
    assert holder_of(seen(server)) == "E1042"


def test_what_others_wrote_stays_and_their_secrets_are_not_told(server: Server) -> None:
    server.secrets.phone_passwords.issue("1042", "E1042")
    server.files[PATH] = "#!version:1.0.0.1\n# by hand\nring = 3\nsecurity.user_password = admin:4711\n", 0o644
    before = seen(server)
    assert before == Configuration(settings={"ring": "3"}, secrets={"security.user_password": FOREIGN})
    wanted = Configuration(settings={"account.1.user_name": "1042"}, secrets={"account.1.password": "kept:1042/E1042"})
    assert put(server, wanted.view_of(before), wanted) is None
    assert "ring = 3\nsecurity.user_password = admin:4711\n" in server.files[PATH][0]
    assert put(server, wanted, wanted.view_of(before)) is None
    assert seen(server) == before


def test_a_foreign_secret_that_is_replaced_does_not_come_back_and_everything_else_does(server: Server) -> None:
    password = server.secrets.phone_passwords.issue("1042", "E1042").get_secret_value()
    server.files[PATH] = "#!version:1.0.0.1\naccount.1.user_name = 77\naccount.1.password = by hand\n", 0o644
    before = seen(server)
    wanted = Configuration(settings={"account.1.user_name": "1042"}, secrets={"account.1.password": "kept:1042/E1042"})
    change = Change(Address("phones.configuration", "phone-files", FILE), wanted.view_of(before), wanted)
    said = f"{FILE}: the former value of account.1.password is not known here and does not come back"
    assert CONFIGURATION.lasting(change, []) == said
    assert put(server, change.before, change.after) is None
    back = change.inverse()
    assert not back.done_in(seen(server))
    assert put(server, back.before, back.after) is None
    assert back.done_in(seen(server))
    assert server.files[PATH][0].endswith(f"account.1.user_name = 77\naccount.1.password = {password}\n")
    assert CONFIGURATION.lasting(Change(change.address, wanted, wanted), []) is None


def test_a_file_that_is_no_phones_is_refused(server: Server) -> None:
    with pytest.raises(RequestError, match=r"'motd' is no phone's file; expected 0015651a2b3c\.cfg"):
        CONFIGURATION.read(server, ["motd"])  # type: ignore[arg-type]
    server.files["/srv/phones/spa02005e104043.xml"] = "<html/>", 0o644
    with pytest.raises(RejectedError, match=r"is no <flat-profile> but <html>; remove the file, or correct it"):
        CONFIGURATION.read(server, ["spa02005e104043.xml"])  # type: ignore[arg-type]
