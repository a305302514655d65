"""From received characters to lines and back: echo, paging, questions, and the faults that hit a session."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable
from pathlib import Path

from provisioning.errors import LabError
from provisioning.lab.switch.clock import log_stamp
from provisioning.lab.switch.device import Device
from provisioning.lab.switch.faults import Faults
from provisioning.lab.switch.terminal import Terminal

log = logging.getLogger(__name__)
_KEYS = re.compile(r"(\r\n|\r|\n|[\x03\x08\x1a\x7f?])")
_MORE, _ERASED = " --More-- ", "\b" * 9 + " " * 8 + "\b" * 9
_PAGE = 24  # lines, when nobody said otherwise


class HangError(Exception):
    """The session was told to answer nothing more."""


class CutError(Exception):
    """The connection is lost, without a word."""


class RebootError(Exception):
    """The switch starts anew."""


class Typing:
    """Turns received characters into lines, and answers into what goes back: one write for each chunk
    received."""

    def __init__(
        self, device: Device, password_file: Path | None = None, *, tell: Callable[[str], None] | None = None
    ) -> None:
        del password_file  # the device knows it
        self.terminal = Terminal(
            device,
            privileged=device.settings.privileged and not device.faults.enable,
            tell=tell or (lambda _: None),
        )
        self._device = device
        self._line = ""
        self._swallow_newline = False
        self._unseen: deque[str] = deque()  # lines of an answer that wait for a key
        self._configured = 0
        self._printed = 0

    def receive(self, text: str) -> str:
        """What the device sends back for `text`. Raises :class:`HangError`, :class:`CutError` or :class:`RebootError`
        when a fault says so."""
        if self._swallow_newline and text.startswith("\n"):
            text = text[1:]
        self._swallow_newline = text.endswith("\r")
        answer = []
        pieces = deque(_KEYS.split(text))
        try:
            while pieces and not self.terminal.closed:
                piece = pieces.popleft()
                if piece and (self._unseen or (self.terminal.question and self.terminal.question.key)):
                    key, rest = (piece, "") if piece in {"\r\n", "\n", "\r"} else (piece[0], piece[1:])
                    if rest:
                        pieces.appendleft(rest)
                    answer.append(self._turn(key) if self._unseen else self._key(key))
                else:
                    answer.append(self._piece(piece))
        finally:
            try:
                self._device.plane.flush()
            except LabError:
                log.exception("%s: the bridge refused a change", self._device.settings.name)
        return "".join(answer)

    def _piece(self, piece: str) -> str:
        terminal = self.terminal
        match piece:
            case "\r\n" | "\r" | "\n":
                line, self._line = self._line, ""
                return "\r\n" + self._shown(self._answer(line))
            case "\x03" | "\x1a":
                self._line = ""
                terminal.question = None
                if terminal.mode.startswith("config"):
                    terminal.enter("exec")
                return f"^{'C' if piece == chr(3) else 'Z'}\r\n{terminal.prompt}"
            case "\x08" | "\x7f":
                shown, self._line = ("\b \b" if self._line else ""), self._line[:-1]
                return shown
            case "?":  # help at once, and the question mark is never part of the line
                return f"?\r\n% Unrecognized command\r\n{terminal.prompt}{self._line}"
        self._line += piece
        return "" if terminal.question is not None and not terminal.question.echo else piece

    def _key(self, key: str) -> str:
        answer = self.terminal.type("" if key in {"\r\n", "\n", "\r"} else key)
        return "\r\n" + self._shown(_printable(answer))

    # -- paging

    def _shown(self, text: str) -> str:
        """`text` and the prompt, or as much of it as fits a page."""
        faults = self._device.faults
        length = _PAGE if faults.paging else self.terminal.length
        lines = text.split("\r\n")
        if length == 0 or len(lines) <= length or self.terminal.question is not None:
            return text + self._prompt()
        self._unseen = deque(lines[length - 1 :])
        return "\r\n".join(lines[: length - 1]) + "\r\n" + _MORE

    def _turn(self, key: str) -> str:
        """A key in front of ``--More--``: a page, a line, or enough."""
        if key == " ":
            count = (self.terminal.length or _PAGE) - 1
        elif key in {"\r\n", "\n", "\r"}:
            count = 1
        else:
            self._unseen.clear()
            return _ERASED + self._prompt()
        page = [self._unseen.popleft() for _ in range(min(count, len(self._unseen)))]
        if self._unseen:
            return _ERASED + "\r\n".join(page) + "\r\n" + _MORE
        return _ERASED + "\r\n".join(page) + self._prompt()

    def _prompt(self) -> str:
        return "" if self.terminal.closed else self.terminal.prompt

    # -- lines

    def _answer(self, line: str) -> str:
        terminal, faults = self.terminal, self._device.faults
        if terminal.question is not None:
            return _printable(terminal.type(line))
        self._cut(faults)
        verdict = faults.verdict(line)
        match verdict:
            case "hang":
                raise HangError
            case "reboot":
                raise RebootError
            case "drop":
                terminal.closed = True
                return ""
            case "reject":
                answer = f"{' ' * len(terminal.prompt)}^\n% Invalid input detected at '^' marker.\n"
            case "ignore":
                answer = ""
            case _:
                answer = terminal.type(line)
        if faults.chatter:
            answer += f"\n{_chatter()}"
        return _printable(self._interrupted(answer, faults.interrupt))

    def _cut(self, faults: Faults) -> None:
        if not faults.cut_after:
            self._device.cuts = 0
        elif self.terminal.mode.startswith("config"):
            self._configured += 1
            spent = faults.cut_sessions and self._device.cuts >= faults.cut_sessions
            if self._configured > faults.cut_after and not spent:
                self._device.cuts += 1
                raise CutError

    def _interrupted(self, answer: str, every: int) -> str:
        if not every or not answer:
            return answer
        lines = []
        for line in answer.split("\n"):
            self._printed += 1
            if self._printed % every == 0:
                middle = len(line) // 2
                line = f"{line[:middle]}\n{_chatter()}\n{line[middle:]}"  # noqa: PLW2901 # what is printed instead
            lines.append(line)
        return "\n".join(lines)


def _chatter() -> str:
    return f"{log_stamp()}: %LINK-3-UPDOWN: Interface GigabitEthernet1/0/24, changed state to down"


def _printable(answer: str) -> str:
    if not answer:
        return ""
    return answer.strip("\n" if answer.startswith("%") else "").replace("\n", "\r\n") + "\r\n"
