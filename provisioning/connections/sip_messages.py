"""SIP's REGISTER in words (RFC 3261) and the digests that answer its challenges (RFC 2617, RFC 8760). Pure."""

from __future__ import annotations

import hashlib
import re
import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

ALGORITHMS = {"sha-256": hashlib.sha256, "md5": hashlib.md5}
"""What answers to challenges are made with, the best first (RFC 8760, section 2)."""
_COMPACT = {"v": "via", "i": "call-id", "f": "from", "t": "to", "m": "contact", "l": "content-length"}
_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]+))')


@dataclass(frozen=True)
class Message:
    """One message as it came; header names are in small letters."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header == name]

    def first(self, name: str) -> str:
        return next(iter(self.all(name)), "")


# ----------------------------------------------------------------------------------------------------------- digest


def ha1(user: str, realm: str, password: SecretStr, algorithm: str = "md5") -> str:
    """H(A1) (RFC 2617, 3.2.2.2): what exchanges keep instead of a password."""
    make = ALGORITHMS[algorithm]
    return make(f"{user}:{realm}:{password.get_secret_value()}".encode()).hexdigest()


def respond(challenge: Mapping[str, str], user: str, password: SecretStr, method: str, uri: str) -> str:
    """The value of ``Authorization`` for a challenge (RFC 2617, 3.2.2.1; RFC 8760 for SHA-256)."""
    algorithm = challenge.get("algorithm", "MD5")
    digest = ALGORITHMS[algorithm.casefold()]
    realm, nonce = challenge.get("realm", ""), challenge.get("nonce", "")
    one, two = ha1(user, realm, password, algorithm.casefold()), digest(f"{method}:{uri}".encode()).hexdigest()
    words = {"username": user, "realm": realm, "nonce": nonce, "uri": uri}
    offered = {word.strip() for word in challenge.get("qop", "").split(",")}
    if "auth" in offered:
        cnonce = random.token_hex(8)
        answer = digest(f"{one}:{nonce}:00000001:{cnonce}:auth:{two}".encode()).hexdigest()
        more = f', qop=auth, nc=00000001, cnonce="{cnonce}"'
    else:
        answer, more = digest(f"{one}:{nonce}:{two}".encode()).hexdigest(), ""
    if "opaque" in challenge:
        words["opaque"] = challenge["opaque"]
    quoted = ", ".join(f'{name}="{_quoted(value)}"' for name, value in words.items())
    return f'Digest {quoted}, response="{answer}", algorithm={algorithm}{more}'


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def best_challenge(message: Message) -> dict[str, str]:
    """The strongest challenge that we can answer; empty when there is none."""
    header = "www-authenticate" if message.status == 401 else "proxy-authenticate"
    found: dict[str, dict[str, str]] = {}
    for value in message.all(header):
        scheme, _, rest = value.partition(" ")
        words = {
            name.casefold(): re.sub(r"\\(.)", r"\1", quoted) or plain
            for name, quoted, plain in _PARAMETER.findall(rest)
        }
        if scheme.casefold() == "digest" and all(map(str.isprintable, words.values())):
            found.setdefault(words.get("algorithm", "MD5").casefold(), words)
    return next((found[name] for name in ALGORITHMS if name in found), {})


# --------------------------------------------------------------------------------------------------------- messages


class Registration:
    """The requests of one registration: one Call-ID, CSeq going up (RFC 3261, 10.2)."""

    def __init__(self, user: str, domain: str, transport: str, contact: str | None, expires: int) -> None:
        self.uri = f"sip:{domain}"
        self._address = f"<sip:{user}@{domain}>"
        self._transport = transport.upper()
        self._contact = contact
        self._expires = expires
        self._call_id, self._tag, self._sequence = random.token_hex(12), random.token_hex(6), 0

    def request(self, here: tuple[str, int], *headers: str) -> str:
        """The next request, sent from address and port `here`."""
        host, port = here
        self._sequence += 1
        lines = [
            f"REGISTER {self.uri} SIP/2.0",
            f"Via: SIP/2.0/{self._transport} {host}:{port};branch=z9hG4bK{random.token_hex(8)};rport",
            "Max-Forwards: 70",
            f"From: {self._address};tag={self._tag}",
            f"To: {self._address}",
            f"Call-ID: {self._call_id}",
            f"CSeq: {self._sequence} REGISTER",
            "User-Agent: provisioning",
            *headers,
        ]
        if self._contact is not None:
            lines += [f"Contact: <{self._contact}>", f"Expires: {self._expires}"]
        return "\r\n".join([*lines, "Content-Length: 0", "", ""])


def parse(raw: str) -> Message:
    """A response. Raises :class:`ValueError` for anything else."""
    head = raw.partition("\r\n\r\n")[0]
    first, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")  # folded lines: RFC 3261, 7.3.1
    version, _, rest = first.partition(" ")
    code, _, reason = rest.partition(" ")
    if version != "SIP/2.0" or not re.fullmatch(r"[1-6][0-9]{2}", code):
        raise ValueError("expected a line SIP/2.0 STATUS REASON")
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            name = name.strip().casefold()
            headers.append((_COMPACT.get(name, name), value.strip()))
    return Message(int(code), "".join(c for c in reason if c.isprintable())[:80], tuple(headers))


def answers(message: Message, request: str) -> bool:
    """Whether a response belongs to a request: the branch is the same, and so is CSeq (RFC 3261, 17.1.3)."""
    branch = re.search(r"branch=(z9hG4bK[0-9a-f]+)", request)
    same = re.search(r"^CSeq: (.+)$", request, re.MULTILINE)
    assert branch is not None and same is not None  # noqa: S101, PT018  (we wrote the request)
    return branch[1] in message.first("via") and message.first("cseq").split() == same[1].split()
