"""What a log says of its decisions and the orders before them, read from its tables with SQL, JSON and YAML alone.

It shares nothing with what follows the orders in the service: whether a stop was in force at a decision is counted
from the acts that lie before it in the log, and no instant is looked at.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import yaml
from sqlalchemy import Connection, Engine, text

Pair = tuple[str, str | None]
"""A policy, and one of its rewards, or null for all of them."""


@dataclass
class Read:
    """A log as it was read.

    stopped: stops in force after each order; the first is that before all orders.
    while_stopped: decisions made while anything was stopped.
    findings: where it is not as it should be.
    """

    decisions: int = 0
    while_stopped: int = 0
    stopped: list[frozenset[Pair]] = field(default_factory=lambda: [frozenset()])
    acts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    @property
    def orders(self) -> int:
        return len(self.stopped) - 1


def read_log(engine: Engine) -> Read:
    """Go through a log from its first record to its last."""
    with engine.connect() as connection:
        walk = _Walk(_bundles(connection))
        acts, decisions = _bodies(connection, "acts"), _bodies(connection, "decisions")
        for kind, id_ in connection.execute(text('SELECT kind, id FROM log_entries ORDER BY "index"')):
            if kind == "act":
                walk.act(acts.pop(id_))
            else:
                walk.decision(decisions.pop(id_))
    if acts or decisions:
        walk.read.findings.append(f"{len(acts)} acts and {len(decisions)} decisions are not in the log")
    return walk.read


def _bodies(connection: Connection, table: str) -> dict[str, Any]:
    rows = connection.execute(text(f"SELECT id, body FROM {table}"))
    return {id_: json.loads(bytes(body)) for id_, body in rows}


@dataclass
class _Bundle:
    policies: set[str] = field(default_factory=set)
    suspended: set[Pair] = field(default_factory=set)


def _bundles(connection: Connection) -> dict[str, _Bundle]:
    found: dict[str, _Bundle] = {}
    for id_, path, source in connection.execute(text("SELECT bundle, path, text FROM bundle_sources")):
        bundle, said = found.setdefault(id_, _Bundle()), yaml.safe_load(source)
        if path == "bundle.yaml":
            bundle.suspended = {(one["policy"], one.get("reward")) for one in said.get("suspended", ())}
        elif "policy" in said:
            bundle.policies.add(said["policy"])
    return found


class _Walk:
    """A way through the log, and what holds where it has come to."""

    def __init__(self, bundles: dict[str, _Bundle]) -> None:
        self.read = Read()
        self._bundles, self._activated = bundles, set[str]()
        self._stopped, self._last_at = set[Pair](), ""

    def _find(self, what: str) -> None:
        self.read.findings.append(f"behind order {self.read.orders}: {what}")

    # ---- acts

    def act(self, body: Any) -> None:
        self.read.acts[body["action"]] += 1
        order = body.get("order")
        if order is None:
            return
        if order["version"] != self.read.orders + 1:
            self._find(f"order {order['version']} is next")
        self._instants(body["at"], order)
        for stop in order.get("stops", ()):
            change = self._stopped.add if stop["action"] == "stop" else self._stopped.discard
            change((stop["policy"], stop["reward"]))
        for one in order.get("activations", ()):
            self._activation(one["bundle"])
        self.read.stopped.append(frozenset(self._stopped))

    def _instants(self, at: str, order: Any) -> None:
        dated = [at, *(one["at"] for name in ("stops", "activations") for one in order.get(name, ()))]
        if min(dated) < self._last_at:
            self._find(f"order {order['version']} is dated {min(dated)}, before {self._last_at}")
        self._last_at = at

    def _activation(self, id_: str) -> None:
        """It suspends all that is stopped and that it has."""
        self._activated.add(id_)
        bundle = self._bundles[id_]
        if granted := {one for one in self._stopped if one[0] in bundle.policies} - bundle.suspended:
            self._find(f"the bundle {id_} is activated and grants {granted}")

    # ---- decisions

    def decision(self, body: Any) -> None:
        self.read.decisions += 1
        self.read.while_stopped += bool(self._stopped)
        if body["orders"] != self.read.orders:
            self._find(f"the decision {body['decision_id']} was made under order {body['orders']}")
        if body["bundle"] not in self._activated:
            self._find(f"the decision {body['decision_id']} is by {body['bundle']}, which was not activated")
        for reward in body["answer"]["rewards"]:
            if self._stopped & {(reward["policy"], None), (reward["policy"], reward["id"])}:
                self._find(f"the decision {body['decision_id']} pays {reward['policy']}/{reward['id']}")
