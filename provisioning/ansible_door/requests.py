"""The modules for whole procedures, which speak of their own options and not of the command line's."""

from __future__ import annotations

from dataclasses import replace

from provisioning.ansible_door import auditing, people_modules, place_modules, proving
from provisioning.ansible_door.definition import Definition, Result, Task
from provisioning.ansible_door.naming import in_options
from provisioning.errors import RequestError


def _speaking(one: Definition) -> Definition:
    def carry(task: Task) -> Result:
        try:
            done = one.carry(task)
        except RequestError as exc:
            raise type(exc)(in_options(str(exc))) from exc
        said = {"msg": in_options(done["msg"])} if "msg" in done else {}
        return done | said | {"warnings": [in_options(warning) for warning in done.get("warnings", ())]}

    return replace(one, carry=carry)


MODULES: dict[str, Definition] = {
    name: _speaking(one)
    for modules in (people_modules.MODULES, place_modules.MODULES, proving.MODULES, auditing.MODULES)
    for name, one in modules.items()
}
