"""The action plugin of ``workplace.provisioning.audit``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.audit``."""

    module = "audit"
