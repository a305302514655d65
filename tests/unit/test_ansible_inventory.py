"""The site as an Ansible inventory: the plugin in this process, and ``ansible-inventory`` as an admin runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.inventory.group import to_safe_group_name
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, inventory_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ansible_inventory import plain_inventory
from benchmarks.large_site import write_large_site
from provisioning import dialects
from provisioning.ansible_door import connection_variables, inventory
from provisioning.ansible_door.inventory import NETWORK_OS, listing
from provisioning.api import Site
from provisioning.errors import RequestError
from tests.unit.moving_office import Bench
from tests.unit.moving_office import bench as moving_bench

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "inventories/example"
PROGRAM = Path(sys.executable).with_name("ansible-inventory")

Read = Callable[..., InventoryData]
Edit = Callable[[str, str, str], None]


@pytest.fixture(scope="session", autouse=True)
def _plugins() -> None:
    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader([])


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """An inventory file beside a copy of the example site."""
    shutil.copytree(EXAMPLE, tmp_path / "site")
    site = tmp_path / "site/site.yml"
    site.write_text(site.read_text(encoding="utf-8").replace("/var/lib/provisioning-lab/0", str(tmp_path / "lab")))
    return source(tmp_path, "site: site")


@pytest.fixture
def edit(office: Path) -> Edit:
    """Change a file of that site."""

    def change(file: str, old: str, new: str) -> None:
        path = office.parent / "site" / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


def source(folder: Path, *lines: str, name: str = "office.workplace.yml") -> Path:
    path = folder / name
    path.write_text("\n".join(["plugin: workplace.provisioning.site", *lines, ""]), encoding="utf-8")
    return path


def read(path: Path, into: InventoryData | None = None, **extra: str) -> InventoryData:
    """What the plugin makes of an inventory file."""
    made = into or InventoryData()
    plugin = inventory_loader.get("workplace.provisioning.site")
    assert plugin.verify_file(str(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ansible.plugins.inventory.load_extra_vars", lambda _: extra)
        plugin.parse(made, DataLoader(), str(path))
    made.reconcile_inventory()
    return made


def members(made: InventoryData, group: str) -> set[str]:
    return {host.name for host in made.groups[group].get_hosts()}


def variables(made: InventoryData, host: str) -> dict[str, Any]:
    found: dict[str, Any] = made.hosts[host].vars
    return found


def run(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """``ansible-inventory``, with the settings of our ansible.cfg."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE")}
    environment |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "COLUMNS": "1000"}
    return subprocess.run(
        [PROGRAM, "-i", path, *words],
        env=environment, cwd=path.parent, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


# -- what it lists -----------------------------------------------------------------------------------------


def test_hosts_say_how_they_are_reached_and_where_they_are(office: Path) -> None:
    made = read(office)
    site = Site.load(office.parent / "site").inventory
    assert set(made.hosts) == {*site.workstations, *site.network.switches}
    pc = variables(made, "WS-0042")
    assert {name: pc[name] for name in pc if name.startswith("ansible")} == {
        "ansible_connection": "winrm",
        "ansible_host": "ws-0042.corp.example",
        "ansible_port": 5986,
        "ansible_user": "svc-deploy",
        "ansible_winrm_scheme": "https",
        "ansible_winrm_transport": "ntlm",
        "ansible_winrm_server_cert_validation": "validate",
        "ansible_winrm_ca_trust_path": f"{office.parent}/lab/ca.pem",
        "ansible_winrm_connection_timeout": 20,
    }
    assert {name.removeprefix("workplace_"): pc[name] for name in pc if name.startswith("workplace")} == {
        "kind": "workstation", "asset_tag": "NW-20042", "mac": "02:00:5e:10:00:42", "model": "EliteDesk 800 G9",
        "address": "127.77.0.101", "desk": "B-204-3", "building": "B", "room": "B-204", "shared": False,
        "outlet": "B2-04C", "closet": "C-B2", "panel": "P1", "panel_port": 12, "switch": "sw-b2-1",
        "switch_port": "GigabitEthernet1/0/12", "people": ["E1042"], "person": "E1042", "profile": "sales",
        "department": "Sales", "vlan": "staff", "vlan_id": 20,
    }  # fmt: skip
    switch = variables(made, "sw-b2-1")
    assert switch["ansible_network_os"] == "cisco.ios.ios"
    assert (switch["ansible_host"], switch["ansible_port"]) == ("sw-b2-1.corp.example", 22)
    assert "ansible_connection" not in switch, "ansible.netcommon is not installed here"
    assert {pc["provision_site"], made.groups["all"].vars["provision_site"]} == {str(office.parent / "site")}


def test_groups_follow_the_building_and_the_cables(office: Path) -> None:
    made = read(office)
    assert members(made, "workstations") & members(made, "in_store") == set()
    assert members(made, "in_store") == {"WS-0090", "WS-0091"}
    assert members(made, "room_B_204") == {"WS-0042", "WS-0043"}
    assert members(made, "switch_sw_b2_2") == {"WS-0051", "WS-0061"}
    assert members(made, "building_B") == members(made, "workstations") == members(made, "vlan_staff")
    assert members(made, "closet_C_B2") == members(made, "workstations") | {"sw-b2-1", "sw-b2-2"}
    assert members(made, "profile_it_support") == members(made, "department_IT") == {"WS-0061"}
    assert members(made, "dialect_ios") == members(made, "switches")


def test_no_secret_and_no_reference_to_one_is_listed(office: Path) -> None:
    made = read(office)
    text = json.dumps([host.vars for host in made.hosts.values()] + [group.vars for group in made.groups.values()])
    text = text.replace(str(office.parent), "")
    assert not re.search(r"password|pass\b|secret|\b(env|file|vault|keyring|hashicorp):", text)


def test_network_cli_is_named_where_ansible_has_it() -> None:
    made = listing(Site.load(EXAMPLE).inventory, network_cli=True)
    assert made.hosts["sw-b2-1"]["ansible_connection"] == "ansible.netcommon.network_cli"
    assert made.hosts["WS-0042"]["ansible_connection"] == "winrm"


def test_our_modules_understand_the_network_os_of_every_dialect() -> None:
    assert set(dialects.NAMES) - set(NETWORK_OS) == {"ovs", "procurve"}, "a dialect of which nobody thought"
    assert {name: connection_variables._DIALECTS[said] for name, said in NETWORK_OS.items()} == {
        n: n for n in NETWORK_OS
    }


def test_several_people_at_a_desk_have_in_common_what_they_have(office: Path, edit: Edit) -> None:
    edit("workstations.csv", "ws-0061.corp.example,,B-206-1", "ws-0061.corp.example,,B-207-1")
    edit("people.csv", "B-206-1,", "B-207-1,")
    edit("people.csv", "B-205-2,", "B-207-1,")  # an engineer and the head of IT share a desk
    pc = variables(read(office), "WS-0061")
    assert (pc["workplace_people"], pc["workplace_shared"]) == (["E1011", "E1019"], True)
    assert pc["workplace_vlan"] == "staff"
    assert not {"workplace_person", "workplace_profile", "workplace_department"} & pc.keys()


def test_a_desk_without_people_or_cable_leaves_out_what_nobody_knows(office: Path, edit: Edit) -> None:
    edit("outlets.csv", "B2-04C,C-B2,P1,12,sw-b2-1,GigabitEthernet1/0/12", "B2-04C,C-B2,P1,12,,")
    edit("people.csv", "B-204-3,", ",")
    made = read(office)
    pc = variables(made, "WS-0042")
    assert pc["workplace_people"] == []
    assert not {"workplace_switch", "workplace_switch_port", "workplace_vlan", "workplace_profile"} & pc.keys()
    assert "WS-0042" in members(made, "room_B_204") - members(made, "switch_sw_b2_1")


def test_what_was_moved_since_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench: Bench = moving_bench(tmp_path, monkeypatch)
    path = source(tmp_path, "site: site")
    assert variables(read(path), "WS-0042")["workplace_desk"] == "B-204-3"
    bench.run("move", "E1042", "--to", "B-207-1", "--yes")
    made = read(path)
    assert variables(made, "WS-0042")["workplace_desk"] == "B-207-1"
    assert members(made, "room_B_207") == {"WS-0042"}


# -- names -------------------------------------------------------------------------------------------------


def test_rooms_in_any_script_have_groups_of_their_own(office: Path, edit: Edit) -> None:
    edit("workplaces.csv", "B-204-1,B,B-204,", "B-204-1,B,Зал 204,")
    edit("workplaces.csv", "B-203-1,B,B-203,", "B-203-1,B,В-204,")  # its first letter is Cyrillic
    edit("printers.yml", "rooms: [B-203, B-204]", "rooms: [B-203, B-204, Зал 204, В-204]")
    made = read(office)
    assert members(made, "room_Зал_204") == {"WS-0043"}
    assert members(made, "room_В_204") == {"WS-0031"}
    assert members(made, "room_B_204") == {"WS-0042"}


def test_names_that_become_the_same_are_told_apart_and_nobody_gets_the_plain_one(
    office: Path, edit: Edit, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("workplaces.csv", "B-204-1,B,B-204,", "B-204-1,B,B 204,")
    made = read(office)
    found = {group: members(made, group) for group in made.groups if group.startswith("room_B_204")}
    assert sorted(found.values(), key=sorted) == [{"WS-0042"}, {"WS-0043"}]
    assert "room_B_204" not in found
    said = " ".join(capsys.readouterr().err.split())
    assert "several names would be the group room_B_204: room 'B 204' is room_B_204_" in said


def test_rooms_of_one_name_in_two_buildings_are_two_groups(office: Path, edit: Edit) -> None:
    edit("workplaces.csv", "B-204-1,B,B-204,", "B-204-1,Haus C,B-204,")
    made = read(office)
    assert members(made, "room_B_B_204") == {"WS-0042"}
    assert members(made, "room_Haus_C_B_204") == members(made, "building_Haus_C") == {"WS-0043"}


@given(st.dictionaries(st.sampled_from(["room", "building", "a", "a_b"]), st.sets(st.text(min_size=1), max_size=8)))
def test_group_names_are_distinct_and_ansible_takes_them_as_they_are(known: dict[str, set[str]]) -> None:
    safe, remarks = inventory._safe_names(known, frozenset({"room_1"}))
    assert set(safe) == {(prefix, name) for prefix, names in known.items() for name in names}
    assert len({*safe.values(), "room_1"}) == len(safe) + 1
    assert all(to_safe_group_name(name, force=True, silent=True) == name for name in safe.values())
    assert bool(remarks) == any(
        safe[pair] != to_safe_group_name("_".join(pair), force=True, silent=True) for pair in safe
    )


@pytest.mark.parametrize(
    ("was", "name", "said"),
    [
        ("WS-0043", "sw-b2-1", "sw-b2-1 is a workstation and a switch"),
        ("WS-0043", "localhost", "Ansible means something else by 'localhost'"),
        ("WS-0043", "all", "Ansible means something else by 'all'"),
    ],
)
def test_hosts_that_cannot_be_are_refused(office: Path, edit: Edit, was: str, name: str, said: str) -> None:
    edit("workstations.csv", f"{was},", f"{name},")
    with pytest.raises(RequestError, match=said):
        listing(Site.load(office.parent / "site").inventory)
    made = InventoryData()
    with pytest.raises(AnsibleParserError, match=said):
        read(office, made)
    assert not made.hosts, "nothing is added when something is wrong"


# -- options -----------------------------------------------------------------------------------------------


def test_own_groups_and_variables(office: Path) -> None:
    path = source(
        office.parent,
        "site: site",
        "strict: true",
        "compose: {owner: \"workplace_person | default('nobody')\"}",
        "groups: {sellers: \"workplace_profile | default('') == 'sales'\"}",
        "keyed_groups: [{key: \"workplace_model | default('unknown')\", prefix: model}]",
    )
    made = read(path)
    assert variables(made, "WS-0042")["owner"] == "E1042"
    assert variables(made, "sw-b2-1")["owner"] == "nobody"
    assert members(made, "sellers") == members(made, "profile_sales")
    assert "WS-0031" in members(made, "model_OptiPlex_7010")


def test_a_broken_expression_is_an_error_only_where_it_is_to_be_strict(office: Path) -> None:
    words = ["site: site", 'compose: {owner: "no_such_variable + 1"}']
    assert "owner" not in variables(read(source(office.parent, *words)), "WS-0042")
    with pytest.raises(AnsibleError, match="Could not set owner for host WS-"):
        read(source(office.parent, *words, "strict: true"))


def test_an_extra_variable_names_another_site(office: Path, tmp_path: Path) -> None:
    shutil.copytree(office.parent / "site", tmp_path / "other/site")
    made = read(office, provision_site=str(tmp_path / "other/site"))
    assert variables(made, "WS-0042")["provision_site"] == str(tmp_path / "other/site")


def test_two_sites_leave_it_to_the_play_which_one_is_meant(office: Path, tmp_path: Path) -> None:
    write_large_site(tmp_path / "large", 60)
    made = read(source(tmp_path, "site: large", name="large.workplace.yml"), read(office))
    assert made.groups["all"].vars["workplace_sites"] == [str(office.parent / "site"), str(tmp_path / "large")]
    assert "provision_site" not in made.groups["all"].vars
    assert variables(made, "WS-0042")["provision_site"] == str(office.parent / "site")
    shutil.copytree(office.parent / "site", tmp_path / "twin")
    with pytest.raises(AnsibleParserError, match=r"the sites .*/site and .*/twin both have a host WS-0042"):
        read(source(tmp_path, "site: twin", name="twin.workplace.yml"), made)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["site: site", "keyd_groups: []"], r"workplace\.yml: there is no option 'keyd_groups'; did you mean 'keyed_"),
        (["site: no/such"], r"no/such:1: there is no such folder; `provision init .*/no/such` writes a starter site"),
        (["site: office.workplace.yml"], r"this is a file; a site is a folder"),
        ([], r"Required config 'site'"),
    ],
)  # fmt: skip
def test_mistakes_in_the_inventory_file(office: Path, lines: list[str], said: str) -> None:
    with pytest.raises(AnsibleError, match=said):
        read(source(office.parent, *lines))


