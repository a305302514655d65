"""The action plugin of ``workplace.provisioning.transfer_data``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.transfer_data``."""

    module = "transfer_data"
