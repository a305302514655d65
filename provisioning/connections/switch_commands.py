"""Talking to a switch that is a Unix host (Open vSwitch): SSH commands on one connection, exit codes are verdicts.

Lines that the dialect calls joint (settings in one database) are run as one command, which takes effect as a whole or
not at all. If it fails its lines are run one by one, so that the one that is at fault is known.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import paramiko

from provisioning.connections.terminal import Answer
from provisioning.dialects.manner import Manner
from provisioning.errors import RejectedError, UnreachableError

__all__ = ["Commands"]

_LONGEST_ANSWER = 4_000_000  # octets
_LONGEST_COMMAND = 30_000  # octets; SSH takes 32,768 in one packet (RFC 4253, section 6.1)


class Commands:
    """SSH commands on one connection. `patience` are the seconds that one of them may take."""

    def __init__(self, client: Any, manner: Manner, target: str, where: str) -> None:
        self.patience = 30.0
        self._client = client
        self._manner = manner
        self._target = target
        self._where = where
        self._words: dict[str, str] = {}
        self.answered: Sequence[Answer] = ()

    @property
    def closed(self) -> bool:
        """Whether the connection is gone."""
        transport = self._client.get_transport()
        return transport is None or not transport.is_active()

    def exchange(self, lines: Sequence[str], what: str, shows: int = 0) -> list[Answer]:  # noqa: ARG002  (an answer each)
        """Run `lines` one after the other, joint ones together; one that fails does not stop the next. Raises
        :class:`UnreachableError` when the connection is lost: nothing is known of what the command did then."""
        answers: list[Answer] = []
        for together in self._joined(lines):
            if len(together) > 1:
                whole = self._run(self._as_one(together), what)
                if not whole.refusal:
                    answers += [Answer(line, "") for line in together]
                    continue
            answers += [self._run(line, what) for line in together]
        return answers

    def _joined(self, lines: Sequence[str]) -> Iterator[list[str]]:
        """The lines in their order; neighbours that can be one command stand together."""
        together: list[str] = []
        for line in lines:
            beginning = self._beginning(line)
            if together and not (
                beginning
                and beginning == self._beginning(together[0])
                and sum(map(len, together)) + len(line) < _LONGEST_COMMAND
            ):
                yield together
                together = []
            together.append(line)
        if together:
            yield together

    def _beginning(self, line: str) -> str:
        found = self._manner.joint.match(line) if self._manner.joint is not None else None
        return found[0] if found is not None else ""

    def _as_one(self, lines: Sequence[str]) -> str:
        beginning = self._beginning(lines[0])
        return beginning + " -- ".join(line[len(beginning) :] for line in lines)

    def _run(self, line: str, what: str) -> Answer:
        """Run one line. ``a && b`` are two commands; the second is not run if the first fails."""
        said = ""
        for command in self._filled(line, what).split(" && "):
            text, code = self._result(command, what)
            said += text
            if code:
                words = text.strip().splitlines()
                return Answer(line, said, words[-1] if words else f"exit code {code}")
        return Answer(line, said)

    def _filled(self, line: str, what: str) -> str:
        """`line` with what the host itself calls its things, which is asked once a session. Raises
        :class:`RejectedError` where there is none of them, or several."""
        for word, command in self._manner.words.items():
            if f"{{{word}}}" in line:
                if word not in self._words:
                    text, code = self._result(command, what)
                    names = text.split()
                    if code or len(names) != 1:
                        raise RejectedError(
                            self._target,
                            f"needs one {word} and has {', '.join(names) if names and not code else 'none'} "
                            f"({command}); only hosts with one are known here",
                        )
                    self._words[word] = names[0]
                line = line.replace(f"{{{word}}}", self._words[word])
        return line

    def _result(self, command: str, what: str) -> tuple[str, int]:
        try:
            channel = self._client.get_transport().open_session(timeout=self.patience)
            with channel:
                channel.settimeout(self.patience)
                channel.exec_command(command)
                out, code = _drained(channel, time.monotonic() + self.patience)
        except (paramiko.SSHException, OSError, EOFError, AttributeError) as exc:
            raise UnreachableError(
                self._target,
                f"the switch at {self._where} did not finish {command.partition(' ')[0]!r} ({what}); try again",
            ) from exc
        return out.decode("utf-8", "replace"), code


def _drained(channel: Any, deadline: float) -> tuple[bytes, int]:
    """Everything the command says on both streams, and its exit code. Raises :class:`TimeoutError`."""
    channel.set_combine_stderr(True)
    pieces: list[bytes] = []
    size = 0
    while piece := channel.recv(65536):
        pieces.append(piece)
        size += len(piece)
        if size > _LONGEST_ANSWER or time.monotonic() > deadline:
            raise TimeoutError
    code = channel.recv_exit_status()
    if code < 0:  # the connection was cut before the command ended (paramiko)
        raise EOFError
    return b"".join(pieces), code
