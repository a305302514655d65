"""The action plugin of ``workplace.provisioning.reinstate``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.reinstate``."""

    module = "reinstate"
