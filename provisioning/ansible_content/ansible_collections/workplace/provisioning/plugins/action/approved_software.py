"""The action plugin of ``workplace.provisioning.approved_software``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.approved_software``."""

    module = "approved_software"
