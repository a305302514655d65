"""The action plugin of ``workplace.provisioning.publish``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.publish``."""

    module = "publish"
