"""The work log on a real Request Tracker: tickets, comments, resolving, lost answers, an outage."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from provisioning.connections.servicedesk import Desk, Entry, open_desk, request_tracker
from provisioning.engine import outbox
from provisioning.errors import CredentialError, RejectedError, TrustError, UnreachableError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.servers import ROOT
from provisioning.lab.servicedesk import RequestTracker
from provisioning.ledger import Ledger
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.base import Endpoint
from provisioning.site.servicedesk import RequestTrackerDesk
from tests.conftest import NUMBER
from tests.servicedesk import NAME, begin, carry_out, ledger_in, site_with

pytestmark = pytest.mark.lab

HOST = "rt.corp.example"


@pytest.fixture(scope="module")
def tracker() -> Iterator[RequestTracker]:
    """A Request Tracker of our own."""
    folder = ROOT / f"{NUMBER}-desk"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    server = RequestTracker(
        folder / "rt", f"127.77.{NUMBER}.60", LabAuthority(folder), token_file=folder / "token", host=HOST
    )
    try:
        server.up()
        yield server
    finally:
        server.down()
        shutil.rmtree(folder)


@pytest.fixture
def settings(tracker: RequestTracker) -> RequestTrackerDesk:
    """How the site would name it."""
    return RequestTrackerDesk(
        kind="request_tracker",
        server=Endpoint(host=HOST, port=443, address=tracker.address),
        trust=tracker.authority.certificate,
        queue=tracker.queue,
        token=f"file:{tracker.token_file}",
    )


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path, tmp_path / "handover")


@pytest.fixture
def desk(settings: RequestTrackerDesk, secrets: Secrets) -> Iterator[Desk]:
    opened = open_desk(settings, secrets)
    yield opened
    opened.close()


@pytest.fixture
def inventory(settings: RequestTrackerDesk) -> Inventory:
    return site_with(settings)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = ledger_in(tmp_path)
    yield opened
    opened.close()


class Reader:
    """Reads tickets as an agent would, past the code under test."""

    def __init__(self, tracker: RequestTracker) -> None:
        self._root = f"https://{tracker.address}/REST/2.0"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"token {tracker.token_file.read_text().strip()}"
        self._session.verify = str(tracker.authority.certificate)

    def get(self, path: str, **query: str) -> Any:
        answer = self._session.get(self._root + path, params=query, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def tickets(self) -> list[str]:
        return [item["id"] for item in self.get("/tickets", query="id > 0", per_page="100")["items"]]

    def texts(self, ticket: str) -> list[str]:
        """What was said on a ticket, oldest first; the first text is the ticket's own."""
        said = []
        for item in self.get(f"/ticket/{ticket}/history", fields="Type", per_page="100")["items"]:
            if item["Type"] in {"Create", "Comment", "Correspond"}:
                for attachment in self.get(f"/transaction/{item['id']}/attachments")["items"]:
                    said.append(self._text(attachment["id"]))
        return said

    def _text(self, attachment: str) -> str:
        content = base64.b64decode(self.get(f"/attachment/{attachment}")["Content"]).decode()
        return content.splitlines()[0]


@pytest.fixture
def reader(tracker: RequestTracker) -> Reader:
    return Reader(tracker)


def entry(number: int, *, again: bool = False, thread: str = "abcdef012345") -> Entry:
    return Entry(
        key=f"{thread}-{number:x}", thread=thread, title=f"Carol began to onboard {NAME}", text=f"Sentence {number}.",
        who="carol", at="2026-11-23T08:00:00.000+00:00", again=again,
    )  # fmt: skip


def test_a_request_is_a_ticket_its_changes_are_comments_and_its_end_resolves_it(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, reader: Reader
) -> None:
    before = set(reader.tickets())
    run = begin(ledger)
    carry_out(ledger, run)
    done = outbox.Messenger(ledger, inventory, secrets).run(run.id)
    assert done == outbox.Delivered(count=5, owed=0, error=None)
    (number,) = set(reader.tickets()) - before
    ticket = reader.get(f"/ticket/{number}")
    assert ticket["Status"] == "resolved"
    assert "(E1042) [" in ticket["Subject"]
    texts = reader.texts(number)
    assert texts[0].endswith(f"began to onboard {inventory.people['E1042'].given_name} "
                             f"{inventory.people['E1042'].family_name} (E1042).")  # fmt: skip
    assert texts[1:] == [
        f"Created the account anna.petrova ({NAME}, Sales) in OU Sales.",
        f"Added anna.petrova ({NAME}) to the groups Intranet-Users and Sales.",
        "Installed CRM Client 4.2.0 on PC WS-0042.",
        "Completed: 3 of 3 changes made, 1 of 1 check passed.",
    ]
    states = ledger.delivery_states(outbox.DESK, [one.id for one in ledger.worklog()])
    assert {state.remote for state in states.values()} == {number}
    assert outbox.Messenger(ledger, inventory, secrets).run(run.id) == outbox.Delivered(0, 0, None)


