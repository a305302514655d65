"""The action plugin of ``workplace.provisioning.domain_user``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.domain_user``."""

    module = "domain_user"
