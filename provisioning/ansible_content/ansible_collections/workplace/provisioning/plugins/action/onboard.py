"""The action plugin of ``workplace.provisioning.onboard``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.onboard``."""

    module = "onboard"
