"""Text to tokens. Takes the known names, so that names with spaces need no second grammar."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lark import Token

from policy_service.diagnostics import Origin, Report
from policy_service.diagnostics.catalogue import FULL_WIDTH, SYNTAX

KEYWORDS = {
    "true": "TRUE",
    "false": "FALSE",
    "null": "NULL",
    "if": "IF",
    "then": "THEN",
    "else": "ELSE",
    "for": "FOR",
    "return": "RETURN",
    "some": "SOME",
    "every": "EVERY",
    "satisfies": "SATISFIES",
    "function": "FUNCTION",
    "and": "AND",
    "or": "OR",
    "between": "BETWEEN",
    "in": "IN",
    "instance": "INSTANCE",
    "of": "OF",
}
_SIGNS = {
    "..": "DOTDOT",
    "**": "POWER",
    "<=": "COMPARE",
    ">=": "COMPARE",
    "!=": "COMPARE",
    "=": "COMPARE",
    "<": "COMPARE",
    ">": "COMPARE",
    "≤": "COMPARE",
    "≥": "COMPARE",
    "≠": "COMPARE",
    "+": "PLUS",
    "-": "MINUS",
    "*": "STAR",
    "/": "SLASH",
    ".": "DOT",
    ",": "COMMA",
    ":": "COLON",
    "@": "AT",
    "(": "LPAR",
    ")": "RPAR",
    "[": "LSQB",
    "]": "RSQB",
    "{": "LBRACE",
    "}": "RBRACE",
}
_ACCEPTED = {"≤": "<=", "≥": ">=", "≠": "!="}
_UNUSED = set("#$%&';?\\^`|~")
_FULL_WIDTH = {chr(c): chr(c - 0xFEE0) for c in range(0xFF01, 0xFF5F) if chr(c - 0xFEE0) not in _UNUSED} | {
    "　": " ",
    "。": ".",
    "、": ",",
    "“": '"',
    "”": '"',
    "「": '"',
    "」": '"',
    "【": "[",
    "】": "]",
    "《": "<",
    "》": ">",
    "−": "-",
    "×": "*",
    "÷": "/",
    "‐": "-",
    "‑": "-",
    "‒": "-",
    "–": "-",
    "—": "-",
    "―": "-",
}
_NUMBER = re.compile(r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
# A text may not hold a line break of any kind, [\n-\r]; it is escaped.
_STRING = re.compile(r'"((?:[^"\\\n-\r]|\\[^\n-\r])*)"')
_WORD = re.compile(r"[^\W\d]\w*")
_SIGN = re.compile("|".join(re.escape(s) for s in sorted(_SIGNS, key=len, reverse=True)))
_OPERAND_ENDS = {"NUMBER", "STRING", "TRUE", "FALSE", "NULL", "NAME", "RPAR", "RSQB", "RBRACE", "RANGE_CLOSE"}
_QUOTES = "“”「」＂"
_OPENING = {"LPAR", "LSQB", "LBRACE", "RANGE_OPEN"}
_CLOSING = {"RPAR", "RSQB", "RBRACE", "RANGE_CLOSE"}
_FOREIGN = re.compile(r"'[^'\n-\r]*'?|\"[^\n-\r]*|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
"""What begins as a text or a comment and is none that we read, told as a whole."""
_COMMENT = ("//", "/*")
_SHOWN = 60
_HINTS = {
    "'": 'texts stand in double quotes: `"…"`',
    "‘": 'texts stand in double quotes: `"…"`',
    "’": 'texts stand in double quotes: `"…"`',
    "`": 'texts stand in double quotes: `"…"`',
    '"': "close the text with a double quote",
    "/": "comments are YAML's: `# …` behind a blank, or a column `# note`",
    "&": "write `and`",
    "＆": "write `and`",
    "|": "write `or`",
    "!": "write `!=` or `not(…)`",
    "~": "a range is written `[5..10]`",
    "～": "a range is written `[5..10]`",
    "…": "a range is written `[5..10]`",
    "%": "a share is written as a number: `0.25`",
    "≦": "write `<=`",
    "≧": "write `>=`",
}


class Vocabulary:
    """Known names that hold spaces, for the longest match."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        spaced = sorted((n for n in set(names) if not _WORD.fullmatch(n)), key=len, reverse=True)
        pattern = "|".join(re.escape(n).replace(r"\ ", r"\s+") for n in spaced)
        self.pattern = re.compile(rf"(?:{pattern})(?!\w)") if spaced else None


def is_word(text: str) -> bool:
    """Whether the text can stand as a name without quotes."""
    return bool(_WORD.fullmatch(text)) and text not in KEYWORDS and half_width(text) == text


def half_width(text: str) -> str:
    """The text with every full-width sign replaced; same length."""
    return "".join(_FULL_WIDTH.get(c, c) for c in text)


