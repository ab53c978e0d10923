"""From posted JSON to a typed state; numbers are exact, and all faults are found at once.

A state has one slot for each declared fact, in the order of the dictionary; None is null. Numbers are scaled integers,
dates day ordinals, durations days. Facts of a list have their own slots for each element.
"""

from bisect import bisect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from policy_service.diagnostics import Fault, InvalidInput, escape, fault
from policy_service.diagnostics.catalogue import (
    FUTURE_DATE,
    ID_DIFFERS,
    ID_DUPLICATE,
    ID_MISSING,
    TOO_MANY,
    UNKNOWN_FACT,
    WRONG_TYPE,
)
from policy_service.facts.converting import BadValue, Convert, converter
from policy_service.facts.dictionary import Dictionary, Fact, Section
from policy_service.language import types
from policy_service.language.values import shown

MAX_ELEMENTS = 1000
_MAX_NAME, _MAX_HINTS = 64, 100
Slots = list[Any]


@dataclass(frozen=True, slots=True)
class State:
    """The facts of one request, typed.

    slots: one value per fact; None for null, and for the facts of lists.
    posted: names of the sections that were posted.
    elements: by list section, of each element in posted order its values by slot.
    ids: the ids of the posted single sections, by section.
    ignored: facts that were not declared, where the caller asked to have them reported, as pointers.
    """

    slots: Slots
    posted: frozenset[str]
    elements: Mapping[str, tuple[dict[int, Any], ...]]
    ids: Mapping[str, str]
    ignored: tuple[str, ...]


_Field = tuple[int, Convert, bool, Fact]
"""Slot, converter, whether the date must not be after `as_of`, and the fact; a plain tuple, the fastest to unpack."""