def test_only_files_that_are_called_so_are_ours(office: Path) -> None:
    plugin = inventory_loader.get("workplace.provisioning.site")
    assert not plugin.verify_file(str(office.parent / "site/site.yml"))
    assert not plugin.verify_file(str(office.parent / "missing.workplace.yml"))


# -- the program -------------------------------------------------------------------------------------------


def test_the_program_lists_the_same_as_of_a_plain_inventory(office: Path) -> None:
    ours = run(office, "--list")
    assert (ours.returncode, ours.stderr) == (0, "")
    assert "__ansible_unsafe" not in ours.stdout
    plain = office.parent / "plain.yml"
    plain.write_text(json.dumps(plain_inventory(listing(Site.load(office.parent / "site").wired))), encoding="utf-8")
    assert json.loads(run(plain, "--list").stdout) == json.loads(ours.stdout)


def test_a_fault_in_the_site_ends_the_program_with_file_and_line(office: Path, edit: Edit) -> None:
    edit("people.csv", "B-204-3,", "B-204-33,")
    done = run(office, "--list")
    assert done.returncode != 0
    assert done.stdout == ""
    said = " ".join(done.stderr.split())
    assert re.search(r"people\.csv:\d+: .*'B-204-33'.* did you mean 'B-204-3'\?", said)


