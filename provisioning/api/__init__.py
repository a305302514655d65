"""The one facade that every door calls: the command line, scripts, the Ansible modules.

::

    from provisioning import Site, move, onboard

    site = Site.load("inventories/example")
    run = site.plan(onboard("E1042")).apply()
    site.plan(move(site, "E1042", "B-207-1")).apply()
    run.undo()

The names are loaded on first use: who plans an onboarding does not wait for what replaces PCs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provisioning.api.asking import erase, install, move, offboard, reassign, reinstate, rename, replace, roll_out
    from provisioning.api.plan import Plan, Run
    from provisioning.api.playbooks import PlaybookRun, run_playbook
    from provisioning.api.site import Site
    from provisioning.procedures.onboard import Onboard, onboard

__all__ = [
    "Onboard",
    "Plan",
    "PlaybookRun",
    "Run",
    "Site",
    "erase",
    "install",
    "move",
    "offboard",
    "onboard",
    "reassign",
    "reinstate",
    "rename",
    "replace",
    "roll_out",
    "run_playbook",
]

_MODULES = {
    "provisioning.api.plan": ("Plan", "Run"),
    "provisioning.api.playbooks": ("PlaybookRun", "run_playbook"),
    "provisioning.api.site": ("Site",),
    "provisioning.procedures.onboard": ("Onboard", "onboard"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_MODULE_OF.get(name, "provisioning.api.asking")), name)
    return found