class StateReader:
    """Reads posted facts against one dictionary; built once, used for every request.

    starts: the days on which the members of a named type change.
    """

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary
        self.index: dict[str, int] = {fact.name: i for i, fact in enumerate(dictionary)}
        self.size = len(self.index)
        self.starts = sorted({day for fact in dictionary for day in _changes(fact)})
        self._dated = [self._read_from(day) for day in (date.min, *self.starts)]
        self._sections = self._dated[-1]

    def _read_from(self, day: date) -> dict[str, tuple[Section, dict[str, _Field]]]:
        """The fields of each section as they are read from a day on."""
        return {
            s.name: (
                s,
                {
                    k: (
                        self.index[f.name],
                        converter(f, day),
                        isinstance(f.type, types.Date) and not f.may_be_future,
                        f,
                    )
                    for k, f in s.facts.items()
                },
            )
            for s in self.dictionary.sections.values()
        }

    def read(
        self,
        posted: Any,
        as_of: date,
        *,
        merchant_id: str | None = None,
        report_unknown: bool = False,
        pointer: str = "/facts",
    ) -> State:
        """The state that was posted.

        Args:
            posted: parsed JSON; numbers are int or Decimal, never float.
            as_of: decides which members named types have; dates must not be after it, unless the fact allows it.
            merchant_id: used where `merchant.id` is absent; must equal it where both are given.
            report_unknown: whether undeclared facts are listed in `ignored` instead of being a fault.
            pointer: JSON Pointer of the facts, for faults.
        Raises:
            InvalidInput: with every fault, each with its pointer.
        """
        faults: list[Fault] = []
        ignored: list[str] = []
        slots: Slots = [None] * self.size
        names: list[str] = []
        elements: dict[str, tuple[dict[int, Any], ...]] = {}
        ids: dict[str, str] = {}
        if type(posted) is not dict:
            raise InvalidInput([fault(pointer, WRONG_TYPE, "facts must be an object of sections")])
        day = as_of.toordinal()
        unknown = ignored if report_unknown else None
        sections = self._dated[bisect(self.starts, as_of)]
        for name, value in posted.items():
            known = sections.get(name)
            if known is None:
                self._unknown(f"{pointer}/{escape(name)}", "section", name, list(sections), faults, unknown)
                continue
            if value is None:
                continue
            section, fields = known
            at = f"{pointer}/{name}"
            if section.element is not None:
                elements[name] = self._list(section, fields, value, at, day, faults, unknown)
                names.append(name)
                continue
            if type(value) is not dict:
                faults.append(fault(at, WRONG_TYPE, f"`{name}` must be an object of facts"))
                continue
            names.append(name)
            self._section(fields, value, at, day, slots, faults, unknown)
            if section.has_id:
                self._identify(section, fields, slots, at, merchant_id, ids, faults, value)
        if faults:
            raise InvalidInput(faults)
        return State(slots, frozenset(names), elements, ids, tuple(sorted(ignored)))

    def _section(
        self,
        fields: Mapping[str, _Field],
        value: dict[str, Any],
        at: str,
        day: int,
        into: Any,
        faults: list[Fault],
        unknown: list[str] | None,
    ) -> None:
        for key, raw in value.items():
            field = fields.get(key)
            if field is None:
                self._unknown(f"{at}/{escape(key)}", "fact", key, list(fields), faults, unknown)
                continue
            if raw is None:
                continue
            slot, convert, is_past, _ = field
            try:
                found = convert(raw)
            except BadValue as error:
                faults.append(fault(f"{at}/{key}", error.code, error.message, error.hint))
                continue
            if is_past and found > day:
                faults.append(
                    fault(
                        f"{at}/{key}",
                        FUTURE_DATE,
                        f"`{raw}` lies after as_of",
                        "facts are those known by the day judged",
                    )
                )
            into[slot] = found

    def _identify(
        self,
        section: Section,
        fields: Mapping[str, _Field],
        slots: Slots,
        at: str,
        merchant_id: str | None,
        ids: dict[str, str],
        faults: list[Fault],
        value: dict[str, Any],
    ) -> None:
        slot = fields["id"][0]
        if section.name == "merchant" and merchant_id is not None:
            if slots[slot] is None and value.get("id") is None:
                slots[slot] = merchant_id
            elif slots[slot] is not None and slots[slot] != merchant_id:
                faults.append(fault(f"{at}/id", ID_DIFFERS, "merchant_id and facts.merchant.id differ"))
        if slots[slot] is not None:
            ids[section.name] = slots[slot]
        elif value.get("id") is None:
            faults.append(fault(f"{at}/id", ID_MISSING, f"`{section.name}` lacks its id"))

    def _list(
        self,
        section: Section,
        fields: Mapping[str, _Field],
        value: Any,
        at: str,
        day: int,
        faults: list[Fault],
        unknown: list[str] | None,
    ) -> tuple[dict[int, Any], ...]:
        if type(value) is not list:
            faults.append(fault(at, WRONG_TYPE, f"`{section.name}` must be a list"))
            return ()
        if len(value) > MAX_ELEMENTS:
            faults.append(fault(at, TOO_MANY, f"more than {MAX_ELEMENTS} elements"))
            return ()
        out: list[dict[int, Any]] = []
        seen: set[str] = set()
        slot = fields["id"][0] if section.has_id else -1
        for index, item in enumerate(value):
            place = f"{at}/{index}"
            if type(item) is not dict:
                faults.append(fault(place, WRONG_TYPE, f"an element of `{section.name}` must be an object"))
                continue
            own: dict[int, Any] = {}
            self._section(fields, item, place, day, own, faults, unknown)
            out.append(own)
            id_ = own.get(slot)
            if section.has_id and id_ is None and item.get("id") is None:
                faults.append(fault(f"{place}/id", ID_MISSING, f"an element of `{section.name}` lacks its id"))
            elif id_ in seen:
                faults.append(fault(f"{place}/id", ID_DUPLICATE, f"`{id_}` is posted twice"))
            elif id_ is not None:
                seen.add(id_)
        return tuple(out)

    @staticmethod
    def _unknown(
        at: str, what: str, name: str, known: list[str], faults: list[Fault], ignored: list[str] | None
    ) -> None:
        if ignored is not None:
            ignored.append(at)
            return
        # Similar names take time to find: not for what is too long for a name, nor after many faults of one body.
        close = get_close_matches(name, known, 1) if len(name) <= _MAX_NAME and len(faults) < _MAX_HINTS else []
        hint = f"did you mean `{close[0]}`?" if close else "GET /v1/facts lists what can be posted"
        faults.append(fault(at, UNKNOWN_FACT, f"there is no {what} `{name[:64]}`", hint))

    def normalised(self, state: State) -> dict[str, Any]:
        """The facts as they are recorded: declared ones only, nulls left out, numbers in their shortest form."""
        out: dict[str, Any] = {}
        for name, (section, fields) in self._sections.items():
            if name not in state.posted:
                continue
            if section.element is None:
                out[name] = {
                    k: shown(fact.type, v)
                    for k, (slot, _, _, fact) in fields.items()
                    if (v := state.slots[slot]) is not None
                }
            else:
                out[name] = [
                    {
                        k: shown(fact.type, v)
                        for k, (slot, _, _, fact) in fields.items()
                        if (v := own.get(slot)) is not None
                    }
                    for own in state.elements[name]
                ]
        return out


def _changes(fact: Fact) -> Iterator[date]:
    """The days on which the members of a fact change."""
    if isinstance(fact.type, types.Enum):
        yield from (day for day, _ in fact.type.dated)
