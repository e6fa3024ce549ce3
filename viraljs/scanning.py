"""Whether a classic script calls `import(…)` with something that only its own URL can resolve. Pure; not a parser.

A script that runs from a `blob:` URL has no base for `import("./chunk.js")`, nor for a path that is put together as it
runs. `Suspicion` is quick, and finds every script that could; `ImportScan` reads one from its beginning, and knows
where comments, strings, templates and regular expressions (ECMA-262, 12) begin and end. Where it loses track it says
yes: such a script is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

SUSPECT = re.compile(rb"import\s*(?:\(|/[*/])")
UNFINISHED = re.compile(rb"import\s*/?\Z")
"""At the end of a part: the next one may make a suspect of it."""

CODE = re.compile(rb"[^'\"`/(){}\[\]]+")


def _group(inner: bytes) -> bytes:
    """Give the pattern of brackets, with plain code and what is given in them. Nothing in it can match in two ways."""
    within = rb"[^'\"`/(){}\[\]]*(?:(?:%b)[^'\"`/(){}\[\]]*)*" % inner
    return rb"\(%b\)|\[%b\]|\{%b\}" % (within, within, within)


STRING = rb"\"[^\"\\\n\r]*(?:\\[^\n\r][^\"\\\n\r]*)*\"|'[^'\\\n\r]*(?:\\[^\n\r][^'\\\n\r]*)*'"
ITEM = re.compile(rb"[^'\"`/(){}\[\]]+|" + STRING + b"|" + _group(STRING + b"|" + _group(STRING)))
SIMPLE = re.compile(b"(?:%b)+" % ITEM.pattern)
"""Code with simple strings, and brackets within brackets: what can be passed over in one go."""
TELLING = re.compile(rb"import|<!--|-->")
"""What calls for a closer look."""
LINE_COMMENT = re.compile(rb"(?:[^\n\r\xe2]|\xe2(?!\x80[\xa8\xa9]))*")
BLOCK_COMMENT = re.compile(rb"[^*]+|\*(?!/)")
TEXT = {
    b"'": re.compile(rb"[^'\\\n\r]+"),
    b'"': re.compile(rb'[^"\\\n\r]+'),
    b"`": re.compile(rb"[^`\\$]+"),
    b"/": re.compile(rb"[^/\\\[\n\r]+"),
    b"[": re.compile(rb"[^\]\\\n\r]+"),
}
"""What stands in a literal, by what began it; the last is a class within a regular expression."""
LAST_WORD = re.compile(rb"(\.\.\.|[.#])?\s*([\w$\\\x80-\xff]+)\s*\Z")
HTML_COMMENT = re.compile(rb"<!--|[\n\r]\s*-->")
ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://")
HEADS = frozenset({b"if", b"while", b"for", b"with", b"await"})
"""Words before parentheses behind which a statement begins."""
BEFORE_EXPRESSION = frozenset(b"return typeof instanceof in new delete void throw case do else yield await".split())
CLOSING = {b")": b"(", b"]": b"[", b"}": b"{"}
VALUE = b'"'
"""Stands for a literal that is over, in what is remembered of the code before."""
REMEMBERED = 32
LONGEST_SCHEME = 32
MOST_OPEN = 10_000


class Suspicion:
    """Looks for `import` with a parenthesis or a comment behind it, in code or not."""

    def __init__(self) -> None:
        """Start at the beginning of a script."""
        self.found = False
        self._before = b""

    def feed(self, part: bytes) -> None:
        """Read on, in parts of any length."""
        if self.found:
            return
        seam = self._before + part
        self.found = SUSPECT.search(seam) is not None
        unfinished = UNFINISHED.search(seam)
        # White space of any length is kept as none.
        self._before = b"import" + unfinished[0].strip()[len(b"import") :].strip() if unfinished else seam[-5:]


class _Open:
    """A bracket that is open."""

    __slots__ = ("absolute", "kind", "word")

    def __init__(self, kind: bytes, word: bytes) -> None:
        self.kind = kind
        self.word = word
        """The keyword before it, if that matters."""
        self.absolute: bool | None = None
        """Of `import(`, whether its argument is an absolute URL; None until it begins."""


class ImportScan:
    """Reads a script in parts of any length; memory is bounded."""

    def __init__(self) -> None:
        """Start at the beginning of a script."""
        self.found = False
        """It imports by a path, or may."""
        self._rest = b""
        self._inside = b""
        """What the literal or comment began with that is being read; empty in code. `*` and `//` are comments."""
        self._open: list[_Open] = []
        self._before = b"\n"
        """The end of the code so far, without comments."""
        self._passed = b""
        """What was passed over last, where no bracket was closed since; and what was before it."""
        self._before_passed = b""
        self._head_closed = False
        """The parenthesis closed last was that of an `if (…)` or the like."""
        self._judging: _Open | None = None
        """An `import(…)` that has just been closed: with a brace behind it, it is a method of that name."""
        self._literal: bytes | None = None
        """The beginning of the literal that is being read, where it is the argument of an import."""
        self._started = False

    def feed(self, part: bytes) -> None:
        """Read on."""
        data = self._rest + part
        if not self._started:
            if len(data) < len(b"\xef\xbb\xbf#!") and part:
                self._rest = data
                return
            self._started = True
            if data.removeprefix(b"\xef\xbb\xbf").startswith(b"#!"):
                self._inside = b"//"
        at = 0
        while not self.found and at < len(data):
            then = self._read_literal(data, at) if self._inside else self._read_code(data, at)
            if then == at:  # what is next can't be told before more is here
                break
            at = then
        self._rest = data[at:]

    def close(self) -> bool:
        """Say whether the script imports by a path, or may; it is over."""
        if not self._started:
            self._started = True
            self.feed(b"")
        unjudged = self._judging is not None and not self._judging.absolute
        at_end = not self._open and (self._inside == b"//" or not (self._inside or self._rest))
        if unjudged or not at_end:
            self._lose()
        return self.found

    def _lose(self) -> None:
        self.found = True

    # Code

    def _read_code(self, data: bytes, at: int) -> int:
        run = self._pass_over(data, at) or CODE.match(data, at)
        if run:
            self._remember(run[0])
            return run.end()
        char = data[at : at + 1]
        if char == b"/":
            return self._read_slash(data, at)
        self._look(char)
        if char in CLOSING:
            self._close_bracket(char)
        elif char in b"([{":
            self._open_bracket(char)
        else:
            self._begin_literal(char)
            return at + 1
        self._before += char
        return at + 1

    def _pass_over(self, data: bytes, at: int) -> re.Match[bytes] | None:
        if self._judging or (self._open and self._open[-1].word == b"import"):
            return None
        run = SIMPLE.match(data, at)
        if run is None or TELLING.search(self._before[-REMEMBERED:] + run[0]):
            return None
        if run[0].strip():
            self._passed, self._before_passed = run[0], self._before
        return run

    def _remember(self, code: bytes) -> None:
        """Keep the end of it; white space of any length as one character, which says whether the line has ended."""
        if self._judging or self._open:
            bare = code.lstrip()
            if bare:
                self._look(bare[:1], newline=_ends_line(code[: len(code) - len(bare)]))
        whole = self._before[-REMEMBERED:] + code
        if b"--" in whole and HTML_COMMENT.search(whole):
            self._lose()
        text = whole.rstrip()
        space = whole[len(text) :]
        if text.endswith(b"'"):
            text = text[:-1] + VALUE
        self._before = text[-REMEMBERED:] + (b"\n" if space and _ends_line(space) else space[:1])

    def _look(self, char: bytes, *, newline: bool = False) -> None:
        """Take in what comes next, which may say what the thing before was."""
        if self._judging:
            # A method's name, and its body; else an expression, and nothing like a block behind it on the same line.
            ended = newline or self._before.endswith(b"\n")
            if (char != b"{" or ended) and not self._judging.absolute:
                self._lose()
            self._judging = None
        top = self._open[-1] if self._open else None
        if top is None or top.word != b"import":
            return
        if top.absolute is None:
            top.absolute = False
            self._literal = b"" if char in b"'\"`" else None
        elif top.absolute and self._before.rstrip().endswith(VALUE) and char not in b"),+":
            top.absolute = False

    def _open_bracket(self, char: bytes) -> None:
        word = b""
        if char == b"(":
            word = _head_word(self._before)
        self._open.append(_Open(char, word))
        if len(self._open) > MOST_OPEN:
            self._lose()

    def _close_bracket(self, char: bytes) -> None:
        opened = self._open.pop() if self._open else None
        if opened and char == b"}" and opened.kind == b"${":
            self._inside = b"`"
        elif not opened or opened.kind != CLOSING[char]:
            self._lose()
        elif opened.word == b"import":
            self._judging = opened
        elif char == b")":
            self._head_closed = bool(opened.word)
        self._passed = b""

    def _read_slash(self, data: bytes, at: int) -> int:
        following = data[at + 1 : at + 2]
        if not following:
            return at
        if following in b"/*":
            self._inside = b"//" if following == b"/" else b"*"
            return at + 2
        self._look(b"/")
        if self._is_value():
            self._before += b"/"
        else:
            self._begin_literal(b"/")
        return at + 1

    def _is_value(self) -> bool:
        """Say whether the code so far ends with a value, so that a slash divides it."""
        text = self._before.rstrip()
        last = text[-1:]
        if last == b")":
            return not self._closes_head()
        if last in (b"]", VALUE) or text.endswith((b"++", b"--")):
            return True
        if last == b".":
            return not text.endswith(b"...")
        word = LAST_WORD.search(self._before)
        return word is not None and (word[1] in (b".", b"#") or word[2] not in BEFORE_EXPRESSION)

    def _closes_head(self) -> bool:
        if not self._passed:
            return self._head_closed
        *_, last = (item for item in ITEM.finditer(self._passed) if item[0].strip())
        return _head_word(self._before_passed + self._passed[: last.start()]) != b""

    # Literals and comments

    def _begin_literal(self, char: bytes) -> None:
        self._inside = char

    def _read_literal(self, data: bytes, at: int) -> int:
        inside = self._inside
        if inside == b"//":
            return self._read_line_comment(data, at)
        if inside == b"*":
            return self._read_block_comment(data, at)
        run = TEXT[inside].match(data, at)
        if run:
            self._note(run[0])
            return run.end()
        char = data[at : at + 1]
        if char == b"\\":
            return self._read_escape(data, at)
        if char in b"\n\r" or (inside == b"`" and char == b"$"):
            return self._read_line_end(data, at, char)
        if inside == b"/" and char == b"[":
            self._inside = b"["
        elif inside == b"[":
            self._inside = b"/"
        else:
            self._end_literal()
        return at + 1

    def _note(self, text: bytes) -> None:
        if self._literal is not None and len(self._literal) < LONGEST_SCHEME:
            self._literal += text[:LONGEST_SCHEME]

    def _read_escape(self, data: bytes, at: int) -> int:
        length = 3 if data[at + 1 : at + 3] == b"\r\n" else 2
        if at + length > len(data) or (at + 2 == len(data) and data.endswith(b"\r")):
            return at
        if self._inside in b"/[" and data[at + 1 : at + 2] in b"\n\r":
            self._lose()
        self._note(b"\\")
        return at + length

    def _read_line_end(self, data: bytes, at: int, char: bytes) -> int:
        """Read a dollar of a template, or the end of a line, which no other literal may have in it."""
        if char != b"$":
            self._lose()
            return at + 1
        if at + 1 == len(data):
            return at
        if data[at + 1 : at + 2] != b"{":
            self._note(char)
            return at + 1
        self._settle_literal()
        self._open.append(_Open(b"${", b""))
        self._inside, self._before = b"", b"("
        return at + 2

    def _end_literal(self) -> None:
        self._settle_literal()
        self._inside = b""
        self._before = self._before[-REMEMBERED:] + VALUE

    def _settle_literal(self) -> None:
        """Say whether the argument of an import is an absolute URL, by how it begins."""
        if self._literal is not None:
            self._open[-1].absolute = ABSOLUTE.match(self._literal) is not None
            self._literal = None

    def _read_block_comment(self, data: bytes, at: int) -> int:
        if data.startswith(b"*/", at):
            self._inside = b""
            self._space(b" ")
            return at + 2
        if at + 1 == len(data) and data.endswith(b"*"):
            return at
        run = BLOCK_COMMENT.match(data, at)
        assert run is not None  # noqa: S101 - a star without a slash is left
        return run.end()

    def _read_line_comment(self, data: bytes, at: int) -> int:
        # What may be the beginning of a line separator (U+2028, U+2029) waits for the rest of it.
        cut = 1 if data.endswith(b"\xe2") else 2 if data.endswith(b"\xe2\x80") else 0
        run = LINE_COMMENT.match(data, at, len(data) - cut)
        end = run.end() if run else at
        if end >= len(data) - cut:
            return end
        self._inside = b""
        self._space(b"\n")
        return end + (3 if data[end : end + 1] == b"\xe2" else 1)

    def _space(self, space: bytes) -> None:
        text = self._before.rstrip()
        self._before = text + (b"\n" if b"\n" in self._before[len(text) :] else space)


def _head_word(before: bytes) -> bytes:
    """Give the word before a parenthesis, if it matters."""
    last = LAST_WORD.search(before[-REMEMBERED:])
    matters = last and last[1] in (None, b"...") and (last[2] in HEADS or last[2] == b"import")
    return last[2] if last and matters else b""


def _ends_line(space: bytes) -> bool:
    return b"\n" in space or b"\r" in space


def imports_by_path(parts: Iterable[bytes]) -> bool:
    """Read a whole script.

    Args:
        parts: its bytes, cut anywhere, in a charset in which ASCII reads as ASCII.
    """
    scan = ImportScan()
    for part in parts:
        scan.feed(part)
        if scan.found:
            return True
    return scan.close()
