"""The archive of configurations: a private Git repository that many may write at once, and that survives its writers'
deaths."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioning.errors import LedgerError, RequestError
from provisioning.ledger import acting_user
from provisioning.ledger.archive import Archive, Kept, _Desk
from provisioning.ledger.git import Git
from provisioning.resources.base import Keepsake

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def archive(folder: Path) -> Archive:
    return Archive(folder)


def config(name: str, *lines: str) -> Keepsake:
    return Keepsake(name, "ios", "\n".join([f"hostname {name}", *lines, "end"]))


def git(folder: Path, *words: str) -> str:
    """Git as a person would run it."""
    command = ["git", "--git-dir", str(folder / "configurations.git"), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# -- one commit a round or a run


def test_a_round_is_one_commit_and_nothing_new_is_none(archive: Archive, folder: Path) -> None:
    first = archive.keep([config("sw-a"), config("sw-b")], title="Round")
    assert first.changed == ("sw-a", "sw-b")
    assert archive.keep([config("sw-a"), config("sw-b")], title="Round") == Kept(None, ())
    second = archive.keep([config("sw-a", "vlan 20"), config("sw-b")], title="Round")
    assert second.changed == ("sw-a",)
    assert git(folder, "rev-list", "--reverse", "main").split() == [first.commit, second.commit]
    assert git(folder, "ls-tree", "--name-only", "main").split() == ["sw-a.cfg", "sw-b.cfg"]
    assert git(folder, "show", "main:sw-a.cfg") == "hostname sw-a\nvlan 20\nend\n"
    assert git(folder, "log", "-1", "--format=%s|%an", "main").strip() == f"Round: sw-a|{acting_user()}"
    assert git(folder, "fsck", "--strict") == ""


def test_lines_that_change_by_themselves_make_no_commit(archive: Archive) -> None:
    def at(time: str, size: int) -> Keepsake:
        head = f"Building configuration...\n\nCurrent configuration : {size} bytes\n"
        return Keepsake("sw-a", "ios", f"{head}! Last configuration change at {time} UTC\nntp clock-period {size}\nend")

    assert archive.keep([at("05:21:48", 9184)]).commit is not None
    assert archive.keep([at("06:00:00", 9190)]) == Kept(None, ())
    assert archive.read("sw-a", archive.find("sw-a")) == "end\n"


def test_before_a_run_is_kept_once_for_each_switch(archive: Archive, folder: Path) -> None:
    archive.keep([config("sw-a")], title="Round")
    assert archive.keep([config("sw-a")], title="onboard E1042", run=7) == Kept(None, ())  # nothing new …
    before = archive.before(7)
    assert before is not None  # … and named nevertheless
    assert (before.run, before.title, before.switches) == (7, "Before run 7: onboard E1042", ("sw-a",))
    # The run was killed half way, and goes on.
    kept = archive.keep([config("sw-a", "vlan 20"), config("sw-b")], title="onboard E1042", run=7)
    assert kept.changed == ("sw-a", "sw-b")
    assert archive.read("sw-a", archive.find("sw-a", 7)) == "hostname sw-a\nend\n"
    assert archive.read("sw-a", archive.find("sw-a")) == "hostname sw-a\nvlan 20\nend\n"
    assert archive.read("sw-b", archive.find("sw-b", 7)) == "hostname sw-b\nend\n"
    assert [(r.run, r.switches) for r in archive.log()] == [(7, ("sw-a", "sw-b")), (None, ("sw-a",))]
    assert archive.before(8) is None
    assert git(folder, "fsck", "--strict") == ""


def test_a_title_cannot_pose_as_another_run(archive: Archive) -> None:
    title = "onboard\n\nRun: 99\n\x1b[31mred \x1e\x1f"
    archive.keep([config("sw-a")], title=title, run=3)
    (revision,) = archive.log()
    assert revision.run == 3
    assert revision.title == "Before run 3: onboard??Run: 99??[31mred ??"
    archive.keep([config("sw-b")], title=title)
    assert archive.log()[0].run is None


def test_log_is_newest_first_and_about_one_switch(archive: Archive) -> None:
    for number in range(4):
        archive.keep([config("sw-a", f"vlan {number}"), config("sw-b", f"vlan {number // 2}")], title="Round")
    assert [revision.switches for revision in archive.log()] == [
        ("sw-a",), ("sw-a", "sw-b"), ("sw-a",), ("sw-a", "sw-b"),
    ]  # fmt: skip
    assert len(archive.log("sw-b")) == 2
    assert len(archive.log(limit=3)) == 3
    assert archive.switches() == ("sw-a", "sw-b")


def test_find_by_time_commit_and_run(archive: Archive, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [datetime(2026, 11, day, 12, tzinfo=UTC) for day in (20, 21, 22)]
    for moment in moments:
        monkeypatch.setattr(time, "time", moment.timestamp)
        archive.keep([config("sw-a", f"vlan {moment.day}"), config("sw-b")], title="Round", run=moment.day)
    monkeypatch.undo()

    def vlan(moment: str | int | datetime | None) -> str:
        return archive.read("sw-a", archive.find("sw-a", moment)).splitlines()[1]

    assert vlan(None) == "vlan 22"
    assert vlan(moments[1]) == "vlan 21"
    assert vlan(moments[1] - timedelta(seconds=1)) == "vlan 20"
    assert vlan(archive.log()[2].commit[:7]) == "vlan 20"
    assert vlan(21) == "vlan 21"
    assert archive.find("sw-b").at == moments[0]  # it did not change since
    with pytest.raises(RequestError, match="nothing of sw-a that is so old"):
        archive.find("sw-a", moments[0] - timedelta(seconds=1))


@pytest.mark.parametrize("moment", ["abcdef12", "--all", "HEAD", "main:sw-a.cfg", "refs/heads/main", "ABCDEF", 99])
def test_what_is_not_there_is_said(archive: Archive, moment: str | int) -> None:
    archive.keep([config("sw-a")])
    with pytest.raises(RequestError, match="`provision config log sw-a` lists"):
        archive.find("sw-a", moment)


def test_an_empty_archive_says_what_to_do_and_is_not_made_by_looking(archive: Archive, folder: Path) -> None:
    assert (archive.log(), archive.switches(), archive.before(1)) == ([], (), None)
    with pytest.raises(RequestError, match="`provision config archive sw-a` does it"):
        archive.find("sw-a")
    assert not folder.exists()


# -- private


def test_everything_is_for_its_owner_alone(archive: Archive, folder: Path) -> None:
    before = os.umask(0)
    try:
        archive.keep([config("sw-a")], run=1)
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")]}
    assert {path: mode for path, mode in modes.items() if mode} == {}
    assert (folder / "fingerprint.key").stat().st_mode & 0o777 == 0o600


def test_what_others_may_read_is_refused(archive: Archive, folder: Path) -> None:
    archive.keep([config("sw-a")])
    folder.chmod(0o755)
    with pytest.raises(LedgerError, match=r"is open to others \(mode 755\); `chmod 700 "):
        archive.keep([config("sw-a", "vlan 20")])
    folder.chmod(0o700)
    (folder / "fingerprint.key").chmod(0o640)
    with pytest.raises(LedgerError, match=r"fingerprint.key is open to others \(mode 640\); `chmod 600 "):
        archive.keep([config("sw-a", "vlan 20")])
    assert len(archive.log()) == 1


@pytest.mark.parametrize("text", ["", "00", "z" * 64, "é"])
def test_a_damaged_key_is_refused(archive: Archive, folder: Path, text: str) -> None:
    archive.keep([config("sw-a")])
    (folder / "fingerprint.key").write_text(text)
    with pytest.raises(LedgerError, match=r"fingerprint\.key"):
        archive.keep([config("sw-a", "vlan 20")])


def test_a_configuration_that_says_nothing_is_refused(archive: Archive, folder: Path) -> None:
    with pytest.raises(LedgerError, match="sw-a printed no configuration at all"):
        archive.keep([Keepsake("sw-a", "ios", "Building configuration...\n\n")])
    assert archive.log() == []


# -- git as nobody configured it


def test_nobody_s_settings_and_no_hook_have_a_say(
    archive: Archive, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, ran = tmp_path / "home", tmp_path / "ran"
    home.mkdir()
    hook = tmp_path / "hooks" / "reference-transaction"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n")
    hook.chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[user]\nname = Somebody\n[core]\nhooksPath = {hook.parent}\npager = touch {ran}\n[commit]\ngpgSign = true\n"
        "[log]\nshowSignature = true\n[i18n]\nlogOutputEncoding = utf-16\n[color]\nui = always\n"
    )
    elsewhere = tmp_path / "elsewhere"
    subprocess.run(["git", "init", "--quiet", "--bare", str(elsewhere)], check=True)
    for name, value in {
        "HOME": home, "GIT_DIR": elsewhere, "GIT_WORK_TREE": tmp_path, "GIT_INDEX_FILE": tmp_path / "index",
        "GIT_OBJECT_DIRECTORY": elsewhere / "objects", "GIT_AUTHOR_NAME": "Somebody", "GIT_TRACE": tmp_path / "trace",
        "GIT_CONFIG_PARAMETERS": f"'core.hookspath={hook.parent}'", "GIT_EXTERNAL_DIFF": hook, "LANG": "de_DE.UTF-8",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    archive.keep([config("sw-a")], title="Round", run=1)
    shutil.copytree(hook.parent, folder / "configurations.git" / "hooks")
    archive.keep([config("sw-a", "vlan 20")], title="Round", run=2)
    assert [revision.who for revision in archive.log()] == [acting_user()] * 2
    assert [revision.title for revision in archive.log()] == ["Before run 2: Round", "Before run 1: Round"]
    assert not ran.exists()
    assert not (tmp_path / "trace").exists()
    assert list((elsewhere / "objects").glob("??")) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give files away")
def test_a_repository_of_another_owner_is_used(archive: Archive, folder: Path) -> None:
    archive.keep([config("sw-a")])
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, 12345, 12345)
    assert archive.keep([config("sw-a", "vlan 20")]).changed == ("sw-a",)
    assert len(archive.log()) == 2


def test_without_git_the_sentence_says_so(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LedgerError, match="the program git is missing"):
        archive.keep([config("sw-a")])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="Not a directory"):
        Archive(tmp_path / "file" / "archive").keep([config("sw-a")])


def test_a_damaged_repository_is_named(archive: Archive, folder: Path) -> None:
    archive.keep([config("sw-a")])
    (folder / "configurations.git" / "HEAD").write_text("nonsense")
    with pytest.raises(LedgerError, match=r"configurations\.git"):
        archive.keep([config("sw-b")])


# -- many writers


def test_threads_share_commits_and_lose_nothing(archive: Archive, folder: Path) -> None:
    names = [f"sw-{number}" for number in range(60)]
    done: list[Kept] = []
    threads = [
        threading.Thread(target=lambda name=name: done.append(archive.keep([config(name)], title="all", run=1)))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(name for kept in done for name in kept.changed) == sorted(names)
    assert archive.switches() == tuple(sorted(names))
    before = archive.before(1)
    assert before is not None
    assert before.switches == tuple(sorted(names))
    assert len(archive.log(limit=100)) < 30
    assert git(folder, "fsck", "--strict") == ""


def test_runs_at_the_same_time_do_not_share_a_commit(archive: Archive) -> None:
    threads = [
        threading.Thread(target=archive.keep, args=([config(f"sw-{run}")],), kwargs={"title": f"run {run}", "run": run})
        for run in range(1, 13)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(revision.run or 0 for revision in archive.log()) == list(range(1, 13))


def test_one_failure_is_told_to_all_who_shared_it(
    archive: Archive, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.keep([config("sw-0")])
    folder.chmod(0o755)
    errors: list[str] = []

    def keep(name: str) -> None:
        try:
            archive.keep([config(name)], title="all", run=1)
        except LedgerError as exc:
            errors.append(str(exc))

    threads = [threading.Thread(target=keep, args=(f"sw-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 8
    assert all("chmod 700" in error for error in errors)
    folder.chmod(0o700)
    assert archive.keep([config("sw-1")], title="all", run=1).changed == ("sw-1",)


_WRITER = """
import sys
from pathlib import Path
from provisioning.ledger.archive import Archive
from provisioning.resources.base import Keepsake

