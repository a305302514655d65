"""The action plugin of ``workplace.provisioning.site_state``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.site_state``."""

    module = "site_state"
