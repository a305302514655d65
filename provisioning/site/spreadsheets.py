"""Tables as spreadsheet programs save them: which bytes are which letters, what separates the cells, how a heading is
spelt.

Excel writes CSV as the computer's language has it: in Paris and Berlin with semicolons and as Windows-1252, in London
with commas; ``CSV UTF-8`` puts a byte order mark in front; ``Unicode Text`` is UTF-16 with tabs.
"""

from __future__ import annotations

import codecs
import csv
import io
import logging
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from provisioning.errors import SiteError

_log = logging.getLogger(__name__)

WESTERN = "windows-1252"
"""What Excel in Western Europe and America means by CSV."""

DELIMITERS = "\t;,"
"""The likelier of two that fit as well comes first: a heading may hold a comma."""

_SAVE_AS = "in Excel choose 'CSV UTF-8' when saving"
_LETTERS = frozenset("àâäáãåæçèéêëìíîïñòóôöõøœùúûüÿßÀÂÄÁÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖÕØŒÙÚÛÜŸªº")
_INSIDE_WORDS = frozenset("’·–—…\u00a0\u00ad")
_BEFORE_WORDS = frozenset("“‘„‚«‹")
_BESIDE_WORDS = frozenset("”»›°§€™®©²³½¼¾±×") | _BEFORE_WORDS | _INSIDE_WORDS
_WORD = re.compile(r"[^\W\d_]+")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_SHOWN = 3


@dataclass(frozen=True)
class Sheet:
    """The text of a table. `guessed`: nothing but its letters says that it is in `encoding`."""

    text: str
    encoding: str
    guessed: bool = False

    @cached_property
    def samples(self) -> tuple[str, ...]:
        """A few of the words that would look wrong if the encoding were."""
        words = (match[0] for match in _WORD.finditer(self.text) if not match[0].isascii())
        return tuple(list(dict.fromkeys(words))[:_SHOWN])


@dataclass(frozen=True)
class SheetRow:
    """One row. `number` is what a spreadsheet shows, `line` where it begins in the file (a quoted cell may hold line
    breaks)."""

    number: int
    line: int
    cells: tuple[str, ...]

    @property
    def is_comment(self) -> bool:
        """Whether it holds nothing, or begins with ``#``."""
        return not any(self.cells) or self.cells[0].startswith("#")


# ---------------------------------------------------------------------------------------------------- bytes to text


