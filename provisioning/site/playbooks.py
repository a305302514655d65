"""Where playbooks are: the site's own, in its folder ``playbooks/``, and those of the clone this program runs from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FOLDER = "playbooks"
SUFFIXES = (".yml", ".yaml")

_PACKAGE = Path(__file__).parents[1]


def clone() -> Path | None:
    """The clone that this program runs from; ``None`` when it was installed from a wheel, which holds no playbooks."""
    above = _PACKAGE.parent
    return above if (above / "pyproject.toml").is_file() and (above / FOLDER).is_dir() else None


def known(site: Path) -> Mapping[str, Path]:
    """Name → file of every playbook of the site in folder `site`, and of the clone. The site's come first: one that is
    called like one of ours stands for it."""
    folders = [site / FOLDER]
    if (ours := clone()) is not None:
        folders.append(ours / FOLDER)
    found: dict[str, Path] = {}
    for folder in folders:
        if folder.is_dir():
            for file in sorted(folder.iterdir()):
                if file.suffix in SUFFIXES and file.is_file() and not file.name.startswith("."):
                    found.setdefault(file.stem, file)
    return found


def named(site: Path, name: str) -> Path | None:
    """The playbook that is called `name` (with or without ``.yml``), or ``None``."""
    bare = name
    for suffix in SUFFIXES:
        bare = bare.removesuffix(suffix)
    return known(site).get(bare)
