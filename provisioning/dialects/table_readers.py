"""TextFSM templates at work: they do not give up, and each is made once.

Source: the TextFSM project (https://github.com/google/textfsm/wiki/TextFSM).
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import textfsm

__all__ = ["Reader", "reader_of"]


class Reader:
    """A template. It takes longer to make than to use, and keeps what it reads, so that one thread at a time uses it
    (they would compute one after the other anyway)."""

    def __init__(self, template: str) -> None:
        self._template = _Template(io.StringIO(template))
        self._turn = threading.Lock()
        self.columns = frozenset(name.lower() for name in self._template.header)

    def read(self, lines: Sequence[tuple[str, bool]]) -> tuple[list[dict[str, Any]], list[str]]:
        """See :meth:`_Template.read`."""
        with self._turn:
            return self._template.read(lines)


_making = threading.Lock()


def reader_of(template: str) -> Reader:
    """The reader of a template. Raises :class:`textfsm.TextFSMTemplateError`."""
    with _making:  # threads that want it at once do not all make it
        return _made(template)


_made = cache(Reader)


class _Template(textfsm.TextFSM):  # type: ignore[misc] # textfsm has no types
    """A template that does not give up: lines that it calls an error are put aside, and reading goes on behind them."""

    def read(self, lines: Sequence[tuple[str, bool]]) -> tuple[list[dict[str, Any]], list[str]]:
        """Records by column name in lower case, and the lines put aside. A line that a log message broke is put
        together again: when its pieces do not both make sense alone."""
        self.Reset()
        unknown: list[str] = []
        rest = list(reversed(lines))
        longest = max((len(line) for line, _ in rest), default=0)
        while rest and self._cur_state_name not in {"End", "EOF"}:
            line, broken = rest.pop()
            if broken and rest and self._is_broken(line, rest[-1][0], longest):
                following, broken = rest.pop()
                rest.append((line + following, broken))
                continue
            try:
                self._CheckLine(line)
            except textfsm.TextFSMError:
                unknown.append(line.strip())
        if self._cur_state_name != "End" and "EOF" not in self.states:
            self._AppendRecord()
        names = [name.lower() for name in self.header]
        return [dict(zip(names, record, strict=True)) for record in self._result], unknown

    def _is_broken(self, line: str, following: str, longest: int) -> bool:
        """Whether a log message came in the middle of a line and not between two: then the whole makes sense, and not
        both pieces do. Where a template passes over much (it has no Error), only the first piece counts."""
        if len(line + following) > 1.2 * longest or not self._fits(self._cur_state, line + following)[0]:
            return False
        here, then = self._fits(self._cur_state, line)
        strict = any(rule.line_op == "Error" for rule in then)
        return not here or (strict and not self._fits(then, following)[0])

    def _fits(self, state: list[Any], line: str) -> tuple[bool, list[Any]]:
        """Whether a rule of `state` knows the line, and the state behind it."""
        known = False
        for rule in state:
            if rule.regex_obj.match(line):
                if rule.line_op == "Error":
                    return False, state
                known = True
                if rule.line_op != "Continue":
                    return True, self.states.get(rule.new_state or self._cur_state_name, state)
        return known, state
