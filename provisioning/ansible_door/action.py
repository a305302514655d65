"""The base of every action plugin. Action plugins run in the interpreter of ansible-playbook on the controller, so no
Python is needed on hosts and no PowerShell is started there.

Ansible imports an action plugin in its main process and forks a worker for each task of each host: what is imported at
the top here is paid for once a playbook.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase

from provisioning.ansible_door import connection_variables
from provisioning.ansible_door.arguments import native, secrets_in, validated
from provisioning.ansible_door.definition import Definition, Result, Task
from provisioning.ansible_door.registry import MODULES
from provisioning.api import Site
from provisioning.errors import ProvisioningError, RequestError, UnreachableError

_FILLED_IN = {"ansible_connection", "ansible_host", "ansible_port", "ansible_timeout"}


class WorkplaceAction(ActionBase):  # type: ignore[misc]  # ansible has no types
    """One module: validate the task, load the site, carry it out, and say what came of it."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False
    module: str = ""
    """Name in :data:`~provisioning.ansible_door.registry.MODULES`."""

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> Result:
        """What Ansible calls. Errors become ``failed`` (or ``unreachable``) with sentences, never a traceback."""
        variables = dict(task_vars or {})
        result: Result = super().run(tmp, variables)
        definition = MODULES[self.module]
        given = native(self._task.args)
        hidden = secrets_in(given, definition.options)
        try:
            said = connection_variables.said_of(definition.host_is, self._set(variables), self._templar.template)
            hidden |= connection_variables.secrets_in(said)
            done = definition.carry(self._task_of(definition, given, said, variables))
        except UnreachableError as exc:
            done = {"changed": False, "unreachable": True, "msg": str(exc)}
        except ProvisioningError as exc:
            done = {"changed": False, "failed": True, "msg": str(exc)}
        if not self._task.diff:
            done.pop("diff", None)
        return result | dict(remove_values(done, hidden))

    def _task_of(
        self, definition: Definition, given: Mapping[str, Any], said: Mapping[str, Any], variables: Mapping[str, Any]
    ) -> Task:
        """Raises :class:`~provisioning.errors.ProvisioningError` for what cannot be understood."""
        options = validated(given, definition.options, self.module)
        host = self._host(variables)
        folder = options.pop("site", None) or self._templar.template(variables.get("provision_site"))
        site, target = connection_variables.host_of(site_of(folder), definition.host_is, host, said)
        return Task(options, site, host, variables, bool(self._task.check_mode), bool(self._task.diff), target)

    def _host(self, variables: Mapping[str, Any]) -> str:
        """The host that the task is about: the one it is delegated to, where it is."""
        return str(self._task.delegate_to or variables.get("inventory_hostname", "localhost"))

    def _set(self, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """The variables without those that nobody set: Ansible fills in what its connection plugin would use."""
        host = self._host(variables)
        of_host = variables["hostvars"].raw_get(host) if host in variables.get("hostvars", ()) else {}
        if self._task.delegate_to:
            return dict(of_host)
        somebodys = {*of_host, *self._task.get_vars(), *self._task.get_play().get_vars()}
        return {name: value for name, value in variables.items() if name not in _FILLED_IN or name in somebodys}


def site_of(folder: object) -> Site:
    """The site that a task is about. Raises :class:`RequestError` when nobody says which, and
    :class:`~provisioning.errors.SiteError`."""
    folder = folder or os.environ.get("PROVISION_SITE")
    if not folder:
        raise RequestError(
            "which site? Set the variable provision_site to the site's folder (or the option `site`, or the "
            "environment variable PROVISION_SITE)"
        )
    return Site.load(Path(str(folder)).expanduser())
