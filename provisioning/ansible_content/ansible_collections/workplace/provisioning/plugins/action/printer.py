"""The action plugin of ``workplace.provisioning.printer``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.printer``."""

    module = "printer"
