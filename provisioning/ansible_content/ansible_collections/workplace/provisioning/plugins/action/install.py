"""The action plugin of ``workplace.provisioning.install``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.install``."""

    module = "install"
