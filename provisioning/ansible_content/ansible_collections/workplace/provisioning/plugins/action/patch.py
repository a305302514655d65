"""The action plugin of ``workplace.provisioning.patch``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.patch``."""

    module = "patch"
