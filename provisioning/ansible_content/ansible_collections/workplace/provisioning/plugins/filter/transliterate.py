"""The filter ``workplace.provisioning.transliterate``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from jinja2 import pass_context

from provisioning.ansible_door import filters
from provisioning.errors import ProvisioningError


@pass_context
def transliterate(context: Any, text: Any, standard: Any = None, site: str | None = None) -> str:
    """See ``transliterate.yml``."""
    try:
        loaded = filters.site_at(site, context) if standard is None else None
        return filters.transliterate(text, filters.spelling(standard, loaded))
    except ProvisioningError as exc:
        raise AnsibleFilterError(f"transliterate: {exc}") from exc


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name → filter."""
        return {"transliterate": transliterate}
