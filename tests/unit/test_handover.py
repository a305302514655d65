"""Initial passwords: how they wait, and that each is given out once."""

from __future__ import annotations

import html.parser
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import pyrage
import pytest
from pydantic import SecretStr, ValidationError

from provisioning.errors import LedgerError, ProvisioningError, SecretError
from provisioning.secrets import Secrets, handing_over
from provisioning.secrets.letter import Letter
from provisioning.secrets.waiting import Parcel
from provisioning.site.directory import PasswordPolicy
from provisioning.site.handover import Handover

LOGIN = "anna.petrova"
POLICY = PasswordPolicy()
IDENTITY = pyrage.x25519.Identity.generate()
RECIPIENT = str(IDENTITY.to_public())
LETTER = Letter("Анна <Петрова>", LOGIN, "Nordwind & Söhne", "Help desk: 100", date(2026, 12, 1))


def waiting_in(folder: Path, **settings: object) -> Secrets:
    return Secrets(folder, Handover.model_validate({"folder": folder / "handover", **settings}))


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return waiting_in(tmp_path)


class Receiver:
    """Somebody who gets parcels."""

    def __init__(self) -> None:
        self.got: list[Parcel] = []

    def __call__(self, parcel: Parcel) -> None:
        self.got.append(parcel)


# ------------------------------------------------------------------------------------------------ waiting


def test_a_password_waits_in_a_private_file(secrets: Secrets) -> None:
    password = secrets.issue_initial_password(LOGIN, POLICY)
    file = secrets.handover_file(LOGIN)
    assert file.name == "anna.petrova.initial-password"
    assert file.read_text() == password.get_secret_value() + "\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert secrets.initial_password(LOGIN) == password
    assert secrets.issue_initial_password(LOGIN, POLICY) == password
    assert secrets.waiting.logins() == [LOGIN]


def test_nothing_waits(secrets: Secrets) -> None:
    assert secrets.initial_password(LOGIN) is None
    assert secrets.waiting.logins() == []
    secrets.withdraw_initial_password(LOGIN)
    with pytest.raises(SecretError, match=r"no initial password of anna.petrova waits: it was handed over already"):
        secrets.waiting.hand_over(LOGIN, Receiver())


@pytest.mark.parametrize("login", ["../x", "a/b", "", ".hidden", "a\0", "a\nb"])
def test_a_login_cannot_lead_out_of_the_folder(secrets: Secrets, login: str) -> None:
    with pytest.raises(SecretError, match="is not a login"):
        secrets.waiting.hand_over(login, Receiver())


def test_a_planted_link_is_not_followed(secrets: Secrets, tmp_path: Path) -> None:
    (tmp_path / "handover").mkdir()
    (tmp_path / "elsewhere").write_text("x\n")
    secrets.handover_file(LOGIN).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SecretError, match="cannot be opened"):
        secrets.waiting.hand_over(LOGIN, Receiver())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "handover").write_text("a file")
    with pytest.raises(SecretError, match=r"cannot be left in .*handover \(File exists\); make that folder writable"):
        waiting_in(tmp_path).issue_initial_password(LOGIN, POLICY)


# ----------------------------------------------------------------------------------------------------- age


def test_sealed_passwords_are_read_by_their_recipients_only(tmp_path: Path) -> None:
    secrets = waiting_in(tmp_path, form="age", recipients=[RECIPIENT])
    password = secrets.issue_initial_password(LOGIN, POLICY)
    file = tmp_path / "handover" / "anna.petrova.age"
    assert secrets.handover_file(LOGIN) == file
    assert file.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]
    assert pyrage.decrypt(file.read_bytes(), [IDENTITY]).decode() == password.get_secret_value() + "\n"
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(file.read_bytes(), [pyrage.x25519.Identity.generate()])
    # The process that made it may still prove that it works, and gives the same on a second attempt; others cannot.
    assert secrets.initial_password(LOGIN) == password
    assert secrets.issue_initial_password(LOGIN, POLICY) == password
    other = waiting_in(tmp_path, form="age", recipients=[RECIPIENT])
    assert other.initial_password(LOGIN) is None
    assert other.waiting.waits(LOGIN)
    receiver = Receiver()
    other.waiting.hand_over(LOGIN, receiver)
    assert receiver.got[0].password is None
    assert secrets.initial_password(LOGIN) is None


def test_the_setting_may_change_while_passwords_wait(tmp_path: Path) -> None:
    password = waiting_in(tmp_path).issue_initial_password(LOGIN, POLICY)
    sealing = waiting_in(tmp_path, form="age", recipients=[RECIPIENT])
    assert sealing.initial_password(LOGIN) == password
    assert sealing.issue_initial_password("new.one", POLICY)
    assert sealing.waiting.logins() == [LOGIN, "new.one"]
    sealing.withdraw_initial_password(LOGIN)
    assert waiting_in(tmp_path).waiting.logins() == ["new.one"]


