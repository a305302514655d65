"""The action plugin of ``workplace.provisioning.reassign``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.reassign``."""

    module = "reassign"
