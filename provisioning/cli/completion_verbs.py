"""What verbs take, read from their sources: importing one takes a second or two, which is too long for the Tab key."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

_HERE = Path(__file__).parent
Value = Literal["text", "file", "choice"]
_HELP = ("--help", "Show this message and exit.")


@dataclass
class Spelt:
    """What may stand behind a verb: its options and the verbs of its own, each with a word about it. `values`: option
    that takes a value → what that is; `argument`: what the words behind the verb are."""

    options: dict[str, str] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    verbs: dict[str, str] = field(default_factory=dict)
    argument: Value = "text"


def spelt(words: Sequence[str]) -> Spelt:
    """Of a verb, or of a verb of a verb (``custody give``), in `words` from the verb on. Raises OSError for a verb that
    does not exist."""
    source, name = _Source(f"provisioning.cli.{words[0].replace('-', '_')}"), "VERB"
    for word in words[1:]:
        name = source.verbs(name).get(word, name)
    found = Spelt(verbs={verb: _said(source.functions[own]) for verb, own in source.verbs(name).items()})
    function = source.functions[name]
    for call in source.parameters(function):
        if ast.unparse(call.func) == "click.argument":
            found.argument = _value(call)
            continue
        names, said, takes_value = _option(call)
        found.options |= dict.fromkeys(names, said)
        found.values |= dict.fromkeys(names if takes_value else (), _value(call))
    found.options[_HELP[0]] = _HELP[1]
    return found


def _said(function: ast.FunctionDef) -> str:
    return (ast.get_docstring(function) or "").partition("\n")[0]


class _Source:
    """One module of verbs or of what they share."""

    def __init__(self, module: str) -> None:
        tree = ast.parse((_HERE / f"{module.rpartition('.')[2]}.py").read_bytes())
        self.functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
        self._options = {
            one.targets[0].id: one.value
            for one in tree.body
            if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name) and isinstance(one.value, ast.Call)
        }
        self._from = {
            alias.asname or alias.name: one.module
            for one in tree.body
            if isinstance(one, ast.ImportFrom) and (one.module or "").startswith("provisioning.cli.")
            for alias in one.names
        }

    def verbs(self, of: str) -> dict[str, str]:
        """Verb → function, of the verbs that the verb of the function `of` has."""
        found = {}
        for function in self.functions.values():
            for one in function.decorator_list:
                called = ast.unparse(one.func) if isinstance(one, ast.Call) else ""
                if called in {f"{of}.command", f"{of}.group"} and isinstance(one, ast.Call) and _is_shown(one):
                    found[str(_constant(one.args[0]))] = function.name
        return found

    def parameters(self, function: ast.FunctionDef) -> Iterator[ast.Call]:
        """The calls that make its options and arguments: its decorators, and what those do that verbs share."""
        for one in function.decorator_list:
            yield from self._of(one)

    def _of(self, node: ast.expr) -> Iterator[ast.Call]:
        called = ast.unparse(node.func if isinstance(node, ast.Call) else node)
        if called in {"click.option", "click.argument"} and isinstance(node, ast.Call):
            yield node
        elif called in self.functions:
            for one in ast.walk(self.functions[called]):
                if isinstance(one, ast.Call):
                    yield from self._of(one)
        elif called in self._options:
            yield from self._of(self._options[called])
        elif (module := self._from.get(called)) is not None:
            yield from _Source(module)._of(ast.Name(called))


def _is_shown(decorator: ast.Call) -> bool:
    return not any(word.arg == "hidden" for word in decorator.keywords)


def _option(call: ast.Call) -> tuple[list[str], str, bool]:
    """Spellings, a word, and whether a value follows."""
    words = {word.arg: word.value for word in call.keywords}
    spellings = [str(_constant(one)) for one in call.args]
    names = [name for both in spellings for name in both.split("/") if name.startswith("--")]
    is_switch = not {"is_flag", "flag_value"}.isdisjoint(words) or any("/" in both for both in spellings)
    return names, str(_constant(words.get("help")) or ""), not is_switch


def _value(call: ast.Call) -> Value:
    said = next((ast.unparse(word.value) for word in call.keywords if word.arg == "type"), "")
    if said.startswith("click.Path"):
        return "file"
    return "choice" if said.startswith("click.Choice") else "text"


def _constant(node: ast.expr | None) -> object:
    """What a literal says; ``None`` for anything else."""
    try:
        return None if node is None else ast.literal_eval(node)
    except ValueError:
        return None
