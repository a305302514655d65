"""The report of a run as one self-contained HTML page, for the ticket or for paper."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from provisioning.reports.document import ReportDocument
from provisioning.reports.faceplate import Said
from provisioning.reports.run_report import FAILURES, Course, RunReport
from provisioning.reports.run_timeline import HEAD, LANE, LEFT, WIDTH, Lane, Timeline, timeline
from provisioning.reports.templates import render as from_template
from provisioning.reports.texts import Texts
from provisioning.reports.words import ACTIONS, safe

_LONGEST = 27
"""Characters of a lane's name."""


def render(document: ReportDocument, t: Texts, course: Course | None = None) -> str:
    """HTML 5 in the language of `t`; `course` is what the ledger has of the run."""
    report = RunReport(document, course)
    drawn = timeline(course.record, course.events) if course is not None else None
    return from_template(
        "run_page.html.j2",
        t,
        report=report,
        document=document,
        course=course,
        failures=report.failures,
        failures_shown=FAILURES,
        timeline=picture(drawn, t) if drawn is not None else None,
        signs={action: sign for action, (sign, _) in ACTIONS.items()},
        sentences=bool(document.warnings or document.unread or document.waiting or report.failures or document.proofs),
    )


def said(t: Texts) -> Said:
    """The words of the picture of a patch cable."""
    port, panel = _form(t, "face.port", "port"), _form(t, "face.panel", "panel")
    unit, cable = _form(t, "face.unit", "switch", "unit"), _form(t, "face.to", "one", "other")
    here, taken, free = (t(f"face.{mark}").unescape() for mark in ("here", "taken", "free"))
    return Said(panel, unit, port, here, taken, free, cable)


def _form(t: Texts, key: str, *names: str) -> str:
    return t(key, **dict.fromkeys(names, Markup("{}"))).unescape()


def picture(drawn: Timeline, t: Texts) -> Markup:
    """The timeline as an ``<svg>`` element. Verdicts differ in shape as well as in colour."""
    day = drawn.ticks[0][1][:10]
    parts = [
        f'<text class="tick{_edge(x)}" x="{x}" y="13">{t.time(at) if at[:10] == day else t.moment(at)}'
        f"<title>{t.moment(at)}</title></text>"
        f'<path class="grid" d="M{x} {HEAD - 4}V{drawn.height - 4}"/>'
        for x, at in drawn.ticks
    ]
    for pause in drawn.pauses:
        parts.append(
            f'<g class="pause"><title>{t("report.pause", span=t.seconds(pause.seconds))}</title>'
            f'<rect x="{pause.x + 3}" y="{HEAD - 2}" width="{pause.width - 6}" height="{drawn.height - HEAD - 2}"/></g>'
        )
    for lane in drawn.lanes:
        parts += _lane(lane, drawn.more, t)
    head = (
        f'<svg class="timeline" width="{WIDTH:g}" height="{drawn.height:g}" viewBox="0 0 {WIDTH:g} {drawn.height:g}" '
        f'role="img" aria-label="{t("report.timeline_said")}">'
    )
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704  (every text in it is escaped)


def _edge(x: float) -> str:
    """Labels near the edges must not stand out of the picture."""
    return " first" if x < LEFT + 30 else " last" if x > WIDTH - 50 else ""


def _lane(lane: Lane, more: int, t: Texts) -> Sequence[str]:
    name = safe(lane.target) if lane.target is not None else t("report.lanes_more", count=more).unescape()
    cut = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
    middle = lane.y + LANE / 2
    parts = [
        f'<text class="lane" x="{LEFT - 10:g}" y="{middle + 4:g}">{escape(cut)}<title>{escape(name)}</title></text>'
        f'<path class="grid" d="M{LEFT:g} {middle:g}H{WIDTH:g}"/>'
    ]
    for bar in lane.bars:
        what = t("report.bar", count=bar.count, **{"from": t.time(bar.begin), "to": t.time(bar.end)})
        height = 11 if bar.verdict == "good" else 6
        parts.append(
            f'<rect class="bar {bar.verdict}" x="{bar.x}" y="{middle - height / 2:g}" width="{bar.width}" '
            f'height="{height}" rx="{5 if bar.verdict == "good" else 0}"><title>{what}; '
            f"{t(f'report.bar_{bar.verdict}')}</title></rect>"
        )
    for dot in lane.dots:
        shown = t("report.proof_at", name=t.proof(dot.kind, dot.name, dot.parameters).striptags(), at=t.time(dot.at))
        way = (
            f"M{dot.x} {middle - 5}l5 5l-5 5l-5 -5z" if dot.passed else f"M{dot.x - 5} {middle - 5}l10 10m0 -10l-10 10"
        )
        parts.append(f'<path class="dot {"good" if dot.passed else "bad"}" d="{way}"><title>{shown}</title></path>')
    return parts
