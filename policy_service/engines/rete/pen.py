"""One ruleset of durable-rules (see limits.py), driven through its C module so as to avoid each of its hazards.

`durable.lang` and `durable.engine.Host` are not used: they start timer threads and swallow exceptions. The C module is
fast and exact inside the subset of `limits.py`; outside it hangs, crashes or answers wrongly. What must be done around
each call, and why, is written where it is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from threading import Lock
from weakref import WeakValueDictionary, finalize

import durable_rules_engine as dre
import orjson

from policy_service.engines.rete.conditions import (
    All,
    Condition,
    Either,
    Op,
    PenRule,
    Present,
    Test,
    Value,
    fields_of,
    order_conditions,
)
from policy_service.engines.rete.limits import RESERVED, check, field_names, fnv1a, split
from policy_service.engines.rete.network import SENTINEL
from policy_service.engines.rete.refusals import PenRefusal

__all__ = [
    "RESERVED",
    "All",
    "Condition",
    "Either",
    "Op",
    "Pen",
    "PenFault",
    "PenRefusal",
    "PenRule",
    "Present",
    "Test",
    "Value",
    "check",
    "field_names",
    "fnv1a",
    "order_conditions",
    "rulesets",
    "split",
]

_STATE = "1"  # one state for all facts, reused: making a fresh one for each fact costs three times as much
_HEAD = '{"sid":"1","id":"1",'  # ids are told apart by a 32-bit hash; with a single one nothing can collide
_RETRACT = '{"sid":"1","id":"1"}'
_WARM_UP = f'{_HEAD}"{SENTINEL}":1}}'

_MATCHED, _UNMATCHED = 0, 1  # what assert_fact answers; 2 would be a fact that is still there

_OPERATORS: Mapping[Op, str] = {"ne": "$neq", "lt": "$lt", "le": "$lte", "gt": "$gt", "ge": "$gte"}


class _Ruleset:
    """A ruleset of the engine; freed when no pen refers to it any more.

    lock: held from the first C call of an evaluation to its last.
    """

    __slots__ = ("__weakref__", "handle", "lock")

    def __init__(self, text: str) -> None:
        self.handle, self.lock = _warm(_create(text)), Lock()
        finalize(self, _free, self.handle)


_rulesets: WeakValueDictionary[tuple[bytes, bool], _Ruleset] = WeakValueDictionary()
"""The rulesets in use, by the digest of their text and by what becomes of the state.

