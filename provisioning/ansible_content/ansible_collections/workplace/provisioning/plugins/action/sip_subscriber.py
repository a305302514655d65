"""The action plugin of ``workplace.provisioning.sip_subscriber``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.sip_subscriber``."""

    module = "sip_subscriber"
