"""The one facade that every door calls: the command line, scripts, later the Ansible modules.

::

    from provisioning import Site, onboard

    site = Site.load("inventories/example")
    plan = site.plan(onboard("E1042"))
    run = plan.apply()
    run.undo()
"""

from provisioning.api.plan import Plan, Run
from provisioning.api.site import Site
from provisioning.procedures.onboard import Onboard, onboard

__all__ = ["Onboard", "Plan", "Run", "Site", "onboard"]
