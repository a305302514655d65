"""The lookup ``workplace.provisioning.person``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from provisioning.ansible_door import filters
from provisioning.errors import ProvisioningError

DOCUMENTATION = """
name: person
short_description: A person of the site
description:
  - Names, profile, desk, PC and login of a person, as C(provision show person) has them.
  - Fails with the nearest number when the site has no such person.
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
"""

EXAMPLES = """
- name: Tell where somebody sits
  ansible.builtin.debug:
    msg: "{{ lookup('workplace.provisioning.person', 'E1042').workplace }}"
"""

RETURN = """
_raw:
  description: What the site holds of each person.
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
            return [filters.person(site, term) for term in terms]
        except ProvisioningError as exc:
            raise AnsibleLookupError(f"person: {exc}") from exc
