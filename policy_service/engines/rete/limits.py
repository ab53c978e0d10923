"""What the pen takes, and every limit of the C engine that it must stay within.

The engine answers a broken limit with a hang, a crash or, worst, a wrong match. So nothing reaches it before `check`
has found that it holds. Each limit has one function; `split` cuts rules into rulesets that satisfy all of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count, islice, product
from string import ascii_lowercase
from typing import Literal, TypeAlias

import orjson

Op: TypeAlias = Literal["eq", "ne", "lt", "le", "gt", "ge"]
Value: TypeAlias = int | str | bool
Code: TypeAlias = Literal[
    "empty-group",
    "hash-collision",
    "integer-range",
    "priority",
    "reserved-name",
    "rule-name",
    "stack",
    "string-length",
    "string-order",
    "too-many-fields",
    "too-many-first-conditions",
    "too-many-groups",
    "too-many-rules",
    "too-many-shared-ends",
    "value-type",
]

MAX_PRIORITY = 65_535  # 16 bit: 65,536 would become 0
MAX_STRING_BYTES = 65_535  # 16 bit length: two longer strings may compare equal
MAX_GROUPS = 15  # `$and` and `$or` of one rule; each takes two of 32 places
MAX_PATHS = 64  # of one rule; it fires once for each that is true
MAX_RULES = 4_095  # 4,096 with the sentinel
MAX_FIELDS = 252  # 254 with `id` and `sid`
MAX_BRANCHES = 511  # distinct next conditions under one node; 512 fill its table and the search never ends
MAX_SHARED_ENDS = 255  # rules that end on one node; the 256th overwrites its neighbour
MAX_SHARED_GROUPS = 127  # `$or` groups that hang on one node; 128 leave no end mark in its list
MAX_STACK = 64  # conditions of one fact that wait to be walked

SENTINEL = "~w"  # the field, and the rule, that the warm-up of a ruleset uses

# Fields are told apart by hash alone, so a field must not look like any of the words that the C code compares with.
_WORDS = (
    "id sid $s $i $m $forward $and $or $eq $neq $lt $lte $gt $gte $ex $nex "
    "$mt $imt $iall $iany $add $sub $mul $div $l $r $all $any $not"
)
RESERVED = frozenset(_WORDS.split()) | {SENTINEL}

# ASCII: the hash of any other byte depends on whether `char` is signed. No quote or backslash: it is taken before
# unescaping. `$` begins the engine's own words.
_FIELD = re.compile(r"[A-Za-z0-9_~][A-Za-z0-9_.~-]{0,127}")


class PenRefusal(Exception):
    """Rules, or a fact, that the C engine cannot be trusted with."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code: Code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison of a field with a constant; false when the field is absent, also with `ne`."""

    __test__ = False  # it is not a pytest class

    field: str
    op: Op
    value: Value


@dataclass(frozen=True, slots=True)
class Present:
    """True when the fact has the field."""

    field: str


@dataclass(frozen=True, slots=True)
class All:
    """True when every item is."""

    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """True when at least one item is."""

    items: tuple[Condition, ...]


Leaf: TypeAlias = Test | Present
Condition: TypeAlias = Test | Present | All | Either


@dataclass(frozen=True, slots=True)
class PenRule:
    """A name that is reported when the condition holds; a lower priority is reported earlier."""

    name: str
    condition: Condition
    priority: int = 0


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


# --- the shape that is emitted -------------------------------------------------------------------------------------


def order_conditions(condition: Condition) -> Condition:
    """The same condition as the engine runs it best: flat, without repetition, the most selective tests first.

    In an `All`: equalities, IN-lists (an `Either` of equalities on one field), presence, then ranges and `ne`, then
    every other `Either`; otherwise in the given order. Equalities on one field exclude each other, so with them in
    front few conditions are true at one time: the stack stays low and less is walked.

    Raises:
        PenRefusal: empty-group; too-many-groups.
    """
    ordered = _normal(condition)
    groups = _count_groups(ordered)
    if groups > MAX_GROUPS:
        raise PenRefusal("too-many-groups", f"a condition has {groups} groups, the engine takes {MAX_GROUPS}")
    return ordered


