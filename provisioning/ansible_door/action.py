"""The action plugins' common base. Action plugins run in the interpreter of ansible-playbook on the controller, so no
Python is needed on hosts and no PowerShell is started there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from provisioning.ansible_door import arguments, ensuring
from provisioning.ansible_door.catalogue import MODULES, Module
from provisioning.api import Site
from provisioning.errors import ProvisioningError, RequestError, UnreachableError
from provisioning.resources.registry import KINDS

COMMON: arguments.Spec = {
    "site": {
        "type": "path",
        "description": [
            "The site's folder. Default: the variable C(provision_site), then the environment's C(PROVISION_SITE).",
        ],
    },
}
"""Options of every module."""


class StatesAction(ActionBase):  # type: ignore[misc]  (ansible has no types)
    """A module that makes a list of things of one kind so."""

    supports_check_mode = True
    supports_diff = True
    _requires_connection = False
    module: str = ""
    """Name in :data:`~provisioning.ansible_door.catalogue.MODULES`."""

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What Ansible calls."""
        variables = dict(task_vars or {})
        result: dict[str, Any] = super().run(tmp, variables)
        module = MODULES[self.module]
        given = validated(self._task.args, specification(module), self.module)
        try:
            site = site_of(given, variables)
            request = ensuring.wanted(
                module, [present(thing) for thing in given[module.things]], target_of(module, site, variables),
                f"{self.module} on {variables.get('inventory_hostname', 'localhost')}",
            )  # fmt: skip
            plan = site.plan(request)
            for error in plan.unread.values():
                raise error
            done = ensuring.planned(plan) if self._task.check_mode else ensuring.carried_out(plan)
        except UnreachableError as exc:
            raise AnsibleConnectionFailure(str(exc)) from exc
        except ProvisioningError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        if not self._task.diff:
            done.pop("diff", None)
        return result | done


def specification(module: Module) -> arguments.Spec:
    """The argument specification of a module for a kind."""
    fields = {
        name: option for name, option in arguments.of_state(KINDS[module.kind].state).items() if name != module.key
    }
    for option in fields.values():
        option.pop("required", None)  # not where the thing is to be absent
    thing = {
        module.key: {"type": "str", "required": True, "description": ["What it is called."]},
        "state": {
            "type": "str",
            "choices": ["present", "absent"],
            "default": "present",
            "description": ["Whether it is to be there."],
        },
    } | fields
    return COMMON | {
        module.things: {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": thing,
            "description": [f"All {module.said} that the task is about: one list, one session, one run."],
        }
    }


def validated(given: Mapping[str, Any], spec: arguments.Spec, name: str) -> dict[str, Any]:
    """The task's arguments by their specification. Raises AnsibleActionFail with all that is wrong."""
    checked = ArgumentSpecValidator(without_words(spec)).validate(dict(given))
    if checked.error_messages:
        raise AnsibleActionFail(f"{name}: {'; '.join(checked.error_messages)}")
    return dict(checked.validated_parameters)


def without_words(spec: arguments.Spec) -> arguments.Spec:
    """A specification without its descriptions, as Ansible's validator wants it."""
    return {
        name: {
            word: without_words(value) if word == "options" else value
            for word, value in option.items()
            if word != "description"
        }
        for name, option in spec.items()
    }


def present(thing: Mapping[str, Any]) -> dict[str, Any]:
    """One thing without the options that the task did not name (the validator fills these in with ``None``)."""
    return {name: value for name, value in thing.items() if value is not None}


def site_of(given: Mapping[str, Any], variables: Mapping[str, Any]) -> Site:
    """The site that a task is about. Raises :class:`RequestError` when nobody says which."""
    import os  # noqa: PLC0415

    folder = given.get("site") or variables.get("provision_site") or os.environ.get("PROVISION_SITE")
    if not folder:
        raise RequestError("which site? set the variable provision_site to the site's folder (or the option `site`)")
    return Site.load(Path(str(folder)).expanduser())


def target_of(module: Module, site: Site, variables: Mapping[str, Any]) -> str:
    """The target of a module's things: of the site, or the host of the task. Raises :class:`RequestError`."""
    if module.where == "site":
        return module.system
    host = str(variables.get("inventory_hostname", ""))
    known = site.wired.workstations if module.system == "windows" else site.wired.network.switches
    for name, thing in known.items():
        if host.casefold() in {name.casefold(), str(getattr(thing, "host", name)).casefold()}:
            return f"{module.system}:{name}"
    raise RequestError(f"the site has no {'workstation' if module.system == 'windows' else 'switch'} {host!r}")