def test_a_name_that_looks_like_a_template_stays_a_name(office: Path, edit: Edit) -> None:
    trap = "{{ lookup('pipe'; 'touch {}/trap') }}".replace("{}", str(office.parent)).replace(";", ",")
    edit("workplaces.csv", "B-204-3,B,B-204,", f'B-204-3,B,"{trap}",')
    edit("workstations.csv", "NW-20042,02:00:5e:10:00:42,EliteDesk 800 G9", "NW-20042,02:00:5e:10:00:42,{% raw %}")
    play = office.parent / "play.yml"
    play.write_text(
        "- hosts: WS-0042\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n"
        '        msg: "{{ workplace_room }} {{ workplace_model }}"\n',
        encoding="utf-8",
    )
    done = subprocess.run(
        [PROGRAM.with_name("ansible-playbook"), "-i", office, play],
        cwd=office.parent, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert trap.replace("'", "\\'") in done.stdout.replace("'", "\\'")
    assert "{% raw %}" in done.stdout
    assert not (office.parent / "trap").exists()
    assert json.loads(run(office, "--list").stdout)["_meta"]["hostvars"]["WS-0042"]["workplace_room"] == {
        "__ansible_unsafe": trap
    }


def test_the_inventory_of_this_repository_is_the_example() -> None:
    done = run(ROOT / "inventories/example.workplace.yml", "--graph", "room_B_204")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["@room_B_204:", "|--WS-0042", "|--WS-0043"]


def test_a_large_site_is_written_as_the_benchmark_says(tmp_path: Path) -> None:
    write_large_site(tmp_path / "site", 500)
    made = read(source(tmp_path, "site: site"))
    assert len(members(made, "workstations")) == 500
    assert len(members(made, "switches")) == 11
    assert len(members(made, "room_B0_000")) == 4
