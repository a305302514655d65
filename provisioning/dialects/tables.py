"""``show`` commands whose output is a table, and how it becomes rows: TextFSM templates, never expressions of our own.

A :class:`Table` names the command, a template (one of ntc-templates, or one written in the dialect's file where that
collection has none), and which of the template's columns is which of ours. Columns of ours that mean the same for
every family are brought into one form here:

========== ====================================================================================================
``mac``    ``02:00:5e:10:00:42``
``chassis``  the same, where it is a MAC address
``speed``  Mbit/s in digits, empty when it is negotiated or unknown
``duplex`` ``full``, ``half`` or empty
========== ====================================================================================================

Sources: the TextFSM and ntc-templates projects (a template belongs to PLATFORM_COMMAND); the forms of log messages are
those of RFC 3164/5424 and of the families' system message guides.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, NamedTuple

import textfsm
from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from provisioning.dialects.form import Form
from provisioning.dialects.table_readers import reader_of

__all__ = ["NtcTemplate", "Reading", "Table", "mac_address", "without_log_lines"]

_LOGGER = logging.getLogger(__name__)
_LONGEST = 600  # characters of a line that are looked at: templates take long for very long ones
_NAME = r"%{1,2}(?:[A-Z0-9_]+-(?:[A-Z0-9_]+-)?[0-7]-[A-Z0-9_]+|\d\d[A-Z0-9_]+/[0-7]/[A-Z0-9_]+|[A-Z0-9]+_[A-Z0-9_]+)\b"
_LOG = (
    # 000123: %LINK-3-UPDOWN: …   1w2d: %LINK-3-UPDOWN: …
    re.compile(rf"\s*(?:\S{{1,20}}:\s+){{0,3}}{_NAME}"),
    # *Nov 23 05:24:06.123: %LINK-…   2026 Nov 23 05:24:06 sw %ETHPORT-…   <189>Nov 23 2026 05:24:06 sw %%01IFNET/4/…
    re.compile(
        r"\s*(?:<\d{1,3}>\d?\s*)?(?:\S{1,20}:\s+){0,2}[*.#]?(?:[A-Z][a-z]{2}\s+\d|\d{4}(?:-\d|\s+[A-Z]))[^%|]{0,40}?"
        rf"\d\d:\d\d.{{0,80}}?(?:{_NAME}|Event\|\d+\|LOG_|\b[A-Z0-9]+/[0-7]/[A-Z0-9_]+)"
    ),
)
_SEPARATORS = re.compile(r"[-:. ]")
_SPEED = re.compile(r"(\d+(?:\.\d+)?)\s*([GT]?)", re.IGNORECASE)


def mac_address(text: str) -> str | None:
    """A MAC address in any vendor's notation as ``02:00:5e:10:00:42``; ``None`` for any other text."""
    digits = _SEPARATORS.sub("", text.strip()).lower()
    if len(digits) != 12 or not set(digits) <= set("0123456789abcdef"):
        return None
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def without_log_lines(output: str) -> list[str]:
    """The lines of `output` but for log messages that the device printed in between, unseen characters replaced."""
    return [line for line, _ in _lines(output)]


def _lines(output: str) -> list[tuple[str, bool]]:
    """The same, and for each line whether a log message came behind it: then it may go on in the next one."""
    text = output.replace("\r", "")
    # Either form has one of these: most lines, and many outputs, need not be looked at any closer.
    if "%" not in text and ":" not in text and text.replace("\n", "").isprintable():
        return [(line, False) for line in text.split("\n")]
    lines: list[tuple[str, bool]] = []
    for line in text.split("\n"):
        if not ("%" in line or ":" in line) or not any(form.match(line[:_LONGEST]) for form in _LOG):
            seen = line if line.isprintable() else "".join(c if c.isprintable() or c == "\t" else "?" for c in line)
            lines.append((seen, False))
        elif lines:
            lines[-1] = (lines[-1][0], True)
    return lines


