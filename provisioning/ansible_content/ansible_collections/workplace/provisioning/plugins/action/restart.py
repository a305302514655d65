"""The action plugin of ``workplace.provisioning.restart``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.restart``."""

    module = "restart"
