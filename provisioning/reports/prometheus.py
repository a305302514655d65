"""An audit as numbers for Prometheus: a file for the node exporter's textfile collector.

Source: Prometheus documentation, "Exposition formats" (text format 0.0.4): ``# HELP``, ``# TYPE``, then one sample a
line; in label values, backslash, double quote and line feed are escaped. The collector reads every ``*.prom`` in its
folder and wants a file to appear whole, so it is written beside and renamed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from provisioning.errors import RequestError

__all__ = ["exposition", "write"]

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_READABLE = 0o644
"""The node exporter runs as somebody else."""

Sample = tuple[Mapping[str, str], float]


def exposition(report: Mapping[str, Any]) -> str:
    """The text of the file; from the plain data of an audit. An area without findings is 0, so that an alert can tell
    it from one that was not audited."""
    return "".join(f"{line}\n" for metric in _METRICS for line in _lines(*metric, report))


def write(file: Path, report: Mapping[str, Any]) -> None:
    """Put the file in its place, whole or not at all. Raises :class:`RequestError`."""
    unfinished = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}.", suffix=".tmp", delete=False
        ) as made:
            unfinished = Path(made.name)
            made.write(exposition(report))
            os.fchmod(made.fileno(), _READABLE)
        unfinished.replace(file)
    except OSError as exc:
        if unfinished is not None:
            with suppress(OSError):
                unfinished.unlink()
        raise RequestError(f"{file}: the numbers of the audit could not be written: {exc.strerror}") from exc


def _findings(report: Mapping[str, Any]) -> Iterator[Sample]:
    for area, severities in report["counts"].items():
        for severity, number in severities.items():
            yield {"area": area, "severity": severity}, number


def _repairable(report: Mapping[str, Any]) -> Iterator[Sample]:
    for area in report["areas"]:
        yield {"area": area}, sum(one["repairable"] and one["area"] == area for one in report["findings"])


def _unread(report: Mapping[str, Any]) -> Iterator[Sample]:
    for area in report["areas"]:
        yield {"area": area}, sum(area in one["areas"] for one in report["unread"])


def _looked(report: Mapping[str, Any]) -> Iterator[Sample]:
    for what, number in report["looked"].items():
        yield {"what": what}, number


def _at(report: Mapping[str, Any]) -> Iterator[Sample]:
    yield {}, datetime.fromisoformat(report["at"]).timestamp()


def _seconds(report: Mapping[str, Any]) -> Iterator[Sample]:
    yield {}, report["seconds"]


_METRICS = (
    ("provisioning_audit_findings", "Things that are not as the site says, by area and severity.", _findings),
    ("provisioning_audit_repairable", "Findings that `provision audit --repair` sets right, by area.", _repairable),
    ("provisioning_audit_unread", "Systems and things that could not be judged, by area that misses them.", _unread),
    ("provisioning_audit_looked_at", "How much was looked at.", _looked),
    ("provisioning_audit_last_run_timestamp_seconds", "When the last audit began, in seconds since 1970.", _at),
    ("provisioning_audit_duration_seconds", "How long the last audit took.", _seconds),
)


def _lines(name: str, said: str, samples: Any, report: Mapping[str, Any]) -> Iterator[str]:
    yield f"# HELP {name} {said}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples(report):
        pairs = {"site": report["site"], **labels}
        words = ",".join(f'{label}="{str(text).translate(_ESCAPES)}"' for label, text in pairs.items())
        yield f"{name}{{{words}}} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
