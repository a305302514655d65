"""The filter ``workplace.provisioning.trace``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from jinja2 import pass_context

from provisioning.ansible_door import filters
from provisioning.errors import ProvisioningError


@pass_context
def trace(context: Any, outlet: Any, site: str | None = None) -> dict[str, Any]:
    """See ``trace.yml``."""
    try:
        return filters.trace(filters.site_at(site, context), outlet)
    except ProvisioningError as exc:
        raise AnsibleFilterError(f"trace: {exc}") from exc


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name → filter."""
        return {"trace": trace}
