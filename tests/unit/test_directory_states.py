"""What the directory's states call equal, and what its refusals say."""

from __future__ import annotations

import pytest

from provisioning.connections.directory import Add, Entry, Modify
from provisioning.connections.ldap_refusals import bind_code, code_text, refusal
from provisioning.resources.directory.membership import Memberships
from provisioning.resources.directory.user import User
from provisioning.resources.mail.mailbox import Mailbox


def test_units_are_equal_whatever_their_spelling() -> None:
    assert User(ou="OU=Staff,DC=corp").agrees_with(User(ou="ou=staff, dc=CORP"))
    assert not User(ou="OU=Staff,DC=corp").agrees_with(User(ou="OU=Other,DC=corp"))


def test_a_name_differs_by_case() -> None:
    assert not User(given_name="anna").agrees_with(User(given_name="Anna"))


def test_only_named_groups_count_and_case_does_not() -> None:
    actual = Memberships(groups={"Staff": True, "Domain Admins": True})
    assert Memberships(groups={"STAFF": True, "guests": None}).agrees_with(actual)
    assert Memberships(groups={"staff": None}).differences(actual) == {"groups[staff]": (True, None)}
    assert Memberships(groups={"guests": True}).view_of(actual).to_plain() == {"groups": {"guests": None}}


def test_proxy_addresses_are_sorted_and_their_case_counts() -> None:
    box = Mailbox(proxy_addresses=("smtp:b@x", "SMTP:a@x"))
    assert box.proxy_addresses == ("SMTP:a@x", "smtp:b@x")
    assert not box.agrees_with(Mailbox(proxy_addresses=("smtp:a@x", "smtp:b@x")))
    assert Mailbox(proxy_addresses=()).proxy_addresses is None


def test_states_survive_the_ledger() -> None:
    user = User(ou="OU=a\\,b,DC=x", name="A", manager=None, enabled=False)
    assert User.from_plain(user.to_plain()) == user


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        (
            "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 773, v1db1",
            "773",
            "must be changed",
        ),
        (
            "8009030C: LdapErr: DSID-0C0904DC, comment: AcceptSecurityContext error, data 52e, v2580",
            "52e",
            "wrong password",
        ),
        ("Simple Bind Failed: NT_STATUS_LOGON_FAILURE", "", "wrong user name or password"),
        ("x, data 9999, y", "9999", "9999"),
    ],
)
def test_bind_codes(message: str, code: str, words: str) -> None:
    assert bind_code(message) == code
    assert words in code_text(code)


@pytest.mark.parametrize(
    ("number", "message", "words"),
    [
        (
            53,
            "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0",
            "password does not meet",
        ),
        (
            19,
            "0000052D: Constraint violation - check_password_restrictions: the password is too short",
            "password does not",
        ),
        (
            50,
            "00002098: SecErr: DSID-03150F93, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0",
            "delegate the right",
        ),
        (68, "00000524: samldb: Account name (sAMAccountName) already in use!", "login exists already"),
        (68, "", "taken already"),
        (123, "\x1b[2J", "no further reason"),
    ],
)
def test_refusals_are_sentences_with_the_code(number: int, message: str, words: str) -> None:
    error = refusal("directory", "adding CN=x", {"result": number, "description": "someCode", "message": message})
    assert words in str(error)
    assert str(error).startswith("directory: adding CN=x was refused: ")
    assert f"someCode {number}" in str(error)
    assert "\x1b" not in str(error)


def test_operations_do_not_show_passwords() -> None:
    secret = "Canary-1"
    assert secret not in repr(Add("CN=x", {"unicodePwd": [secret]}))
    assert secret not in repr(Modify("CN=x", {"unicodePwd": [secret]}))


def test_entries_read_any_case_and_bad_bytes() -> None:
    entry = Entry("CN=x", {"cn": (b"\xff", b"b"), "maxstorage": (b"7",)})
    assert entry.texts("CN") == ["\ufffd", "b"]
    assert entry.text("missing") is None
    assert entry.number("maxStorage") == 7
