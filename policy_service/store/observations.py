"""What judge and shadow found, on SQL."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from policy_service.decisions.ports.observations import (
    EXAMPLES_KEPT,
    Counts,
    Disagreement,
    Example,
    Findings,
    KeptDisagreement,
)
from policy_service.store.database import reading, writing
from policy_service.store.tables import disagreements, shadow_counts, shadow_examples

_OPEN = disagreements.c.acknowledged_at.is_(None)
_CASE = [disagreements.c[one.name] for one in fields(KeptDisagreement)]


class SqlDisagreementStore:
    """The table `disagreements`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, found: Disagreement) -> None:
        texts = {
            "request": None if found.request is None else _text(found.request),
            "policies": _text(found.policies),
            "pointers": _text(found.pointers),
        }
        with writing(self._engine) as connection:
            connection.execute(insert(disagreements), asdict(found) | texts)

    def open(self) -> int:
        with reading(self._engine) as connection:
            return connection.scalars(select(func.count()).select_from(disagreements).where(_OPEN)).one()

    def disagreements(self, *, only_open: bool = True, limit: int = 100) -> Sequence[KeptDisagreement]:
        found = select(*_CASE).order_by(disagreements.c.number.desc()).limit(limit)
        with reading(self._engine) as connection:
            return [_case(row) for row in connection.execute(found.where(_OPEN) if only_open else found).mappings()]

    def acknowledge(self, numbers: Sequence[int], by: str, at: str) -> int:
        ended = update(disagreements).where(_OPEN, disagreements.c.number.in_(numbers))
        with writing(self._engine) as connection:
            return connection.execute(ended.values(acknowledged_at=at, acknowledged_by=by)).rowcount


def _case(row: Any) -> KeptDisagreement:
    found = dict(row)
    found["request"] = None if found["request"] is None else json.loads(found["request"])
    found["policies"], found["pointers"] = tuple(json.loads(found["policies"])), tuple(json.loads(found["pointers"]))
    return KeptDisagreement(**found)


class SqlShadowFindings:
    """The tables `shadow_counts` and `shadow_examples`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, shadow: int, found: Findings) -> None:
        with writing(self._engine) as connection:
            for policy, counts in sorted(
                found.counts.items()
            ):  # in one order everywhere, so that none wait in a circle
                connection.execute(_adding(connection), {"shadow": shadow, "policy": policy, **counts._asdict()})
            for example in found.examples:
                _keep(connection, shadow, example)

    def findings(self, shadow: int) -> Findings:
        counts = select(*shadow_counts.c["policy", "evaluated", "changed"]).where(shadow_counts.c.shadow == shadow)
        columns = shadow_examples.c["policy", "decision", "at", "pointers"]
        kept = select(*columns).where(shadow_examples.c.shadow == shadow)
        with reading(self._engine) as connection:
            counted = connection.execute(counts.order_by(shadow_counts.c.policy)).all()
            rows = connection.execute(kept.order_by(shadow_examples.c.policy, shadow_examples.c.number)).all()
        return Findings(
            {policy: Counts(evaluated, changed) for policy, evaluated, changed in counted},
            [Example(policy, decision, at, tuple(json.loads(pointers))) for policy, decision, at, pointers in rows],
        )


def _adding(connection: Connection) -> Any:
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    new = dialect.insert(shadow_counts)
    both = {name: shadow_counts.c[name] + new.excluded[name] for name in ("evaluated", "changed")}
    return new.on_conflict_do_update(index_elements=["shadow", "policy"], set_=both)


def _keep(connection: Connection, shadow: int, example: Example) -> None:
    of_policy = select(func.count()).where(
        shadow_examples.c.shadow == shadow, shadow_examples.c.policy == example.policy
    )
    if connection.scalars(of_policy).one() < EXAMPLES_KEPT:
        row = asdict(example) | {"shadow": shadow, "pointers": _text(example.pointers)}
        connection.execute(insert(shadow_examples), row)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True, default=str)
