"""What a switch answered a moment ago, for the length of one batch of changes.

A batch asks for the same things at several places: the ports as they are (has anything moved since the plan?), the
whole configuration (for the archive), who is behind the ports (what must be left alone), the ports as they have become.
On a slow line every question costs a round trip. So the first one of a batch brings all the others along, and the
saving at its end brings the last look. Nothing is remembered longer than that: what was sent makes all former answers
worthless, and so does a pause.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from provisioning.connections.terminal import Answer

__all__ = ["FRESH", "Ahead"]

FRESH = 3.0
"""Seconds for which an answer stands. A stack takes longer to print its configuration: what it printed first is older
than that when its last line comes."""


class Ahead:
    """`questions` will be asked before anything is sent, `again` when all is saved."""

    def __init__(self, questions: Sequence[str], again: Sequence[str]) -> None:
        self.again = again
        self._questions = questions
        self._known: dict[str, Answer] = {}
        self._until = 0.0

    def answers(self, commands: Sequence[str], ask: Callable[[Sequence[str]], Sequence[Answer]]) -> list[Answer]:
        """An answer for each of `commands`; `ask` is used for what is not known."""
        if time.monotonic() > self._until:
            self._known.clear()
        if any(command not in self._known for command in commands):
            wanted = [one for one in dict.fromkeys((*commands, *self._questions)) if one not in self._known]
            self.learn(ask(wanted))
            self._questions = ()
        return [self._known[command] for command in commands]

    def learn(self, answers: Sequence[Answer]) -> None:
        """These came just now."""
        if not self._known:
            self._until = time.monotonic() + FRESH
        self._known |= {answer.line: answer for answer in answers}

    def forget(self) -> None:
        """Something is sent: whatever was asked for is asked again."""
        self._known.clear()
        self._questions = ()
