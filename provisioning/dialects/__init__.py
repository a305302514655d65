"""Families of switches as data: one YAML file each, and the pure code that reads them.

``load("ios")`` gives a :class:`Dialect`. Adding a family is adding its file here and its cases in
``tests/cases/dialects/<name>/``; ``CONTRIBUTING.md`` shows how.

The models are imported with the first dialect that is read: a site only wants to know :data:`NAMES`.
"""

from __future__ import annotations

import threading
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provisioning.dialects.model import Dialect
    from provisioning.dialects.reading import Section

__all__ = ["NAMES", "Dialect", "Section", "load"]

_FILES = {file.name.removesuffix(".yml"): file for file in files(__name__).iterdir() if file.name.endswith(".yml")}
_ON_FIRST_USE = {"Dialect": "provisioning.dialects.model", "Section": "provisioning.dialects.reading"}

NAMES = tuple(sorted(_FILES))
"""Every family that there is a file for."""


_loading = threading.Lock()


def load(name: str) -> Dialect:
    """The dialect of that name. Raises :class:`KeyError` for one that is not in :data:`NAMES`."""
    with _loading:  # threads that ask at once do not all read the same file
        return _load(name)


@cache
def _load(name: str) -> Dialect:
    import yaml  # noqa: PLC0415  (like the model: with the first dialect)

    from provisioning.dialects.model import Dialect  # noqa: PLC0415

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # PyYAML built without libyaml has only the slow one
    return Dialect.model_validate(yaml.load(_FILES[name].read_text(encoding="utf-8"), loader))  # noqa: S506 # a safe one


def __getattr__(name: str) -> Any:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ON_FIRST_USE[name]), name)
