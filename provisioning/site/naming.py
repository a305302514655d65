"""Login names and mail addresses from people's names, in whatever script those are written.

Names become lower-case ASCII letters and digits by the standards that the site chooses (``naming:
transliteration``), and by the library anyascii where these say nothing. What stands between the parts of one name
becomes a hyphen (``Jean-Luc``, ``García López``), apostrophes vanish (``O'Brien``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from anyascii import anyascii

from provisioning.site.directory import LoginPolicy
from provisioning.site.transliteration import Transliteration
from provisioning.site.transliterations import spell

# German umlauts are written out, all other letters are anyascii's. Turkish, Estonian and others write ü too, and
# ``ue`` is as good an ASCII form for them as ``u``.
USUAL = Transliteration.model_construct()

# U+02BC and U+2019 are the typographic apostrophes; ` and ´ are what keyboards offer; ʹ ʺ are transliterated
# soft signs.
_APOSTROPHES = re.compile(r"['\u2018\u2019\u02bc\u02b9\u02ba`\u00b4]")
_OTHER = re.compile(r"[^a-z0-9]+")
_UNTIDY = re.compile(r"[._-]+([._-])")
_LOCAL_PART_LIMIT = 64  # octets, RFC 5321 4.5.3.1.1


def latin(text: str, transliteration: Transliteration = USUAL, whole: str | None = None) -> str:
    """`text` in lower-case ASCII letters and digits, its parts joined by single hyphens; empty when nothing
    is left. `whole` is the name that `text` is a part of: all parts are spelt by one standard.
    """
    composed = _APOSTROPHES.sub("", unicodedata.normalize("NFC", text))
    spelt = spell(composed, transliteration.choices(text if whole is None else whole))
    plain = anyascii(spelt).lower()
    return _OTHER.sub("-", _APOSTROPHES.sub("", plain)).strip("-")


def login_candidates(
    given: str, family: str, policy: LoginPolicy, transliteration: Transliteration = USUAL
) -> Iterator[str]:
    """Login names for one person, the best first: each pattern, then the last one with 2, 3, 4 … behind.

    Every candidate begins with a letter or digit, has no other characters than ``a-z 0-9 . _ -`` and is at
    most ``policy.max_length`` long, its number included. A pattern that comes out too long is passed over
    while another one fits; a name is cut only when none does. Somebody with one name only gets that name,
    whatever the patterns.
    """
    words = _words(given, family, transliteration)
    if words["given"] and words["family"]:
        names = [_fill(pattern, words) for pattern in policy.patterns]
    else:
        names = [words["given"] or words["family"]]
    names = [name for name in names if name] or ["user"]
    fitting = [name for name in names if len(name) <= policy.max_length] or [_cut(names[-1], policy.max_length)]
    yield from (seen := dict.fromkeys(fitting))
    for number in range(2, 10**policy.max_length):
        name = f"{_cut(fitting[-1], policy.max_length - len(str(number)))}{number}"
        if name not in seen:  # a name that ends in digits meets its own numbers when it is cut
            seen[name] = None
            yield name


def numbered_login(login: str, key: str, policy: LoginPolicy) -> str:
    """`login` with the person's own number (key in the site) behind it: for the many who have one name. Nobody else
    gets it, whoever joins or leaves; a login or a key that is too long is cut.
    """
    number = _OTHER.sub("-", key.lower()).strip("-")[-(policy.max_length // 2) :].strip("-")
    return f"{_cut(login, policy.max_length - len(number) - 1)}.{number}"


def mail_addresses(
    given: str, family: str, login: str, patterns: Sequence[str], transliteration: Transliteration = USUAL
) -> tuple[str, ...]:
    """The addresses that `patterns` give one person, in order and each once. A local part that comes out
    empty becomes the login; one longer than 64 characters (RFC 5321) is cut.
    """
    words = {**_words(given, family, transliteration), "login": login.lower()}
    found: dict[str, None] = {}
    for pattern in patterns:
        local, _, domain = pattern.rpartition("@")
        name = _cut(_fill(local, words), _LOCAL_PART_LIMIT) or login.lower()
        found[f"{name}@{domain}"] = None
    return tuple(found)


@lru_cache(maxsize=1024)
def _words(given: str, family: str, transliteration: Transliteration) -> Mapping[str, str]:
    whole = f"{given} {family}"
    first, last = latin(given, transliteration, whole), latin(family, transliteration, whole)
    return {"given": first, "family": last, "g": first[:1], "f": last[:1]}


def _fill(pattern: str, words: Mapping[str, str]) -> str:
    """The pattern with the words in it, without the separators that an empty word leaves behind."""
    for name, word in words.items():
        pattern = pattern.replace("{" + name + "}", word)
    return _UNTIDY.sub(r"\1", pattern).strip("._-")


def _cut(name: str, length: int) -> str:
    return name[:length].rstrip("._-")
