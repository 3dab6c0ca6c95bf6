"""YAML 1.2 text and plain values, with the line of every key; duplicate keys are problems."""

from __future__ import annotations

import copy
import functools
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from papertrial.errors import Problem
from papertrial.recipe.plain_values import KeyPath, dotted


@dataclass
class Document:
    """A YAML document as plain values, with the line of each key."""

    tree: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def parse(text: str) -> Document:
    """Parse the text of one YAML 1.2 document; syntax errors and duplicate keys become problems."""
    known = _parsed(text)
    return Document(copy.deepcopy(known.tree), dict(known.lines), list(known.problems))


@functools.lru_cache(maxsize=256)
def _parsed(text: str) -> Document:
    """Parse a text once: it takes 15 ms, and a verification and its audit read each often."""
    yaml = YAML(typ="safe", pure=True)
    document = Document(tree=None)
    try:
        node = yaml.compose(io.StringIO(text))
        document.tree = _value(yaml, node, (), document)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"YAML syntax error: {error.problem or error.context}"
        document.problems.append(Problem("", message, mark.line + 1 if mark else None))
    except YAMLError as error:
        message = " ".join(str(error).split())
        document.problems.append(Problem("", f"YAML syntax error: {message}"))
    except RecursionError:
        document.problems.append(
            Problem("", "the YAML is nested too deeply, or an anchor refers to itself")
        )
    return document


def parse_value(text: str) -> object:
    """Parse the YAML text of one value; return the text itself if it is not valid YAML."""
    document = parse(text)
    return text if document.problems else document.tree


def dump(tree: Mapping[str, object]) -> str:
    """Return plain values as YAML text, in the given order."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 100
    out = io.StringIO()
    yaml.dump(tree, out)
    return str(out.getvalue())


def dump_value(value: object) -> str:
    """Return one value as YAML text: text unquoted if YAML reads it as the same text, else JSON."""
    if isinstance(value, str) and parse_value(value) == value:
        return value
    return json.dumps(value)


def _value(yaml: YAML, node: Node | None, path: KeyPath, document: Document) -> object:
    if isinstance(node, MappingNode | SequenceNode) and not str(node.tag).endswith(
        (":map", ":seq")
    ):
        message = f"YAML tags are not supported, got {node.tag}"
        document.problems.append(Problem(dotted(path), message, node.start_mark.line + 1))
    if isinstance(node, MappingNode):
        mapping: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, ScalarNode) else str(key_node.tag)
            line = key_node.start_mark.line + 1
            here = (*path, key)
            if key in mapping:
                message = f"duplicate key, first on line {document.lines[here]}; keep one"
                document.problems.append(Problem(dotted(here), message, line))
                continue
            document.lines[here] = line
            mapping[key] = _value(yaml, value_node, here, document)
        return mapping
    if isinstance(node, SequenceNode):
        items = []
        for index, item in enumerate(node.value):
            document.lines[(*path, index)] = item.start_mark.line + 1
            items.append(_value(yaml, item, (*path, index), document))
        return items
    if node is None:
        return None
    if str(node.tag).endswith(":timestamp"):  # dates stay text
        return node.value
    try:
        return yaml.constructor.construct_object(node, deep=True)
    except (ValueError, KeyError, TypeError, OverflowError, YAMLError):
        kind = str(node.tag).rpartition(":")[2]
        message = f"is not a valid YAML {kind}, got {node.value!r}; put text in quotes"
        document.problems.append(Problem(dotted(path), message, node.start_mark.line + 1))
        return None
