"""The action plugin of ``workplace.provisioning.workstation_baseline``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.workstation_baseline``."""

    module = "workstation_baseline"
