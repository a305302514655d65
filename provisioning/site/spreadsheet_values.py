"""Cells as spreadsheet programs rewrite them: days, yes and no, whole numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Literal

DayOrder = Literal["day-first", "month-first"]

_DAY = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(.*)", re.DOTALL)
_YEAR_FIRST = re.compile(r"(\d{4})[./](\d{1,2})[./](\d{1,2})\.?(.*)", re.DOTALL)
_SHORT = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2}(\s.*)?", re.DOTALL)
_TIME = re.compile(r"[T ]+(\d{1,2}):(\d{2})(:\d{2})?(?:[.,]0+)?")
_WHOLE = re.compile(r"([0-9]+)[.,]0+")
_GROUPED = re.compile(r"[0-9]{1,3}([\u00a0\u202f ][0-9]{3})+([.,]0+)?")

_TRUE = frozenset({"true", "vrai", "wahr", "vero", "verdadero", "verdadeiro", "waar", "sand", "sant", "истина"})
_FALSE = frozenset({"false", "faux", "falsch", "falso", "onwaar", "falsk", "falskt", "ложь"})
"""What Excel makes of true and false when it saves a table (English, French, German, Italian, Spanish, Portuguese,
Dutch, Danish, Swedish, Russian)."""


def day_order(texts: Iterable[str], setting: DayOrder | None) -> DayOrder | None:
    """In which order a column has day and month: as the site says, else as those of its days tell of which only one
    reading exists. ``None``: nothing tells."""
    if setting is not None:
        return setting
    found: set[DayOrder] = set()
    for text in texts:
        if (match := _DAY.fullmatch(text)) and match[2] != ".":
            if int(match[1]) > 12:
                found.add("day-first")
            elif int(match[3]) > 12:
                found.add("month-first")
    return found.pop() if len(found) == 1 else None


def iso_time(text: str, order: DayOrder | None) -> str:
    """A day as ISO 8601, with the time behind it if there is one that is not midnight. ``04.01.2027`` is 4 January in
    every country that writes dots; with strokes and dashes `order` decides. What is no such day is left as it is.

    Raises ValueError with a sentence for a day that may be two, or none.
    """
    if _SHORT.fullmatch(text):
        raise ValueError("give the year with four digits, such as 2027-01-04")
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day, rest = match.groups()
        return _iso(text, int(year), int(month), int(day), rest)
    if (match := _DAY.fullmatch(text)) is None:
        return text
    first, sign, second, year, rest = match.groups()
    one, two = int(first), int(second)
    order = "day-first" if sign == "." else order
    if order is None and one <= 12 and two <= 12 and one != two:
        months = [_month(year, one, two), _month(year, two, one)]
        raise ValueError(
            f"may be {' or '.join(filter(None, months))}; write it as 2027-01-04, or say in the site which comes first "
            "(spreadsheets: dates: day-first or month-first)"
        )
    if order is None:
        order = "day-first" if one > 12 else "month-first"
    day, month = (one, two) if order == "day-first" else (two, one)
    return _iso(text, int(year), month, day, rest)


def _month(year: str, day: int, month: int) -> str:
    return date(int(year), month, day).strftime("%Y-%m-%d") if day <= 28 else ""


def _iso(text: str, year: int, month: int, day: int, rest: str) -> str:
    try:
        iso = date(year, month, day).isoformat()
    except ValueError as exc:
        raise ValueError(f"there is no such day ({exc}); write it as 2027-01-04") from exc
    if not rest.strip():
        return iso
    time = _TIME.fullmatch(rest)
    if time is None:
        return text
    hour, minute = int(time[1]), time[2]
    return iso if (hour, minute) == (0, "00") else f"{iso}T{hour:02}:{minute}"


def truth(text: str) -> str:
    """``true`` or ``false`` for what Excel makes of them; anything else as it is."""
    word = text.casefold()
    return "true" if word in _TRUE else "false" if word in _FALSE else text


def whole(text: str) -> str:
    """A whole number without the decimals (``1042,00``) and the spaces (``1 042``) of a cell's number format; anything
    else as it is."""
    if _GROUPED.fullmatch(text):
        text = re.sub(r"[\u00a0\u202f ]", "", text)
    match = _WHOLE.fullmatch(text)
    return match[1] if match else text
