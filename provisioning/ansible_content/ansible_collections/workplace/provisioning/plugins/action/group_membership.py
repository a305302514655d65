"""The action plugin of ``workplace.provisioning.group_membership``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.group_membership``."""

    module = "group_membership"
