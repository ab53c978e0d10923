"""Every limit of the C engine that the pen must stay within.

The engine answers a broken limit with a hang, a crash or, worst, a wrong match. So nothing reaches it before `check`
has found that it holds. Each limit has one function; `split` cuts rules into rulesets that satisfy all of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import count, islice, product
from string import ascii_lowercase

import orjson

from policy_service.engines.rete.conditions import (
    PenRule,
    Value,
    count_paths,
    fields_of,
    ordered,
    tests_of,
)
from policy_service.engines.rete.network import SENTINEL, Network
from policy_service.engines.rete.refusals import PenRefusal

MAX_STRING_BYTES = 65_535  # 16 bit length: two longer strings may compare equal
MAX_PATHS = 64  # of one rule; it fires once for each that is true
MAX_RULES = 4_095  # 4,096 with the sentinel
MAX_FIELDS = 252  # 254 with `id` and `sid`
MAX_BRANCHES = 511  # distinct next conditions under one node; 512 fill its table and the search never ends
MAX_SHARED_ENDS = 255  # rules that end on one node; the 256th overwrites its neighbour
MAX_SHARED_GROUPS = 127  # `$or` groups that hang on one node; 128 leave no end mark in its list
MAX_STACK = 64  # conditions of one fact that wait to be walked


# Fields are told apart by hash alone, so a field must not look like any of the words that the C code compares with.
_WORDS = (
    "id sid $s $i $m $forward $and $or $eq $neq $lt $lte $gt $gte $ex $nex "
    "$mt $imt $iall $iany $add $sub $mul $div $l $r $all $any $not"
)
RESERVED = frozenset(_WORDS.split()) | {SENTINEL}

# ASCII: the hash of any other byte depends on whether `char` is signed. No quote or backslash: it is taken before
# unescaping. `$` begins the engine's own words.
_FIELD = re.compile(r"[A-Za-z0-9_~][A-Za-z0-9_.~-]{0,127}")


# --- names ---------------------------------------------------------------------------------------------------------


def fnv1a(text: str) -> int:
    """The 32-bit hash by which the engine tells names apart (its `char` is signed: high bytes are sign-extended)."""
    digest = 0x811C9DC5
    for byte in text.encode():
        digest = ((digest ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16_777_619) & 0xFFFFFFFF
    return digest


@cache
def _by_hash(words: frozenset[str]) -> Mapping[int, str]:
    return {fnv1a(word): word for word in sorted(words)}


def field_names(n: int | None = None) -> Iterator[str]:
    """Yields n short names for fields, always the same ones, that the engine can tell apart; None: without end."""
    return islice(_distinct_names(), n)


def _distinct_names() -> Iterator[str]:
    taken = set(_by_hash(RESERVED))
    for length in count(1):
        for letters in product(ascii_lowercase, repeat=length):
            name = "".join(letters)
            digest = fnv1a(name)
            if digest not in taken:
                taken.add(digest)
                yield name


# --- limits of what the rules say ----------------------------------------------------------------------------------


def check_rule_names(rules: Sequence[PenRule]) -> None:
    for name, times in Counter(rule.name for rule in rules).items():
        if not name:  # otherwise any text will do: the engine gets numbers
            raise PenRefusal("rule-name", "a rule has no name")
        if times > 1:
            raise PenRefusal("rule-name", f"{times} rules are named `{name}`")


def check_field_names(names: Iterable[str]) -> None:
    for name in names:
        if type(name) is not str or name in RESERVED or not _FIELD.fullmatch(name):
            raise PenRefusal("reserved-name", f"`{name}` cannot be a field: keep to `A-Z a-z 0-9 _ . ~ -`, unreserved")


def check_collisions(names: Iterable[str]) -> None:
    known = dict(_by_hash(RESERVED))
    for name in names:
        other = known.setdefault(fnv1a(name), name)
        if other != name:
            raise PenRefusal("hash-collision", f"the engine cannot tell field `{name}` from `{other}`")


def check_value(name: str, value: object) -> None:
    """One constant of a rule or value of a fact, by itself."""
    if type(value) is int:
        if not -(2**63) <= value < 2**63:  # both sides would be clamped, and then be equal
            raise PenRefusal("integer-range", f"`{value}` of field `{name}` is beyond 64 bits")
    elif type(value) is str:
        if _escaped_length(name, value) > MAX_STRING_BYTES:
            raise PenRefusal("string-length", f"a text of field `{name}` is longer than {MAX_STRING_BYTES} bytes")
    elif type(value) is not bool:  # a float's exponent is an error, null counts as present, a list crashes
        raise PenRefusal("value-type", f"`{value!r:.80}` of field `{name}` is not a whole number, text or boolean")


def _escaped_length(name: str, value: str) -> int:
    try:
        return len(orjson.dumps(value)) - 2  # quotes; the engine counts and compares the escaped text
    except orjson.JSONEncodeError as error:
        raise PenRefusal("value-type", f"a text of field `{name}` is not Unicode") from error


def check_constants(rules: Sequence[PenRule]) -> None:
    for test in tests_of(rules):
        check_value(test.field, test.value)
        if test.op not in ("eq", "ne"):
            if type(test.value) is bool:
                raise PenRefusal("value-type", f"booleans of field `{test.field}` have no order")
            if type(test.value) is str:
                check_order(test.field, test.value)


def check_order(name: str, value: str) -> None:
    """A text that is compared by order: shorter texts end in the closing quote, which must sort first."""
    if any(char < "#" or char == "\\" for char in value):
        raise PenRefusal("string-order", f"`{value:.80}` of field `{name}` holds a character that has no order")


def check_types(rules: Sequence[PenRule]) -> None:
    for name, types in _types(rules).items():
        if len(types) > 1:  # the engine would compare 5 with "5", and read memory that nobody wrote
            raise PenRefusal("value-type", f"field `{name}` is compared with constants of {len(types)} types")


def _types(rules: Iterable[PenRule]) -> dict[str, set[type[Value]]]:
    types: dict[str, set[type[Value]]] = {}
    for test in tests_of(rules):
        types.setdefault(test.field, set()).add(type(test.value))
    return types


def check_paths(rules: Sequence[PenRule]) -> None:
    for rule in rules:
        paths = count_paths(rule.condition)
        if paths > MAX_PATHS:
            raise PenRefusal("stack", f"rule `{rule.name}` can hold in {paths} ways at one time, {MAX_PATHS} are safe")


# --- limits of the network -----------------------------------------------------------------------------------------


def check_rule_count(rules: Sequence[PenRule]) -> None:
    if len(rules) > MAX_RULES:
        raise PenRefusal("too-many-rules", f"{len(rules)} rules, a ruleset takes {MAX_RULES}")


def check_field_count(rules: Sequence[PenRule]) -> None:
    if (size := len(fields_of(rules))) > MAX_FIELDS:
        raise PenRefusal("too-many-fields", f"{size} fields, a fact takes {MAX_FIELDS}")


def check_branches(network: Network) -> None:
    most = max(len(node.branches) for node in network.nodes)
    if most > MAX_BRANCHES:
        raise PenRefusal("too-many-first-conditions", f"{most} conditions in one place, it takes {MAX_BRANCHES}")


def check_shared_ends(network: Network) -> None:
    most = max(node.ends for node in network.nodes)
    if most > MAX_SHARED_ENDS:
        raise PenRefusal("too-many-shared-ends", f"{most} rules with one condition, it takes {MAX_SHARED_ENDS}")


def check_shared_groups(network: Network) -> None:
    most = max(len(node.joins) for node in network.nodes)
    if most > MAX_SHARED_GROUPS:
        raise PenRefusal("too-many-groups", f"{most} groups share a branch, it takes {MAX_SHARED_GROUPS}")


def check_stack(network: Network) -> None:
    if (need := network.stack()) > MAX_STACK:
        raise PenRefusal("stack", f"{need} conditions can hold at one time, the engine's stack takes {MAX_STACK}")


# --- all of them ---------------------------------------------------------------------------------------------------


def check(rules: Sequence[PenRule]) -> None:
    """Passes when the rules can be one ruleset.

    Raises:
        PenRefusal: the first limit that they break.
    """
    _check_fit(_check_words(rules))


def split(rules: Sequence[PenRule]) -> list[list[PenRule]]:
    """The rules, in order, cut into the fewest runs that can each be one ruleset.

    Each ruleset reports in the order of definition; the caller merges. A fact of more than 252 fields
    must be projected to the fields of each `Pen`.

    Raises:
        PenRefusal: when a rule cannot pass even alone, or rules of different runs need one field as two types.
    """
    found = _check_words(rules)
    for rule in found:
        _check_fit([rule])
    runs: list[list[PenRule]] = []
    start = 0
    while start < len(rules):
        end = _furthest(found, start)
        runs.append(list(rules[start:end]))
        start = end
    return runs


def _furthest(rules: Sequence[PenRule], start: int) -> int:
    """The last end with which the rules from start fit. Every limit only grows with more rules, so it is searched."""
    fits, step = start + 1, 1
    while fits + step <= len(rules) and _is_fit(rules[start : fits + step]):
        fits, step = fits + step, step * 2
    fails = min(fits + step, len(rules) + 1)
    while fails - fits > 1:
        middle = (fits + fails) // 2
        fits, fails = (middle, fails) if _is_fit(rules[start:middle]) else (fits, middle)
    return fits


def _is_fit(rules: Sequence[PenRule]) -> bool:
    try:
        _check_fit(rules)
    except PenRefusal:
        return False
    return True


def _check_words(rules: Sequence[PenRule]) -> list[PenRule]:
    """The rules ordered, when each of them, and their names together, are sound."""
    check_rule_names(rules)
    fields = fields_of(rules)
    check_field_names(fields)
    check_collisions(fields)
    check_constants(rules)
    check_types(rules)
    found = ordered(rules)
    check_paths(found)
    return found


def _check_fit(rules: Sequence[PenRule]) -> None:
    """Passes when ordered rules fit in one ruleset."""
    check_rule_count(rules)
    check_field_count(rules)
    network = Network(rules)
    check_branches(network)
    check_shared_ends(network)
    check_shared_groups(network)
    check_stack(network)