class NtcTemplate(Form):
    """A template of ntc-templates: ``cisco_ios``, ``show interfaces status``. The command is spelt as the template's
    file has it, which is not always what is typed."""

    platform: str
    command: str

    @property
    def text(self) -> str:
        """The template. Raises :class:`ValueError` when the collection has none of this name."""
        return _ntc_template(f"{self.platform}_{self.command.replace(' ', '_')}.textfsm")


@cache
def _ntc_template(name: str) -> str:
    try:
        return (files("ntc_templates") / "templates" / name).read_text(encoding="utf-8")
    except OSError as exc:
        raise ValueError(f"ntc-templates has no {name}") from exc


@dataclass(frozen=True)
class Reading:
    """The rows of a table, and the lines that its template did not know: what these say is missing in the rows."""

    rows: tuple[Mapping[str, str], ...]
    unknown: tuple[str, ...] = ()


def _expression(text: Any) -> str:
    # YAML reads Yes, No and numbers; here they are words of a device.
    return f"(?i:{ {True: 'Yes|True|On', False: 'No|False|Off'}[text] if isinstance(text, bool) else text })"


def _words(given: Mapping[str, Mapping[Any, str]]) -> Mapping[str, Mapping[str, str]]:
    return {column: {_expression(key): word for key, word in entries.items()} for column, entries in given.items()}


def _expressions(given: Mapping[str, Any]) -> Mapping[str, str]:
    return {column: _expression(text) for column, text in given.items()}


