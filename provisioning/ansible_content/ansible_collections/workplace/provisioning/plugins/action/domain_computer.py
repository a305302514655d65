"""The action plugin of ``workplace.provisioning.domain_computer``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.domain_computer``."""

    module = "domain_computer"
