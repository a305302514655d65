"""The action plugin of ``workplace.provisioning.rename``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.rename``."""

    module = "rename"
