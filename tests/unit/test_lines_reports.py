"""What a check of the lines leaves behind: JSON, a page, a sentence of the worker."""

from __future__ import annotations

import json
import re
import threading
from datetime import timedelta
from pathlib import Path

from provisioning.engine.errands import Errand, due, repeated_key
from provisioning.errors import UnreachableError
from provisioning.reports import line_page, lines
from provisioning.reports.line_pictures import chart, face
from provisioning.worker import Errands, WorkersSite
from tests.unit.cli_office import HOSTILE
from tests.unit.lines_building import ONE, Building, Clock, made_building  # noqa: F401  (a fixture)


def test_nothing_could_be_read(building: Building) -> None:
    for switch in building.switches.values():
        switch.error = UnreachableError(switch.target, "does not answer")
    result = building.run()
    assert result.exit_code == 3
    assert result.stdout.splitlines()[-1] == "Nothing was checked: 2 switches could not be read."


def test_hostile_texts_of_devices_stay_texts(building: Building) -> None:
    building.one[7].up(duplex="a-half")
    report = building.site().lines().to_document()
    report["findings"][0]["says"] += HOSTILE + "<script>alert(1)</script>"
    report["switches"][0]["notes"].append(HOSTILE + "<b>")
    shown = lines.lines(report).plain
    assert "\x1b" not in shown
    assert "\nError: forged" not in shown
    page = line_page.render(report)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page


# --------------------------------------------------------------------------------------------------- history, the page


def test_history_and_page(building: Building, tmp_path: Path) -> None:
    for _ in range(6):
        building.run()
        building.hour(4)
        building.one[7].count(crc=400, in_errors=400)
        building.one[3].count(crc=4, in_errors=4)
    page = tmp_path / "lines.html"
    result = building.run("--history", "1", "--page", str(page))
    assert result.exit_code == 2
    assert re.search(r"errors an hour over 1 day: [▁▂▃▄▅▆▇█ ]+ at most 100 \(mean of 0\.429 h\)", result.stdout)
    html = page.read_text(encoding="utf-8")
    assert "<h2>The worst line: sw-b2-1 Gi1/0/7" in html
    assert html.count('<g class="port ') == 48
    assert html.count('<g class="port fault up">') == 1
    assert "Errors in the past, fine now" in html
    assert not re.search(r"(src|href)=|url\(|@import|https?://(?!www\.w3\.org)", html)
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_the_page_of_a_first_check_has_no_history_yet(building: Building, tmp_path: Path) -> None:
    page = tmp_path / "lines.html"
    assert building.run("--dry-run", "--page", str(page)).exit_code == 0
    html = page.read_text(encoding="utf-8")
    assert "The worst line" not in html
    assert "Nothing." in html


def test_json_is_whole(building: Building) -> None:
    building.one[7].power = "faulty"
    said = json.loads(building.run("--output", "json").stdout)
    assert (said["ports"], said["in_use"], said["fine"]) == (48, 12, 47)
    assert said["findings"][0] | {"since": None} == {
        "switch": ONE,
        "port": "GigabitEthernet1/0/7",
        "shown": "Gi1/0/7",
        "place": "desk B-203-2, WS-0032",
        "sort": "power",
        "weight": "fault",
        "says": "gives no power to its device: the switch says 'faulty'",
        "advice": "try another patch cable and another device; if it stays, take another port and have the socket "
        "checked",
        "size": 0.0,
        "since": None,
    }
    assert said["switches"][0]["ports"][6]["state"] == "fault"


def test_faces_have_two_rows_uplinks_beside_and_units_below() -> None:
    names = [f"Gi{unit}/0/{i}" for unit in (1, 2) for i in range(1, 25)] + ["Te1/1/1", "Te1/1/2"]
    ports = [{"shown": name, "port": name, "state": "fine", "status": "up"} for name in names]
    drawn = face(ports)
    assert [len(row["cells"]) for row in drawn["rows"]] == [26, 24]
    first, second = drawn["rows"][0]["cells"][:2]
    assert (first["label"], second["label"]) == (1, 2)
    assert first["x"] == second["x"]
    assert first["y"] < second["y"]
    spots = [(cell["x"], cell["y"]) for row in drawn["rows"] for cell in row["cells"]]
    assert len(set(spots)) == 50
    assert max(x for x, _ in spots) + drawn["cell"] <= drawn["width"] + 0.1
    assert face([])["rows"] == []