class Table(Form):
    """One ``show`` command and how its output becomes rows of our columns.

    `columns` maps our names to the template's: ``vlan_id``; ``neighbor_port_id|neighbor_interface`` (the first that
    says something); ``{enabled} {status}`` (several together). `values` then maps what the device says to our words:
    keys are expressions that match the whole text whatever its case, the first that does counts, and ``\\1`` in the
    word is its first group; a text that none matches stays. Rows in which a column matches its expression in `unless`
    are left out; those that match `doubtful` (a port's description that reads like columns) count as not understood.
    A row of which ``port`` lists several gives one row a port.
    """

    command: str
    one: str | None = Field(default=None, description="the same for {port} alone")
    ntc: NtcTemplate | None = None
    textfsm: str | None = Field(default=None, description="a TextFSM template, where ntc-templates has none")
    noise: re.Pattern[str] | None = Field(default=None, description="whole lines that say nothing, such as a legend")
    columns: Mapping[str, str]
    values: Annotated[Mapping[str, Mapping[re.Pattern[str], str]], BeforeValidator(_words)] = {}
    numbered: str | None = Field(
        default=None, description="our column with the number by which other rows name the port of this one"
    )
    doubtful: Annotated[Mapping[str, re.Pattern[str]], BeforeValidator(_expressions)] = {}
    unless: Annotated[Mapping[str, re.Pattern[str]], BeforeValidator(_expressions)] = {}

    _fits: object = PrivateAttr(None)
    """The columns that were found to be in the template."""
    _ways: tuple[_Column, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _one_template(self) -> Table:
        if (self.ntc is None) == (self.textfsm is None):
            raise ValueError(f"{self.command}: give either ntc or textfsm")
        return self

    @property
    def template(self) -> str:
        """The text of the template."""
        return self.ntc.text if self.ntc is not None else self.textfsm or ""

    def rows(self, output: str) -> list[dict[str, str]]:
        """The rows of `output`. Lines that are not understood are logged as a warning; see :meth:`read`."""
        reading = self.read(output)
        for line in reading.unknown[:3]:
            _LOGGER.warning("%s: a line was not understood: %r", self.command, line)
        return [dict(row) for row in reading.rows]

    def read(self, output: str) -> Reading:
        """The rows of `output`, and the lines of it that the template does not know. Raises :class:`ValueError` for a
        template that does not fit to `columns` (a fault of the dialect's file)."""
        lines = _lines(output)
        if self.noise is not None:
            lines = [(line, broken) for line, broken in lines if not self.noise.fullmatch(line.strip())]
        self.prepare()
        found, unknown = reader_of(self.template).read([(line[:_LONGEST], broken) for line, broken in lines])
        rows: list[Mapping[str, str]] = []
        for row in self._with_ports([row for record in found for row in self._rows(record)]):
            if _matches(self.doubtful, row):
                unknown.append(" ".join(row.values()))
            elif not _matches(self.unless, row):
                rows.append(row)
        return Reading(tuple(rows), tuple(unknown))

    def prepare(self) -> None:
        """Make the template, which otherwise happens at its first use. Raises as :meth:`read`."""
        if self._fits is not self.columns:  # a copy may have others
            _check(self)
            self._ways, self._fits = tuple(_ways(self)), self.columns

    def _with_ports(self, rows: Sequence[dict[str, str]]) -> Sequence[dict[str, str]]:
        """Where rows name ports by number: those rows, with the names that the others give to the numbers."""
        if self.numbered is None:
            return rows
        column = self.numbered
        names = {row[column]: row["port"] for row in rows if row["port"]}
        return [{**row, "port": names.get(row[column], "")} for row in rows if not row["port"]]

    def _rows(self, record: Mapping[str, Any]) -> Iterator[dict[str, str]]:
        ports = record.get(self.columns.get("port", ""))
        for port in ports if isinstance(ports, list) and ports else [None]:
            plain = {name: " ".join(value) if isinstance(value, list) else value for name, value in record.items()}
            if port is not None:
                plain[self.columns["port"]] = port
            yield {column.ours: column.value(plain) for column in self._ways}


class _Column(NamedTuple):
    """The way from the template's columns to one of ours: `names` are the first that says something, `together` several
    in one text."""

    ours: str
    names: Sequence[str]
    together: str
    values: Sequence[tuple[re.Pattern[str], str]]
    form: Callable[[str], str] | None

    def value(self, record: Mapping[str, str]) -> str:
        text = self.together.format_map(record).strip() if self.together else ""
        for name in self.names:
            if text := record[name].strip():
                break
        for pattern, word in self.values:
            if found := pattern.fullmatch(text):
                text = found.expand(word)
                break
        return text if self.form is None else self.form(text)


def _ways(table: Table) -> Iterator[_Column]:
    for ours, theirs in table.columns.items():
        together = theirs if "{" in theirs else ""
        names = () if together else theirs.split("|")
        yield _Column(ours, names, together, tuple(table.values.get(ours, {}).items()), _FORMS.get(ours))


def _matches(patterns: Mapping[str, re.Pattern[str]], row: Mapping[str, str]) -> bool:
    return any(pattern.fullmatch(row[column]) for column, pattern in patterns.items())


def _speed(text: str) -> str:
    found = _SPEED.search(text)
    if found is None:
        return ""
    speed = float(found[1]) * {"": 1, "G": 1000, "T": 1_000_000}[found[2].upper()]
    return f"{speed:.0f}" if speed else ""


def _duplex(text: str) -> str:
    word = text.casefold()
    return "full" if "full" in word or "fd" in word else "half" if "half" in word or "hd" in word else ""


_FORMS: Mapping[str, Callable[[str], str]] = {
    "mac": lambda text: mac_address(text) or "",
    "chassis": lambda text: mac_address(text) or text,
    "speed": _speed,
    "duplex": _duplex,
}


def _check(table: Table) -> None:
    """Raises :class:`ValueError` where a table's template does not fit to it."""
    try:
        has = reader_of(table.template).columns
    except textfsm.TextFSMTemplateError as exc:
        raise ValueError(f"{table.command}: the template is wrong: {exc}") from exc
    wants = {name for theirs in table.columns.values() for name in _names(theirs)}
    if missing := sorted(wants - has):
        raise ValueError(f"{table.command}: the template has no column {missing[0]}; it has {', '.join(sorted(has))}")
    if table.unless.keys() | table.doubtful.keys() | table.values.keys() > table.columns.keys():
        raise ValueError(f"{table.command}: values, unless and doubtful must name columns of ours")


def _names(theirs: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", theirs) if "{" in theirs else theirs.split("|")
