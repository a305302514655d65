"""The action plugin of ``workplace.provisioning.move``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.move``."""

    module = "move"