def test_a_password_that_waits_sealed_is_replaced_in_the_form_of_today(tmp_path: Path) -> None:
    waiting_in(tmp_path, form="age", recipients=[RECIPIENT]).issue_initial_password(LOGIN, POLICY)
    password = waiting_in(tmp_path).issue_initial_password(LOGIN, POLICY)
    assert [file.name for file in (tmp_path / "handover").iterdir()] == [f"{LOGIN}.initial-password"]
    assert waiting_in(tmp_path).initial_password(LOGIN) == password


def test_what_a_crash_left_half_written_is_cleared(secrets: Secrets) -> None:
    secrets.waiting.folder.mkdir()
    (secrets.waiting.folder / f"{LOGIN}.initial-password.partial").write_text("half")
    assert secrets.waiting.logins() == []
    secrets.issue_initial_password(LOGIN, POLICY)
    (secrets.waiting.folder / f"{LOGIN}.initial-password.partial").write_text("half")
    secrets.withdraw_initial_password(LOGIN)
    assert not list(secrets.waiting.folder.iterdir())


@pytest.mark.parametrize(
    "settings",
    [
        {"form": "age"},
        {"form": "age", "recipients": ["age1abc"]},
        {"recipients": ["AGE-SECRET-KEY-1ABC"]},
        {"form": "x"},
    ],
)
def test_hand_over_settings_that_cannot_work(tmp_path: Path, settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        waiting_in(tmp_path, **settings)


def test_a_private_key_is_refused_and_not_repeated() -> None:
    with pytest.raises(SecretError, match="private key; give its public half") as refused:
        handing_over.encrypted([str(IDENTITY)], lambda _: None)
    assert str(IDENTITY)[20:] not in str(refused.value)
    with pytest.raises(SecretError, match="'age1wrong' is not an age recipient"):
        handing_over.encrypted(["age1wrong"], lambda _: None)


# --------------------------------------------------------------------------------------------------- once


def test_it_is_given_out_once_and_destroyed(secrets: Secrets) -> None:
    password, receiver = secrets.issue_initial_password(LOGIN, POLICY), Receiver()
    secrets.waiting.hand_over(LOGIN, receiver)
    assert [parcel.password for parcel in receiver.got] == [password]
    assert secrets.initial_password(LOGIN) is None
    assert not list(secrets.waiting.folder.iterdir())
    with pytest.raises(SecretError, match=r"no initial password of anna.petrova waits"):
        secrets.waiting.hand_over(LOGIN, receiver)


def test_what_could_not_be_given_goes_on_waiting(secrets: Secrets) -> None:
    password = secrets.issue_initial_password(LOGIN, POLICY)

    def fail(_: Parcel) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        secrets.waiting.hand_over(LOGIN, fail)
    assert secrets.initial_password(LOGIN) == password


def test_of_many_threads_one_wins(secrets: Secrets) -> None:
    secrets.issue_initial_password(LOGIN, POLICY)
    receiver, start = Receiver(), threading.Barrier(20)

    def race(_: int) -> str:
        start.wait()
        try:
            secrets.waiting.hand_over(LOGIN, receiver)
        except SecretError as exc:
            return str(exc)
        return "won"

    with ThreadPoolExecutor(20) as pool:
        ends = list(pool.map(race, range(20)))
    assert ends.count("won") == 1
    assert len(receiver.got) == 1
    assert all("waits" in end or "somebody is handing over" in end for end in ends if end != "won")


def _race(folder: str, start: float, slow: bool) -> bool:
    time.sleep(max(0.0, start - time.time()))

    def give(parcel: Parcel) -> None:
        with (Path(folder) / "given").open("a") as file:
            file.write(f"{parcel.login}\n")
        time.sleep(0.2 if slow else 0)

    try:
        waiting_in(Path(folder)).waiting.hand_over(LOGIN, give)
    except SecretError:
        return False
    return True


@pytest.mark.parametrize("slow", [True, False])
def test_of_many_processes_one_wins(tmp_path: Path, slow: bool) -> None:
    waiting_in(tmp_path).issue_initial_password(LOGIN, POLICY)
    with get_context("spawn").Pool(4) as pool:
        pool.map(abs, range(4))
        ends = pool.starmap(_race, [(str(tmp_path), time.time() + 1.5, slow)] * 4)
    assert sorted(ends) == [False, False, False, True]
    assert (tmp_path / "given").read_text() == f"{LOGIN}\n"


def test_a_killed_hand_over_loses_nothing(tmp_path: Path) -> None:
    secrets = waiting_in(tmp_path)
    password = secrets.issue_initial_password(LOGIN, POLICY)
    child = get_context("spawn").Process(target=_die, args=(str(tmp_path),))
    child.start()
    child.join()
    assert child.exitcode == -9
    receiver = Receiver()
    secrets.waiting.hand_over(LOGIN, receiver)
    assert receiver.got[0].password == password


def _die(folder: str) -> None:
    waiting_in(Path(folder)).waiting.hand_over(LOGIN, lambda _: os.kill(os.getpid(), 9))


# --------------------------------------------------------------------------------------------------- ways


def way_to_lose(secrets: Secrets, way: handing_over.Way) -> list[str]:
    """The work log of a hand-over."""
    log: list[str] = []
    handing_over.hand_over(secrets.waiting, LOGIN, f"{LOGIN} (Анна Петрова)", way, log.append)
    return log


def test_the_work_log_tells_before_and_after(secrets: Secrets) -> None:
    password = secrets.issue_initial_password(LOGIN, POLICY)
    seen: list[SecretStr] = []
    log = way_to_lose(secrets, handing_over.shown(seen.append, "a terminal"))
    assert seen == [password]
    assert log == [
        "The initial password of anna.petrova (Анна Петрова) is being handed over on a terminal.",
        "The initial password of anna.petrova (Анна Петрова) was handed over on a terminal, and destroyed here.",
    ]


def test_without_a_ledger_nothing_is_given_out(secrets: Secrets) -> None:
    password = secrets.issue_initial_password(LOGIN, POLICY)
    seen: list[SecretStr] = []

    def broken(_: str) -> None:
        raise LedgerError("the disk is full")

    with pytest.raises(LedgerError):
        handing_over.hand_over(secrets.waiting, LOGIN, LOGIN, handing_over.shown(seen.append, "x"), broken)
    assert seen == []
    assert secrets.initial_password(LOGIN) == password


class Words(html.parser.HTMLParser):
    """The visible text of a page, and what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for name, value in attrs if name in {"src", "href"}] + (
            [tag] if tag == "script" else []
        )

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_letter(secrets: Secrets, tmp_path: Path) -> None:
    password, file = secrets.issue_initial_password(LOGIN, POLICY), tmp_path / "letter.html"
    log = way_to_lose(secrets, handing_over.as_letter(LETTER, file))
    assert log[1].endswith(f"was handed over as the letter {file}, and destroyed here.")
    assert file.stat().st_mode & 0o777 == 0o600
    page = Words()
    page.feed(file.read_text(encoding="utf-8"))
    assert page.loads == []
    for words in (
        "Анна <Петрова>",
        "Nordwind & Söhne",
        LOGIN,
        password.get_secret_value(),
        "Help desk: 100",
        "2026-12-01",
    ):
        assert words in "".join(page.text)


@pytest.mark.parametrize("place", [lambda folder: folder / "there.html", lambda folder: folder / "none" / "x.html"])
def test_a_letter_that_cannot_be_written(secrets: Secrets, tmp_path: Path, place: Callable[[Path], Path]) -> None:
    password = secrets.issue_initial_password(LOGIN, POLICY)
    (tmp_path / "there.html").write_text("somebody's letter")
    log: list[str] = []
    way = handing_over.as_letter(LETTER, place(tmp_path))
    with pytest.raises(SecretError, match=r"cannot be written .*; the password goes on waiting"):
        handing_over.hand_over(secrets.waiting, LOGIN, LOGIN, way, log.append)
    assert secrets.initial_password(LOGIN) == password
    assert "was not handed over" in log[-1]
    assert password.get_secret_value() not in "".join(log)
    assert (tmp_path / "there.html").read_text() == "somebody's letter"


def test_encrypted_to_whoever_is_named(secrets: Secrets, tmp_path: Path) -> None:
    password, file = secrets.issue_initial_password(LOGIN, POLICY), tmp_path / "for-anna.age"
    log = way_to_lose(secrets, handing_over.encrypted([RECIPIENT], handing_over.into_file(file)))
    assert pyrage.decrypt(file.read_bytes(), [IDENTITY]).decode().strip() == password.get_secret_value()
    assert f"encrypted to {RECIPIENT}" in log[0]


def test_what_waits_sealed_is_given_out_sealed(tmp_path: Path) -> None:
    secrets = waiting_in(tmp_path, form="age", recipients=[RECIPIENT])
    password = secrets.issue_initial_password(LOGIN, POLICY)
    for way in (
        handing_over.shown(lambda _: None, "a terminal"),
        handing_over.as_letter(LETTER, tmp_path / "letter.html"),
        handing_over.encrypted([RECIPIENT], lambda _: None),
    ):
        with pytest.raises(ProvisioningError, match="only its recipients can open it; give them the encrypted file"):
            way_to_lose(secrets, way)
    sent: list[bytes] = []
    way_to_lose(secrets, handing_over.encrypted([], sent.append))
    assert pyrage.decrypt(sent[0], [IDENTITY]).decode().strip() == password.get_secret_value()
    assert not secrets.waiting.waits(LOGIN)
