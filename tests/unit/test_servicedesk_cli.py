"""``provision worklog``, and that a run tells the desk by itself: the command line against a real webhook receiver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.https_server import Asked, Serving, serving
from tests.unit.test_cli import Shell, shell  # noqa: F401  (a fixture)


class Receiver:
    """Takes everything, unless it is told to say that it cannot."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.busy = False

    def answer(self, asked: Asked) -> tuple[int, Any]:
        if self.busy:
            return 503, {}
        self.texts.append(asked.plain["data"]["text"])
        return 200, {}


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def desk(shell: Shell, receiver: Receiver, tmp_path: Path) -> Iterator[Serving]:  # noqa: F811
    with serving(tmp_path, receiver.answer) as server:
        (tmp_path / "key").write_text("a key of the receiver\n")
        at = server.endpoint
        (shell.site / "desk.yml").write_text(
            "service_desk:\n  kind: webhook\n  path: /hook\n"
            f"  server: {{host: {at.host}, port: {at.port}, address: {at.address}}}\n"
            f"  trust: {server.trust}\n  key: file:{tmp_path}/key\n"
        )
        yield server


def test_a_run_tells_the_desk_and_the_work_log_says_so(shell: Shell, desk: Serving, receiver: Receiver) -> None:  # noqa: F811
    shell.ok("onboard", "E1042", "--yes")
    assert len(receiver.texts) >= 5
    assert "(E1042)" in receiver.texts[0]
    rows = json.loads(shell.ok("worklog", "--output", "json"))
    assert [row["entry"] for row in rows] == list(dict.fromkeys(receiver.texts))
    assert {row["desk"] for row in rows} == {"has it"}
    assert receiver.texts[1] in shell.ok("worklog", "1")


def test_a_desk_that_cannot_is_no_reason_to_fail_and_gets_it_later(
    shell: Shell,  # noqa: F811
    desk: Serving,
    receiver: Receiver,
) -> None:
    receiver.busy = True
    shell.ok("onboard", "E1042", "--yes")
    assert not receiver.texts
    assert "HTTP 503" in shell.ok("worklog")
    waits = shell.run("worklog", "deliver")
    assert waits.exit_code == 3
    assert "HTTP 503" in waits.stderr
    receiver.busy = False
    assert "still owed 0" in shell.ok("worklog", "deliver")
    assert len(receiver.texts) >= 5


def test_without_a_desk(shell: Shell) -> None:  # noqa: F811
    assert "none" in shell.ok("worklog")
    shell.ok("onboard", "E1042", "--yes")
    assert "(E1042)" in shell.ok("worklog")
    result = shell.run("worklog", "deliver")
    assert result.exit_code == 1
    assert "docs/service-desk.md" in result.stderr


@pytest.mark.parametrize("words", [("x",), ("-1",), ("r",), ("99",), ("r99",)])
def test_what_there_is_none_of(shell: Shell, words: tuple[str, ...]) -> None:  # noqa: F811
    shell.ok("onboard", "E1042", "--yes")
    assert shell.run("worklog", "--", *words).exit_code == 1
