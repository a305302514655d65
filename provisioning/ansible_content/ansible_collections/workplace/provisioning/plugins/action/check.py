"""The action plugin of ``workplace.provisioning.check``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.check``."""

    module = "check"
