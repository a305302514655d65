"""The action plugin of ``workplace.provisioning.browser_policy``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.browser_policy``."""

    module = "browser_policy"