def _normal(condition: Condition) -> Condition:
    if not isinstance(condition, (All, Either)):
        return condition
    kind = type(condition)
    items: dict[object, Condition] = {}
    for item in map(_normal, condition.items):
        for part in item.items if isinstance(item, kind) else (item,):
            # An `Either` that says one thing twice would hold twice and walk everything after it twice.
            items.setdefault(_identity(part), part)
    if not items:
        raise PenRefusal("empty-group", f"an empty `{kind.__name__}` says nothing")
    parts = sorted(items.values(), key=_rank) if kind is All else list(items.values())
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _identity(condition: Condition) -> object:
    """Equal for conditions that say the same: Python holds `1 == True`, the engine keeps them apart."""
    if isinstance(condition, Test):
        return condition.field, condition.op, type(condition.value), condition.value
    if isinstance(condition, Present):
        return condition.field
    return type(condition), tuple(map(_identity, condition.items))


def _rank(condition: Condition) -> int:
    if isinstance(condition, Test):
        return 0 if condition.op == "eq" else 3
    if isinstance(condition, Present):
        return 2
    return 1 if _is_in_list(condition) else 4


def _is_in_list(condition: Condition) -> bool:
    if not isinstance(condition, Either):
        return False
    tests = [item for item in condition.items if isinstance(item, Test) and item.op == "eq"]
    return len(tests) == len(condition.items) and len({test.field for test in tests}) == 1


def _count_groups(condition: Condition) -> int:
    return 1 + sum(map(_count_groups, condition.items)) if isinstance(condition, (All, Either)) else 0


def _count_paths(condition: Condition) -> int:
    """In how many ways an ordered condition can hold at one time; the rule fires once for each."""
    if isinstance(condition, All):
        paths = 1
        for item in condition.items:
            paths *= _count_paths(item)
        return paths
    if isinstance(condition, Either):
        return 1 if _is_in_list(condition) else sum(map(_count_paths, condition.items))
    return 1


def _leaves(condition: Condition) -> Iterator[Leaf]:
    if isinstance(condition, (All, Either)):
        for item in condition.items:
            yield from _leaves(item)
    else:
        yield condition


def _tests(rules: Iterable[PenRule]) -> Iterator[Test]:
    return (leaf for rule in rules for leaf in _leaves(rule.condition) if isinstance(leaf, Test))


def _fields(rules: Iterable[PenRule]) -> tuple[str, ...]:
    """The fields that the rules read, in order of first use."""
    return tuple(dict.fromkeys(leaf.field for rule in rules for leaf in _leaves(rule.condition)))


# --- the network that the engine builds ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Node:
    """A condition in its place. Rules that begin alike share nodes; an `Either` adds one that its branches lead to."""

    branches: dict[object, int] = field(default_factory=dict)  # next condition -> node
    joins: list[int] = field(default_factory=list)  # the `Either`s of which this node ends a branch
    ends: int = 0  # rules that fire here


class Network:
    """The nodes that the C code would make for ordered rules; `nodes[0]` is the root, edges lead to later nodes."""

    def __init__(self, rules: Iterable[PenRule]) -> None:
        self.nodes = [_Node()]
        self._add(Present(SENTINEL), 0)
        for rule in rules:
            self.nodes[self._add(rule.condition, 0)].ends += 1

    def _add(self, condition: Condition, parent: int) -> int:
        """The node where the condition ends that begins under `parent`."""
        if isinstance(condition, All):
            for item in condition.items:
                parent = self._add(item, parent)
            return parent
        if isinstance(condition, Either):
            lasts = [self._add(item, parent) for item in condition.items]
            join = self._new()  # never shared, not even by two equal groups
            for last in lasts:
                self.nodes[last].joins.append(join)
            return join
        branches = self.nodes[parent].branches
        key = _identity(condition)
        if key not in branches:
            branches[key] = self._new()
        return branches[key]

    def _new(self) -> int:
        self.nodes.append(_Node())
        return len(self.nodes) - 1

    def stack(self) -> int:
        """The most conditions that can wait on the engine's stack, whatever the fact; never too low.

        The walk is depth first: a node is popped, and all its children that hold are pushed. While one of them is
        walked the others wait. Children that hold together are at most all, but of equalities on one field only one.
        The sentinel's field is in no fact.
        """
        need = [0] * len(self.nodes)
        for number in reversed(range(len(self.nodes))):  # children first
            node = self.nodes[number]
            below = [need[child] for child in (*node.branches.values(), *node.joins)]
            if below:
                width = len({_exclusive(key) for key in node.branches}) + len(node.joins) - (number == 0)
                need[number] = max(width, width - 1 + max(below))
        return need[0]


def _exclusive(key: object) -> object:
    """Equal for branches that cannot hold together: equalities on one field."""
    match key:
        case (name, "eq", kind, _):
            return name, kind
    return key


