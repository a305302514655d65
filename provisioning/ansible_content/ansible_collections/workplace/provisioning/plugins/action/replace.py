"""The action plugin of ``workplace.provisioning.replace``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.replace``."""

    module = "replace"
