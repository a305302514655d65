"""Matching a typed line against command rules as IOS does: abbreviations, carets at the right column."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

Parameter = Callable[[str], Any]
"""Reads one word; raises :class:`ValueError` with the offset of the first bad character as its argument."""


@dataclass(frozen=True)
class Rule:
    """A command: its words (literal, or ``<parameter>``; ``<line>`` takes the rest) and what runs when it is
    typed."""

    words: tuple[str, ...]
    run: Callable[..., str]


@dataclass(frozen=True)
class Fault:
    """Why a line matches no rule. `offset` is the column of the offending word in the line, for the caret."""

    kind: str
    offset: int = 0

    def text(self, prompt: str, line: str) -> str:
        """What the device prints."""
        if self.kind == "ambiguous":
            return f'% Ambiguous command:  "{line.strip()}"'
        if self.kind == "incomplete":
            return "% Incomplete command."
        return f"{' ' * (len(prompt) + self.offset)}^\n% Invalid input detected at '^' marker."


@dataclass(frozen=True)
class Match:
    """The rule that a line means, and the values of its parameters."""

    rule: Rule
    values: tuple[Any, ...]


class Rules(tuple[Rule, ...]):
    """Rules that are found by their first word."""

    _found: dict[str, tuple[Rule, ...]]

    def beginning_with(self, word: str) -> tuple[Rule, ...]:
        """The rules that a first word may mean; all of them if it means none."""
        if not hasattr(self, "_found"):
            self._found = {}
        if word not in self._found:
            found = tuple(rule for rule in self if rule.words[0].startswith(word))
            if not found:
                return self
            self._found[word] = found
        return self._found[word]


def rules(table: Sequence[tuple[str, Callable[..., str]]]) -> Rules:
    """Rules from ``("show vlan brief", function)`` pairs."""
    return Rules(Rule(_words(text), run) for text, run in table)


@cache
def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())  # every terminal makes the same tables


def match(table: Sequence[Rule], line: str, parameters: dict[str, Parameter]) -> Match | Fault:
    """The one rule that `line` means."""
    words = [(found.start(), found[0]) for found in re.finditer(r"\S+", line)]
    known = table.beginning_with(words[0][1].lower()) if words and isinstance(table, Rules) else table
    alive: list[tuple[Rule, tuple[Any, ...]]] = [(rule, ()) for rule in known]
    for index, (offset, word) in enumerate(words):
        typed = word.lower()
        literal = [one for one in alive if len(words_of := one[0].words) > index and words_of[index].startswith(typed)]
        if len(literal) > 1:
            literal = [one for one in literal if one[0].words[index] == typed] or literal
        if len(literal) > 1 and len({rule.words[index] for rule, _ in literal}) > 1:
            return Fault("ambiguous")
        if literal:
            alive = literal
            continue
        taken, furthest = [], 0
        for rule, values in alive:
            if len(rule.words) <= index:
                continue
            if rule.words[index] == "<line>":
                return Match(rule, (*values, line[offset:].rstrip()))
            if rule.words[index].startswith("<"):
                try:
                    taken.append((rule, (*values, parameters[rule.words[index]](word))))
                except ValueError as exc:
                    furthest = max(furthest, exc.args[0] if exc.args and isinstance(exc.args[0], int) else 0)
        if not taken:
            return Fault("invalid", offset + furthest)
        alive = taken
    complete = [(rule, values) for rule, values in alive if len(rule.words) == len(words)]
    return Match(*complete[0]) if complete else Fault("incomplete")
