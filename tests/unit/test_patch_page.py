"""The order as text and as a page: whole, escaped, loading nothing, and with the right two sockets marked."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from provisioning.ledger import NewPatchOrder, PatchOrder
from provisioning.reports import patch_order
from provisioning.reports.faceplate import panel_face, picture, switch_face
from provisioning.site import Inventory
from provisioning.site.load import load
from tests.conftest import EXAMPLE
from tests.unit.cli_office import HOSTILE
from tests.unit.closet import gi
from tests.unit.test_patch_proof import ORDER

OPEN = replace(ORDER, outlet="B2-04C", panel_port=12, cable={"colour": "blue", "metres": 0.5}, label="B2-04C Gi1/0/7")
FACE = tuple(gi(n) for n in range(1, 25))


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def page(site: Inventory, order: PatchOrder | NewPatchOrder, face: tuple[str, ...] = FACE) -> str:
    return patch_order.page(patch_order.sheet(site, order), site, face, (gi(20),))


def drawing(html: str) -> ET.Element:
    return ET.fromstring(re.search(r"<svg.*?</svg>", html, re.DOTALL)[0])  # type: ignore[index] # noqa: S314  (our own)


def marked(svg: ET.Element, mark: str) -> list[str]:
    found = [group for group in svg.iter("g") if group.get("class") == mark]
    return [str(group.find("title").text) for group in found]  # type: ignore[union-attr]


class Tags(HTMLParser):
    """Which elements a page has, and what they would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [name for name, _ in attrs if name in {"src", "href", "xlink:href", "onload", "onclick"}]


def test_the_text_says_all_that_the_technician_needs(example: Inventory) -> None:
    assert patch_order.text(patch_order.sheet(example, OPEN)).plain == (
        "Patch order 3 — open\n"
        "  Outlet  B2-04C in room B-204\n"
        "  For     B-204-3: WS-0042 (02:00:5e:10:00:42)\n"
        "  Closet  C-B2 in room B-2.K1\n"
        "  From    panel P1, port 12\n"
        "  To      switch sw-b2-1, unit 1, port Gi1/0/7\n"
        "  Cable   blue, 0.5 m\n"
        "  Label   B2-04C Gi1/0/7\n"
        "  Opened  2026-11-23 06:00 UTC by anna (run 1)\n"
        "Once the cable lies: provision orders close 3"
    )


def test_the_page_marks_the_two_sockets_and_what_is_in_use(example: Inventory) -> None:
    svg = drawing(page(example, OPEN))
    assert marked(svg, "here") == ["port 12: here", f"{gi(7)}: here"]
    taken = marked(svg, "taken")
    assert taken[:11] == [f"port {n}: taken" for n in (1, 3, 4, 5, 6, 7, 8, 9, 10, 11)] + [f"{gi(1)}: taken"]
    assert {f"{gi(20)}: taken", f"{gi(23)}: taken", f"{gi(24)}: taken"} <= set(taken), "seen in use, and uplinks"
    assert f"{gi(12)}: taken" not in taken, "it is this outlet's own in the files"
    assert svg.get("aria-label") == f"Panel P1 port 12 to sw-b2-1 · unit 1 {gi(7)}"
    assert len([path for path in svg.iter("path") if path.get("class") == "cable"]) == 1


def test_the_page_holds_everything_and_loads_nothing(example: Inventory) -> None:
    html = page(example, OPEN)
    for text in ("Patch order 3", "port 12", "blue, 0.5 m", "Gi1/0/7", "B-2.K1", "WS-0042", "provision orders close 3"):
        assert text in html, text
    assert html.count('<div class="strip">B2-04C Gi1/0/7</div>') == 2, "a label for each end"
    for words in ("size: A4", "prefers-color-scheme: dark", "default-src 'none'", "break-inside: avoid"):
        assert words in html
    tags = Tags(html)
    assert not tags.loads
    assert not tags.tags & {"script", "img", "link", "iframe", "object"}


