"""The page of a run: its course in time, everything from old to new, and the same in three languages."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result
from markupsafe import Markup

from provisioning.cli.program import PROGRAM
from provisioning.errors import RejectedError
from provisioning.ledger import Event
from provisioning.reports import patch_order
from provisioning.reports.run_page import said
from provisioning.reports.run_timeline import LEFT, MOST, WIDTH, Timeline, timeline
from provisioning.reports.texts import LANGUAGES, Texts
from provisioning.site.help_desk import Language
from provisioning.site.load import load
from tests.conftest import EXAMPLE
from tests.unit.cli_office import HOSTILE, Office, install, write_site
from tests.unit.closet import gi
from tests.unit.html_pages import checked
from tests.unit.run_pages import change, course_of, event, page_of, proof, request, usual
from tests.unit.test_patch_proof import ORDER
from tests.unit.whole_office import WholeOffice, whole_office

ENGLISH = """
changes proofs systems verified failed done timeline port panel switch outlet cable label created
changed deleted asked approved started finished yes here free taken given name enabled description
version role for request run times attempted what
"""

EVIL = f'"><script>alert(1)</script>&\u200f\u202e{HOSTILE}'


def drawn(*events: Event, changes: int = 4, **words: object) -> Timeline:
    made = timeline(
        course_of([change(n, f"windows:W{n}") for n in range(1, changes + 1)], events, **words).record, events
    )
    assert made is not None
    return made


# ------------------------------------------------------------------------------------------------ the timeline


def test_bars_go_from_the_attempt_to_the_verdict() -> None:
    picture = drawn(
        event(1, 1, "attempted", 0), event(2, 2, "attempted", 1), event(3, 1, "verified", 2), event(4, 2, "failed", 4),
        event(5, 3, "attempted", 4), proofs=(proof("directory", 4),),
    )  # fmt: skip
    assert [(lane.target, [(bar.verdict, bar.count) for bar in lane.bars]) for lane in picture.lanes] == [
        ("windows:W1", [("good", 1)]), ("windows:W2", [("bad", 1)]), ("windows:W3", [("open", 1)]), ("directory", []),
    ]  # fmt: skip
    one, two = picture.lanes[0].bars[0], picture.lanes[1].bars[0]
    assert one.x == LEFT
    assert two.x == pytest.approx(LEFT + one.width / 2)
    assert two.x + two.width == pytest.approx(WIDTH - 12, abs=0.2)
    assert picture.lanes[3].dots[0].x == pytest.approx(WIDTH - 12, abs=0.2)
    assert not picture.pauses


def test_a_batch_is_one_bar() -> None:
    changes = [change(n, "switch:s") for n in range(1, 5)]
    events = [event(n, n, "attempted", 0) for n in range(1, 5)] + [event(n + 4, n, "verified", 2) for n in range(1, 5)]
    made = timeline(course_of(changes, events, proofs=()).record, events)
    assert made is not None
    assert [(bar.count, bar.begin[17:23], bar.end[17:23]) for bar in made.lanes[0].bars] == [(4, "00.000", "02.000")]


def test_a_night_of_waiting_is_drawn_short_and_work_that_takes_long_is_not() -> None:
    picture = drawn(
        event(1, 1, "attempted", 0), event(2, 1, "verified", 1), event(3, 2, "attempted", 40_000),
        event(4, 2, "verified", 40_600), proofs=(),
    )  # fmt: skip
    (pause,) = picture.pauses
    assert pause.seconds == pytest.approx(39_999)
    assert pause.width < 60
    long = picture.lanes[1].bars[0]
    assert long.width > 500, "ten minutes of installing are ten minutes"
    assert pause.x + pause.width == pytest.approx(long.x, abs=0.2)


def test_what_was_never_attempted_has_no_bar() -> None:
    events = [event(1, 1, "planned", 0), event(2, 1, "blocked", 1)]
    assert timeline(course_of([change(1, "windows:W", "blocked")], events, proofs=()).record, events) is None


def test_of_many_targets_those_that_failed_keep_their_own_line() -> None:
    count = 200
    events = [event(n, n, "attempted", n) for n in range(1, count + 1)]
    events += [event(count + n, n, "failed" if n == 190 else "verified", n + 1) for n in range(1, count + 1)]
    picture = drawn(*events, changes=count, proofs=())
    assert len(picture.lanes) == MOST + 1
    assert picture.more == count - MOST
    assert "windows:W190" in {lane.target for lane in picture.lanes}
    assert picture.lanes[-1].target is None
    assert sum(bar.count for lane in picture.lanes for bar in lane.bars) == count


def test_a_moment_is_a_picture_too() -> None:
    picture = drawn(event(1, 1, "attempted", 0), event(2, 1, "verified", 0), proofs=())
    assert [(bar.x, bar.width) for bar in picture.lanes[0].bars] == [(LEFT, 3.0)]


# ---------------------------------------------------------------------------------------------------- the page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_whole_in_every_language(language: Language) -> None:
    course = replace(usual(), orders=orders(language))
    html = page_of(
        course, language, warnings=["no manager"], handover={"anna": "/h/anna"}, unread={"windows:W": "off"},
        seconds={"plan": 1.0, "apply": 2.0, "prove": 0.5},
    )  # fmt: skip
    shown = checked(html)
    assert shown.language == language
    for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        ET.fromstring(svg)  # noqa: S314  (our own)
    for words in ("directory", "switch:sw-b2-1", "GigabitEthernet1/0/12", "hannah.brandt", "jörg", "09:00:00"):
        assert words in shown.own, words
    assert "provision undo 7" in html
    assert "provision resume 7" in html
    assert "provision handover anna" in html
    assert "<del>1</del> → 20" in html
    assert "the installer ended with 1603" in html


def orders(language: Language) -> tuple[tuple[patch_order.Sheet, Markup], ...]:
    site = load(EXAMPLE)
    order = replace(ORDER, outlet="B2-04C", panel_port=12, cable={"colour": "blue", "metres": 0.5}, label="L", run_id=7)
    sheet = patch_order.sheet(site, order)
    words = said(Texts(language))
    return ((sheet, patch_order.drawing(sheet, site, tuple(gi(n) for n in range(1, 25)), (), words)),)


def test_nothing_english_is_left_on_a_russian_page() -> None:
    course = replace(usual(), orders=orders("ru"))
    shown = checked(page_of(course, "ru", seconds={"plan": 1.0}))
    english = set(ENGLISH.split())
    left = {word.lower() for word in re.findall(r"(?<![\w:/.-])[A-Za-z]{3,}(?![\w:/-])", shown.own)}
    assert not left & english, left & english
    assert "Сообщения устройств и программы" in shown.own
    labels = re.findall(r'aria-label="([^"]*)"', shown.html)
    assert labels
    assert all(re.search("[а-яё]", label) for label in labels), labels
    titles = re.findall(r"<title>([^<]*)</title>", re.search(r'<svg class="closet".*?</svg>', shown.html)[0])  # type: ignore[index]
    assert titles[0] == "порт 1: занят"


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_text_stays_text(language: Language) -> None:
    changes = [change(1, f"windows:{EVIL}", "failed", EVIL, EVIL), change(2, f"windows:{EVIL}", key=EVIL)]
    events = [event(1, 1, "attempted", 0, EVIL), event(2, 1, "failed", 1), event(3, 2, "verified", 1)]
    course = course_of(
        changes, events, title=EVIL, proofs=(proof(EVIL, 1, passed=False, name=EVIL) | {"detail": EVIL, "kind": EVIL},),
        request=replace(request(EVIL), who=EVIL),
    )  # fmt: skip
    html = page_of(course, language, warnings=[EVIL], unread={EVIL: EVIL}, handover={EVIL: EVIL}, seconds={EVIL: 1.0})
    assert "script" not in checked(html).elements
    for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        ET.fromstring(svg)  # noqa: S314  (our own)


def test_a_small_run_is_open_and_a_large_one_folded_but_for_its_failures() -> None:
    assert page_of(usual()).count("<details open>") == 3
    changes = [change(n, f"windows:W{n % 30}", "failed" if n == 7 else "verified", error="x" if n == 7 else None)
               for n in range(1, 121)]  # fmt: skip
    html = page_of(course_of(changes, []))
    assert html.count("<details") == 30
    assert html.count("<details open>") == 1


def test_ten_thousand_changes_are_a_few_mebibytes_and_seconds() -> None:
    count = 10_000
    changes = [change(n, f"windows:WS-{n % 1000:04}", key="Tool") for n in range(1, count + 1)]
    events = [event(n, n, "attempted", n % 600) for n in range(1, count + 1)]
    events += [event(count + n, n, "verified", n % 600 + 2) for n in range(1, count + 1)]
    begun = time.monotonic()
    html = page_of(course_of(changes, events))
    assert time.monotonic() - begun < 30
    assert len(html.encode()) < 4 * 2**20
    assert html.count('<rect class="bar') < 2_000, "the picture stays a picture"


def test_who_carried_it_on_is_named_and_an_undone_run_cannot_be_undone_again() -> None:
    own = checked(page_of(usual())).own
    assert "anna, jörg" in own
    assert "Took\n9 s" in own
    assert "Took" not in checked(page_of(usual(), seconds={"plan": 1.0})).own
    html = page_of(course_of([change(1, "directory")], [], state="undone"))
    assert "It was taken back." in html
    assert "provision undo" not in html


# --------------------------------------------------------------------------------------------------- the verb


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    office = Office()
    office.b.refuses["far"] = RejectedError("b", "the system says no")
    install(office, monkeypatch.setattr, monkeypatch.setitem)
    site = write_site(tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Result:
        return CliRunner().invoke(PROGRAM, ["--site", str(site), *words])

    return run


def test_report_writes_the_page_of_any_run(shell: Callable[..., Result]) -> None:
    begun = shell("onboard", "E1042", "--yes", "--report", "r.json")
    assert begun.exit_code == 3, begun.output
    done = shell("report", "1")
    assert (done.exit_code, done.stderr) == (0, "The report of run 1 is in run-1.html.\n")
    shown = checked(Path("run-1.html").read_text(encoding="utf-8"))
    assert "the system says no" in shown.own
    assert shown.elements.count("details") == 2
    assert 'class="timeline"' in shown.html
    assert "Asked by" in shown.own
    kept = Path("r.html").read_text(encoding="utf-8")
    assert 'class="timeline"' in kept, "--report writes the same page"
    assert json.loads(Path("r.json").read_text(encoding="utf-8"))["run"] == 1
    assert shell("report", "1", "--language", "ru", "--output", "p.html").exit_code == 0
    assert 'lang="ru"' in Path("p.html").read_text(encoding="utf-8")
    assert shell("undo", "1", "--yes", "--report", "u.json").exit_code == 0
    assert "takes back run 1" in Path("u.html").read_text(encoding="utf-8")
    assert shell("report", "1").exit_code == 0
    assert "It was taken back." in Path("run-1.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("report", "9"), "no run 9"),
        (("report", "x"), "'x' is not a valid integer"),
        (("report", "0"), "0 is not in the range x>=1"),
        (("report", "1", "--output", "x.pdf"), "expected a file name that ends in .html"),
    ],
)
def test_a_report_that_cannot_be_is_refused(shell: Callable[..., Result], words: tuple[str, ...], says: str) -> None:
    shell("onboard", "E1042", "--yes")
    done = shell(*words)
    assert done.exit_code == 1
    assert says in done.stderr
    assert list(Path().glob("*.html")) == []


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WholeOffice]:
    yield from whole_office(tmp_path, monkeypatch)


def test_the_page_has_the_ports_that_were_changed_and_what_was_written_down(one: WholeOffice, tmp_path: Path) -> None:
    one.has_account("E1001", "hannah.brandt")
    one.ok("onboard", "E1042", "--yes")
    one.ok("rename", "E1042", "--family", "Соколова", "--yes")
    pages = []
    for run in ("1", "2"):
        one.ok("report", run, "--language", "ru", "--output", str(tmp_path / "r.html"))
        pages.append(checked((tmp_path / "r.html").read_text(encoding="utf-8")))
    hired, renamed = pages
    assert hired.html.count('<svg class="closet"') == 1
    assert "розетка B2-04C: панель P1, порт 12" in hired.own
    assert "NW-20042\nу кого\nсклад → E1042" in hired.own
    assert "Лицензия: crm\nу кого\nсклад → E1042" in hired.own
    assert "closet" not in "".join(re.findall("<svg[^>]*>", renamed.html))
    assert "E1042\nфамилия\nПетрова → Соколова" in renamed.own
