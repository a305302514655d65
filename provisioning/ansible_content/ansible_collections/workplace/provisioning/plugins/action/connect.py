"""The action plugin of ``workplace.provisioning.connect``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.connect``."""

    module = "connect"
