"""The action plugin of ``workplace.provisioning.offline_domain_join``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.offline_domain_join``."""

    module = "offline_domain_join"
