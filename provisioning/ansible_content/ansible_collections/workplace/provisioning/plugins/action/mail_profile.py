"""The action plugin of ``workplace.provisioning.mail_profile``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.mail_profile``."""

    module = "mail_profile"
