"""Secrets in configurations: what must never reach the archive, the terminal or a report.

Two nets. The first is data: every family's file lists where its configurations hold secrets (:class:`Mask`), and
:data:`EVERYWHERE` lists what any device may print. The second is suspicion: a line that no pattern knew and that holds
what looks like a hash or a key is withheld as a whole.

A masked value leaves a fingerprint, ``<secret 3f9a0c1d22aa>``: the first 48 bits of its HMAC-SHA-256 (RFC 2104) with
the archive's own key. The same secret has the same fingerprint, so a secret that was changed shows as a change; without
the key nobody can try words against it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import pairwise
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from provisioning.dialects.form import Form

__all__ = ["EVERYWHERE", "MASKED", "Mask", "is_masked", "masked"]

MASKED = re.compile(r"<secret [0-9a-f]{12}>")
"""A fingerprint in the place of a secret."""


def _whatever_case(pattern: object) -> object:
    try:
        return re.compile(pattern, re.IGNORECASE) if isinstance(pattern, str) else pattern
    except re.error as exc:
        raise ValueError(f"{pattern!r} is no regular expression: {exc}") from exc


class Mask(Form):
    """One place where a configuration holds a secret. Patterns are searched in each line, whatever its letters' case.

    With the group ``secret`` that part is masked, as often as it is found. With `until` the lines behind the one that
    matches, up to the one that `until` matches, are masked as one (a certificate). With `drop` the line is left out: it
    changes by itself (a clock, a counter), and nobody configured it.
    """

    pattern: Annotated[re.Pattern[str], BeforeValidator(_whatever_case)]
    hint: str = Field(description="what it is, for people: enable secret")
    under: re.Pattern[str] | None = Field(
        default=None, description="counts only below a line that this matches: the section that the line stands in"
    )
    until: re.Pattern[str] | None = Field(default=None, description="the last line of a block")
    drop: bool = False

    @model_validator(mode="after")
    def _does_one_thing(self) -> Mask:
        if ("secret" in self.pattern.groupindex) + (self.until is not None) + self.drop != 1:
            raise ValueError(f"{self.hint}: give the pattern a group `secret`, or `until`, or `drop`; one of them")
        return self


def _everywhere(pattern: str, hint: str, until: str | None = None) -> Mask:
    return Mask.model_validate({"pattern": pattern, "hint": hint, "until": until})


EVERYWHERE: tuple[Mask, ...] = (
    _everywhere(r"-----BEGIN [A-Z0-9 ]+-----(?!.*-----END)", "a key or certificate (PEM, RFC 7468)", "-----END "),
    _everywhere(r"-----BEGIN [A-Z0-9 ]+-----(?P<secret>.+)", "a key or certificate in one line"),
    # crypt(5) and its relatives: $1$…, $6$…, $9$…, $sha512$…, $1a$…
    _everywhere(r"(?P<secret>\$[0-9A-Za-z-]{1,12}\$[^\s\"';]{4,})", "a password hash"),
    _everywhere(r"[a-z][a-z0-9+.-]*://[^\s/@:\"]*:(?P<secret>[^\s/@\"]+)@", "a password in a URL"),
    _everywhere(r"(?P<secret>\"[^\"]*\"|\S+);?\s*## SECRET-DATA", "what the device itself calls a secret"),
    _everywhere(r"\bipsec spi \d+ (?P<secret>\S.*)", "OSPFv3 keys, and how they are used"),
    _everywhere(
        r"\b(?:encrypted-)?cak (?:(?:cipher(?:text)?|plaintext|simple) )?(?P<secret>\"[^\"]*\"|\S+)", "a MACsec key"
    ),
    _everywhere(r"^\s*rmon event \d+ .*?\btrap (?P<secret>\S+)", "an SNMP community, for traps"),
    _everywhere(r"\bauthorization: ?\w+ (?P<secret>[^\s\"']+)", "a token in a script"),
    _everywhere(
        r"\b(?:password|passwd|pwd|secret|token|api-?key)=(?P<secret>[^\s&\"',;]+)", "a secret in a URL or a script"
    ),
    # password 7 …, key 0 …, secret sha512 …, in commands that no pattern of a family knows
    _everywhere(
        r"\b(?:password|passwd|secret|passphrase|pass-phrase|key|key-string|shared-key|server-key|psk|community)"
        r" (?:level \d+ )?(?:[05-9]|sha(?:1|256|512)|md5|cipher|irreversible-cipher|ciphertext|plaintext|encrypted) "
        r"(?P<secret>\"[^\"]*\"|\S+)",
        "a secret behind its kind of encryption",
    ),
)
"""What any family may print."""

_WORDS = re.compile(r"pass|pwd|secret|key|communit|cipher|psk|token|credential|crypt|private|hash|auth|sha|md5", re.I)
_TOKEN = re.compile(r"[A-Za-z0-9+/=_.$:%^@!*~-]{16,}")
_HEX = re.compile(r"(?:0x)?[0-9a-f]{16,}|(?:[0-9a-f]{2}:){7,}[0-9a-f]{2}", re.I)
_LONG = re.compile(r"[A-Za-z0-9+/=_-]{40,}")  # such a text is a key, whatever stands beside it
_DUMP = re.compile(r"\s*(?:[0-9A-F]{8}\s+){3,}[0-9A-F]{1,8}\s*", re.I)


def masked(text: str, masks: Sequence[Mask], key: bytes) -> str:
    """`text` with fingerprints for secrets, without lines that change by themselves, without control characters, spaces
    at the ends of lines and empty lines at both ends. It ends with a line break unless it is empty."""
    lines = "\n".join(_Filter(_net((*masks, *EVERYWHERE)), key).lines(text)).strip("\n")
    return f"{lines}\n" if lines else ""


def is_masked(line: str) -> bool:
    """Whether a line of the archive lacks a secret that the device has."""
    return MASKED.search(line) is not None


class _Net:
    """All rules for one family. `harmless` are lines in which none of them finds anything, whatever they stand under:
    switches have most of their lines in common. No secret is ever among them."""

    MOST = 50_000  # lines

    def __init__(self, masks: Sequence[Mask]) -> None:
        self.masks = masks
        self.sometimes = [(number, mask.under) for number, mask in enumerate(masks) if mask.under]
        self.always = [number for number, mask in enumerate(masks) if not mask.under]
        self.harmless: set[str] = set()
        self.judged: dict[bytes, str | None] = {}

    def known(self, key: bytes, line: str, special: Sequence[int], find: Callable[[], str | None]) -> str | None:
        """What `find` made of a line before. Lines with secrets are the same on many switches as well (SNMP, RADIUS,
        local accounts); they are known by digests with the archive's `key` only."""
        told = hmac.digest(key, f"{[*special]} {line}".encode(), "sha256")
        try:
            return self.judged[told]
        except KeyError:
            if len(self.judged) >= self.MOST:
                self.judged.clear()
            found = self.judged[told] = find()
            return found

    def remember(self, line: str) -> None:
        """The rules that always count found nothing; if the others find nothing either, nobody needs to look again."""
        if any(self.masks[number].pattern.search(line) for number, _ in self.sometimes):
            return
        if len(self.harmless) >= self.MOST:
            self.harmless.clear()
        self.harmless.add(line)


