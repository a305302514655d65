"""The action plugin of ``workplace.provisioning.package``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.package``."""

    module = "package"
