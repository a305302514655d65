"""The action plugin of ``workplace.provisioning.registry``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.registry``."""

    module = "registry"
