"""The action plugin of ``workplace.provisioning.mail_rules``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.mail_rules``."""

    module = "mail_rules"
