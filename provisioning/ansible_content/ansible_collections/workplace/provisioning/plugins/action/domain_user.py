"""The action plugin of ``workplace.provisioning.domain_user``."""

from provisioning.ansible_door.action import StatesAction


class ActionModule(StatesAction):
    module = "domain_user"
