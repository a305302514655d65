"""The action plugin of ``workplace.provisioning.switch_port``."""

from provisioning.ansible_door.action import StatesAction


class ActionModule(StatesAction):
    module = "switch_port"
