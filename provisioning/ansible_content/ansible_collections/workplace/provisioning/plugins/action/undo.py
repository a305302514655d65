"""The action plugin of ``workplace.provisioning.undo``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.undo``."""

    module = "undo"
