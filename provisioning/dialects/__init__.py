"""Families of switches as data: one YAML file each, and the pure code that reads them.

``load("ios")`` gives a :class:`Dialect`. Adding a family is adding its file here and its cases in
``tests/cases/dialects/<name>/``; ``CONTRIBUTING.md`` shows how.
"""

from __future__ import annotations

import threading
from functools import cache
from importlib.resources import files

import yaml

from provisioning.dialects.model import Dialect
from provisioning.dialects.reading import Section

__all__ = ["NAMES", "Dialect", "Section", "load"]

_FILES = {file.name.removesuffix(".yml"): file for file in files(__name__).iterdir() if file.name.endswith(".yml")}

NAMES = tuple(sorted(_FILES))
"""Every family that there is a file for."""


_loading = threading.Lock()
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # PyYAML built without libyaml has only the slow one


def load(name: str) -> Dialect:
    """The dialect of that name. Raises :class:`KeyError` for one that is not in :data:`NAMES`."""
    with _loading:  # threads that ask at once do not all read the same file
        return _load(name)


@cache
def _load(name: str) -> Dialect:
    return Dialect.model_validate(yaml.load(_FILES[name].read_text(encoding="utf-8"), _Loader))  # noqa: S506 # a safe one
