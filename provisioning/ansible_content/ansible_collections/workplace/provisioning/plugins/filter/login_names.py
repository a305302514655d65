"""The filter ``workplace.provisioning.login_names``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from jinja2 import pass_context

from provisioning.ansible_door import filters
from provisioning.errors import ProvisioningError


@pass_context
def login_names(
    context: Any, given: Any, family: Any, standard: Any = None, count: Any = 3, *, site: str | None = None
) -> list[str]:
    """See ``login_names.yml``."""
    try:
        return filters.login_names(filters.site_at(site, context), given, family, standard, count)
    except ProvisioningError as exc:
        raise AnsibleFilterError(f"login_names: {exc}") from exc


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name → filter."""
        return {"login_names": login_names}
