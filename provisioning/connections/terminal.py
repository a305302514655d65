"""Talking to a device that prompts: many lines in one write, the answer to each of them, and the end of it all.

What is sent is ended by a comment of our own; the prompt behind its echo is the end of the answer. So a device needs no
pause between two lines, and one exchange takes one round trip, however many lines it has.
"""

from __future__ import annotations

import re
import secrets as randomness
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any, TypeVar

from provisioning.connections.control_sequences import PlainText
from provisioning.dialects.manner import Manner
from provisioning.errors import UnreachableError

__all__ = ["Answer", "Terminal"]

_T = TypeVar("_T")

_WHOLE = 900.0  # seconds: a line of 9,600 baud takes 100 s for the configuration of a large switch
_IDLE = 3.0  # seconds: nobody types, and the device has nothing to say
_MORE = 0.2  # seconds in which the rest of a banner comes
_LONGEST = 250  # characters of a prompt
_FIRST = "its prompt"
_NEVER = re.compile(r"(?!)")
_ROW_END = re.compile(r"[\r\n]")
_ERASED = re.compile(r"[\b]+ *[\b]*|\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Answer:
    """What came back for one line. `refusal` holds the device's words if it refused the line."""

    line: str
    text: str
    refusal: str = ""


def _row_end(text: str, at: int) -> int:
    """Where the row that goes on at `at` ends."""
    found = _ROW_END.search(text, at)
    return len(text) if found is None else found.start()


class _PagingError(Exception):
    """The device pages although it was told not to; `output` is what came before the pause."""

    def __init__(self, output: str) -> None:
        super().__init__("the device pages")
        self.output = output


class Terminal:
    """One session with prompts on an open channel. `where` is said in errors; `patience` are the seconds of silence
    that the device may take; `first` are lines that are typed ahead of the first exchange, in the same write;
    `answered` is what had come when the session was lost."""

    def __init__(self, channel: Any, manner: Manner, target: str, where: str) -> None:
        self.patience = 30.0
        self.first: Sequence[str] = ()
        self.answered: Sequence[Answer] = ()
        self._channel = channel
        self._manner = manner
        self._target = target
        self._where = where
        self._pending = ""
        self._plain = PlainText()
        self._is_sure = False  # whether `_host` was seen in front of an echo of ours
        self._host = ""
        self._compiled: tuple[str, re.Pattern[str]] | None = None
        self._pages = False

    @property
    def closed(self) -> bool:
        """Whether the device (or the network) ended the session."""
        return bool(self._channel.closed)

    def begin(self) -> str:
        """Wait for the first prompt and say its mark (``>``: not privileged)."""
        greeting = (self._manner.greeting or _NEVER).pattern
        first = self._read(re.compile(f"(?P<greeting>{greeting})|{self._manner.first_prompt.pattern}"), _FIRST)
        if first["greeting"]:
            self._write("\n")
            first = self._read(self._manner.first_prompt, _FIRST)
        if first["mark"] not in self._manner.privileged:
            first = self._unless_banner(first)
        self._host = first["host"][: self._manner.longest_host]
        return str(first["mark"])

    def _unless_banner(self, seen: re.Match[str]) -> re.Match[str]:
        """A line of a banner may end as a prompt does, where a packet ends: the device has more to say then."""
        self._pending = seen.string
        self._channel.settimeout(_MORE)
        try:
            self._receive(_FIRST)
        except TimeoutError:
            return seen
        return self._read(self._manner.first_prompt, _FIRST)

    def enable(self, password: str) -> bool:
        """Ask for privileged mode; whether it was given. One password is tried once."""
        self._write(self._manner.enable + "\n")
        after = r"[\r\n](?:(?P<password>[Pp]assword: ?)|" + self._prompt + ")$"
        asked = self._read(re.compile(r"(?P<password>[Pp]assword: ?$)|[\r\n]" + self._prompt + "$"), "enable")
        if asked["password"]:
            self._write(password + "\n")
            asked = self._read(re.compile(after), "enable")
            if asked["password"]:  # IOS asks three times: the others get nothing, the account would be locked
                self._write("\n")
                asked = self._read(re.compile(after), "enable")
                if asked["password"]:
                    self._write("\n")
                    asked = self._read(re.compile(after), "enable")
        return asked[0].rstrip()[-1:] in self._manner.privileged

    def exchange(self, lines: Sequence[str], what: str, shows: int = 0) -> list[Answer]:
        """Type `lines`, all in one write, and say what the device answered to each. Raises
        :class:`UnreachableError` when the session is lost; nothing is known of what the device did then.

        The last `shows` of them only show something. Text of strangers may be in what they show (the name that a
        neighbour gives itself) and may look like an echo of ours: comments that nobody can foresee keep them apart.
        """
        first, self.first = self.first, ()
        begin = len(lines) - shows
        try:
            answers = self._exchange([*first, *lines[:begin]], lines[begin:], what)
        except UnreachableError:
            self.answered = self.answered[len(first) :]
            raise
        return answers[len(first) :]

    def _exchange(self, lines: Sequence[str], shows: Sequence[str], what: str) -> list[Answer]:
        asks = self._manner.question is not None and any(line in self._manner.save for line in lines)
        if self._pages or asks:  # a device that asks takes what is typed ahead for the answer
            return [self._one(line, what) for line in (*lines, *shows)]
        marks = [self._comment() for _ in shows[:-1]]
        whole = [*lines, *(line for pair in zip_longest(shows, marks) for line in pair if line is not None)]
        try:
            output = self._typed_ahead(whole, what)
        except _PagingError as paging:
            self._pages = True
            return self._again([*lines, *shows], paging.output, what)
        except UnreachableError:
            self.answered = self._answers(whole, self._pending.replace("\r", ""), marks)
            raise
        answers = self._answers(whole, output, marks)
        if any(mark not in output for mark in marks):  # a log message broke one: each by itself, nothing is changed
            known = answers[: len(lines)]
            return [*known, *(answer for line in shows for answer in self._exchange([], [line], what))]
        return [answer for answer in answers if answer.line not in marks]

    # -- one write -------------------------------------------------------------------------------------------

    @property
    def _prompt(self) -> str:
        return self._manner.prompt.replace("{host}", re.escape(self._host))

    @property
    def _prompts(self) -> re.Pattern[str]:
        """The expression for a prompt. The only one that is different for every device, so that little is compiled."""
        if self._compiled is None or self._compiled[0] != self._host:
            self._compiled = self._host, re.compile(self._prompt)
        return self._compiled[1]

    def _typed_ahead(self, lines: Sequence[str], what: str) -> str:
        end = self._comment()
        self._write("\n".join([*lines, end]) + "\n")
        return self._read_to(end, what, pages=True).replace("\r", "")

    def _comment(self) -> str:
        return f"{self._manner.mark}{randomness.token_hex(4)}"

    def _typed_in(self, row: str) -> str | None:
        """What was typed in a row that is an echo: a prompt, and what stands behind it."""
        prompt = self._prompts.match(row) if self._host in row else None
        return None if prompt is None else row[prompt.end() :]

    def _answers(self, lines: Sequence[str], output: str, marks: Collection[str] = ()) -> list[Answer]:
        """The answer to each of `lines`: their echoes are followed in order, and none of `marks` is passed over."""
        texts: list[list[str]] = [[] for _ in lines]
        at = 0  # the echo of the first line may stand behind a prompt that was read before
        rows = output.split("\n")
        # A message of its own accord may come before the echo: it is no answer.
        second = next((i for i, text in enumerate(rows) if self._typed_in(text) is not None), len(rows))
        begun = next((i for i, text in enumerate(rows[:second]) if text.strip() == lines[0].strip()), -1)
        host, here = self._host, texts[at]
        for text in rows[begun + 1 :]:
            if host not in text or (typed := self._typed_in(text)) is None:
                here.append(text)
            else:
                at = self._line_of(lines, typed.strip(), at, marks)
                here = texts[at]
        typed_ahead = {line.strip() for line in lines}
        return [
            Answer(line, "\n".join(said), self._refusal(text for text in said if text.strip() not in typed_ahead))
            for line, said in zip(lines, texts, strict=True)
        ]

    def _line_of(self, lines: Sequence[str], typed: str, at: int, marks: Collection[str]) -> int:
        if at + 1 < len(lines) and lines[at + 1].strip() == typed:
            return at + 1
        last = next((i for i in range(at + 1, len(lines)) if lines[i] in marks), len(lines) - 1)
        found = next((i for i in range(at + 1, last + 1) if lines[i].strip() == typed), None)
        if found is None and typed and at + 1 < len(lines) and lines[at + 1].strip().startswith(typed):
            return at + 1  # a log message broke the echo
        return at if found is None else found

    def _refusal(self, said: Iterable[str]) -> str:
        manner = self._manner
        for line in islice(said, manner.verdict):  # further down it is text of a configuration
            if manner.rejection.match(line) and not manner.harmless.match(line):
                return line.strip()
        return ""

    # -- line by line, for a device that pages ---------------------------------------------------------------

    def _again(self, lines: Sequence[str], output: str, what: str) -> list[Answer]:
        """Leave the pager, which took the beginning of what was typed ahead for its own keys, and ask again from the
        line whose answer was cut. Only what shows something pages, so nothing is changed twice."""
        end = self._comment()
        self._write(f"q\x03\n{end}\n")
        self._read_to(end, what)
        known = self._answers(lines, output)
        cut = max((i for i, answer in enumerate(known) if answer.text), default=0)
        return [*known[:cut], *(self._one(line, what) for line in lines[cut:])]

    def _one(self, line: str, what: str) -> Answer:
        pager, question = self._manner.pager or _NEVER, self._manner.question or _NEVER
        self._write(line + "\n")
        said = ""
        waiting = re.compile(rf"(?:(?P<page>{pager.pattern})|(?P<asks>{question.pattern})|[\r\n]{self._prompt})$")
        while True:
            found = self._read(re.compile(rf"\A[\s\S]*?{waiting.pattern}"), what)
            if found["asks"]:
                said += found[0]
                self._write("y\n")
                continue
            if not found["page"]:
                said += found[0]
                break
            said += found[0][: found.start("page") - found.start()]
            self._write(" ")
        rows = _ERASED.sub("", said.replace("\r", "")).split("\n")
        text = rows[1:-1] if rows and rows[0].strip() == line.strip() else rows[:-1]
        return Answer(line, "\n".join(text), self._refusal(text))

    # -- octets ----------------------------------------------------------------------------------------------

    def _write(self, text: str) -> None:
        self._pending = ""
        self._type(text)

    def _type(self, text: str) -> None:
        try:
            self._channel.settimeout(self.patience)
            self._channel.sendall(text.encode("utf-8"))
        except TimeoutError as exc:
            raise self._lost(f"took no more characters for {self.patience:.0f} s", "look at its console") from exc
        except (OSError, EOFError) as exc:
            raise self._lost("closed the session", "try again; nothing is known of what it did last") from exc

    def _read(self, done: re.Pattern[str], what: str) -> re.Match[str]:
        """Receive until `done` is found."""
        return self._await(lambda: done.search(self._pending), what)

    def _read_to(self, end: str, what: str, *, pages: bool = False) -> str:
        """Receive until the echo of our comment `end` and the prompt behind it, and give what stands before. Should the
        device wait at its prompt without having shown `end`, a log message broke the echo: another one is typed."""
        ends = [end]

        def ended() -> str | None:
            if ends[-1] not in self._pending:
                return None
            self._make_sure(ends[-1])
            return self._before(ends[-1])

        def ask_again() -> None:
            if ends[-1] not in self._pending and re.search(rf"(?:^|[\r\n]){self._prompt}$", self._pending[-_LONGEST:]):
                ends.append(self._comment())
                self._type(f"{ends[-1]}\n")

        return self._await(ended, what, pages=pages, idle=ask_again)

    def _before(self, end: str) -> str | None:
        """What stands before a prompt with `end` typed behind it, if another prompt follows. Texts are looked for, not
        expressions: long outputs come in many pieces, and each brings us here."""
        text, at = self._pending, -1
        while (at := text.find(end, at + 1)) >= 0:
            row = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
            behind = at + len(end)
            if not text[behind : _row_end(text, behind)].strip() and any(
                prompt.end() == at for prompt in self._prompts.finditer(text, row, at)
            ):
                while (behind := _row_end(text, behind)) < len(text):
                    behind += 1
                    if self._prompts.match(text, behind):
                        return text[: max(row - 1, 0)]
        return None

    def _await(
        self,
        found: Callable[[], _T | None],
        what: str,
        *,
        pages: bool = False,
        idle: Callable[[], None] | None = None,
    ) -> _T:
        """Receive until `found` says so. `idle` is called when the device says nothing for a while."""
        pager = re.compile(rf"(?:^|[\r\n]){(self._manner.pager or _NEVER).pattern}")
        looked = 0
        begun = heard = time.monotonic()
        while True:
            # Anywhere at the beginning of a line: a key that was typed ahead may have ended the pager. Before anything
            # else: what follows that key comes at once, so the end may be there as well.
            if pages and (paged := pager.search(self._pending, max(0, looked - 200))):
                raise _PagingError(self._pending[: paged.start()].replace("\r", ""))
            if (match := found()) is not None:
                self._pending = ""
                return match
            looked = len(self._pending)
            remaining = min(heard + self.patience, begun + _WHOLE) - time.monotonic()
            if remaining <= 0:
                silent = f"did not finish its answer ({what}) in {self.patience:.0f} s"
                raise self._lost(silent, "look at its console")
            self._channel.settimeout(remaining if idle is None else min(remaining, _IDLE))
            try:
                self._receive(what)
            except TimeoutError:
                if idle is not None:
                    idle()
            else:
                heard = time.monotonic()

    def _receive(self, what: str) -> None:
        """Raises :class:`TimeoutError` when nothing comes."""
        try:
            received = self._channel.recv(65536)
        except TimeoutError:
            raise
        except (OSError, EOFError) as exc:
            raise self._lost(f"closed the session during {what}", "try again") from exc
        if not received:
            words = next((line for line in reversed(self._pending.split("\n")) if line.strip()), "").strip()
            told = f" ({words[:80]!r})" if what == _FIRST and words.isprintable() and words else ""
            raise self._lost(f"closed the session during {what}{told}", "try again")
        self._pending += self._plain.of(received)

    def _make_sure(self, end: str) -> None:
        """What stands in front of our own comment is the prompt, whatever a banner looked like."""
        if self._is_sure:
            return
        at = self._pending.index(end)
        prompt = self._manner.first_prompt.search(self._pending[max(0, at - _LONGEST) : at])
        if prompt is not None:
            self._host, self._is_sure = prompt["host"][: self._manner.longest_host], True

    def _lost(self, what: str, then: str) -> UnreachableError:
        return UnreachableError(self._target, f"the switch at {self._where} {what}; {then}")
