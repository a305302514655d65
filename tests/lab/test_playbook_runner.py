"""Playbooks run by us in the lab: our modules in them, the site as the inventory, steps after a procedure."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from provisioning.api import Site
from provisioning.api.playbooks import run_playbook
from provisioning.errors import RequestError
from provisioning.lab.office import Office
from provisioning.procedures.base import Accounts
from provisioning.procedures.ensure import ensure
from provisioning.procedures.publish import Publish
from provisioning.resources.base import Resource

pytestmark = pytest.mark.lab

LOGIN = "play.book"
PC = "WS-0042"


@pytest.fixture
def own(office: Office, tmp_path: Path) -> Iterator[Site]:
    """The lab's site in a folder of the test's, with playbooks and a step. The ledger is the lab's."""
    folder = tmp_path / "site"
    shutil.copytree(office.site_folder, folder, ignore=shutil.ignore_patterns(".*"))
    write(
        folder / "playbooks" / "accounts.yml",
        {
            "name": "An account",
            "workplace.provisioning.domain_user": {
                "users": [
                    {
                        "login": LOGIN,
                        "name": "Play Book",
                        "ou": "OU=Sales,OU=Staff,DC=corp,DC=example",
                        "user_principal_name": f"{LOGIN}@corp.example",
                    }
                ]
            },
        },
    )
    write(
        folder / "playbooks" / "tell.yml",
        {"name": "Tell", "ansible.builtin.debug": {"msg": "{{ provision_procedure }}"}, "failed_when": "fail == 'yes'"},
    )
    loaded = Site.load(folder)
    yield loaded
    loaded.ledger.close()


def write(file: Path, task: dict[str, object]) -> None:
    file.parent.mkdir(exist_ok=True)
    play = {"name": "All", "hosts": PC, "gather_facts": False, "tasks": [task]}
    file.write_text(yaml.safe_dump([play]), encoding="utf-8")


def test_what_our_modules_do_in_a_playbook_are_runs_that_it_names(own: Site) -> None:
    checked = run_playbook(own, "accounts", check=True)
    assert (checked.state, checked.changed, checked.runs) == ("done", True, ())
    done = run_playbook(own, "accounts", limit=PC)
    assert (done.state, done.changed, list(done.hosts)) == ("done", True, [PC])
    (made,) = done.runs
    assert [record.change.key for record in own.run(made).record.changes] == [LOGIN]
    assert done.id is not None
    with pytest.raises(RequestError, match=f"provision undo {made}"):
        own.run(done.id).undo()
    assert own.run(made).undo().state == "done"
    with pytest.raises(RequestError, match="no hosts to target"):
        run_playbook(own, "accounts", limit="WS-9999")


def test_a_step_follows_a_procedure_and_fails_it(own: Site) -> None:
    steps = own.inventory.folder / "steps.yml"
    steps.write_text("steps: {publish: [{playbook: tell, extra_vars: {fail: 'yes'}}]}\n", encoding="utf-8")
    unpublish(own)
    site = Site.load(own.inventory.folder)
    plan = site.plan(Publish())
    assert "then: playbook tell; `provision undo` does not take back what it does" in plan.warnings
    run = plan.apply()
    assert run.state == "partial"
    failed = run.record.proofs[-1]
    assert f"{PC}: Tell: publish" in failed["detail"]
    assert f"provision resume {run.id}" in failed["detail"]
    steps.write_text("steps: {publish: [{playbook: tell, extra_vars: {fail: 'no'}}]}\n", encoding="utf-8")
    site.ledger.close()
    mended = Site.load(own.inventory.folder)
    assert mended.resume(run.id).state == "done"
    newest = mended.runs(1)[0].id
    assert mended.resume(run.id).state == "done"
    assert mended.runs(1)[0].id == newest, "what is done is not run again"
    mended.ledger.close()


def unpublish(site: Site) -> None:
    """Whatever the tests before have published."""
    there = Publish().compile(site.wired, Accounts()).resources
    gone = [Resource(one.kind, one.target, one.key, None) for one in there]
    site.plan(ensure("unpublish", gone)).apply()
