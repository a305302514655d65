"""The .reg file format, version 5.00 (Microsoft support article 310516), which is the same in every language
of Windows.

``reg export`` writes it in UTF-16LE with a BOM; ``reg import`` reads the same. Pure text work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, model_validator

_HEADER = "Windows Registry Editor Version 5.00"
_ROOTS = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKU": "HKEY_USERS",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKCU": "HKEY_CURRENT_USER",
    "HKCC": "HKEY_CURRENT_CONFIG",
}
_NUMBERS = {
    "REG_NONE": 0,
    "REG_SZ": 1,
    "REG_EXPAND_SZ": 2,
    "REG_BINARY": 3,
    "REG_DWORD": 4,
    "REG_DWORD_BIG_ENDIAN": 5,
    "REG_LINK": 6,
    "REG_MULTI_SZ": 7,
    "REG_RESOURCE_LIST": 8,
    "REG_FULL_RESOURCE_DESCRIPTOR": 9,
    "REG_RESOURCE_REQUIREMENTS_LIST": 10,
    "REG_QWORD": 11,
}
"""Value types by number (winnt.h)."""
_WINE_BREAKS = {"n": "\n", "r": "\r"}
_NAMES = {number: name for name, number in _NUMBERS.items()}
_TEXTS = {"REG_SZ", "REG_EXPAND_SZ"}
_INTEGERS = {"REG_DWORD": 4, "REG_QWORD": 8}
_TOKEN = re.compile(
    r'(?P<name>@|"(?:[^"\\]|\\.)*")\s*=\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|dword:(?P<dword>[0-9a-fA-F]{1,8})'
    r"|hex(?:\((?P<number>[0-9a-fA-F]+)\))?:(?P<hex>[0-9a-fA-F,\s\\]*)|(?P<gone>-))[ \t]*(?=\r?\n|\Z)",
    re.DOTALL,
)
_KEY = re.compile(r"\[(?P<minus>-?)(?P<key>.+)\][ \t]*(?=\r?\n|\Z)")


class RegistryValue(BaseModel):
    """One value: its type as ``reg.exe`` names it, and its data.

    Data is text for REG_SZ and REG_EXPAND_SZ, a number for REG_DWORD (32 bits) and REG_QWORD (64 bits), a
    list of texts for REG_MULTI_SZ, and lower-case hex digits for REG_BINARY and every other type. Types
    without a name are ``REG_<number>``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)
    type: str
    data: int | str | tuple[str, ...]

    @model_validator(mode="after")
    def _fits(self) -> RegistryValue:
        if self.type not in _NUMBERS and not re.fullmatch(r"REG_\d{1,10}", self.type):
            raise ValueError(f"{self.type} is not a registry type; expected REG_SZ, REG_DWORD, REG_MULTI_SZ …")
        if self.type in _INTEGERS:
            octets = _INTEGERS[self.type]
            if not isinstance(self.data, int) or not 0 <= self.data < 1 << 8 * octets:
                raise ValueError(f"{self.type} holds a number of {8 * octets} bits, not {self.data!r}")
        elif self.type == "REG_MULTI_SZ":
            if not isinstance(self.data, tuple) or any(not text or "\0" in text for text in self.data):
                raise ValueError("REG_MULTI_SZ holds a list of texts that are not empty")
        elif not isinstance(self.data, str):
            raise ValueError(f"{self.type} holds a text, not {self.data!r}")
        elif self.type in _TEXTS:
            if "\0" in self.data:
                raise ValueError(f"{self.type} cannot hold U+0000")
        elif not re.fullmatch(r"([0-9a-f]{2})*", self.data):
            raise ValueError(f"{self.type} holds lower-case hex digits, not {self.data!r}")
        return self


@dataclass(frozen=True)
class KeyEdit:
    """What one section of a .reg file does: values to set, and (where ``None``) to delete. The name ``""``
    is the default value."""

    key: str
    values: Mapping[str, RegistryValue | None] = field(default_factory=dict)


def full_key(key: str) -> str:
    """The key with its root spelled out, as .reg files want it: ``HKLM\\…`` → ``HKEY_LOCAL_MACHINE\\…``."""
    root, separator, rest = key.partition("\\")
    return f"{_ROOTS.get(root.upper(), root.upper())}{separator}{rest}"


