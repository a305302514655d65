"""``startup-help``, ``startup-validate``, ``startup-plan``, ``startup-import``: what a command costs before it does
anything. Whole processes from start to end, everybody with its bytecode compiled beforehand, as an installation has it
(``pip install`` compiles it, and so does ``.ci/bootstrap``).

*Floor* is the same Python that starts and ends (``python -c pass``), *alternative* the start of Ansible
(``ansible --version``, which reads its configuration and nothing else). ``startup-plan`` plans the onboarding of one
person at the example site on systems that hold nothing and answer at once (no lab): what is left when no system has to
be waited for. ``startup-import`` is what an ``ansible-playbook`` process pays once, and a script that uses the API.
"""

from __future__ import annotations

import compileall
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import provisioning
from benchmarks.large_site import EXAMPLE
from benchmarks.measuring import Asked, Goal, Row, Times, in_turn

_MOST_FOR_HELP = 0.150
_PYTHON = (sys.executable, "-c", "pass")
_MODULES = "import sys; {}; sys.stdout.write(str(len(sys.modules)))"
_WORK: Mapping[str, tuple[str, Sequence[str], str, str]] = {
    "startup-help": (
        "provision --help",
        (sys.executable, "-m", "provisioning.cli", "--help"),
        "Verbs:",
        "from provisioning.cli import program",
    ),
    "startup-validate": (
        "provision validate, example site",
        (sys.executable, "-m", "provisioning.cli", "--site", str(EXAMPLE), "validate"),
        "is valid",
        "from provisioning.cli import validate",
    ),
    "startup-plan": (
        "plan one onboarding at the example site, systems in memory",
        (sys.executable, "-m", "benchmarks.startup_job", str(EXAMPLE)),
        "changes",
        "from provisioning.cli import plan; import provisioning.api",
    ),
    "startup-import": (
        "import provisioning.api",
        (sys.executable, "-c", "import provisioning.api, sys; sys.stdout.write(provisioning.api.Site.__name__)"),
        "Site",
        "import provisioning.api",
    ),
}
"""Row → what it is, the command, what it must print, and what is imported for it."""


def measure(asked: Asked) -> Iterator[Row]:
    """One row a command."""
    compileall.compile_dir(str(Path(provisioning.__file__).parent), quiet=2)
    compileall.compile_dir(str(Path(__file__).parent), quiet=2)
    ansible = asked.ansible.with_name("ansible")
    for name, (work, command, expected, imports) in _WORK.items():
        contestants = {"ours": _process(command, expected), "floor": _process(_PYTHON, "")}
        if ansible.exists():
            contestants["alternative"] = _process((str(ansible), "--version"), "ansible [core")
        yield _row(name, work, in_turn(contestants, asked.repeat, asked.note), _processor(command), _loaded(imports))


def _row(name: str, work: str, times: Mapping[str, Times], processor: float, modules: float) -> Row:
    ours, floor, ansible = times["ours"], times["floor"], times.get("alternative")
    over = ours.median - floor.median
    goals = []
    if name == "startup-help":
        goals.append(Goal(f"≤ {1000 * _MOST_FOR_HELP:g} ms over the floor", over <= _MOST_FOR_HELP))
    return Row(
        name,
        work,
        Times("a process", ours.seconds),
        "what it must print was printed, exit code 0",
        Times("python -c pass", floor.seconds),
        None if ansible is None else Times("ansible --version", ansible.seconds),
        goals,
        {"ms over the floor": 1000 * over, "ms of the processor": 1000 * processor, "modules imported": modules},
    )


def _process(command: Sequence[str], expected: str) -> Callable[[], float]:
    def once() -> float:
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        took = time.perf_counter() - began
        if done.returncode or expected not in done.stdout:
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return took

    return once


def _processor(command: Sequence[str]) -> float:
    """Seconds of the processor that one run of it takes, which is less a matter of what else the machine does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=True)
    behind = resource.getrusage(resource.RUSAGE_CHILDREN)
    return behind.ru_utime + behind.ru_stime - before.ru_utime - before.ru_stime


def _loaded(imports: str) -> float:
    """How many modules Python holds after it."""
    done = subprocess.run([sys.executable, "-c", _MODULES.format(imports)], capture_output=True, text=True, check=True)
    return float(done.stdout)
