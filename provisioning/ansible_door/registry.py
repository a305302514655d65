"""Every module of the collection, by name: a module that is missing here does not exist."""

from __future__ import annotations

from collections.abc import Mapping

from provisioning.ansible_door import kinds, parts, requests
from provisioning.ansible_door.definition import Definition

MODULES: Mapping[str, Definition] = {**kinds.MODULES, **requests.MODULES, **parts.MODULES}