def test_hostile_text_stays_text(example: Inventory) -> None:
    evil = '"><script>alert(1)</script>&amp;' + HOSTILE
    order = replace(
        OPEN, purpose=evil, label=evil, panel=evil, who=evil, switch=evil, cable={"colour": evil, "metres": 1}
    )
    html = page(example, order, (gi(7), evil))
    drawing(html)  # well-formed
    assert "script" not in Tags(html).tags
    for raw in ("<script", "\x1b", "\u202e", "\x9b"):
        assert raw not in html
    shown = patch_order.text(patch_order.sheet(example, order)).plain
    assert "\x1b" not in shown
    assert "\nError: forged" not in shown


def test_what_is_over_says_so(example: Inventory) -> None:
    closed = replace(OPEN, state="closed", closed="2026-11-23T06:30:00.000+00:00", proof={"detail": "WS-0042 is there"})
    text = patch_order.text(patch_order.sheet(example, closed)).plain
    assert "closed: the cable lies" in text
    assert "  Closed  2026-11-23 06:30 UTC: WS-0042 is there" in text
    assert "orders close" not in text
    cancelled = replace(OPEN, state="cancelled", closed="2026-11-23T06:30:00.000+00:00", reason="wall torn down")
    assert (
        "Cancelled  2026-11-23 06:30 UTC: wall torn down"
        in patch_order.text(patch_order.sheet(example, cancelled)).plain
    )


def test_an_order_that_is_not_given_out_says_so(example: Inventory) -> None:
    words = {name: getattr(OPEN, name) for name in NewPatchOrder.__dataclass_fields__ if name != "allocate"}
    draft = NewPatchOrder(**words)
    assert patch_order.text(patch_order.sheet(example, draft)).plain.startswith("Patch order (not given out yet)\n")
    html = page(example, draft)
    assert "nothing was configured" in html
    assert "orders close" not in html
    plain = patch_order.plain(patch_order.sheet(example, draft))
    assert (plain["switch_port"], plain["expected"], "allocate" in plain) == (gi(7), "WS-0042", False)


def test_a_site_that_changed_since_does_not_break_an_old_order(example: Inventory) -> None:
    order = replace(OPEN, switch="sw-gone", closet="C-GONE", panel="P9", outlet="X-1", panel_port=30)
    svg = drawing(page(example, order, ()))
    assert marked(svg, "here") == ["port 30: here", f"{gi(7)}: here"]
    assert f"port {gi(7)}" in patch_order.text(patch_order.sheet(example, order)).plain


def test_the_list(example: Inventory) -> None:
    assert patch_order.rows([OPEN], example) == [
        {
            "order": 3, "state": "open", "outlet": "B2-04C", "for": "B-204-3", "from": "C-B2 P1/12",
            "to": "sw-b2-1 Gi1/0/7", "cable": "blue, 0.5 m", "opened": "2026-11-23 06:00 UTC", "run": 1,
        }
    ]  # fmt: skip


def at(svg: ET.Element) -> dict[str, tuple[int, int]]:
    """Where each socket is drawn."""
    found = {}
    for group in svg.iter("g"):
        rect = next(one for one in group.iter("rect") if one.get("class") == "socket")
        name = str(group.find("title").text).rpartition(":")[0]  # type: ignore[union-attr]
        found[name] = (int(str(rect.get("x"))), int(str(rect.get("y"))))
    return found


def test_numbers_run_as_they_do_on_the_device() -> None:
    ports = [*(gi(n) for n in range(1, 49)), *(f"TenGigabitEthernet1/1/{n}" for n in range(1, 5))]
    svg = ET.fromstring(picture(panel_face("P", 48, 30), switch_face("s", ports, gi(48)), None))  # noqa: S314
    where = at(svg)
    assert len(where) == 48 + 52
    assert where["port 1"][1] == where["port 24"][1] < where["port 25"][1] == where["port 48"][1], "24 a row"
    assert where["port 1"][0] == where["port 25"][0]
    assert where[gi(1)][0] == where[gi(2)][0], "2 is below 1"
    assert where[gi(1)][1] < where[gi(2)][1]
    assert where[gi(1)][0] < where[gi(3)][0]
    assert where["TenGigabitEthernet1/1/1"][0] > where[gi(48)][0], "the module stands beside"
    assert len(set(where.values())) == len(where), "no socket covers another"
    width, height = (int(n) for n in str(svg.get("viewBox")).split()[2:])
    assert all(x + 27 <= width and y + 25 <= height for x, y in where.values())
