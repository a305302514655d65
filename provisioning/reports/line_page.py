"""A check of the lines as one self-contained HTML page: findings, the worst line large, every switch's face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from provisioning.reports import words
from provisioning.reports.line_pictures import chart, face, spark
from provisioning.reports.lines import grouped, summary

__all__ = ["render"]

_SIGNS = {"fault": "×", "warning": "!", "remark": "i"}
_DRAWN = frozenset({"errors", "duplex", "flaps", "half speed"})
_NONE: Mapping[str, Any] = {"errors": ()}
_STATUS = {"up": "link", "down": "no link", "off": "disabled", "error": "shut down by the switch"}


def render(report: Mapping[str, Any]) -> str:
    """HTML 5 from the plain data of a report. Nothing in it is loaded from elsewhere, and every value is escaped."""
    environment = Environment(
        loader=PackageLoader("provisioning.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"safe_text": lambda text: words.safe(text, lines=True), "moment": _moment}
    history = {(one["switch"], one["port"]): one for one in report["history"]}
    shown = {(s["name"], port["port"]): port for s in report["switches"] for port in s["ports"]}
    worst = _worst(report["history"])
    return environment.get_template("lines.html.j2").render(
        report=report,
        summary=summary(report),
        groups=grouped(report["findings"]),
        signs=_SIGNS,
        status=_STATUS,
        good=not any(finding["weight"] != "remark" for finding in report["findings"]),
        unread=[switch for switch in report["switches"] if switch["error"]],
        sparks={
            (finding["switch"], finding["port"]): spark(history[finding["switch"], finding["port"]]["errors"])
            for finding in report["findings"]
            if finding["sort"] in _DRAWN and any(history.get((finding["switch"], finding["port"]), _NONE)["errors"])
        },
        drawn=_DRAWN,
        worst=worst,
        worst_port=shown.get((worst["switch"], worst["port"])) if worst else None,
        worst_chart=chart(worst) if worst else None,
        faces=[(switch, face(switch["ports"])) for switch in report["switches"] if switch["ports"]],
        others=_others(report, history, shown),
    )


def _worst(history: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The line with most errors in its whole history; ``None`` when none has any."""
    if not history:
        return None
    worst = max(history, key=_total)
    return worst if any(_total(worst)) else None


def _total(history: Mapping[str, Any]) -> tuple[float, float]:
    """Errors first: what a line damages is worse than what does not fit into it."""
    return sum(value or 0.0 for value in history["errors"]), sum(value or 0.0 for value in history["discards"])


def _others(
    report: Mapping[str, Any], history: Mapping[tuple[str, str], Any], shown: Mapping[tuple[str, str], Any]
) -> list[dict[str, Any]]:
    """Lines that have errors in their history and no finding now."""
    found = {(finding["switch"], finding["port"]) for finding in report["findings"]}
    quiet = sorted(
        (one for key, one in history.items() if key not in found and any(one["errors"]) and key in shown),
        key=lambda one: -sum(value or 0.0 for value in one["errors"]),
    )
    return [
        {
            "switch": one["switch"],
            "port": shown[one["switch"], one["port"]],
            "spark": spark(one["errors"]),
            "most": max(value for value in one["errors"] if value is not None),
        }
        for one in quiet[:40]
    ]


def _moment(text: str) -> str:
    return text[:16].replace("T", " ")
