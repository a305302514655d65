"""The action plugin of ``workplace.provisioning.offboard``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.offboard``."""

    module = "offboard"
