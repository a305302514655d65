"""Playbooks run by us: real ansible-playbook runs, on this machine."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from provisioning.api import Site, playbook_folder
from provisioning.api.playbook_folder import PREFIX, private_folder, sweep
from provisioning.api.playbook_secrecy import handed_over, in_memory
from provisioning.api.playbooks import PlaybookRun, run_playbook
from provisioning.engine.events import Event, Stopping, TaskSettled
from provisioning.errors import LedgerError, RequestError, SecretError
from tests.canaries import Canaries
from tests.unit.playbook_bench import Bench, task, wait_for

CANARIES = Canaries(
    {
        "of the environment": "Kanarienvogel-0001",
        "secret variable": "Kanarienvogel-{{ 0002 }}",
        "vault password": "Kanarienvogel-0003",
        "vaulted": "Kanarienvogel-0004",
    }
)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    private = tmp_path / "private"
    private.mkdir()
    monkeypatch.setattr(playbook_folder, "_place", lambda: private)
    monkeypatch.chdir(tmp_path)
    return Bench(tmp_path)


@pytest.fixture
def site(bench: Bench) -> Iterator[Site]:
    loaded = Site.load(bench.site)
    yield loaded
    if loaded.has_ledger:
        loaded.ledger.close()


def test_hosts_are_recorded_and_no_secret_is_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    values = CANARIES.values
    monkeypatch.setenv("A_SECRET", values["secret variable"])
    monkeypatch.setenv("DEVICE_PASSWORD", values["of the environment"])
    monkeypatch.setenv("VAULT_PASSWORD", values["vault password"])
    (bench.site / "vault.yml").write_text("secrets: {ansible_vault_password: env:VAULT_PASSWORD}\n", encoding="utf-8")
    vaulted = bench.site / "playbooks" / "vars" / "vaulted.yml"
    bench.playbook(
        "secret",
        task("Read", "assert", {"that": ["vaulted == 'Kanarienvogel-' ~ '0004'", "given == expected"], "quiet": True}),
        task("Environment", "assert", {"that": ["lookup('env', 'DEVICE_PASSWORD') is match('Kanarien')"]}),
        task("Say it", "debug", {"msg": "{{ given }} and {{ lookup('env', 'VAULT_PASSWORD') }}"}),
        task("Use it", "command", {"cmd": "cat", "stdin": "{{ given }}"}, no_log=True, changed_when=True),
        task("Fail with it", "fail", {"msg": "refused {{ given }}"}, when="inventory_hostname == 'two'"),
        vars_files=["vars/vaulted.yml"],
        vars={"expected": "Kanarienvogel-{{ '{{' }} 0002 {{ '}}' }}"},
    )
    vaulted.parent.mkdir()
    subprocess.run(
        [Path(sys.executable).parent / "ansible-vault", "encrypt", "--vault-password-file", "/dev/stdin", "--output",
         vaulted, write(bench.folder / "plain.yml", "vaulted: Kanarienvogel-0004\n")],
        input=values["vault password"], text=True, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    (bench.folder / "plain.yml").unlink()
    site, findings = Site.load(bench.site), list[str]()

    def look(event: Event) -> None:
        findings.extend(CANARIES.in_text(repr(event)))
        (folder,) = (bench.folder / "private").iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        # Results pass through files for a moment (no_log ones do not); the command and the environment never do.
        findings.extend(f for file in folder.rglob("command") for f in CANARIES.in_bytes(file.read_bytes()))
        findings.extend(CANARIES.in_text("".join(str(path) for path in folder.rglob("*"))))

    with CANARIES.watched_processes() as in_arguments:
        run = run_playbook(site, "secret", inventory=bench.hosts, secrets={"given": "env:A_SECRET"}, listener=look)
    site.ledger.close()
    assert run.state == "partial"
    assert run.hosts["one"].passed
    assert run.hosts["two"].problems == ("Fail with it: refused ********",)
    assert findings + in_arguments == []
    assert CANARIES.in_files(bench.folder) == []
    assert CANARIES.in_text(repr(run) + caplog.text + "".join(capfd.readouterr())) == []
    assert list((bench.folder / "private").iterdir()) == []


def write(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


def test_a_run_is_in_the_ledger_and_the_work_log(bench: Bench, site: Site) -> None:
    bench.playbook(
        "mixed",
        task(
            "Write", "copy", {"content": "x\n", "dest": f"{bench.folder}/{{{{ inventory_hostname }}}}", "mode": "600"}
        ),
        task("Fail", "fail", {"msg": "{{ why }}"}, when="inventory_hostname == 'two'"),
    )
    events: list[Event] = []
    first = run_playbook(
        site, "mixed", inventory=bench.hosts, extra_vars={"why": "no cards", "n": 1}, check=True, diff=True,
        listener=events.append,
    )  # fmt: skip
    assert not (bench.folder / "one").exists()
    assert first.check
    assert first.changed
    changed = next(e for e in events if isinstance(e, TaskSettled) and e.outcome == "changed" and e.host == "one")
    assert "+x" in changed.difference
    second = run_playbook(site, "mixed", inventory=bench.hosts, limit="one", extra_vars={"why": "-"})
    assert second.state == "done"
    assert (bench.folder / "one").read_text(encoding="utf-8") == "x\n"
    assert first.id is not None
    record = site.run(first.id).record
    assert record.state == "partial"
    assert record.title == "run playbook mixed.yml (check)"
    assert {name: record.request[name] for name in ("procedure", "playbook", "check", "variables")} == {
        "procedure": "playbook", "playbook": "mixed", "check": True, "variables": ["n", "why"],
    }  # fmt: skip
    assert [(proof["target"], proof["passed"]) for proof in record.proofs] == [("one", True), ("two", False)]
    said = [entry.sentence for entry in site.ledger.worklog(run_id=first.id)]
    assert said[0].endswith("began to run playbook mixed.yml (check).")
    assert said[1:] == [
        "The playbook was for 2 hosts: 1 without a failure, 2 that it would change; two: Fail: no cards."
    ]
    assert site.ledger.verify().breaks == ()


@pytest.mark.parametrize(
    ("text", "limit", "sentence"),
    [
        ("- hosts: all\n  tasks:\n   - debug:\n      a: 1\n     b\n", None, "YAML parsing failed"),
        ("- hosts: all\n  tasks: []\n", "nobody", "leaves us with no hosts to target"),
    ],
)
def test_what_ansible_refuses_leaves_no_run(
    bench: Bench, site: Site, text: str, limit: str | None, sentence: str
) -> None:
    file = write(bench.folder / "bad.yml", text)
    with pytest.raises(RequestError, match=sentence):
        run_playbook(site, file, inventory=bench.hosts, limit=limit)
    assert not site.has_ledger
    assert list((bench.folder / "private").iterdir()) == []


def test_nothing_begins_that_cannot_be_written_down(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    touched = bench.folder / "touched"
    bench.playbook("touch", task("Touch", "copy", {"content": "", "dest": str(touched), "mode": "600"}))

    def full(*_: Any, **__: Any) -> None:
        raise LedgerError("the disk is full")

    monkeypatch.setattr(type(site.ledger), "begin", full)
    with pytest.raises(LedgerError, match="the disk is full"):
        run_playbook(site, "touch", inventory=bench.hosts)
    assert not touched.exists()
    assert list((bench.folder / "private").iterdir()) == []


def test_cancelled_in_another_thread_it_ends_between_two_tasks(bench: Bench, site: Site) -> None:
    first, second, stop = bench.folder / "first", bench.folder / "second", threading.Event()
    bench.playbook(
        "long",
        wait_for("Wait", first),
        task("Go on", "copy", {"content": "", "dest": str(second), "mode": "600"}),
        serial=2,
    )
    events: list[Event] = []

    def look(event: Event) -> None:
        events.append(event)
        if isinstance(event, Stopping):
            first.touch()  # what is under way is let finish

    found: list[PlaybookRun] = []

    def work() -> None:
        found.append(run_playbook(site, "long", inventory=bench.hosts, listener=look, cancel=stop.is_set))

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: site.has_ledger and any(run.state == "running" for run in site.runs(1)))
    time.sleep(0.5)
    stop.set()
    thread.join(60)
    (run,) = found
    assert run.state == "interrupted"
    assert [event.outcome for event in events if isinstance(event, TaskSettled)] == ["ok", "ok"]
    assert not second.exists()
    assert run.id is not None
    assert site.run(run.id).state == "partial"
    assert "was interrupted" in str(site.ledger.events(run.id)[-1].error)
    assert list((bench.folder / "private").iterdir()) == []


def test_a_timeout_ends_what_is_under_way(bench: Bench, site: Site) -> None:
    bench.playbook("endless", wait_for("Wait", bench.folder / "never"))
    begun = time.monotonic()
    run = run_playbook(site, "endless", inventory=bench.hosts, timeout=4)
    assert run.state == "partial"
    assert run.problem == "it was ended because it took longer than 4 s"
    assert time.monotonic() - begun < 30
    assert list((bench.folder / "private").iterdir()) == []


def test_a_killed_ansible_leaves_a_sentence(bench: Bench, site: Site) -> None:
    bench.playbook("victim", task("Tell", "debug", {"msg": "x"}), wait_for("Wait", bench.folder / "never"))

    def kill(event: Event) -> None:
        if isinstance(event, TaskSettled) and event.host == "two":
            children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text(encoding="ascii")
            os.kill(int(children.split()[-1]), signal.SIGKILL)  # the newest: the lab has children as well

    run = run_playbook(site, "victim", inventory=bench.hosts, listener=kill)
    assert run.state == "partial"
    assert "ended in the middle" in str(run.problem)
    assert list((bench.folder / "private").iterdir()) == []
    (bench.folder / "never").touch()  # orphans


def test_names_lead_to_playbooks(bench: Bench, site: Site) -> None:
    bench.playbook("canteen-card")
    with pytest.raises(
        RequestError, match=r"no playbook 'canteen-crad'; did you mean 'canteen-card'.*there are: .*can"
    ):
        run_playbook(site, "canteen-crad")
    with pytest.raises(RequestError, match=r"there is no playbook nope\.yml"):
        run_playbook(site, "./nope.yml")
    with pytest.raises(RequestError, match="--inventory: there is no"):
        run_playbook(site, "canteen-card", inventory=bench.folder / "nope")
    with pytest.raises(RequestError, match="there is no file"):
        run_playbook(site, "canteen-card.yml", extra_vars_files=[Path("nope")])
    with pytest.raises(RequestError, match="given twice"):
        run_playbook(site, "canteen-card", extra_vars={"a": 1}, secrets={"a": "env:A"})
    with pytest.raises(RequestError, match="cannot be handed over"):
        run_playbook(site, "canteen-card", extra_vars={"a": object()})
    with pytest.raises(SecretError, match="NOT_SET"):
        run_playbook(site, "canteen-card", secrets={"a": "env:NOT_SET"})
    assert not site.has_ledger


def test_without_the_extra_a_sentence_names_it(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.playbook("any")
    monkeypatch.setitem(sys.modules, "ansible_runner", None)
    with pytest.raises(RequestError, match=r"ansible_runner.*not installed; `pip install 'provisioning\[ansible\]'`"):
        run_playbook(site, "any", inventory=bench.hosts)


# --------------------------------------------------------------------------------------------- folders and pipes


def test_the_private_folder_goes_also_after_an_exception(bench: Bench) -> None:
    place = bench.folder / "private"

    def interrupted() -> None:
        with private_folder() as folder:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            (folder / "deep").mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(place.iterdir()) == []


def test_only_folders_of_the_dead_are_swept(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    left, alive = tmp_path / f"{PREFIX}{dead.pid}-x", tmp_path / f"{PREFIX}{os.getpid()}-x"
    strange, elsewhere = tmp_path / f"{PREFIX}old", tmp_path / "elsewhere"
    for folder in (left, alive, strange, elsewhere):
        (folder / "artifacts").mkdir(parents=True)
    link = tmp_path / f"{PREFIX}{dead.pid}-link"
    link.symlink_to(elsewhere)
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        path.name for path in (alive, strange, elsewhere, link)
    )
    assert (elsewhere / "artifacts").exists()


def test_a_pipe_hands_over_once_and_waits_for_nobody(tmp_path: Path) -> None:
    long = "Kanarienvogel\n" * 20_000  # more than a pipe holds
    with handed_over(tmp_path / "pipe", long) as pipe:
        assert stat.S_IMODE(pipe.stat().st_mode) == 0o600
        assert pipe.read_text(encoding="utf-8") == long
    for text in ("short", long):
        (tmp_path / "pipe").unlink()
        with handed_over(tmp_path / "pipe", text):
            pass
    with ExitStack() as stack:
        number = in_memory(stack, "ä\udcff")
        assert Path(f"/proc/self/fd/{number}").read_bytes() == "ä".encode() + b"\xff"


def until(true: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.1)
