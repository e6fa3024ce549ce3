"""What a JavaScript module imports, and where it says so: byte offsets, by a real parser. Pure.

A module that runs from a `blob:` URL must be told anew where its imports are, and what its own URL is. These facts are
all that a browser needs for it: the client replaces the named ranges and understands nothing of the language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Query

IMPORT = b"import"
META = b"import.meta"
LONE_RETURN = re.compile(rb"\r(?!\n)")
"""Ends a line for browsers, and does not always for the parser."""
AT_A_TIME = 32_768
"""Bytes that are read without a pause."""
OWN_NAME = re.compile(rb"//[#@][ \t]*sourceURL=")
QUERY = """
(import_statement) @declaration
(export_statement source: (_)) @declaration
(call_expression function: (import)) @call
(meta_property) @meta
"""


@dataclass(frozen=True)
class Declaration:
    """An `import`, or an `export … from`; offsets in bytes."""

    start: int
    """From the beginning of the file."""
    length: int
    at: int
    """Where its specifier begins, quotes included, from `start`."""
    long: int
    specifier: str
    typed: bool
    """It has import attributes, and so names no JavaScript."""

    @property
    def is_part(self) -> bool:
        """Whether it imports JavaScript by a path."""
        return not self.typed and is_path(self.specifier)


@dataclass(frozen=True)
class ModuleFacts:
    """Where one file speaks of others, and of itself."""

    declarations: tuple[Declaration, ...]
    """All of them, in their order, in which they are evaluated."""
    calls: tuple[int, ...]
    """Where the keyword of each `import(…)` begins."""
    metas: tuple[int, ...]
    """Where each `import.meta` begins."""
    named: bool
    """It has a `//# sourceURL` of its own."""
    call_name: str
    meta_name: str
    """Identifiers as long as `import` and `import.meta`, which the file does not have."""
    literals: tuple[str, ...]
    """What its `import(…)` name, where that is written out."""

    def as_island(self) -> dict[str, Any]:
        """Give what the client needs, as JSON has it."""
        return {
            "imports": [
                [one.start, one.length, one.at, one.long, one.specifier, int(one.is_part)] for one in self.declarations
            ],
            "calls": self.calls,
            "metas": self.metas,
            "named": self.named,
            "names": [self.call_name, self.meta_name],
        }


class _UnknownSyntaxError(Exception):
    """Something that the parser does not know, or that is not written as it mostly is."""


def is_available() -> bool:
    """Say whether the parser is installed: `pip install "viraljs[modules]"`."""
    try:
        import_module("tree_sitter_javascript")
        # Older ones don't have it.
        return hasattr(import_module("tree_sitter"), "QueryCursor")
    except ImportError:
        return False


def is_path(specifier: str) -> bool:
    """Say whether a specifier is resolved against the URL of its module."""
    return specifier.startswith(("/", "./", "../")) and not specifier.startswith("//")


def read_module(data: bytes, pause: Callable[[], object]) -> ModuleFacts | None:
    """Read a module; takes about 0.2 s for each MB, nearly all of it without letting other threads run.

    Args:
        data: the whole file, which browsers take for UTF-8, whatever its headers say.
        pause: called every few milliseconds, to let them.

    Returns:
        None where the parser finds errors, or syntax that a browser could not be told how to replace.
    """
    from tree_sitter import Parser, QueryCursor

    def read_on(offset: int, _position: object) -> bytes:
        pause()
        return data[offset : offset + AT_A_TIME]

    language, query = _grammar()
    root = Parser(language).parse(read_on).root_node
    if root.has_error or LONE_RETURN.search(data):
        return None
    found = QueryCursor(query).captures(root)
    try:
        return ModuleFacts(
            tuple(_declaration(node) for node in _sorted(found.get("declaration"))),
            tuple(_call(node) for node in _sorted(found.get("call"))),
            tuple(_metas(_sorted(found.get("meta")))),
            OWN_NAME.search(data) is not None,
            _unused(data, len(IMPORT)),
            _unused(data, len(META)),
            tuple(text for node in _sorted(found.get("call")) if (text := _literal(node)) is not None),
        )
    except (_UnknownSyntaxError, UnicodeDecodeError):
        return None


@cache
def _grammar() -> tuple[Language, Query]:
    import tree_sitter_javascript
    from tree_sitter import Language, Query

    language = Language(tree_sitter_javascript.language())
    return language, Query(language, QUERY)


def _sorted(nodes: Iterable[Node] | None) -> list[Node]:
    return sorted(nodes or (), key=lambda node: node.start_byte)


def _declaration(node: Node) -> Declaration:
    source = node.child_by_field_name("source")
    # The grammar takes declarations anywhere; the language has them at the top level only.
    if source is None or node.parent is None or node.parent.type != "program":
        raise _UnknownSyntaxError
    typed = any(child.type == "import_attribute" for child in node.children)
    return Declaration(
        node.start_byte,
        node.end_byte - node.start_byte,
        source.start_byte - node.start_byte,
        source.end_byte - source.start_byte,
        _text(source),
        typed,
    )


def _text(string: Node) -> str:
    """Give what is between the quotes. Nobody writes a path with escapes, so they are not worth understanding."""
    if any(child.type == "escape_sequence" for child in string.children):
        raise _UnknownSyntaxError
    return (string.text or b"")[1:-1].decode()


def _call(node: Node) -> int:
    # A second one says that it is something other than JavaScript, or is from the future.
    given = _arguments(node)
    if len(given) != 1 or given[0].type == "spread_element":
        raise _UnknownSyntaxError
    return node.start_byte


def _arguments(call: Node) -> list[Node]:
    arguments = call.child_by_field_name("arguments")
    return [] if arguments is None else [node for node in arguments.named_children if node.type != "comment"]


def _literal(call: Node) -> str | None:
    [argument] = _arguments(call)
    simple = argument.type == "string" or (
        argument.type == "template_string"
        and not any(node.type == "template_substitution" for node in argument.named_children)
    )
    return _text(argument) if simple else None


def _metas(nodes: Iterable[Node]) -> Iterator[int]:
    for node in nodes:
        text = node.text or b""
        if text == META:
            yield node.start_byte
        elif text.startswith(IMPORT):  # and not `new.target`
            raise _UnknownSyntaxError


def _unused(data: bytes, length: int) -> str:
    """Make an identifier that is not in the file."""
    number = 0
    while (name := f"v{number:_>{length - 1}}").encode() in data:
        number += 1
    return name
