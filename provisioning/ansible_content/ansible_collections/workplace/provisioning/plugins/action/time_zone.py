"""The action plugin of ``workplace.provisioning.time_zone``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.time_zone``."""

    module = "time_zone"
