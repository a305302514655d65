"""SIP passwords that are kept: once made the same, for one holder, in files that nobody else reads."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provisioning.errors import SecretError
from provisioning.secrets.phone_passwords import PhonePasswords


@pytest.fixture
def passwords(tmp_path: Path) -> PhonePasswords:
    return PhonePasswords(tmp_path / "phones")


def test_asking_twice_gives_the_same_and_files_are_private(passwords: PhonePasswords) -> None:
    first = passwords.issue("1042", "E1042").get_secret_value()
    assert passwords.issue("1042", "E1042").get_secret_value() == first
    assert (len(first), first.isalnum()) == (24, True)
    assert stat.S_IMODE(passwords.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((passwords.folder / "1042.sip-password").stat().st_mode) == 0o600
    assert sorted(file.name for file in passwords.folder.iterdir()) == [".lock", "1042.sip-password"]


def test_another_holder_gets_another_and_the_former_is_known_once_more(passwords: PhonePasswords) -> None:
    made = [passwords.issue("1042", holder).get_secret_value() for holder in ("E1", "E2", "E3")]
    assert len(set(made)) == 3
    assert [(one.holder, one.password.get_secret_value()) for one in passwords.kept("1042")] == [
        ("E2", made[1]),
        ("E3", made[2]),
    ]
    current = passwords.current("1042")
    assert current is not None
    assert current.holder == "E3"
    assert made[2] not in repr(current)


def test_what_is_withdrawn_is_gone(passwords: PhonePasswords) -> None:
    passwords.withdraw("1042")
    first = passwords.issue("1042", "E1042").get_secret_value()
    passwords.withdraw("1042")
    assert (passwords.kept("1042"), passwords.current("1042")) == ((), None)
    assert passwords.issue("1042", "E1042").get_secret_value() != first


def test_what_cannot_be_destroyed_is_said(passwords: PhonePasswords) -> None:
    (passwords.folder / "1042.sip-password").mkdir(parents=True)
    with pytest.raises(SecretError, match=r"1042 in .*1042\.sip-password cannot be destroyed \(.+\); remove the file"):
        passwords.withdraw("1042")


def test_many_at_once_get_one(passwords: PhonePasswords) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: passwords.issue("1042", "E1042").get_secret_value(), range(40)))
    assert len(set(made)) == 1


@pytest.mark.parametrize("name", ["../1042", "1", "", "10 42", "1042\n", "abc"])
def test_no_name_leaves_the_folder(passwords: PhonePasswords, name: str) -> None:
    with pytest.raises(SecretError, match="is not an extension"):
        passwords.issue(name, "E1042")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SecretError, match=r"cannot be kept in .*/file/phones .*set phones: passwords in the site"):
        PhonePasswords(tmp_path / "file" / "phones").issue("1042", "E1042")
    assert PhonePasswords(tmp_path / "file" / "phones").kept("1042") == ()
