"""The action plugin of ``workplace.provisioning.domain_membership``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.domain_membership``."""

    module = "domain_membership"
