"""Expression text as tokens."""

import re
from dataclasses import dataclass

# Names of builtins may hold blanks; no other name does.
SPACED = (
    "years and months duration",
    "round half down",
    "round half even",
    "round half up",
    "round down",
    "round up",
    "list contains",
    "string length",
    "starts with",
    "ends with",
    "number of",
)
KEYWORDS = {"and", "or", "if", "then", "else", "between", "in", "true", "false", "null"}

_PATTERNS = (
    ("blank", r"\s+"),
    ("number", r"(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?%?"),
    ("moment", r'@\s*"[^"]*"'),
    ("text", r'"(?:[^"\\]|\\.)*"'),
    ("call", r"(?:" + "|".join(name.replace(" ", r"\s+") for name in SPACED) + r")(?=\s*\()"),
    ("name", r"[A-Za-z][A-Za-z0-9_]*"),
    ("sign", r"\.\.|<=|>=|!=|≤|≥|≠|[-+*/()\[\],.<>=]"),
)
_TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS))
_SAME = {"≤": "<=", "≥": ">=", "≠": "!="}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{6})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece: `number`, `text`, `moment` (`@"P1D"`), `name`, `word` (a keyword), `sign`, or the `end`."""

    kind: str
    text: str


def tokens(source: str) -> list[Token]:
    """All tokens of an expression, and the end."""
    found, place = [], 0
    while place < len(source):
        match = _TOKEN.match(source, place)
        if not match:
            raise SyntaxError(f"{source!r} at {place}")
        place = match.end()
        if match.lastgroup != "blank":
            found.append(_token(str(match.lastgroup), match.group()))
    return [*found, Token("end", "")]


def _token(kind: str, text: str) -> Token:
    if kind == "text":
        return Token(kind, _paired(_ESCAPE.sub(_unescaped, text[1:-1])))
    if kind == "moment":
        return Token(kind, text.partition('"')[2][:-1])
    if kind == "call":
        return Token("name", " ".join(text.split()))
    if kind == "name" and text in KEYWORDS:
        return Token("word", text)
    return Token(kind, _SAME.get(text, text))


def _unescaped(match: re.Match[str]) -> str:
    short, long, letter = match.groups()
    if short or long:
        return chr(int(short or long, 16))
    return _LETTERS.get(letter, letter)


def _paired(text: str) -> str:
    """The text with each two surrogates as the one sign that they stand for."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16")
