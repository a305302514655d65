"""``make demo``: the main job in the lab, with the commands that an admin would type.

Starts the lab afresh, onboards the example site's new hire, runs the same command again, and leaves
``demo-report.json`` and ``demo-report.html`` in the current folder. Exit 0 only when every proof passed and the second
plan is empty.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SITE = Path("inventories/example")
NEW_HIRE = "E1042"
REPORT = Path("demo-report.json")


def main() -> int:
    """Run the demo; gives the exit code."""
    seconds: dict[str, float] = {}
    started = time.monotonic()
    REPORT.unlink(missing_ok=True)
    for words in (("lab", "down"), ("lab", "up")):
        if (code := _provision(*words)) != 0:
            return code
    seconds["lab_up"] = time.monotonic() - started

    code = _provision("onboard", NEW_HIRE, "--yes", "--report", str(REPORT))
    if not REPORT.exists():
        return code or 1
    report: dict[str, Any] = json.loads(REPORT.read_text(encoding="utf-8"))
    seconds |= report["seconds"]

    before = time.monotonic()
    second = _provision("onboard", NEW_HIRE, "--yes")
    pending = json.loads(_output("plan", "onboard", NEW_HIRE, "--output", "json"))["changes"]
    seconds["second_plan"] = time.monotonic() - before
    seconds["total"] = time.monotonic() - started

    report["second_plan_changes"] = len(pending)
    report["seconds"] = {phase: round(value, 2) for phase, value in seconds.items()}
    REPORT.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    proofs = report["proofs"]
    passed = sum(proof["passed"] for proof in proofs)
    good = code == 0 and second == 0 and not pending and bool(proofs) and passed == len(proofs)
    _say(
        f"\ndemo: {len(report['changes'])} changes, {passed} of {len(proofs)} proofs passed, "
        f"second plan: {len(pending)} changes, {seconds['total']:.0f} s in all (lab {seconds['lab_up']:.0f} s)."
    )
    _say(f"Report: {REPORT} and {REPORT.with_suffix('.html')}")
    _say("The lab still runs. Go on with, for example:")
    for example in (f"check {NEW_HIRE}", f"show person {NEW_HIRE}", "show runs", "undo 1", "lab down"):
        _say(f"  .venv/bin/provision --site {SITE} {example}")
    return 0 if good else 1


def _provision(*words: str) -> int:
    _say(f"\n$ provision --site {SITE} {' '.join(words)}")
    return subprocess.run(_command(words), check=False).returncode


def _output(*words: str) -> str:
    return subprocess.run(_command(words), check=False, stdout=subprocess.PIPE, text=True).stdout


def _command(words: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "provisioning.cli", "--site", str(SITE), *words]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