def shortened(text: str) -> str:
    """The text as a message shows it: one line, not too long."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def report_full_width(text: str, origin: Origin, report: Report) -> str:
    """Replace full-width signs outside strings, each run reported once."""
    out, at, closing = list(text), 0, ""
    while at < len(text):
        char, end = text[at], at + 1
        if closing and char == "\\":
            end += 1
        elif closing:
            if char in closing:
                closing = ""
                _replace(out, at, end, origin, report)
        elif char == '"':
            closing = '"'
        elif char in _FULL_WIDTH:
            while end < len(text) and text[end] in _FULL_WIDTH and text[end - 1] not in _QUOTES:
                end += 1
            _replace(out, at, end, origin, report)
            closing = _QUOTES + '"' if text[end - 1] in _QUOTES else ""
        at = end
    return "".join(out)


def _replace(out: list[str], at: int, end: int, origin: Origin, report: Report) -> None:
    wide = "".join(out[at:end])
    right = half_width(wide)
    if right != wide:
        report.add(FULL_WIDTH, origin.span(at, end), f"full-width `{wide}`", hint=f"write `{right}`")
        out[at:end] = right


@dataclass(slots=True)
class _Brackets:
    """Tells the `[` and `]` of open ranges from those of lists and filters."""

    ranges: list[bool]

    def enter(self) -> None:
        self.ranges.append(False)

    def leave(self) -> None:
        if len(self.ranges) > 1:
            self.ranges.pop()


def tokenize(text: str, origin: Origin, vocabulary: Vocabulary, report: Report, *, cell: bool) -> list[Token] | None:
    """Tokens with offsets into the text, or None when a sign cannot be read (reported)."""
    faults = len(report.diagnostics)
    text = report_full_width(text, origin, report)
    tokens: list[Token] = []
    brackets = _Brackets([False])
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        kind, value, end = _next(text, at, tokens, vocabulary)
        if not kind:
            sign, hint = _named(text[at:end])
            report.add(SYNTAX, origin.span(at, end), f"`{sign}` has no place in an expression", hint=hint)
            at = end
            continue
        tokens.append(Token(_bracket(kind, tokens, brackets), value, start_pos=at, end_pos=end))
        at = end
    if cell and len(tokens) > 2 and tokens[0].value == "not" and _closes_at_end(tokens):
        tokens[0] = Token("CELL_NOT", "not", start_pos=tokens[0].start_pos, end_pos=tokens[0].end_pos)
    return tokens if len(report.diagnostics) == faults or not _has_syntax(report, faults) else None


def _named(sign: str) -> tuple[str, str | None]:
    """How a message shows an unknown sign (an invisible one by its code point), and what to write instead."""
    if sign.isprintable() or len(sign) > 1:
        return shortened(sign.partition("\n")[0]), _HINTS.get(sign[0])
    return f"U+{ord(sign):04X}", "delete it: it cannot be seen"


def _has_syntax(report: Report, since: int) -> bool:
    return any(d.code is SYNTAX for d in report.diagnostics[since:])


def _next(text: str, at: int, tokens: list[Token], vocabulary: Vocabulary) -> tuple[str, str, int]:
    """Kind, value and end of the token at an offset; an empty kind for a sign we do not know."""
    after_dot = bool(tokens) and tokens[-1].type == "DOT"
    if vocabulary.pattern and not after_dot and (match := vocabulary.pattern.match(text, at)):
        return "NAME", " ".join(match.group().split()), match.end()
    if match := _WORD.match(text, at):
        word = match.group()
        kind = "NAME" if after_dot or word == "not" else KEYWORDS.get(word, "NAME")
        return kind, word, match.end()
    if match := _NUMBER.match(text, at):
        return "NUMBER", match.group(), match.end()
    if match := _STRING.match(text, at):
        return "STRING", match.group(1), match.end()
    if (match := _SIGN.match(text, at)) and not text.startswith(_COMMENT, at):
        sign = match.group()
        return _SIGNS[sign], _ACCEPTED.get(sign, sign), match.end()
    foreign = _FOREIGN.match(text, at)
    return "", "", foreign.end() if foreign else at + 1


def _bracket(kind: str, before: list[Token], brackets: _Brackets) -> str:
    operand_before = bool(before) and before[-1].type in _OPERAND_ENDS
    if kind == "DOTDOT":
        brackets.ranges[-1] = True
    elif kind == "LSQB" and operand_before and brackets.ranges[-1]:
        brackets.leave()
        return "RANGE_CLOSE"
    elif kind == "RSQB" and not operand_before and not (before and before[-1].type == "LSQB"):
        brackets.enter()
        return "RANGE_OPEN"
    elif kind in ("LPAR", "LSQB", "LBRACE"):
        brackets.enter()
    elif kind in ("RPAR", "RSQB", "RBRACE"):
        brackets.leave()
    return kind


def _closes_at_end(tokens: list[Token]) -> bool:
    """Whether the parenthesis that opens second closes last; `(1..2]` is a pair too."""
    depth = 0
    for index, token in enumerate(tokens[1:], start=1):
        depth += (token.type in _OPENING) - (token.type in _CLOSING)
        if depth == 0:
            return index == len(tokens) - 1 and tokens[1].type == "LPAR"
    return False
