"""The texts of pages in the reader's language, and the way numbers and times are written there.

One YAML file a language. Whatever comes out is :class:`~markupsafe.Markup`: what was put into a text has been escaped,
and made visible where it could not be seen. Plural rules, dates and numbers are those of Unicode CLDR (Babel).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, get_args
from zoneinfo import ZoneInfo

import yaml
from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from provisioning.ledger.books import PLACES
from provisioning.reports import words
from provisioning.site.help_desk import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)
PLURALS = frozenset({"zero", "one", "two", "few", "many", "other"})
"""The plural categories of CLDR."""

_LOCALES = {"en": "en_GB", "fr": "fr_FR", "ru": "ru_RU"}
_THIN, _FIXED = "\u202f", "\u00a0"

Text = str | Mapping[str, str]


@cache
def load(language: Language) -> Mapping[str, Text]:
    """Every text of a language by its full name (``card.welcome``); one that depends on a number as its forms."""
    file = files("provisioning.reports") / "languages" / f"{language}.yml"
    return dict(_leaves("", yaml.safe_load(file.read_text(encoding="utf-8")), language))


def _leaves(above: str, tree: Mapping[str, Any], language: Language) -> Iterable[tuple[str, Text]]:
    for name, value in tree.items():
        if isinstance(value, str):
            yield f"{above}{name}", _set(value, language)
        elif PLURALS.issuperset(value):
            yield f"{above}{name}", {form: _set(text, language) for form, text in value.items()}
        else:
            yield from _leaves(f"{above}{name}.", value, language)


def _set(text: str, language: Language) -> str:
    """Spaces that no line may be broken at, as printers set them."""
    if language == "fr":
        text = re.sub(r" (?=[;:!?»])", _THIN, text)
        text = re.sub(r"(?<=«) ", _THIN, text)
    if language == "ru":
        text = re.sub(r" (?=—)", _FIXED, text)
        text = re.sub(r"(?i)(?<=\b[авикосу]) (?=\w)", _FIXED, text)
    return re.sub(r"(?<=\}) (?=(s|с)$)", _FIXED, text)


class Texts:
    """The texts of one language. `zone` is what times are shown in; without one, this machine's."""

    def __init__(self, language: Language, zone: str | None = None) -> None:
        self.language = language
        self.zone = zone
        self._texts = load(language)
        self._locale = Locale.parse(_LOCALES[language])

    def __call__(self, key: str, **given: Any) -> Markup:
        """The text `key` with what is given for its places. Of a text with several forms, ``count`` says which."""
        text = self._texts[key]
        if not isinstance(text, str):
            text = text[self._locale.plural_form(given["count"])]
        return escape(text).format(**{name: self.shown(value) for name, value in given.items()})

    def shown(self, value: Any) -> Markup:
        """A value for this reader. Markup stays as it is."""
        if isinstance(value, Markup):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self.number(value)
        return escape(words.safe(value, lines=True))

    def number(self, value: float, digits: int = 1) -> Markup:
        """``12 345,5`` in French; so many digits after the comma at most."""
        return escape(format_decimal(round(value, digits), locale=self._locale))

    def day(self, value: date | str, *, weekday: bool = False) -> Markup:
        """``30 November 2026``."""
        when = date.fromisoformat(value) if isinstance(value, str) else value
        form = str(self._texts["format.weekday" if weekday else "format.day"])
        return escape(format_date(when, form, locale=self._locale))

    def moment(self, value: str | datetime | None) -> Markup:
        """Day and minute, in the site's zone; ``–`` for no time."""
        return self._formatted(value, "format.moment")

    def time(self, value: str | datetime | None, *, seconds: bool = True) -> Markup:
        """The time of day, in the site's zone."""
        return self._formatted(value, "format.time" if seconds else "format.hour")

    def _formatted(self, value: str | datetime | None, form: str) -> Markup:
        if value is None:
            return escape(words.NOTHING)
        when = datetime.fromisoformat(value) if isinstance(value, str) else value
        there = when.astimezone(ZoneInfo(self.zone) if self.zone else None)
        shown = format_datetime(there, str(self._texts[form]), tzinfo=there.tzinfo, locale=self._locale)
        return escape(shown)

    def seconds(self, value: float) -> Markup:
        """A measured time: ``0.4 s``; from two minutes on in words: ``3 hours``."""
        if value < 120:
            return self("format.seconds", count=round(value, 1))
        return escape(format_timedelta(timedelta(seconds=value), threshold=2, locale=self._locale))

    @property
    def zone_name(self) -> Markup:
        """The zone of times, as the site names it."""
        return escape(self.zone or datetime.now().astimezone().tzname() or "UTC")

    # ------------------------------------------------------------------------------ names of what is managed

    def kind(self, kind: str) -> Markup:
        """What a kind is called; in English where this language has no name for it."""
        return self._named("kinds", kind, words.kind_words(kind))

    def field(self, field: str) -> Markup:
        """What a field is called; entries of mappings keep their brackets."""
        name, bracket, entry = field.partition("[")
        return self._named("fields", name, words.field_words(name)) + words.safe(bracket + entry)

    def system(self, target: str) -> Markup:
        """What a target is: ``Windows PC``."""
        return self._named("systems", target.partition(":")[0], words.system_words(target))

    def holder(self, holder: str) -> Markup:
        """Who has something: a person by the key, or the store, the repair shop, the scrap."""
        return self(f"custody.to_{holder}") if holder in PLACES else escape(words.safe(holder))

    def _named(self, section: str, key: str, english: str) -> Markup:
        return escape(self._texts.get(f"{section}.{key}", english))

    def proof(self, kind: str, name: str, parameters: Mapping[str, Any]) -> Markup:
        """What a proof proves: as it was written down, or from its parameters where this language has words for it."""
        refused = ".refused" if parameters.get("admitted") is False else ""
        text = self._texts.get(f"proof.{kind}{refused}")
        if isinstance(text, str):
            places = set(re.findall(r"\{(\w+)\}", text))
            if places <= parameters.keys():
                return self(f"proof.{kind}{refused}", **{place: str(parameters[place]) for place in places})
        return self.english(name)

    def english(self, sentence: str) -> Markup:
        """A sentence that was written down in English."""
        shown = escape(words.safe(sentence, lines=True))
        return shown if self.language == "en" else Markup('<span lang="en">{}</span>').format(shown)

    def value(self, value: Any) -> Markup:
        """One value of a field, whole."""
        if isinstance(value, bool):
            return self("format.yes" if value else "format.no")
        if value in ([], {}):
            return self("format.none")
        if isinstance(value, (list, tuple)):
            return Markup(", ").join(self.value(item) for item in value)
        if isinstance(value, Mapping) and set(value) != {"type", "data"}:
            pairs = (Markup("{} {}").format(words.safe(name), self.value(item)) for name, item in value.items())
            return Markup(", ").join(pairs)
        return escape(words.value_words(value))
