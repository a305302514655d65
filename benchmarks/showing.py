"""The table and the picture of what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

_WORDS = {True: "yes", False: "NO", None: "–"}
_COLOURS = {"floor": "#9aa5b1", "ours": "#1f6feb", "alternative": "#d9822b"}
_TITLES = {"floor": "floor", "ours": "provisioning", "alternative": "alternative"}

BEGIN, END = "<!-- measured: python -m benchmarks writes what follows -->", "<!-- end of what was measured -->"

Plain = Mapping[str, Any]
"""A row as ``results.json`` has it."""


def table(rows: Sequence[Plain]) -> str:
    """The rows as Markdown, which reads well in a terminal too."""
    lines = [
        "| work | ours s | floor s | ours ÷ floor | alternative s | alternative ÷ ours | goal | met |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['work']} | {_number(row['ours'])} | {_number(row['floor'])} | {_ratio(row, 'floor')} "
        f"| {_number(row['alternative'])}{_scaled(row)} | {_ratio(row, 'alternative')} "
        f"| {row['goal'] or '–'} | {_verdicts(row)} |"
        for row in rows
    ]
    return "\n".join(lines)


def circumstances(rows: Sequence[Plain]) -> str:
    """On what the rows were measured and when, a line for each difference; then what looked at the end state."""
    said: dict[str, list[str]] = {}
    for row in rows:
        at = row["measured"]
        versions = ", ".join(f"{name} {number}" for name, number in at["versions"].items())
        where = f"{at['machine']}, {at['cores']} cores, Linux {at['kernel']}, Python {at['python']}; {versions}"
        said.setdefault(f"{at['at'][:10]} on {where}", []).append(row["name"])
    lines = [f"Measured {where} ({', '.join(names)})." for where, names in said.items()]
    lines += [f"- {_explained(row)}" for row in rows]
    return "\n".join(lines)


def paste(page: Path, text: str) -> None:
    """Put `text` between the two lines of `page` that mark its place."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, behind = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{behind}", encoding="utf-8")


def picture(rows: Sequence[Plain], path: Path) -> None:
    """Bars of seconds, on a logarithmic scale, as SVG. Without matplotlib there is none (it is in the extra
    `benchmarks`)."""
    try:
        mpl: Any = import_module("matplotlib")
    except ImportError:
        return
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "provisioning"  # the same numbers give the same file
    plt: Any = import_module("matplotlib.pyplot")
    bars = [(row, part) for row in reversed(rows) for part in ("alternative", "ours", "floor") if row[part]]
    figure, axes = plt.subplots(figsize=(9, 0.28 * len(bars) + 1.2), layout="constrained")
    places, place, ticks = [], 0.0, []
    for row in reversed(rows):
        parts = [part for part in ("alternative", "ours", "floor") if row[part]]
        ticks.append((place + (len(parts) - 1) / 2, row["work"]))
        places += [place + number for number in range(len(parts))]
        place += len(parts) + 0.8
    axes.barh(places, [row[part] for row, part in bars], color=[_COLOURS[part] for _, part in bars])
    for position, (row, part) in zip(places, bars, strict=True):
        axes.text(row[part], position, f" {_number(row[part])} s", va="center", fontsize=7)
    axes.set_yticks([tick for tick, _ in ticks], [work for _, work in ticks], fontsize=8)
    axes.set_xscale("log")
    axes.set_xlabel("seconds, median (logarithmic; shorter is better)", fontsize=8)
    axes.legend(
        [plt.Rectangle((0, 0), 1, 1, color=_COLOURS[part]) for part in _COLOURS],
        [_TITLES[part] for part in _COLOURS],
        fontsize=8,
        loc="lower right",
    )
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _number(number: float | None) -> str:
    return "–" if number is None else f"{number:.3g}" if number < 100 else f"{number:.0f}"


def _ratio(row: Plain, part: str) -> str:
    ratio, spread = row[f"ratio_to_{part}"], row[f"spread_to_{part}"]
    return "–" if ratio is None else f"{ratio:.2f} ({spread[0]:.2f}–{spread[1]:.2f})"


def _scaled(row: Plain) -> str:
    scale = row["ways"].get("alternative", {}).get("scale", 1)
    return "" if scale == 1 else f" (1/{scale:g} of it, times {scale:g})"


def _explained(row: Plain) -> str:
    ways = "; ".join(
        f"{_TITLES[part]}: {way['way']}"
        for part in ("floor", "alternative")
        if (way := row["ways"].get(part)) is not None
    )
    turns, load = len(row["ways"]["ours"]["seconds"]), row["measured"]["load"]
    said = f"`{row['name']}` ({turns} turns, load {load:g}): {ways + '. ' if ways else ''}End state: {row['verified']}."
    return f"{said} {row['note']}." if row["note"] else said


def _verdicts(row: Plain) -> str:
    verdicts = [goal["met"] for goal in row["goals"]]
    return ", ".join(_WORDS[one] for one in verdicts) or "–"
