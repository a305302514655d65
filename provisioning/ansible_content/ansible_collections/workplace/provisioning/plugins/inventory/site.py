"""The inventory plugin ``workplace.provisioning.site``; what it lists is made in ``provisioning/ansible_door``."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible.utils.unsafe_proxy import wrap_var

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 a text is trusted unless it is wrapped
    trust_as_template = None

from provisioning.ansible_door.inventory import Listing, listing
from provisioning.api import Site
from provisioning.errors import ProvisioningError
from provisioning.site.lines import did_you_mean

DOCUMENTATION = """
name: site
short_description: The site as an inventory
description:
  - Hosts are the site's workstations and switches, called as the site calls them, with what the site says of them.
  - Groups are V(workstations) (PCs that stand at a workplace), V(in_store) (PCs that do not), V(switches), and
    C(building_X), C(room_X), C(closet_X), C(switch_X) (the PCs patched to a switch), C(vlan_X), C(profile_X),
    C(department_X), C(dialect_X).
  - What procedures changed since (moves, patches, replacements) counts, as the site's ledger has it.
  - There is no password among the variables. The modules of this collection resolve the site's references to secrets.
author: The provisioning authors (@provisioning)
options:
  plugin:
    description: What tells Ansible that this plugin reads the file. The file's name ends in C(.workplace.yml).
    type: str
    required: true
    choices: [workplace.provisioning.site]
  site:
    description:
      - The site's folder, relative to the inventory file.
      - The extra variable C(provision_site) (C(-e provision_site=DIR)) is stronger.
    type: str
    required: true
extends_documentation_fragment:
  - ansible.builtin.constructed
"""

EXAMPLES = """
# office.workplace.yml
plugin: workplace.provisioning.site
site: example

# office.workplace.yml, with groups and variables of your own
plugin: workplace.provisioning.site
site: /etc/provisioning/berlin
strict: true
compose:
  ansible_user: "'adm-' ~ workplace_building | default('store') | lower"
groups:
  unpatched: workplace_kind == 'workstation' and workplace_switch is not defined
keyed_groups:
  - key: workplace_model | default('unknown')
    prefix: model
"""


def _has_network_cli() -> bool:
    try:
        return find_spec("ansible_collections.ansible.netcommon") is not None
    except ModuleNotFoundError:  # no collection of that namespace
        return False


def _plain(value: Any) -> Any:
    """A value that Ansible prints as it is. A text of the site that could be a template (a room called ``{{ … }}``) is
    never taken for one; Ansible shows it as ``__ansible_unsafe``."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return _text(value) if isinstance(value, str) else value


@lru_cache(maxsize=2**17)
def _text(text: str) -> Any:
    if "{" in text or text.startswith("#jinja2:"):
        return wrap_var(text)
    return text if trust_as_template is None else trust_as_template(text)


class InventoryModule(BaseInventoryPlugin, Constructable):  # type: ignore[misc]  # ansible has no types
    """Reads ``*.workplace.yml``."""

    NAME = "workplace.provisioning.site"

    def verify_file(self, path: str) -> bool:
        """Whether the file is for us."""
        return bool(super().verify_file(path)) and path.endswith((".workplace.yml", ".workplace.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """What Ansible calls. Nothing is added to the inventory when the site cannot be read."""
        super().parse(inventory, loader, path, cache)
        self._refuse_unknown(self._read_config_data(path), path)
        folder = Path(path).parent / Path(str(self._vars.get("provision_site") or self.get_option("site"))).expanduser()
        try:
            site = Site.load(folder).wired
            found = listing(site, network_cli=_has_network_cli())
        except ProvisioningError as exc:
            raise AnsibleParserError(str(exc)) from exc
        self._refuse_strangers(found, path)
        for remark in found.remarks:
            self.display.warning(remark)
        self._add(found)
        self._name_site(_plain(str(site.folder)))
        self._construct(found)

    def _refuse_unknown(self, config: dict[str, Any], path: str) -> None:
        known = list(self._options)
        for name in config:
            if name not in known:
                hint = did_you_mean(str(name), known) or f"; expected one of: {', '.join(known)}"
                raise AnsibleParserError(f"{path}: there is no option {name!r}{hint}")

    def _refuse_strangers(self, found: Listing, path: str) -> None:
        """Two sites in one inventory: no host may belong to both."""
        for name, variables in found.hosts.items():
            host = self.inventory.hosts.get(name)
            other = host.vars.get("provision_site") if host is not None else None
            if other not in {None, variables["provision_site"]}:
                raise AnsibleParserError(
                    f"{path}: the sites {other} and {variables['provision_site']} both have a host {name}; use one of "
                    "them at a time"
                )

    def _add(self, found: Listing) -> None:
        for name, variables in found.hosts.items():
            self.inventory.add_host(name)
            # Straight to the host: a host that is called like a group must not become the group's variables.
            self.inventory.hosts[name].vars.update({key: _plain(value) for key, value in variables.items()})
        for group, names in found.groups.items():
            added = self.inventory.groups[self.inventory.add_group(group)]
            for name in names:
                added.add_host(self.inventory.hosts[name])
        for group, inside in found.children.items():
            self.inventory.add_group(group)
            for child in inside:
                self.inventory.add_child(group, child)

    def _name_site(self, folder: str) -> None:
        """``provision_site`` for plays on localhost, while there is only one site."""
        everything = self.inventory.groups["all"].vars
        sites = everything.setdefault("workplace_sites", [])
        if folder not in sites:
            sites.append(folder)
        everything.pop("provision_site", None)
        if len(sites) == 1:
            everything["provision_site"] = folder

    def _construct(self, found: Listing) -> None:
        """Variables and groups that the inventory file asks for."""
        compose, groups, keyed = (self.get_option(name) for name in ("compose", "groups", "keyed_groups"))
        if not (compose or groups or keyed):
            return
        strict = self.get_option("strict")
        for name in found.hosts:
            self._set_composite_vars(compose, self.inventory.hosts[name].get_vars(), name, strict=strict)
            variables = self.inventory.hosts[name].get_vars()
            self._add_host_to_composed_groups(groups, variables, name, strict=strict, fetch_hostvars=False)
            self._add_host_to_keyed_groups(keyed, variables, name, strict=strict, fetch_hostvars=False)
