"""The action plugin of ``workplace.provisioning.join``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.join``."""

    module = "join"
