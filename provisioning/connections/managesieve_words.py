"""The words of ManageSieve (RFC 5804, 4): atoms, numbers, quoted strings, literals, and codes in parentheses. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_QUOTED = re.compile(rb'"((?:[^"\\\r\n\x00]|\\["\\])*)"')
_LITERAL = re.compile(rb"\{([0-9]{1,9})\+?\}\r\n")
_ATOM = re.compile(rb'[^\s"(){}]+')


@dataclass(frozen=True)
class Word:
    """One word of an answer; `is_string` for quoted strings and literals."""

    text: str
    is_string: bool
    in_code: bool = False


@dataclass(frozen=True)
class Answer:
    """A whole answer: OK, NO or BYE with its code (``NONEXISTENT``, empty for none) and words, and the lines before."""

    verdict: str
    code: str
    said: str
    lines: tuple[tuple[Word, ...], ...]


def words(line: bytes) -> tuple[Word, ...]:
    """The words of one line (with its literals). Raises :class:`ValueError` for what is none."""
    found, at, depth = [], 0, 0
    while at < len(line):
        rest = line[at : at + 1]
        if rest in b" \r\n":
            at += 1
        elif rest in b"()":
            depth += 1 if rest == b"(" else -1
            at += 1
        elif (match := _QUOTED.match(line, at)) is not None:
            found.append(Word(_text(re.sub(rb"\\(.)", rb"\1", match[1])), True, depth > 0))
            at = match.end()
        elif (match := _LITERAL.match(line, at)) is not None:
            at = match.end() + int(match[1])
            found.append(Word(_text(line[match.end() : at]), True, depth > 0))
        elif (match := _ATOM.match(line, at)) is not None:
            found.append(Word(_text(match[0]), False, depth > 0))
            at = match.end()
        else:
            raise ValueError(f"{line[at : at + 20]!r} is no word of it")
    return tuple(found)


def first_code(rest: Sequence[Word]) -> str:
    """``QUOTA/MAXSIZE`` of ``NO (QUOTA/MAXSIZE) "…"``."""
    return next((word.text.upper() for word in rest if word.in_code and not word.is_string), "")


def quoted(text: str) -> str:
    """A quoted string. Raises :class:`ValueError` for what one cannot hold."""
    if any(char in text for char in "\r\n\0") or len(text.encode("utf-8")) > 1024:
        raise ValueError("a quoted string holds no line breaks and at most 1,024 octets")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def synchronous(octets: bytes) -> str:
    """The announcement of a literal that follows at once."""
    return f"{{{len(octets)}+}}"


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")
