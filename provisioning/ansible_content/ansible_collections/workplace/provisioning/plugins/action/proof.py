"""The action plugin of ``workplace.provisioning.proof``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.proof``."""

    module = "proof"
