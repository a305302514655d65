"""The action plugin of ``workplace.provisioning.dhcp_reservation``."""

from provisioning.ansible_door.action import WorkplaceAction


class ActionModule(WorkplaceAction):
    """See ``ansible-doc workplace.provisioning.dhcp_reservation``."""

    module = "dhcp_reservation"
