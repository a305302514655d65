"""The running lab, shared by all tests that are marked ``lab``.

Tests use lab number 1 with a copy of the example site, so a lab 0 of `make demo` may run at the same time; of several
processes (``pytest -n 2 --dist loadfile``) the next ones use 2, 3 …. Set PROVISION_TEST_LAB=keep to leave it running
between test runs while you work on something, PROVISION_TEST_LAB_NUMBER to use another first number.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.api import Site
from provisioning.connections.pool import Pool
from provisioning.lab.office import Office
from provisioning.lab.site_copy import write_site
from provisioning.site import Inventory

EXAMPLE = Path(__file__).parent.parent / "inventories" / "example"
NUMBER = int(os.environ.get("PROVISION_TEST_LAB_NUMBER", "1")) + int(
    os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
)


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl-C, and so would every program that the tests start: take that back."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Unit tests first: a broken one is known before the lab is started. In several processes the other way round: the
    small files at the end keep all of them busy."""
    parallel = hasattr(config, "workerinput")
    items.sort(key=lambda item: (item.get_closest_marker("lab") is None) == parallel)


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The lab, up and running."""
    folder = tmp_path_factory.mktemp("site") / "example"
    write_site(EXAMPLE, folder, NUMBER)
    lab = Office(folder, NUMBER)
    keep = os.environ.get("PROVISION_TEST_LAB") == "keep"
    try:
        lab.up(lambda _: None)
        yield lab
    finally:
        if not keep:
            lab.down(lambda _: None)


@pytest.fixture(scope="session")
def site(office: Office) -> Site:
    """The lab's site."""
    return Site.load(office.site_folder)


@pytest.fixture(scope="session")
def inventory(site: Site) -> Inventory:
    """The lab's site as plain models."""
    return site.inventory


@pytest.fixture
def pool(site: Site) -> Iterator[Pool]:
    """Fresh sessions to the lab's servers."""
    with site.connect() as opened:
        yield opened
