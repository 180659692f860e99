"""Reads YAML that somebody has written, within bounds: what a mistake or an enemy makes endless is a problem like any
other."""

from __future__ import annotations

from typing import Any

from shared.errors import Problem, RoutesInvalid

DEEPEST = 32
"""Levels of mappings and lists; routes have seven."""
MOST_NODES = 50_000
"""Values with everything that aliases stand for written out; a route has some sixty."""


def load_yaml(text: str) -> Any:
    """The YAML document. Raises RoutesInvalid if it is none, if it is endless or nearly so, or if a key is there twice:
    YAML would keep the last."""
    import yaml  # first use, not cold start

    class Strict(yaml.SafeLoader):
        depth = nodes = 0

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            self._sizes: dict[int, int]
            if parent is None:
                self._sizes = {}
            line, is_alias = self.line + 1, self.check_event(yaml.AliasEvent)
            before, self.depth, self.nodes = self.nodes, self.depth + 1, self.nodes + 1
            if self.depth > DEEPEST:
                raise _problem(f"line {line} is more than {DEEPEST} levels deep")
            node = super().compose_node(parent, index)
            if is_alias:
                if id(node) not in self._sizes:
                    raise _problem(f"the alias in line {line} stands for what it is in itself")
                self.nodes += self._sizes[id(node)]
            else:
                self._sizes[id(node)] = self.nodes - before
            if self.nodes > MOST_NODES:
                raise _problem(f"has more than {MOST_NODES} values, with aliases written out, by line {line}")
            self.depth -= 1
            return node

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
            for key in sorted({key for key in keys if isinstance(key, str) and keys.count(key) > 1}):
                line = node.start_mark.line + 1
                raise RoutesInvalid([Problem("", key, f"appears twice in the mapping at line {line}; keep one")])
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Strict)  # noqa: S506  # a SafeLoader
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the latter: numbers and dates that Python has not
        raise _problem(f"not valid YAML: {' '.join(str(error).split())}") from error


def _problem(message: str) -> RoutesInvalid:
    return RoutesInvalid([Problem("", "routes.yaml", message)])
