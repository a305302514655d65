"""The starter site: what `provision init` writes is a good site, and nothing is ever overwritten."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from provisioning.errors import RequestError
from provisioning.site.load import load
from provisioning.site.starter import write_starter
from provisioning.site.workers import Workers


def test_the_starter_site_loads(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "site"
    written = write_starter(folder)
    assert {path.name for path in written} >= {"site.yml", "people.csv", ".gitignore", "README.md"}
    assert sorted(folder.iterdir()) == written
    site = load(folder)
    assert site.person("E1002").family_name == "O'Connor"
    assert site.handover.folder == folder / "handover"


def test_the_starter_shows_who_approves_and_how_workers_share(tmp_path: Path) -> None:
    """What is commented out is right as well: it validates once somebody takes the comment signs away."""
    write_starter(tmp_path)
    policy = load(tmp_path).approvals
    assert policy.vlans["management"].roles == ("security",)
    assert len(policy.who_may(["security"])) >= 2, "one of them may be who asks"
    site_yml, text = tmp_path / "site.yml", (tmp_path / "site.yml").read_text(encoding="utf-8")
    for line in ("# time_zone: ", "# workers: ", '# ledger: {url: "postgresql://'):
        assert text.count(line) == 1
        text = text.replace(line, line.removeprefix("# "))
    site_yml.write_text(text.replace("ledger: .ledger/ledger.sqlite\n", ""), encoding="utf-8")
    site = load(tmp_path)
    assert (site.time_zone, site.workers) == ("Europe/London", Workers(audit=timedelta(days=1)))
    rules, file = (tmp_path / "approvals.yml").read_text(encoding="utf-8"), tmp_path / "approvals.yml"
    for line in ("    # network: ", "    # purchasing: "):
        rules = rules.replace(line, line.replace("# ", ""))
    file.write_text(rules, encoding="utf-8")
    assert set(load(tmp_path).approvals.roles) == {"security", "network", "purchasing"}


def test_the_starter_shows_where_leavers_go(tmp_path: Path) -> None:
    write_starter(tmp_path)
    assert load(tmp_path).leavers is None
    file = tmp_path / "leavers.yml"
    lines = file.read_text(encoding="utf-8").splitlines()
    at = lines.index("# leavers:")
    file.write_text("\n".join(line.removeprefix("# ") for line in lines[at:]), encoding="utf-8")
    leavers = load(tmp_path).leavers
    assert leavers is not None
    assert (leavers.keep, leavers.erase_approval) == (90, "security")


def test_every_path_of_the_starter_is_its_own_or_commented(tmp_path: Path) -> None:
    write_starter(tmp_path)
    for path in tmp_path.iterdir():
        assert "127.77." not in path.read_text(encoding="utf-8"), "the starter is for an office, not for the lab"


def test_a_folder_with_anything_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RequestError, match=r"is not empty \(it holds notes\.txt\)"):
        write_starter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("mine")
    with pytest.raises(RequestError, match="is a file"):
        write_starter(tmp_path / "site")
