"""The action plugin of ``workplace.provisioning.switch_port``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.switch_port``."""

    module = "switch_port"
