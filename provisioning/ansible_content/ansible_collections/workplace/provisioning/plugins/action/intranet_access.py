"""The action plugin of ``workplace.provisioning.intranet_access``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.intranet_access``."""

    module = "intranet_access"
