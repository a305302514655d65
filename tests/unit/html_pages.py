"""Pages as a strict reader sees them: every element closed in order, no attribute twice, nothing loaded."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = frozenset({"meta", "br", "hr", "input", "link", "img"})
ALONE = frozenset({"rect", "path", "circle", "line"})
_LOADS = frozenset({"src", "srcset", "xlink:href", "data", "poster", "action"})


class Page(HTMLParser):
    """What a page has: `text` by language (of the nearest ``lang``), `faults`, `links`, elements by name."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.faults: list[str] = []
        self.elements: list[str] = []
        self.links: list[str] = []
        self.language = ""
        self.texts: list[tuple[str, str]] = []
        self._open: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        self.faults += [f"never closed: {name}" for name, _ in self._open]

    @property
    def own(self) -> str:
        """All text in the page's own language, code left out; spaces of every sort are spaces."""
        found = "\n".join(text for language, text in self.texts if language == self.language)
        return found.replace("\u00a0", " ").replace("\u202f", " ")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        given = dict(attrs)
        if len(set(names)) != len(names):
            self.faults.append(f"an attribute twice: {self.get_starttag_text()}")
        if any(name.startswith("on") for name in names) or _LOADS & set(names) or tag in {"script", "iframe", "object"}:
            self.faults.append(f"not to be on a page: {self.get_starttag_text()}")
        if "href" in given:
            self.links.append(given["href"] or "")
        self.elements.append(tag)
        language = given.get("lang") or (self._open[-1][1] if self._open else "")
        if tag == "html":
            self.language = language or ""
        if tag not in VOID:
            self._open.append((tag, language or ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALONE:
            self.faults.append(f"closes itself: {self.get_starttag_text()}")
        self.elements.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            self.faults.append(f"</{tag}> closes {self._open[-1] if self._open else 'nothing'}")
            return
        self._open.pop()

    def handle_data(self, text: str) -> None:
        tags = [name for name, _ in self._open]
        if text.strip() and not {"style", "code"} & set(tags):
            self.texts.append((self._open[-1][1] if self._open else "", text.strip()))


def checked(html: str) -> Page:
    """The page, if it is as every page must be: whole, loading nothing, without a character that cannot be seen."""
    page = Page(html)
    assert page.faults == []
    assert html.startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in html
    assert "prefers-color-scheme: dark" in html
    assert "url(" not in html
    unseen = {char for char in html if not char.isprintable()} - {"\n", "\u202f", "\u00a0"}
    assert not unseen, unseen
    assert all(re.match(r"(https?|mailto|tel):", link) for link in page.links)
    return page
