"""The action plugin of ``workplace.provisioning.room_printers``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.room_printers``."""

    module = "room_printers"