@cache
def _net(masks: tuple[Mask, ...]) -> _Net:
    return _Net(masks)


@dataclass
class _Filter:
    """One pass over one configuration."""

    net: _Net
    key: bytes
    _seen: list[str] = field(default_factory=list)

    def lines(self, text: str) -> Iterator[str]:
        until: re.Pattern[str] | None = None
        block: list[str] = []
        for raw in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
            line = raw if raw in self.net.harmless else _visible(raw.rstrip())
            if until is not None:
                block.append(line.strip())
                if until.search(line):
                    yield f" {self._fingerprint(chr(10).join(block))}"
                    until, block = None, []
                continue
            if line in self.net.harmless:
                self._seen.append(line)
                yield line
                continue
            special = self._special(line)
            self._seen.append(line)
            found = self.net.known(self.key, line, special, partial(self._without_secrets, line, special))
            until = self._begun(line, special)
            if found is not None:
                yield found
            if found == line and until is None:
                self.net.remember(line)
        if block:  # it has no end: whatever it is, it stays here
            yield f" {self._fingerprint(chr(10).join(block))}"

    def _special(self, line: str) -> tuple[int, ...]:
        """The rules that count because of the section that `line` stands in."""
        above, indent = [], _indent(line)
        for text in reversed(self._seen) if indent and self.net.sometimes else ():
            if text and _indent(text) < indent:
                above.append(text)
                indent = _indent(text)
                if not indent:
                    break
        return tuple(number for number, under in self.net.sometimes if any(under.search(text) for text in above))

    def _begun(self, line: str, special: Sequence[int]) -> re.Pattern[str] | None:
        masks = (self.net.masks[number] for number in (*special, *self.net.always))
        return next((mask.until for mask in masks if mask.until and mask.pattern.search(line)), None)

    def _without_secrets(self, line: str, special: Sequence[int]) -> str | None:
        spans: list[tuple[int, int]] = []
        for mask in (self.net.masks[number] for number in (*special, *self.net.always)):
            if mask.until is not None:
                continue
            for found in mask.pattern.finditer(line):
                if mask.drop:
                    return None
                if found["secret"]:
                    spans.append(found.span("secret"))
        kept, rest, at = "", "", 0
        for start, end in _joined(spans):
            kept += line[at:start] + self._fingerprint(line[start:end])
            rest += line[at:start] + " "
            at = end
        if _is_suspicious(rest + line[at:]):
            indent = line[: len(line) - len(line.lstrip())]
            return f"{indent}! {self._fingerprint(line)} a whole line, withheld because it looks like a secret"
        return kept + line[at:]

    def _fingerprint(self, secret: str) -> str:
        return f"<secret {hmac.digest(self.key, secret.encode(), 'sha256').hex()[:12]}>"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _joined(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans in order, overlapping and touching ones as one."""
    current: tuple[int, int] | None = None
    for start, end in sorted(spans):
        if current is not None and start <= current[1]:
            current = (current[0], max(current[1], end))
            continue
        if current is not None:
            yield current
        current = (start, end)
    if current is not None:
        yield current


def _is_suspicious(line: str) -> bool:
    """The second net: something like a key or a hash, beside a word that speaks of one, or very long."""
    if _DUMP.fullmatch(line):
        return True
    speaks = _WORDS.search(line) is not None
    return any(_is_random(token) and (speaks or _LONG.search(token)) for token in _TOKEN.findall(line))


def _is_random(token: str) -> bool:
    """Whether a text goes from small letters to capitals, and between letters and digits, as no name does. Names are
    put together of short pieces (``B-204-3_WS-0042``) and of words (``TenGigabitEthernet``)."""
    if _HEX.fullmatch(token):
        return True
    for piece in re.split(r"[-_.:]", token):
        kinds = [_kind(char) for char in piece if char.isalnum()]
        changes = sum(one != other and (one, other) != (_CAPITAL, _SMALL) for one, other in pairwise(kinds))
        if len(kinds) >= 14 and changes >= max(5, len(kinds) // 5):
            return True
    return False


_DIGIT, _SMALL, _CAPITAL = range(3)


def _kind(char: str) -> int:
    return _DIGIT if char.isdecimal() else _SMALL if char.islower() else _CAPITAL


def _visible(line: str) -> str:
    """Control characters as escapes, so that no terminal obeys them; tabs stay."""
    if line.isprintable() or line.replace("\t", "").isprintable():
        return line
    return "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in line)
