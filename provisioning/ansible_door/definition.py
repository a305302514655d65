"""What a module of the collection is: its options, and what it does with a task.

One table (``registry.MODULES``) holds every definition. The action plugins, the stub modules, their documentation for
``ansible-doc`` and the action group are generated from it (``python -m provisioning.ansible_door.documents``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from provisioning.ansible_door.arguments import Spec
from provisioning.api import Site
from provisioning.procedures.base import Request

Result = dict[str, Any]
"""What a module returns: plain data, see ``documents.RETURNS``."""

HostIs = Literal["workstation", "switch"]
"""What the host of the task is, where a module works on its host. The host's connection variables (``ansible_host``,
``ansible_user`` …) are laid over the site's settings for it then."""


@dataclass(frozen=True)
class Task:
    """One task on one host, validated.

    `given` holds the options: those that the task left out are missing (or have their default); ``null`` stays
    ``None``. `host` is the host's name in the inventory, `target` the same in our words where the module works on its
    host (``windows:WS-0042``, ``switch:sw-b2-1``).
    """

    given: Mapping[str, Any]
    site: Site
    host: str
    variables: Mapping[str, Any] = field(repr=False)
    check: bool
    diff: bool
    target: str = ""

    @property
    def thing(self) -> str:
        """The workstation or switch that the host is: its key in the site."""
        return self.target.partition(":")[2]


@dataclass(frozen=True)
class Definition:
    """One module. `said` is its line in lists, `about` its description, a paragraph each; `options` are an Ansible
    argument specification with descriptions; `examples` is YAML; `returns` are the values beside those that every
    module returns."""

    name: str
    said: str
    about: tuple[str, ...]
    options: Spec
    examples: str
    carry: Callable[[Task], Result]
    returns: Spec = field(default_factory=dict)
    host_is: HostIs | None = None


def request_module(  # noqa: PLR0917  (a table of modules reads better without the words)
    name: str, said: str, about: str | tuple[str, ...], options: Spec, make: Callable[[Task], Request], examples: str,
    *, host_is: HostIs | None = None,
) -> Definition:  # fmt: skip
    """A module that fulfils the request which `make` makes of a task: check mode plans it, else it is applied.

    `make` raises :class:`~provisioning.errors.ProvisioningError` with sentences; it changes nothing.
    """
    from provisioning.ansible_door.ensuring import fulfil  # noqa: PLC0415  (it needs Result from here)

    def carry(task: Task) -> Result:
        return fulfil(task, lambda: make(task))

    paragraphs = (about,) if isinstance(about, str) else about
    return Definition(name, said, paragraphs, options, examples, carry, host_is=host_is)
