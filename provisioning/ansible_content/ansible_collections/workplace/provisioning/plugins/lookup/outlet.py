"""The lookup ``workplace.provisioning.outlet``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from provisioning.ansible_door import filters
from provisioning.errors import ProvisioningError

DOCUMENTATION = """
name: outlet
short_description: A wall outlet of the site
description:
  - Where an outlet leads, the desk that it serves and the PC there, as C(provision show outlet) has it.
  - Fails with the nearest name when the site has no such outlet.
author: The provisioning authors (@provisioning)
options:
  _terms:
    description: Names of outlets.
    type: list
    elements: str
    required: true
  site:
    description:
      - The site's folder. Default is the variable C(provision_site), then the environment's C(PROVISION_SITE).
    type: path
"""

EXAMPLES = """
- name: Tell which port the desk has
  ansible.builtin.debug:
    msg: "{{ lookup('workplace.provisioning.outlet', 'B2-04C').switch_port }}"
"""

RETURN = """
_raw:
  description: What the site holds of each outlet.
  type: list
  elements: dict
"""


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible has no types
    """What Ansible loads."""

    def run(self, terms: Sequence[Any], variables: Mapping[str, Any] | None = None, **options: Any) -> list[Any]:
        """One answer a term."""
        self.set_options(var_options=variables, direct=options)
        try:
            site = filters.site_at(self.get_option("site"), variables)
            return [filters.outlet(site, term) for term in terms]
        except ProvisioningError as exc:
            raise AnsibleLookupError(f"outlet: {exc}") from exc
