"""The one facade that every door calls: the command line, scripts, the Ansible modules.

::

    from provisioning import Site, move, onboard

    site = Site.load("inventories/example")
    run = site.plan(onboard("E1042")).apply()
    site.plan(move(site, "E1042", "B-207-1")).apply()
    run.undo()
"""

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
