"""The action plugin of ``workplace.provisioning.erase``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.erase``."""

    module = "erase"
