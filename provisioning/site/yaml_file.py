"""Reading YAML: plain values, and for every path of keys the line that it stands on.

The file is composed once by the C parser. Every scalar stays the text that was written (``204``, ``4.10`` and
``no`` too) and gets its type from the model that it is put into, so a room number needs no quotes and a
version keeps its zero. Lines are looked up in the node tree when a message needs one, so they cost nothing
while all is well.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from provisioning.errors import SiteError
from provisioning.site.lines import Keys, Part, read_text

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_YAML = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_YAML + name for name in ("str", "int", "float", "bool", "timestamp", "value"))
_NULL, _MERGE = _YAML + "null", _YAML + "merge"
_MAX_DEPTH = 40


def read_yaml(path: Path, shown: str) -> list[Part]:
    """One part a top-level key. Raises :class:`SiteError` with every fault of the file."""
    root = _compose(read_text(path, shown), shown)
    if root is None:
        return []
    if not isinstance(root, yaml.MappingNode):
        raise SiteError(f"{shown}:{_line(root)}: expected sections such as 'directory:' at the top of the file")
    problems: list[str] = []
    value = _Builder(shown, problems).value(root)
    if problems:
        raise SiteError(*problems)
    nodes = {key.value: (key, node) for key, node in root.value}
    return [
        Part(shown, section, _line(nodes[section][0]), content, _line_lookup(root, section))
        for section, content in value.items()
    ]


def _compose(text: str, shown: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line = mark.line + 1 if mark else 1
        raise SiteError(f"{shown}:{line}: {_syntax(exc, text.splitlines()[line - 1 : line])}") from exc
    except yaml.YAMLError as exc:  # a character that YAML does not allow; PyYAML gives its place in the whole text
        line = text.count("\n", 0, getattr(exc, "position", 0) or 0) + 1
        raise SiteError(f"{shown}:{line}: the file holds a character that YAML does not allow; remove it") from exc
    finally:
        loader.dispose()
    return node


def _syntax(exc: yaml.MarkedYAMLError, line: list[str]) -> str:
    problem = exc.problem or "syntax error"
    if "cannot start any token" in problem and any("\t" in text for text in line):
        return "YAML is indented with spaces; replace the tab"
    if "undefined alias" in problem:
        return "this alias (*name) has no anchor (&name) above it in the same file"
    if "but found another document" in problem:
        return "a second YAML document begins here; remove the line '---' or use two files"
    context = f" {exc.context}" if exc.context else ""
    advice = "look for a missing colon, quote or indentation here or just above"
    return f"this is not valid YAML: {problem}{context}; {advice}"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Builder:
    """Turns nodes into dicts, lists, texts and ``None``; collects all problems on the way."""

    def __init__(self, shown: str, problems: list[str]) -> None:
        self._shown = shown
        self._problems = problems
        self._shared: dict[int, Any] = {}

    def value(self, node: yaml.Node, depth: int = 0) -> Any:
        if isinstance(node, yaml.ScalarNode):
            tag = node.tag
            if tag == _NULL:
                return None
            if tag not in _PLAIN_TAGS:
                self._refuse(node, f"the YAML tag {tag} is not known here; secrets are references such as env:NAME")
            return node.value
        if depth > _MAX_DEPTH:
            self._refuse(node, "nested too deeply; an alias probably refers to itself")
            return None
        if id(node) not in self._shared:
            build = self._mapping if isinstance(node, yaml.MappingNode) else self._list
            self._shared[id(node)] = build(node, depth + 1)
        return self._shared[id(node)]

    def _list(self, node: yaml.Node, depth: int) -> list[Any]:
        return [self.value(item, depth) for item in node.value]

    def _mapping(self, node: yaml.Node, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        lines: dict[str, int] = {}
        merged: dict[str, Any] = {}
        for key, item in node.value:
            if key.tag == _MERGE:
                self._merge(item, merged, depth)
                continue
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(key, "a key must be a single word or text")
                continue
            name = key.value
            if name in found:
                self._refuse(key, f"{name!r} is already given on line {lines[name]}; keep one of the two")
                continue
            lines[name] = _line(key)
            found[name] = self.value(item, depth)
        return {**merged, **found} if merged else found

    def _merge(self, item: yaml.Node, merged: dict[str, Any], depth: int) -> None:
        sources = item.value if isinstance(item, yaml.SequenceNode) else [item]
        for source in sources:
            content = self.value(source, depth)
            if isinstance(content, dict):
                for name, value in content.items():
                    merged.setdefault(name, value)
            else:
                self._refuse(item, "'<<' takes a mapping (such as *anchor) or a list of mappings")

    def _refuse(self, node: yaml.Node, sentence: str) -> None:
        self._problems.append(f"{self._shown}:{_line(node)}: {sentence}")


def _line_lookup(root: yaml.MappingNode, section: str) -> Callable[[Keys], int]:
    def line_of(path: Keys) -> int:
        node: yaml.Node = root
        line = _line(root)
        for step in (section, *path):
            found = _step(node, step)
            if found is None:
                break
            line, node = found
        return line

    return line_of


def _step(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    """Line and node one key (or list position) further down."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return _line(node.value[step]), node.value[step]
    if not isinstance(node, yaml.MappingNode):
        return None
    for key, item in node.value:
        if key.value == str(step):
            return _line(key), item
    for key, item in node.value:
        if key.tag == _MERGE:
            for source in item.value if isinstance(item, yaml.SequenceNode) else [item]:
                if (found := _step(source, step)) is not None:
                    return found
    return None