def sheet_text(raw: bytes, shown: str, encoding: str | None = None) -> Sheet:
    """`raw` as text: by its byte order mark, as UTF-8, as the site's `encoding`, or, where only Western European
    letters come of it, as Windows-1252.

    That last one is a guess, and it is logged. What could as well be Greek, Russian or Czech is refused:
    raises :class:`SiteError` with file, line, column and what to do.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _certain(raw, shown, "utf-16")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        if encoding is not None:
            return _certain(raw, shown, encoding)
        return _western(raw, shown, exc.start)
    if (nul := text.find("\0")) >= 0:  # UTF-16 without its mark, or no text at all
        raise _unreadable(shown, text, nul, f"holds the character U+0000, so it is not UTF-8 text; {_SAVE_AS}")
    return Sheet(text, "utf-8-sig" if raw.startswith(codecs.BOM_UTF8) else "utf-8")


def _certain(raw: bytes, shown: str, encoding: str) -> Sheet:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as exc:
        read = raw[: exc.start].decode(encoding, "replace")
        said = "not UTF-8 text" if encoding == "utf-8" else f"not UTF-8 text, nor {encoding}"
        raise _unreadable(shown, read, len(read), f"{said}; {_SAVE_AS}") from exc
    if (nul := text.find("\0")) >= 0:
        raise _unreadable(shown, text, nul, f"holds the character U+0000, so it is not {encoding} text; {_SAVE_AS}")
    return Sheet(text, encoding)


def _western(raw: bytes, shown: str, first: int) -> Sheet:
    """A guess, taken only where a wrong one would show."""
    advice = f"{_SAVE_AS}, or name what it is in the site (spreadsheets: encoding: windows-1251)"
    try:
        text = raw.decode(WESTERN)
    except UnicodeDecodeError as exc:
        read = raw[: exc.start].decode(WESTERN, "replace")
        raise _unreadable(shown, read, len(read), f"not UTF-8 text, nor Windows-1252; {advice}") from exc
    if "\0" in text:
        raise _unreadable(shown, text, text.find("\0"), f"not UTF-8 text; {_SAVE_AS}")
    if (strange := _not_western(text)) is not None:
        said = f"not UTF-8 text, and what it is cannot be told for certain; {advice}"
        raise _unreadable(shown, text, min(strange, first), said)
    sheet = Sheet(text, WESTERN, guessed=True)
    _log.warning(
        "%s is not UTF-8; read as Windows-1252 (Western Europe), which gives %s. If that is wrong, %s",
        shown, ", ".join(sheet.samples) or "no letters", _SAVE_AS,
    )  # fmt: skip
    return sheet


def _not_western(text: str) -> int | None:
    """Where Windows-1252 is not believable. Cyrillic and Greek make words of accented letters only, Polish puts signs,
    and a Macintosh capital letters, into the middle of words."""
    for match in _WORD.finditer(text):
        word = match[0]
        if len(word) > 2 and not any(char.isascii() for char in word):
            return match.start()
        for before, char in pairwise(word):
            if not char.isascii() and char.isupper() and before.islower():
                return match.start()
    for i, char in enumerate(text):
        if char.isascii() or char in _LETTERS:
            continue
        after_letter, before_letter = text[max(i - 1, 0) : i].isalpha(), text[i + 1 : i + 2].isalpha()
        wrong = after_letter and (char in _BEFORE_WORDS or (before_letter and char not in _INSIDE_WORDS))
        if wrong or char not in _BESIDE_WORDS:
            return i
    return None


def _unreadable(shown: str, text: str, at: int, why: str) -> SiteError:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return SiteError(f"{shown}:{line}: column {column}: {why}")


# ---------------------------------------------------------------------------------------------------- text to rows


def folded(heading: str) -> str:
    """A heading without what people spell differently (case, accents, spaces): ``Given name`` → ``given_name``."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", heading) if not unicodedata.combining(c))
    return "_".join(re.findall(r"[^\W_]+", plain.casefold()))


def sheet_rows(text: str, shown: str, known: Collection[str]) -> tuple[str, Iterator[SheetRow]]:
    """The delimiter and the rows, the header first; rows above it that are empty or comments are left out, and so is
    Excel's ``sep=`` line. `known` are headings (folded) that tell the right delimiter from a wrong one.

    Raises :class:`SiteError` for an empty table; iterating raises it for an unpaired quote.
    """
    lines = list(io.StringIO(text, newline=""))
    said, begin = None, 0
    while begin < len(lines) and (
        not lines[begin].strip(" ,;\t\r\n") or lines[begin].lstrip('" ').startswith("#") or _separator(lines[begin])
    ):
        said = _separator(lines[begin]) or said
        begin += 1
    if begin == len(lines):
        raise SiteError(f"{shown}:1: the table is empty; its first line must name the columns")
    table = "".join(lines[begin:])
    fits = {one: _fits(table, one, known) for one in DELIMITERS}
    delimiter = said or max(fits, key=lambda one: (fits[one], fits[one][1] > 1 or one == ","))
    return delimiter, _rows(table, shown, delimiter, begin)


def _separator(line: str) -> str | None:
    match = _SEPARATOR_LINE.fullmatch(line)
    return match[1] if match else None


def _fits(table: str, delimiter: str, known: Collection[str]) -> tuple[int, int]:
    try:
        header = next(csv.reader(io.StringIO(table, newline=""), delimiter=delimiter), [])
    except csv.Error:
        return 0, 0
    return sum(folded(name) in known for name in header), len(header)


def _rows(table: str, shown: str, delimiter: str, begin: int) -> Iterator[SheetRow]:
    reader = csv.reader(io.StringIO(table, newline=""), delimiter=delimiter, strict=True)
    line = begin + 1
    try:
        for number, cells in enumerate(reader, begin + 1):
            yield SheetRow(number, line, tuple(cell.strip() for cell in cells))
            line = begin + reader.line_num + 1
    except csv.Error as exc:
        raise SiteError(f"{shown}:{line}: this row is not valid CSV: {exc}; look for an unpaired double quote") from exc
