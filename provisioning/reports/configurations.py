"""Configurations of switches as text: rounds, histories, differences. All from plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from provisioning.reports.words import count, safe

__all__ = ["comparisons", "history", "round_words", "shown"]

_STYLES = (("+++", "bold"), ("---", "bold"), ("@@", "cyan"), ("+", "green"), ("-", "red"))
_COMMIT, _WHO = 12, 14


def round_words(document: Mapping[str, Any]) -> Text:
    """What came of keeping configurations now."""
    lines = [Text.assemble((safe(name), "bold"), "  new, kept") for name in document["changed"]]
    lines += [Text.assemble((safe(name), "bold"), "  as kept before") for name in document["same"]]
    for name, why in document["unread"].items():
        lines.append(Text.assemble((safe(name), "bold"), (f"  could not be read: {safe(why)}", "red")))
    kept = f"commit {document['commit'][:10]}" if document["commit"] else "nothing new, no commit"
    looked = len(document["changed"]) + len(document["same"])
    lines.append(Text(f"{count(looked, 'configuration')} looked at: {kept}.", "bold"))
    return Text("\n").join(lines)


def history(rows: Sequence[Mapping[str, Any]]) -> Text:
    """One line a commit, newest first."""
    if not rows:
        return Text("Nothing is archived yet; `provision config archive` does it.")
    return Text("\n").join(
        Text.assemble(
            (safe(row["commit"])[:10].ljust(_COMMIT), "yellow"),
            f"{safe(row['when'])}  ",
            (safe(row["who"]).ljust(_WHO), "dim"),
            safe(row["title"]),
        )
        for row in rows
    )


def shown(text: str) -> Text:
    """A configuration, line by line, without anything that a terminal would obey."""
    return Text("\n").join(Text(safe(line.expandtabs())) for line in text.splitlines())


def comparisons(documents: Sequence[Mapping[str, Any]]) -> Text:
    """Unified diffs, and a sentence for switches without one."""
    return Text("\n").join([line for document in documents for line in _comparison(document)])


def _comparison(document: Mapping[str, Any]) -> Iterator[Text]:
    name = safe(document["switch"])
    if document["error"]:
        yield Text(f"{name}: could not be asked: {safe(document['error'])}", "red")
    elif document["same"]:
        yield Text(f"{name}: no difference between {safe(document['older'])} and {safe(document['newer'])}")
    for line in document["lines"]:
        yield Text(safe(line.expandtabs()), next((style for start, style in _STYLES if line.startswith(start)), ""))