def test_what_is_sent_again_after_a_lost_answer_is_there_once(desk: Desk, reader: Reader) -> None:
    number = desk.open(entry(1, thread="0a0a0a0a0a0a"))
    assert desk.open(entry(1, again=True, thread="0a0a0a0a0a0a")) == number
    desk.note(number, entry(2))
    desk.note(number, entry(2, again=True))
    desk.note(number, entry(3, again=True))
    assert reader.texts(number) == ["Sentence 1.", "Sentence 2.", "Sentence 3."]


def test_an_end_that_comes_twice_or_late_changes_nothing(desk: Desk, reader: Reader, tracker: RequestTracker) -> None:
    number = desk.open(entry(1, thread="0b0b0b0b0b0b"))
    desk.end(number, entry(1))
    resolved = reader.get(f"/ticket/{number}")["LastUpdated"]
    desk.end(number, entry(1, again=True))
    assert reader.get(f"/ticket/{number}")["LastUpdated"] == resolved
    assert reader.get(f"/ticket/{number}")["Status"] == "resolved"


def test_while_the_desk_is_down_nothing_waits_and_when_it_is_back_nothing_is_lost(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, reader: Reader, tracker: RequestTracker
) -> None:
    before = set(reader.tickets())
    tracker.stop()
    try:
        runs = [begin(ledger), begin(ledger)]
        for run in runs:
            carry_out(ledger, run)
            waits = outbox.Messenger(ledger, inventory, secrets).run(run.id)
            assert waits is not None
            assert waits.count == 0
            assert "does not answer" in (waits.error or "")
    finally:
        tracker.up()
    assert outbox.deliver(ledger, inventory, secrets, now=True) == outbox.Delivered(10, 0, None)
    new = set(reader.tickets()) - before
    assert len(new) == 2
    for number in new:
        assert len(reader.texts(number)) == 5
        assert reader.get(f"/ticket/{number}")["Status"] == "resolved"


def test_a_long_history_is_read_to_its_end(desk: Desk, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_tracker, "_PAGE", 3)
    number = desk.open(entry(1, thread="0c0c0c0c0c0c"))
    for i in range(2, 9):
        desk.note(number, entry(i))
    desk.note(number, entry(8, again=True))
    desk.note(number, entry(9, again=True))
    assert reader.texts(number) == [f"Sentence {i}." for i in range(1, 10)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"queue": "No such queue"}, CredentialError),
        ({"path": "/nowhere"}, RejectedError),
        ({"server": Endpoint(host=HOST, port=443, address="127.77.1.250")}, UnreachableError),
        ({"server": Endpoint(host="other.example", port=443, address=f"127.77.{NUMBER}.60")}, TrustError),
    ],
)
def test_a_wrong_setting_is_named(
    settings: RequestTrackerDesk, secrets: Secrets, change: dict[str, Any], expected: type[Exception]
) -> None:
    wrong = open_desk(settings.model_copy(update=change), secrets)
    try:
        with pytest.raises(expected, match="service_desk: "):
            wrong.open(entry(1, thread="0d0d0d0d0d0d"))
    finally:
        wrong.close()


def test_a_token_that_the_desk_does_not_know(
    settings: RequestTrackerDesk, tracker: RequestTracker, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("1-5-0123456789abcdef0123456789abcdef\n")
    stranger = open_desk(settings.model_copy(update={"token": "file:token"}), Secrets(tmp_path, tmp_path / "h"))
    try:
        with pytest.raises(CredentialError, match="refuses our sign-in") as caught:
            stranger.open(entry(1, thread="0e0e0e0e0e0e"))
        assert "0123456789abcdef" not in str(caught.value)
    finally:
        stranger.close()