def stack_bound(rules: Sequence[PenRule]) -> int:
    """The most places that the rules can take on the engine's stack of 64, for any fact.

    It follows the network, so rules may have any `Either`: the bound is never too low, and never above the number of
    ways in which the rules can hold at one time, because each place waits for a way of its own. It takes all ranges
    for true together, so above 64 means that some fact may fail.
    """
    return Network(_ordered(rules)).stack()


def _ordered(rules: Iterable[PenRule]) -> list[PenRule]:
    return [replace(rule, condition=order_conditions(rule.condition)) for rule in rules]


# --- limits of what the rules say ----------------------------------------------------------------------------------


def check_rule_names(rules: Sequence[PenRule]) -> None:
    for name, times in Counter(rule.name for rule in rules).items():
        if not name:  # otherwise any text will do: the engine gets numbers
            raise PenRefusal("rule-name", "a rule has no name")
        if times > 1:
            raise PenRefusal("rule-name", f"{times} rules are named `{name}`")


def check_priorities(rules: Sequence[PenRule]) -> None:
    for rule in rules:
        if type(rule.priority) is not int or not 0 <= rule.priority <= MAX_PRIORITY:
            raise PenRefusal("priority", f"priority `{rule.priority}` of rule `{rule.name}` is not 0 to {MAX_PRIORITY}")


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
    for test in _tests(rules):
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
    for test in _tests(rules):
        types.setdefault(test.field, set()).add(type(test.value))
    return types


def check_paths(rules: Sequence[PenRule]) -> None:
    for rule in rules:
        paths = _count_paths(rule.condition)
        if paths > MAX_PATHS:
            raise PenRefusal("stack", f"rule `{rule.name}` can hold in {paths} ways at one time, {MAX_PATHS} are safe")


# --- limits of the network -----------------------------------------------------------------------------------------


def check_rule_count(rules: Sequence[PenRule]) -> None:
    if len(rules) > MAX_RULES:
        raise PenRefusal("too-many-rules", f"{len(rules)} rules, a ruleset takes {MAX_RULES}")


def check_field_count(rules: Sequence[PenRule]) -> None:
    if (size := len(_fields(rules))) > MAX_FIELDS:
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

    Each ruleset reports by priority and definition within itself; the caller merges. A fact of more than 252 fields
    must be projected to the fields of each `Pen`.

    Raises:
        PenRefusal: when a rule cannot pass even alone, or rules of different runs need one field as two types.
    """
    ordered = _check_words(rules)
    for rule in ordered:
        _check_fit([rule])
    runs: list[list[PenRule]] = []
    start = 0
    while start < len(rules):
        end = _furthest(ordered, start)
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
    check_priorities(rules)
    fields = _fields(rules)
    check_field_names(fields)
    check_collisions(fields)
    check_constants(rules)
    check_types(rules)
    ordered = _ordered(rules)
    check_paths(ordered)
    return ordered


def _check_fit(rules: Sequence[PenRule]) -> None:
    """Passes when ordered rules fit in one ruleset."""
    check_rule_count(rules)
    check_field_count(rules)
    network = Network(rules)
    check_branches(network)
    check_shared_ends(network)
    check_shared_groups(network)
    check_stack(network)


# --- limits of a fact ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What rules ask of a fact."""

    fields: tuple[str, ...]
    types: Mapping[str, type[Value]]  # of the fields that are compared
    ordered: frozenset[str]  # those whose texts are compared by order

    @classmethod
    def of(cls, rules: Sequence[PenRule]) -> Vocabulary:
        """The vocabulary of rules that pass `check`."""
        types = {name: kind for name, (kind,) in _types(rules).items()}
        ordered = (test.field for test in _tests(rules) if test.op not in ("eq", "ne"))
        return cls(_fields(rules), types, frozenset(name for name in ordered if types[name] is str))


def check_fact(fact: Mapping[str, object], vocabulary: Vocabulary) -> None:
    """Passes when the fact has the types that the rules compare with, and nothing that the engine would misread.

    Raises:
        PenRefusal: hash-collision, integer-range, reserved-name, string-length, string-order, too-many-fields,
            value-type.
    """
    if len(fact) > MAX_FIELDS:
        raise PenRefusal("too-many-fields", f"{len(fact)} fields, a fact takes {MAX_FIELDS}")
    check_field_names(fact)
    check_collisions((*vocabulary.fields, *fact))
    for name, value in fact.items():
        check_value(name, value)
        wanted = vocabulary.types.get(name, type(value))
        if type(value) is not wanted:  # True is not 1 here, though Python holds them equal
            raise PenRefusal("value-type", f"`{value!r:.80}` of field `{name}` is not `{wanted.__name__}`")
        if name in vocabulary.ordered:
            check_order(name, str(value))
