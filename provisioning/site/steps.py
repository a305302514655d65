"""Playbooks that run after a procedure: the section ``steps`` of a site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from provisioning.site import playbooks
from provisioning.site.base import Form, Identifier, Model, Text
from provisioning.site.fault import Fault
from provisioning.site.runs import Span

if TYPE_CHECKING:
    from provisioning.site.inventory import Inventory

Procedure = Literal[
    "onboard", "offboard", "reinstate", "erase", "join", "install", "replace", "connect", "patch", "move", "publish",
    "rename", "reassign", "transfer-data", "backup", "restore",
]  # fmt: skip
"""What a step can follow."""

VariableName = Annotated[
    str, Form(r"^[A-Za-z_][A-Za-z0-9_]{0,99}$", "a variable's name: letters (a-z), digits and _, no digit first")
]

WORKSTATION = "{workstation}"
"""In a limit: the PCs that the request is about."""

_BRACES = re.compile(r"\{[^}]*\}")


def _limit(text: str) -> str:
    strange = [place for place in _BRACES.findall(text) if place != WORKSTATION]
    if strange:
        raise ValueError(f"{strange[0]} stands for nothing; expected {WORKSTATION}, or names of hosts and groups")
    return text


class Step(Model):
    """One playbook: by name (``playbooks/NAME.yml`` of the site, else of the clone), or as a path from the site's
    folder. It runs when a run of the procedure has made and proven everything, once."""

    playbook: Text
    when: Literal["after"] = "after"
    limit: Annotated[Text, AfterValidator(_limit)] | None = Field(
        default=None, description=f"hosts and groups as ansible-playbook has them; {WORKSTATION}: the PCs concerned"
    )
    tags: tuple[Identifier, ...] = ()
    extra_vars: dict[VariableName, Text] = Field(default_factory=dict, description="variables for it; nothing secret")
    timeout: Span | None = Field(default=None, description="how long it may take; without it: runs: playbook_timeout")


def step_faults(site: Inventory) -> Iterator[Fault]:
    """Playbooks that are not there, and a playbook that is named twice for one procedure."""
    for procedure, steps in site.steps.items():
        seen: set[Path] = set()
        for i, step in enumerate(steps):
            at = ("steps", procedure, i, "playbook")
            file = file_of(site, step)
            if file is not None:
                if file in seen:
                    yield Fault(at, f"{step.playbook} is a step of {procedure} already; name it once")
                seen.add(file)
            elif "/" in step.playbook:
                yield Fault(at, f"there is no file {site.folder / step.playbook}; paths begin at the site's folder")
            else:
                there, place = playbooks.known(site.folder), site.folder / playbooks.FOLDER
                yield Fault(at, f"there is no playbook {step.playbook!r} in {place}", step.playbook, there.keys())


def file_of(site: Inventory, step: Step) -> Path | None:
    """The playbook of a step, or ``None`` when it is not there."""
    if "/" in step.playbook:
        file: Path | None = site.folder / Path(step.playbook).expanduser()
    else:
        file = playbooks.named(site.folder, step.playbook)
    return file.resolve() if file is not None and file.is_file() else None