Most are the same in several stretches of days and in the next bundle, and each holds a megabyte of C memory or more.
"""


class PenFault(RuntimeError):
    """The engine failed although the limits were kept: a fault of ours. The next call starts clean."""


class Pen:
    """One ruleset, evaluated one fact at a time.

    Threads may share a pen: the C calls of one evaluation must not mix with those of another, so a lock holds them
    together (no parallelism is lost, the C code keeps the GIL). A pen made before a fork works in the children, each
    with its own copy; but a fork while another thread is inside `match` leaves the child's lock held for ever: fork
    before threads start. A ruleset cannot be changed: make the new pen, swap it in, then close the old one.

    Pens whose conditions are the same share one ruleset, whatever their rules are named. It holds a megabyte or more
    until the last of them is closed or forgotten.

    Args:
        rules: at most what `check` passes; none is allowed and matches nothing.
        fresh_state: throw the engine's state away after each fact instead of retracting the fact from it. Slower;
            the fallback should the reuse of states ever be in doubt.
    Raises:
        PenRefusal: a limit that the rules break; see `check`.
        PenFault: when the engine does not take rules that pass.
    """

    __slots__ = ("_fresh_state", "_names", "_ruleset", "fields")

    def __init__(self, rules: Sequence[PenRule], *, fresh_state: bool = False) -> None:
        check(rules)  # a create_ruleset that fails leaks its memory, one that passes may still hang later
        self.fields = fields_of(rules)
        self._names = {_code(number): rule.name for number, rule in enumerate(rules)}
        self._fresh_state = fresh_state
        self._ruleset: _Ruleset | None = _ruleset(_text(rules), fresh_state)

    def match(self, fact: Mapping[str, Value]) -> list[str]:
        """The names of the rules that hold for the fact, in the order of their definition.

        Args:
            fact: flat; best only the `fields` of this pen, since each firing copies it. Trusted: an absent value is an
                absent key, never null, and each value has the type that the rules compare with.
        Raises:
            PenFault: the engine failed, or the pen is closed.
        """
        # The same serialiser as for the rules: texts are compared in escaped form, so `\u4f01` is not `企`.
        text = _HEAD + orjson.dumps(fact, default=dict).decode()[1:] if fact else _RETRACT
        fired: dict[str, None] = {}  # a rule fires once for each branch of an `$or` that holds
        names, ruleset = self._names, self._ruleset
        if ruleset is None:
            raise PenFault("the pen is closed")
        with ruleset.lock:
            handle = ruleset.handle
            try:
                outcome, state = dre.assert_fact(handle, text)
                if outcome == _MATCHED:
                    started = dre.start_action_for_state(handle, state)
                    message = started[1] if started else None
                    if message is None:  # a rule holds, but an earlier firing seems to be under way
                        raise PenFault("the engine's state is stuck")
                    # All firings are drained. To stop early and retract would make later facts fire nothing.
                    while message is not None:
                        fired[names[message[2:5]]] = None  # {"00a":{"m":{the whole fact}}}
                        message = dre.complete_and_start_action(handle, state)
                    if not self._fresh_state:
                        dre.retract_fact(handle, _RETRACT)
                elif outcome != _UNMATCHED:
                    raise PenFault(f"the engine answered {outcome} to a fact")
                if self._fresh_state:
                    dre.delete_state(handle, _STATE)
            except dre.error as error:
                _forget(handle)
                raise PenFault(str(error)) from error
            except BaseException:  # also an interrupt between two calls
                _forget(handle)
                raise
        return list(fired)

    def close(self) -> None:
        """Gives the ruleset back; later matches fail, a second close does nothing."""
        self._ruleset = None  # freed once no thread is inside `match` and no other pen uses it


def rulesets() -> int:
    """How many rulesets of the engine are in use."""
    return len(_rulesets)


def _ruleset(text: str, fresh_state: bool) -> _Ruleset:
    """The ruleset of a text, made if no pen uses it. Two threads that come at once may each make one."""
    key = sha256(text.encode()).digest(), fresh_state
    found = _rulesets.get(key)
    return found if found is not None else _rulesets.setdefault(key, _Ruleset(text))


def _free(handle: int) -> None:
    _forget(handle)  # before the ruleset, else the state leaks
    dre.delete_ruleset(handle)  # handles are recycled: the number may soon name another ruleset


def _forget(handle: int) -> None:
    """Throws the state away with all that an evaluation left in it, so that the next one starts clean."""
    with suppress(dre.error):  # 309: there is none
        dre.delete_state(handle, _STATE)


def _text(rules: Sequence[PenRule]) -> str:
    """The rules as the engine reads them."""
    ruleset = {_code(number): _emit_rule(order_conditions(rule.condition)) for number, rule in enumerate(rules)}
    ruleset[SENTINEL] = _emit_rule(Present(SENTINEL))
    return orjson.dumps(ruleset).decode()


def _create(text: str) -> int:
    try:
        handle: int = dre.create_ruleset("p", text)
    except dre.error as error:
        raise PenFault(str(error)) from error
    return handle


def _warm(handle: int) -> int:
    """The same handle, its first state slot initialised.

    A state slot holds an uninitialised pointer until an action has been started in it, and delete_state frees what it
    points to. So the sentinel rule fires once before anything else. The slot is then used for ever, since a pen has
    only one state. If this fails the ruleset is left alone: to delete the state is what must not be done.
    """
    try:
        outcome, state = dre.assert_fact(handle, _WARM_UP)
        if outcome != _MATCHED or not dre.start_action_for_state(handle, state):
            raise PenFault("the engine did not warm up")
        dre.complete_and_start_action(handle, state)
        dre.delete_state(handle, _STATE)
    except dre.error as error:
        raise PenFault(str(error)) from error
    return handle


def _code(number: int) -> str:
    """The engine's name for a rule: short, as it is repeated in each firing, and cut out there without a search."""
    return f"{number:03x}"  # three digits for 4,095 rules


def _emit_rule(condition: Condition) -> dict[str, object]:
    return {"all": [{"m": _emit(condition)}], "pri": 0}


def _emit(condition: Condition) -> dict[str, object]:
    if isinstance(condition, Present):
        return {"$ex": {condition.field: 1}}
    if isinstance(condition, All):
        return {"$and": [_emit(item) for item in condition.items]}
    if isinstance(condition, Either):
        return {"$or": [_emit(item) for item in condition.items]}
    test: dict[str, object] = {condition.field: condition.value}
    return test if condition.op == "eq" else {_OPERATORS[condition.op]: test}
