"""The lookup ``workplace.provisioning.login``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from provisioning.ansible_door import filters
from provisioning.errors import ProvisioningError

DOCUMENTATION = """
name: login
short_description: The login of a person
description:
  - The login that the site fixes for a person, else the one that the latest runs in the ledger gave.
  - Fails when neither knows one. The directory is not asked.
author: The provisioning authors (@provisioning)
options:
  _terms:
    description: Numbers of people.
    type: list
    elements: str
    required: true
  site:
    description:
      - The site's folder. Default is the variable C(provision_site), then the environment's C(PROVISION_SITE).
    type: path
  candidate:
    description: For people without a login, the first one that the site's policy would try. A namesake may get it.
    type: bool
    default: false
"""

EXAMPLES = """
- name: Tell what login somebody has
  ansible.builtin.debug:
    msg: "{{ lookup('workplace.provisioning.login', 'E1042') }}"
"""

RETURN = """
_raw:
  description: The logins.
  type: list
  elements: str
"""


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible has no types
    """What Ansible loads."""

    def run(self, terms: Sequence[Any], variables: Mapping[str, Any] | None = None, **options: Any) -> list[Any]:
        """One answer a term."""
        self.set_options(var_options=variables, direct=options)
        try:
            site = filters.site_at(self.get_option("site"), variables)
            return [filters.login(site, term, candidate=self.get_option("candidate")) for term in terms]
        except ProvisioningError as exc:
            raise AnsibleLookupError(f"login: {exc}") from exc
