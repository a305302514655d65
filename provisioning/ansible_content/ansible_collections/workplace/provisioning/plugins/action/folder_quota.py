"""The action plugin of ``workplace.provisioning.folder_quota``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.folder_quota``."""

    module = "folder_quota"
