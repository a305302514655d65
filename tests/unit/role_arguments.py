"""What the roles hand on to modules, and how their argument_specs and README files must say it.

A role's task hands a variable on as it is: ``computers: "{{ domain_computer_computers }}"``, maybe ``| default(omit)``.
So the variable means what the option means, and is described in the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from provisioning.ansible_door.registry import MODULES

ROOT = Path(__file__).parent.parent.parent
ROLES = sorted(path.parent.parent for path in (ROOT / "roles").glob("*/tasks/main.yml"))
BEGIN, END = "<!-- variables: written by `python -m tests.unit.test_role_arguments` -->", "<!-- end of variables -->"
_COLLECTION = "workplace.provisioning."
HANDED_ON = re.compile(r"^\{\{ (\w+)(?: \| default\(omit(?:, true)?\))? \}\}$")
_REPORT = {
    "type": "bool",
    "default": True,
    "description": ["Whether to say in one line what was changed. Check mode says it by itself."],
}


def loaded(role: Path, file: str) -> Any:
    """What a YAML file of a role holds; nothing when there is none."""
    path = role / file
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None


def modules_of(role: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each module of ours that the role calls, with the task's arguments."""
    for task in _tasks(loaded(role, "tasks/main.yml")):
        for word, given in task.items():
            if word.startswith(_COLLECTION):
                yield word.removeprefix(_COLLECTION), given or {}


def _tasks(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        yield task
        for part in ("block", "rescue", "always"):
            yield from _tasks(task.get(part, []))


def handed_on(role: Path) -> dict[str, dict[str, Any]]:
    """Variable → the option of the module that gets it."""
    found: dict[str, dict[str, Any]] = {}
    for module, given in modules_of(role):
        for name, value in given.items():
            if hit := HANDED_ON.match(str(value)):
                found[hit[1]] = MODULES[module].options[name]
    return found


def wanted(role: Path) -> dict[str, Any]:
    """The options that the role's argument_specs must hold."""
    defaults = loaded(role, "defaults/main.yml") or {}
    found: dict[str, Any] = {}
    for variable, option in handed_on(role).items():
        said = _plain(option)
        said.pop("default", None)
        if variable in defaults:
            said.pop("required", None)
            said["default"] = defaults[variable]
        found[variable] = said
    report = f"{role.name}_report"
    return found | ({report: _REPORT} if report in defaults else {})


def _plain(option: Mapping[str, Any]) -> dict[str, Any]:
    """An option as YAML holds it, in the order in which one reads it."""
    order = ("type", "elements", "required", "default", "choices", "no_log", "description", "options")
    words = sorted(option, key=lambda word: (order.index(word) if word in order else len(order) - 1.5, word))
    found = {word: option[word] for word in words}
    if "options" in option:
        found["options"] = {name: _plain(inner) for name, inner in option["options"].items()}
    return {word: list(value) if isinstance(value, tuple) else value for word, value in found.items()}


def table(role: Path) -> str:
    """The variables as the role's README shows them."""
    options = loaded(role, "meta/argument_specs.yml")["argument_specs"]["main"].get("options", {})
    parts = ["| variable | | |", "|---|---|---|"]
    parts += [_row(name, option) for name, option in options.items()]
    for name, option in options.items():
        if inner := option.get("options"):
            parts += ["", f"In `{name}`:", "", "| | | |", "|---|---|---|"]
            parts += [_row(one, said) for one, said in inner.items()]
    return "\n".join([BEGIN, "", *parts, "", END])


def _row(name: str, option: Mapping[str, Any]) -> str:
    kind = f"list of {option['elements']}" if option.get("type") == "list" else str(option.get("type", "str"))
    if option.get("required"):
        kind += ", required"
    if "choices" in option:
        kind += ": " + ", ".join(f"`{choice}`" for choice in option["choices"])
    if "default" in option:
        kind += f"; default `{_yaml_word(option['default'])}`"
    said = " ".join(option.get("description", ()))
    said = re.sub(r"\b(?:C|V|O|RV)\(([^)]*)\)", r"`\1`", said).replace("|", "\\|")
    return f"| `{name}` | {kind} | {said} |"


def _yaml_word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Lists are indented, as ansible-lint wants them."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write(role: Path) -> None:
    """Write the options of a role's argument_specs, and the table of its README, anew; the other words stay."""
    path = role / "meta" / "argument_specs.yml"
    specs = loaded(role, "meta/argument_specs.yml")
    main = specs["argument_specs"]["main"]
    others = {name: option for name, option in main.get("options", {}).items() if name not in wanted(role)}
    main["options"] = wanted(role) | others
    text = yaml.dump(
        specs, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, explicit_start=True, indent=2
    )
    path.write_text(text, encoding="utf-8")
    readme = role / "README.md"
    before, begin, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    assert begin, f"{readme} has no line {BEGIN}"
    readme.write_text(before + table(role) + rest.partition(END)[2], encoding="utf-8")