archive, name = Archive(Path(sys.argv[1])), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    one = Keepsake(name, "ios", f"hostname {name}\\nvlan {number}\\nend")
    archive.keep([one], title=f"{name} {number}", run=number)
"""


def writer(folder: Path, name: str, times: int) -> subprocess.Popen[str]:
    """A process that keeps `times` configurations of a switch once it is let go."""
    started = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(folder), name, str(times)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n", started.communicate()[1]
    return started


def let_go(*writers: subprocess.Popen[str]) -> None:
    for one in writers:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()


def test_processes_lose_nothing_either(archive: Archive, folder: Path) -> None:
    writers = [writer(folder, f"sw-{number}", 8) for number in range(3)]
    let_go(*writers)
    assert [one.communicate(timeout=60)[1] for one in writers] == ["", "", ""]
    assert len(archive.log(limit=100)) == 3 * 8
    assert [archive.read(f"sw-{n}", archive.find(f"sw-{n}")).splitlines()[1] for n in range(3)] == ["vlan 7"] * 3
    assert len(git(folder, "rev-list", "--max-parents=0", "main").split()) == 1
    assert git(folder, "fsck", "--strict") == ""


@pytest.mark.timeout(120)
def test_a_killed_writer_leaves_nothing_that_the_next_round_does_not_mend(archive: Archive, folder: Path) -> None:
    for round_ in range(6):
        one = writer(folder, "sw-a", 1000)
        let_go(one)
        time.sleep(0.05 + 0.037 * round_)
        one.send_signal(signal.SIGKILL)
        one.communicate()
        kept = archive.keep([config("sw-a", f"vlan 20{round_}")], title="Round")
        assert kept.changed == ("sw-a",)
        assert archive.read("sw-a", archive.find("sw-a")) == f"hostname sw-a\nvlan 20{round_}\nend\n"
    assert "error" not in git(folder, "fsck", "--strict", "--no-dangling")


def test_a_git_whose_program_was_killed_still_keeps_the_others_out(archive: Archive, folder: Path) -> None:
    archive.keep([config("sw-a")])
    with archive.place.writing() as git:
        orphan = subprocess.Popen(["sleep", "1"], pass_fds=() if git.lock is None else (git.lock,))
    began = time.monotonic()
    archive.keep([config("sw-a", "vlan 20")])
    assert time.monotonic() - began > 0.5
    assert orphan.wait() == 0


def test_locks_and_halves_that_the_dead_leave_are_cleared_away(archive: Archive, folder: Path) -> None:
    half = folder / "configurations.git.new"
    half.mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    (half / "HEAD").write_text("ref: refs/heads/")
    assert archive.keep([config("sw-a")]).changed == ("sw-a",)
    repository = folder / "configurations.git"
    for lock in (repository / "refs" / "heads" / "main.lock", repository / "HEAD.lock"):
        lock.write_text("")
        assert archive.keep([config("sw-a", f"description {lock.name}")]).changed == ("sw-a",)
        assert not lock.exists()


def test_a_full_disk_is_named_and_nothing_stays_behind(
    archive: Archive, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.keep([config("sw-a")])
    pack = folder / "configurations.git" / "objects" / "pack"
    whole = pack.parent / "xx"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 100, 0))
    monkeypatch.setattr("provisioning.ledger.archive_folder._ROOM", 1)
    pack.rename(whole)
    pack.symlink_to("/proc")  # root may write anywhere but there
    with pytest.raises(LedgerError, match=rf"the disk of {folder} is full; make room there"):
        archive.keep([config("sw-a", "vlan 20")])
    assert list((folder / "configurations.git").glob("fast_import_crash_*")) == []
    pack.unlink()
    whole.rename(pack)
    (pack / "tmp_pack_dead").write_text("half")
    assert archive.keep([config("sw-a", "vlan 20")]).changed == ("sw-a",)
    archive.tidy()
    assert not (pack / "tmp_pack_dead").exists()
    assert git(folder, "fsck", "--strict") == ""


def test_a_commit_takes_one_process(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.keep([config("sw-a")])
    archive.keep([config("sw-c")], run=7)
    called: list[str] = []
    real = Git.__call__

    def counted(self: Git, *words: str, stdin: bytes = b"") -> bytes:
        called.append(words[0])
        return real(self, *words, stdin=stdin)

    monkeypatch.setattr(Git, "__call__", counted)
    kept = archive.keep([config("sw-a", "vlan 20"), config("sw-b")], run=7)
    assert called == ["fast-import"]
    assert archive.keep([config("sw-a", "vlan 20")]).commit is None
    assert archive.keep([config("sw-a", "vlan 20"), config("sw-b")], run=7).commit is None
    assert called == ["fast-import"]
    assert kept.commit == archive.log()[0].commit


@pytest.mark.parametrize("tidied", [False, True])
def test_what_another_process_kept_is_seen(archive: Archive, folder: Path, *, tidied: bool) -> None:
    archive.keep([config("sw-a")], run=7)
    other = Archive(folder)
    other._desk = _Desk()  # another process knows nothing of what this one remembers
    other.keep([config("sw-a", "vlan 20"), config("sw-b")], run=7)
    if tidied:
        git(folder, "pack-refs", "--all")
    assert archive.keep([config("sw-a", "vlan 20"), config("sw-b")], run=7).changed == ()
    kept = archive.keep([config("sw-a"), config("sw-b"), config("sw-c")], run=7)
    assert kept.changed == ("sw-a", "sw-c")
    assert [revision.switches for revision in archive.log()] == [("sw-a", "sw-c"), ("sw-a", "sw-b"), ("sw-a",)]
    before = archive.before(7)
    assert before is not None
    assert before.switches == ("sw-a", "sw-b", "sw-c")
    assert archive.read("sw-a", before) == f"{config('sw-a').text}\n"


def test_an_archive_that_was_removed_is_begun_anew(archive: Archive, folder: Path) -> None:
    archive.keep([config("sw-a"), config("sw-b")])
    shutil.rmtree(folder)
    assert archive.keep([config("sw-a")]).changed == ("sw-a",)
    assert archive.switches() == ("sw-a",)
    assert archive.keep([config("sw-b")]).changed == ("sw-b",)


def test_packs_are_put_together_when_there_are_many(
    archive: Archive, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioning.ledger.archive_folder._PACKS", 4)
    for number in range(9):
        archive.keep([config("sw-a", f"vlan {number}")], run=number)
        assert len(list((folder / "configurations.git/objects/pack").glob("*.pack"))) < 4
    assert len(archive.log()) == 9
    assert "vlan 3" in archive.read("sw-a", archive.find("sw-a", 3))
    assert git(folder, "fsck", "--strict") == ""


def test_tidying_keeps_everything(archive: Archive, folder: Path) -> None:
    archive.tidy()
    assert not folder.exists()
    for number in range(3):
        archive.keep([config("sw-a", f"vlan {number}")], run=number)
    git(folder, "gc", "--quiet")
    archive.tidy()
    assert archive.read("sw-a", archive.find("sw-a", 1)).splitlines()[1] == "vlan 1"
    assert archive.keep([config("sw-a")]).changed == ("sw-a",)


def test_what_is_kept_aside_does_not_become_the_latest(archive: Archive) -> None:
    archive.keep([config("sw-a")], title="Round")
    assert archive.keep([config("sw-a", "vlan 20")], title="restore", run=4, aside=True) == Kept(None, ())
    assert archive.read("sw-a", archive.find("sw-a")) == "hostname sw-a\nend\n"
    assert archive.read("sw-a", archive.find("sw-a", 4)) == "hostname sw-a\nvlan 20\nend\n"
    assert len(archive.log()) == 1