def parse(octets: bytes) -> dict[str, dict[str, RegistryValue]]:
    """``{key: {value name: value}}`` of an exported file, keys as they are written there.

    Raises :class:`ValueError` when it is not a .reg file of version 5.00 or a line of it cannot be
    understood.
    """
    text = octets.decode("utf-16" if octets[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    if not text.startswith(_HEADER):
        raise ValueError("not a .reg file of version 5.00")
    found: dict[str, dict[str, RegistryValue]] = {}
    current: dict[str, RegistryValue] | None = None
    at = len(_HEADER)
    while at < len(text):
        if text[at] in "\r\n \t":
            at += 1
        elif text[at] == ";":
            at = _end_of_line(text, at)
        elif match := _KEY.match(text, at):
            current = None if match["minus"] else found.setdefault(match["key"], {})
            at = match.end()
        elif current is not None and (match := _TOKEN.match(text, at)):
            if match["gone"] is None:
                current["" if match["name"] == "@" else _unescaped(match["name"])] = _value(match)
            at = match.end()
        else:
            line = text.count("\n", 0, at) + 1
            raise ValueError(
                f"line {line} of the .reg file is not understood: {text[at : _end_of_line(text, at)][:60]!r}"
            )
    return found


def write(edits: Iterable[KeyEdit]) -> bytes:
    """A .reg file that makes these edits, in order: UTF-16LE with BOM, CRLF."""
    lines = [_HEADER, ""]
    for edit in edits:
        _refuse_control(edit.key)
        lines.append(f"[{full_key(edit.key)}]")
        for name, value in edit.values.items():
            _refuse_control(name)
            written = f'"{_escaped(name)}"' if name else "@"
            lines.append(f"{written}={'-' if value is None else _data(value)}")
        lines.append("")
    return b"\xff\xfe" + "".join(f"{line}\r\n" for line in lines).encode("utf-16-le")


def _value(match: re.Match[str]) -> RegistryValue:
    if match["text"] is not None:
        return RegistryValue(type="REG_SZ", data=_unescaped(match["text"]))
    if match["dword"] is not None:
        return RegistryValue(type="REG_DWORD", data=int(match["dword"], 16))
    octets = bytes.fromhex(re.sub(r"[\s\\,]", "", match["hex"]))
    number = int(match["number"], 16) if match["number"] else 3
    kind = _NAMES.get(number, f"REG_{number}")
    if kind in _TEXTS:
        return RegistryValue(type=kind, data=_utf16(octets).partition("\0")[0])
    if kind == "REG_MULTI_SZ":
        return RegistryValue(type=kind, data=tuple(part for part in _utf16(octets).split("\0") if part))
    if kind in _INTEGERS and len(octets) == _INTEGERS[kind]:
        return RegistryValue(type=kind, data=int.from_bytes(octets, "little"))
    if kind in _INTEGERS:  # a DWORD of the wrong length exists in the wild; it is no number
        kind = f"REG_{number}"
    return RegistryValue(type=kind, data=octets.hex())


def _data(value: RegistryValue) -> str:
    if value.type == "REG_SZ" and isinstance(value.data, str) and value.data.isprintable():
        return f'"{_escaped(value.data)}"'
    if value.type == "REG_DWORD":
        return f"dword:{value.data:08x}"
    number = _NUMBERS.get(value.type)
    number = int(value.type.removeprefix("REG_")) if number is None else number
    octets = _octets(value)
    tag = "hex" if number == 3 else f"hex({number:x})"
    return f"{tag}:{','.join(f'{octet:02x}' for octet in octets)}"


def _octets(value: RegistryValue) -> bytes:
    if isinstance(value.data, int):
        return value.data.to_bytes(_INTEGERS[value.type], "little")
    if isinstance(value.data, tuple):
        return "".join(f"{text}\0" for text in (*value.data, "")).encode("utf-16-le")
    if value.type in _TEXTS:
        return f"{value.data}\0".encode("utf-16-le")
    return bytes.fromhex(value.data)


def _utf16(octets: bytes) -> str:
    return octets[: len(octets) // 2 * 2].decode("utf-16-le", "replace")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _unescaped(quoted: str) -> str:
    """Windows escapes quotes and backslashes and writes line breaks as they are; Wine writes ``\\n`` and ``\\r``."""
    return re.sub(r"\\(.)", lambda m: _WINE_BREAKS.get(m[1], m[1]), quoted[1:-1], flags=re.DOTALL)


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _refuse_control(name: str) -> None:
    if any(ord(char) < 32 or ord(char) in (127, 0x85, 0x2028, 0x2029) for char in name):
        raise ValueError(f"{name!r} contains a control character")


def values_of(found: Mapping[str, Mapping[str, RegistryValue]], key: str) -> dict[str, RegistryValue]:
    """The values of one key in a parsed file, whatever the case of its name; empty when it is not there."""
    wanted = full_key(key).casefold()
    return next((dict(values) for name, values in found.items() if full_key(name).casefold() == wanted), {})


def has_subkeys(found: Iterable[str], key: str) -> bool:
    """Whether a parsed file shows keys below this one."""
    wanted = full_key(key).casefold() + "\\"
    return any(full_key(name).casefold().startswith(wanted) for name in found)


def texts(values: Sequence[str]) -> dict[str, RegistryValue | None]:
    """A policy list as Group Policy keeps it: REG_SZ values named 1, 2, 3 …"""
    return {str(number): RegistryValue(type="REG_SZ", data=value) for number, value in enumerate(values, start=1)}
