"""The modules for kinds: each kind is reached, and tasks become the resources that they say."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.ansible_door import kinds_of_domain, kinds_of_network, kinds_of_pcs
from provisioning.ansible_door.arguments import validated
from provisioning.ansible_door.definition import Task
from provisioning.ansible_door.kind_module import KindModule
from provisioning.ansible_door.kinds import KIND_OF, MODULES, REACHED_BY
from provisioning.api import Site
from provisioning.errors import RequestError
from provisioning.procedures.ensure import Ensure
from provisioning.procedures.registry import PROCEDURES
from provisioning.resources.registry import KINDS

LISTS = {one.name: one for one in (*kinds_of_domain.MODULES, *kinds_of_network.MODULES, *kinds_of_pcs.LISTS)}
NOT_ASKED_FOR = {
    ("files.folder", "archived"),  # the procedures offboard and erase archive
    ("files.quota", "offered"),  # what the server is able to do
    ("windows.printer", "provider"),  # there is one
}


@pytest.fixture(scope="module")
def site() -> Site:
    return Site.load("inventories/example")


def resources(site: Site, module: str, target: str = "", **given: Any) -> dict[str, Any]:
    """Key → plain state of the resources that a task makes."""
    definition = LISTS[module]
    options = validated(given, definition.definition().options, module)
    task = Task(options, site, "host", {}, check=True, diff=False, target=target)
    request = definition._request(task)
    assert isinstance(request, Ensure)
    assert Ensure.from_plain(request.to_plain()) == request
    return {
        f"{one.target}/{one.key}": None if one.desired is None else one.desired.to_plain() for one in request.resources
    }


def test_every_kind_is_reached_by_a_module_or_a_procedure() -> None:
    assert set(KIND_OF) == set(MODULES)
    assert not set(KIND_OF.values()) & set(REACHED_BY)
    assert {*KIND_OF.values(), *REACHED_BY} == set(KINDS)
    assert set(REACHED_BY.values()) <= set(PROCEDURES)


@pytest.mark.parametrize("module", LISTS.values(), ids=LISTS)
def test_every_field_of_a_kind_can_be_asked_for(module: KindModule) -> None:
    fields = set(KINDS[module.kind].state.model_fields)
    assert fields - set(module.fields) == {name for kind, name in NOT_ASKED_FOR if kind == module.kind}


def test_null_must_be_empty_and_left_out_is_not_managed(site: Site) -> None:
    found = resources(site, "domain_user", users=[{"login": "a", "office": None, "enabled": "no"}])
    assert found == {"directory/a": {"office": None, "enabled": False}}


def test_absent_removes_or_empties(site: Site) -> None:
    assert resources(site, "domain_user", users=[{"login": "a", "state": "absent"}]) == {"directory/a": None}
    groups = resources(
        site, "group_membership", memberships=[{"login": "a", "state": "absent", "groups": {"Sales": True}}]
    )
    assert groups == {"directory/a": {"groups": {"Sales": None}}}
    box = resources(site, "mailbox", mailboxes=[{"login": "a", "state": "absent"}])
    assert box == {"directory/a": {"mail": None, "proxy_addresses": None, "quota": None}}


def test_false_in_a_list_of_entries_means_not_there(site: Site) -> None:
    found = resources(site, "group_membership", memberships=[{"login": "a", "groups": {"One": True, "Two": False}}])
    assert found == {"directory/a": {"groups": {"One": True, "Two": None}}}


def test_keys_have_one_form(site: Site) -> None:
    given = [{"mac": "02-00-5E-10-30-01", "address": "10.0.0.9"}]
    assert list(resources(site, "dhcp_reservation", reservations=given)) == ["dhcp/02:00:5e:10:30:01"]
    group = resources(site, "local_group", "windows:PC", groups=[{"sid": "Administrators", "members": {}}])
    assert list(group) == ["windows:PC/S-1-5-32-544"]
    with pytest.raises(
        RequestError, match=r"^reservations: zz: Value error, 'zz' is not a MAC address; expected [^\[]*$"
    ):
        resources(site, "dhcp_reservation", reservations=[{"mac": "zz", "address": "10.0.0.9"}])


def test_the_host_is_the_target(site: Site) -> None:
    found = resources(
        site, "switch_port", "switch:sw", ports=[{"interface": "Gi1", "allowed_vlans": {"10": True}, "speed": None}]
    )
    assert found == {"switch:sw/Gi1": {"allowed_vlans": {"10": True}, "speed": None}}
    printer = resources(site, "printer", "windows:PC", printers=[{"path": r"\\p\q"}])
    assert printer == {r"windows:PC/\\p\q": {"provider": "win32spl.dll"}}


def test_what_a_kind_does_not_take_is_named_with_its_path(site: Site) -> None:
    bad = {"path": r"HKLM\SOFTWARE\X", "values": {"One": {"type": "REG_DWORD", "data": "many"}}}
    with pytest.raises(RequestError, match=r"keys: HKLM\\SOFTWARE\\X: values\.One: .*REG_DWORD holds a number"):
        resources(site, "registry", "windows:PC", keys=[bad])
    with pytest.raises(RequestError, match=r"ports: Gi1: access_vlan: .*4094"):
        resources(site, "switch_port", "switch:sw", ports=[{"interface": "Gi1", "access_vlan": 5000}])


def test_a_thing_that_is_named_twice_is_refused(site: Site) -> None:
    with pytest.raises(RequestError, match="a is named twice"):
        resources(site, "domain_user", users=[{"login": "a"}, {"login": "a", "state": "absent"}])


def test_a_manager_of_the_same_list_is_made_first(site: Site) -> None:
    users = [{"login": "b", "manager": "A"}, {"login": "a"}, {"login": "c", "manager": "somebody.else"}]
    options = validated({"users": users}, LISTS["domain_user"].definition().options, "domain_user")
    request = LISTS["domain_user"]._request(Task(options, site, "host", {}, check=True, diff=False))
    assert isinstance(request, Ensure)
    assert {one.key: sorted(a.key for a in one.requires) for one in request.resources} == {"b": ["a"], "a": [], "c": []}


def test_the_file_server_is_the_homes_or_named(site: Site) -> None:
    quota = [{"path": r"homes$\a", "limit": 5}]
    (found,) = resources(site, "folder_quota", quotas=quota)
    assert site.inventory.files is not None
    assert found.partition("/")[0] == f"files:{next(iter(site.inventory.files.servers))}"
    with pytest.raises(RequestError, match=r"has no file server 'nowhere'.*name one of .* in the option server"):
        resources(site, "folder_quota", server="nowhere", quotas=quota)


def test_packages_are_installed_as_the_procedure_does_it(site: Site) -> None:
    name, pc = next(iter(site.inventory.software)), next(iter(site.inventory.workstations))
    module = MODULES["package"]
    options = validated({"packages": [{"name": "no-such-package"}]}, module.options, "package")
    task = Task(options, site, pc, {}, check=True, diff=False, target=f"windows:{pc}")
    with pytest.raises(RequestError, match="no package or bundle 'no-such-package'"):
        kinds_of_pcs._packages(task)
    assert name in site.inventory.software
