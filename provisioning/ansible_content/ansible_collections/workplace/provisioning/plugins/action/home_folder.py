"""The action plugin of ``workplace.provisioning.home_folder``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.home_folder``."""

    module = "home_folder"
