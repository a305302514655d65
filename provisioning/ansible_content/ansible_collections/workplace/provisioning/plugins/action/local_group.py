"""The action plugin of ``workplace.provisioning.local_group``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.local_group``."""

    module = "local_group"
