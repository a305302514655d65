"""The action plugin of ``workplace.provisioning.mailbox``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.mailbox``."""

    module = "mailbox"
