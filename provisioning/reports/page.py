"""The report as one self-contained HTML page, for the ticket or for paper."""

from __future__ import annotations

from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined

from provisioning.reports import words
from provisioning.reports.document import ReportDocument

_ENDED = {
    "done": "Done",
    "partial": "Partly done",
    "waiting": "Waiting for what does not answer",
    "interrupted": "Interrupted",
    "running": "Running, or ended without a word",
    "undone": "Done, and taken back since",
    "unchanged": "No changes",
    "passed": "All proofs passed",
    "failed": "Not all proofs passed",
}
_GOOD = frozenset({"done", "unchanged", "passed", "undone"})


def render(document: ReportDocument) -> str:
    """HTML 5; nothing in it is loaded from elsewhere, and every value is escaped."""
    environment = Environment(
        loader=PackageLoader("provisioning.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "safe_text": lambda text: words.safe(text, lines=True),
        "value": words.value_words,
        "kind": words.kind_words,
        "field": words.field_words,
        "system": words.system_words,
        "sign": lambda action: words.ACTIONS[action][0],
    }
    changes = sorted(document.changes, key=lambda change: change.target)
    return environment.get_template("page.html.j2").render(
        report=document,
        ended=_ENDED[document.state],
        good=document.state in _GOOD,
        targets=[(target, list(group)) for target, group in groupby(changes, key=lambda change: change.target)],
        verified=document.count("verified"),
        passed=sum(proof.passed for proof in document.proofs),
    )
