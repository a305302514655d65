"""The table of measurements: ``python -m benchmarks`` (as root; ``make bench`` installs what it needs before).

Without names all of them run, one after the other. What was measured is printed, written to ``benchmarks/results.json``
(rows that did not run keep their last numbers), drawn as ``benchmarks/results.svg``, and its table and circumstances
are put into ``docs/performance.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.measuring import Asked, record
from benchmarks.showing import circumstances, paste, picture, table

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGE = HERE.parent / "docs/performance.md"
BENCHMARKS = {
    "accounts": "create 500 accounts with groups",
    "unchanged": "plan with nothing to do, 10,000 accounts",
    "ports": "switch ports: 48 on one, 4 on each of 20, 4 on each of 1,000",
    "settings": "200 registry policies and 5 packages on 10 PCs",
    "file": "100 MB to a PC",
    "onboarding": "one onboarding, all systems, proofs included",
    "workers": "1,000 onboardings by 1, 2 and 3 workers",
    "site": "load, validate, compile and plan a site of 1,000, 10,000 and 100,000 seats",
    "startup": "provision --help, provision plan on the example site",
    "recovery": "resume after a kill",
}
"""Name, which is the module ``benchmarks.row_NAME`` too → what it measures. Its ``measure(asked)`` gives the rows."""


def main(arguments: Sequence[str]) -> int:
    """Run it; 1 when a benchmark could not be run, 0 otherwise: a goal that is missed is a result."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures this project beside the alternatives. Nothing else should run on the machine.",
        epilog="\n".join(f"  {name:<12} {what}" for name, what in BENCHMARKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which rows (all of them)")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="how often each is timed (5)")
    parser.add_argument("--number", type=int, default=16, metavar="N", help="the lab's number (16)")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="FILE", help="results.json")
    parser.add_argument("--show", action="store_true", help="measure nothing; show what the file holds")
    parser.add_argument(
        "--ansible",
        type=Path,
        default=HERE.parent / ".venv-ansible/bin/ansible-playbook",
        metavar="FILE",
        help="the ansible-playbook to measure, with its collections (.venv-ansible, which `make bench` makes)",
    )
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.names if name not in BENCHMARKS]:
        parser.error(f"{unknown[0]!r} is none of {', '.join(BENCHMARKS)}")
    if asked.repeat < 1:
        parser.error("--repeat is at least 1")
    if asked.show and not asked.output.exists():
        parser.error(f"{asked.output} is not there: nothing was measured yet")
    if not asked.show and os.geteuid():
        parser.error("the lab's servers need root; run this as root")
    if not asked.show:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped then, too
        _measure(asked.names or list(BENCHMARKS), asked)
    rows = json.loads(asked.output.read_text(encoding="utf-8"))["rows"]
    chosen = [row for row in rows if not asked.names or row["name"].partition("-")[0] in asked.names]
    sys.stdout.write(f"{table(chosen)}\n\n{circumstances(chosen)}\n")
    picture(rows, asked.output.with_suffix(".svg"))
    if asked.output == RESULTS and PAGE.exists():
        paste(PAGE, f"{table(rows)}\n\n{circumstances(rows)}")
    return 0


def _measure(names: Sequence[str], asked: argparse.Namespace) -> None:
    for name in names:
        began = time.monotonic()
        _note(f"{name}: {BENCHMARKS[name]}")
        with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as folder:
            told = Asked(asked.repeat, asked.number, Path(folder), asked.ansible, lambda text: _note(f"  {text}"))
            for row in import_module(f"benchmarks.row_{name}").measure(told):
                record(asked.output, [row])
        _note(f"{name}: {time.monotonic() - began:.0f} s in all")


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
