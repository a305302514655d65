"""The action plugin of ``workplace.provisioning.intranet_document``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.intranet_document``."""

    module = "intranet_document"
