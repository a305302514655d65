"""The action plugin of ``workplace.provisioning.phone_configuration``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.phone_configuration``."""

    module = "phone_configuration"