def test_a_face_of_48_ports_and_4_uplinks_is_one_row_of_groups_and_breakouts_are_no_units() -> None:
    names = [f"Eth1/{i}" for i in range(1, 49)] + [f"Eth{i}/{lane}" for i in range(49, 53) for lane in range(1, 5)]
    drawn = face([{"shown": name, "port": name, "state": "fine", "status": "up"} for name in names])
    [row] = drawn["rows"]
    assert [label["text"] for label in row["labels"]] == ["Eth1/", "Eth49/", "Eth50/", "Eth51/", "Eth52/"]
    assert len({(cell["x"], cell["y"]) for cell in row["cells"]}) == 64
    assert len({cell["y"] for cell in row["cells"]}) == 2


def test_one_piece_of_time_alone_is_seen_in_a_chart() -> None:
    drawn = chart({"errors": [None] * 56, "discards": [None] * 55 + [9.0], "up": [None] * 56, "hours": 3.0})
    [line] = drawn["line"]
    assert len({point.split(",")[0] for point in line.split()}) == 2


def test_a_chart_stays_inside_its_frame() -> None:
    some: list[float | None] = [None, 0.0, 3.3, 977.0] * 14
    drawn = chart({"errors": some, "discards": some, "up": some, "hours": 3.0})
    assert all(bar["y"] >= 0 and bar["y"] + bar["height"] <= drawn["bottom"] + 0.1 for bar in drawn["bars"])
    assert drawn["ticks"][-1]["value"] == "1000"
    assert all(0 <= day["x"] <= drawn["width"] for day in drawn["days"])


# --------------------------------------------------------------------------------------------------------- the worker


def errand(building: Building, number: int) -> str:
    site = WorkersSite(building.site().inventory)
    try:
        said = Errands(site)(Errand("lines", number), threading.Event())
    finally:
        site.ledger.close()
    assert said is not None
    return said


def test_a_worker_tells_what_is_new_and_only_that(building: Building) -> None:
    building.one[7].power = "faulty"
    first = errand(building, 1)
    assert first == (
        "Lines: 48 ports of 2 switches looked at, 1 new finding. sw-b2-1 Gi1/0/7 (desk B-203-2, WS-0032): gives no "
        "power to its device: the switch says 'faulty'; try another patch cable and another device; if it stays, take "
        "another port and have the socket checked. `provision lines` shows all."
    )
    building.hour()
    assert errand(building, 2) == "Lines: 48 ports of 2 switches looked at, nothing new (1 finding known)."
    building.hour()
    building.run()  # somebody looks at it by hand
    building.two[7].power = "faulty"
    building.run()
    assert errand(building, 3).startswith("Lines: 48 ports of 2 switches looked at, 1 new finding. sw-b2-2 Gi1/0/7")
    building.one[7].power = "off"
    building.two[7].power = "off"
    building.hour()
    assert errand(building, 4) == "Lines: 48 ports of 2 switches looked at, nothing new."


def test_a_worker_checks_once_in_the_span_of_time(building: Building) -> None:
    site, hour = building.site(), timedelta(hours=1)
    (wanted,) = [e for e in due(site.ledger, Clock.at, every={"lines": hour}) if e.what == "lines"]
    assert wanted.number == Clock.at.timestamp() // 3600
    errand(building, wanted.number)
    assert site.ledger.has_entry(repeated_key("lines", wanted.number))
    assert [e for e in due(site.ledger, Clock.at, every={"lines": hour}) if e.what == "lines"] == []
    assert Errand("lines", wanted.number + 1) in due(site.ledger, Clock.at + hour, every={"lines": hour})


def test_a_switch_that_stays_away_is_told_of_once_a_day(building: Building) -> None:
    building.two.error = UnreachableError("switch:sw-b2-2", "it is off")
    for number in range(30):
        assert errand(building, number).startswith("Lines: 24 ports of 1 switch looked at")
        building.hour()
    told = [entry.sentence for entry in building.site().ledger.worklog() if "could not be checked" in entry.sentence]
    assert told == ["Lines: switch sw-b2-2 could not be checked: it is off."] * 2


def test_many_new_findings_are_counted_and_a_few_are_named(building: Building) -> None:
    for number in range(1, 13):
        building.one[number].power = "faulty"
    said = errand(building, 1)
    assert "12 new findings" in said
    assert said.count("gives no power") == 5
    assert said.endswith("And 7 more. `provision lines` shows all.")
