"""A request for every route, and how the application answers it: asked one after another, as in a play."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient

from policy_service.api import examples
from policy_service.policies.bundle import bundle
from policy_service.policies.packing import pack
from tools.docs.markdown import as_json, fence, one_line, parsed, sections
from tools.docs.shipped import Scene, Shipped


@dataclass(frozen=True, slots=True)
class Example:
    """A request, and the part of its answer that is shown.

    Args:
        path: `{draft}` and `{key}` in it stand for the ids of a bundle and of a key that the play made.
        body: JSON; a list is posted as NDJSON.
        keys: the JSON at these is shown.
        packed: the draft is posted as a zip, of which the page shows only that it is one.
        matching: of an answer that is no JSON the lines in which this is found are shown.
    """

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    keys: tuple[str | int, ...] = ()
    packed: bool = False
    matching: str = ""


FIRST = f"/v1/decisions/{examples.DECISION}"
SECOND = f"{examples.DECISION[:-1]}2"
_CLAIM = "chuanliu.traffic_hours/chuanliu_traffic@merchant:m-1%232023-04-01"
_MORE = {**examples.REQUEST["facts"], "distribution": {"orders_180d": 1200, "buyer_hours_180d": 31}}
_ITEMS = [
    {
        "idempotency_key": "m-1-2023-04-01-b", "as_of": "2023-04-01", "facts": _MORE,
        "policies": ["chuanliu.traffic_hours"], "options": {"trace": "none"},
        "supersedes": examples.DECISION, "reason": "data_correction",
    },
    {"idempotency_key": "m-2-2023-04-01", "as_of": "2023-04-01", "facts": {"merchant": {"id": "m 2"}}},
]  # fmt: skip
_WHY = {"reason": "amounts of April"}
_STOP = {"reward": "chuanliu_traffic", "reason": "pays twice the hours"}
_TRACED = {"X-Request-Id": "T-1042"}
EXAMPLES = {
    "evaluate": Example("POST", "/v1/evaluate", examples.REQUEST, {"Idempotency-Key": "m-1-2023-04-01"}),
    "evaluateBatch": Example("POST", "/v1/evaluate/batch", _ITEMS),
    "decision": Example("GET", FIRST, keys=("request",)),
    "replay": Example("POST", f"{FIRST}/replay", {"bundle": "original"}),
    "search": Example("GET", "/v1/decisions?merchant=m-1&as_of_from=2023-04-01"),
    "claim": Example("GET", f"/v1/claims?key={_CLAIM}"),
    "export": Example("GET", "/v1/decisions/export?policy=chuanliu.traffic_hours&format=csv"),
    "compare": Example("GET", f"{FIRST}/compare/{SECOND}"),
    "head": Example("GET", "/v1/log/head"),
    "consistency": Example("GET", "/v1/log/consistency?from=1"),
    "proof": Example("GET", f"{FIRST}/proof"),
    "evidence": Example("GET", f"{FIRST}/evidence", keys=("inclusion",)),
    "policies": Example("GET", "/v1/policies?as_of=2023-04-01", keys=("policies", 0)),
    "policy": Example("GET", "/v1/policies/chuanliu.traffic_hours?as_of=2023-04-01", keys=("parameters",)),
    "facts": Example("GET", "/v1/facts?policies=chuanliu.main_push"),
    "uploadBundle": Example("POST", "/v1/bundles", keys=("id",), packed=True),
    "bundles": Example("GET", "/v1/bundles"),
    "bundle": Example("GET", "/v1/bundles/{draft}", keys=("files", 0)),
    "startShadow": Example("POST", "/v1/bundles/{draft}/shadow", {"share": "0.05", **_WHY}),
    "shadow": Example("GET", "/v1/bundles/{draft}/shadow", keys=("policies",)),
    "endShadow": Example("POST", "/v1/bundles/{draft}/shadow/end", {"reason": "seen enough"}, keys=("ended_at",)),
    "activateBundle": Example("POST", "/v1/bundles/{draft}/activate", _WHY),
    "rollbackBundle": Example("POST", "/v1/bundles/rollback", {"reason": "the title is wrong"}, keys=("replaces",)),
    "activations": Example("GET", "/v1/activations?limit=1"),
    "stopPolicy": Example("POST", "/v1/policies/chuanliu.traffic_hours/stop", _STOP, _TRACED),
    "resumePolicy": Example(
        "POST", "/v1/policies/chuanliu.traffic_hours/resume", {**_STOP, "reason": "mended"}, _TRACED, ("event",)
    ),
    "stops": Example("GET", "/v1/stops"),
    "auditTrail": Example("GET", "/v1/audit-trail?limit=2"),
    "healthz": Example("GET", "/healthz"),
    "readyz": Example("GET", "/readyz"),
    "metrics": Example("GET", "/metrics", matching="^# .* policy_(evaluations|log_lag_seconds)"),
    "problem": Example("GET", "/problems/invalid-request"),
    "createKey": Example("POST", "/v1/keys", {"name": "payments", "roles": ["evaluate", "read"]}),
    "keys": Example("GET", "/v1/keys", keys=("keys", -1)),
    "rotateKey": Example("POST", "/v1/keys/{key}/rotate", {"grace_seconds": 3600}),
    "revokeKey": Example("POST", "/v1/keys/{key}/revoke", {"reason": "found in a log"}),
}
"""By operation, in an order in which each can be asked; those of keys come last, for they close the service."""
_WITH_A_KEY = ("createKey", "rotateKey", "keys", "revokeKey")
_KEY = re.compile(r"psk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")
_DRAFTED = ("Chuanliu main-push reward", "Chuanliu main-push bonus")


class Play:
    """The examples, asked in their order of a service of their own."""

    def __init__(self, shipped: Shipped, served: Scene) -> None:
        sources = {path: text.replace(*_DRAFTED) for path, text in shipped.sources.items()}
        draft, _ = bundle(sources, "rules")
        if draft is None or draft.id == shipped.bundle.id:
            raise RuntimeError("the draft is no bundle of its own")
        self._served, self._draft = served, pack(sources)
        self._places = {"draft": draft.id}
        self._headers: dict[str, str] = {}
        self._key_ids: list[str] = []

    def shown(self, operation: str) -> str:
        """The example of an operation with its answer. What was decided before is sealed."""
        self._served.seal()
        if operation in _WITH_A_KEY and not self._headers:
            key = self._served.key()
            self._note(key)
            self._headers = {"Authorization": f"Bearer {key}"}
        found = shown(self._served.client, EXAMPLES[operation], self._headers, self._places, self._draft)
        self._note(found)
        return self._masked(found)

    def _note(self, text: str) -> None:
        """Ids of keys that were just made; the second key is that of the examples."""
        self._key_ids += (id_ for id_ in _KEY.findall(text) if id_ not in self._key_ids)
        if len(self._key_ids) > 1:
            self._places["key"] = self._key_ids[1]

    def _masked(self, text: str) -> str:
        """Keys are random: on the page their ids count, and their secrets are left out."""
        text = _KEY.sub(r"psk_\1_…", text)
        for number, id_ in enumerate(self._key_ids):
            text = text.replace(id_, f"0123456789abcde{number}")
        return text


def shown(
    client: FlaskClient,
    example: Example,
    headers: Mapping[str, str] | None = None,
    places: Mapping[str, str] | None = None,
    packed: bytes = b"",
) -> str:
    """A request and its answer, or the part of it that the example is about."""
    path = example.path.format_map(places or {})
    kind, data = _posted(example, packed)
    response = client.open(
        path, method=example.method, data=data, headers={**example.headers, **(headers or {})}, content_type=kind
    )
    if response.status_code >= 400 and example.keys:
        raise RuntimeError(f"{path}: {response.get_data(as_text=True)}")
    head = {**example.headers, **(headers or {}), **({} if kind is None else {"Content-Type": kind})}
    lines = [f"{example.method} {path}", *(f"{name}: {value}" for name, value in head.items())]
    if data is not None:
        lines += ["", "(the zip of a rules folder)" if example.packed else _laid(example.body)]
    return sections(fence("\n".join(lines), "http"), *_answered(response, example))


def _posted(example: Example, packed: bytes) -> tuple[str | None, bytes | None]:
    """Media type and bytes."""
    if example.packed:
        return "application/zip", packed
    if isinstance(example.body, list):
        return "application/x-ndjson", "".join(f"{one_line(one)}\n" for one in example.body).encode()
    return (None, None) if example.body is None else ("application/json", one_line(example.body).encode())


def _laid(body: Any) -> str:
    return "\n".join(map(one_line, body)) if isinstance(body, list) else as_json(body)


def _answered(response: Any, example: Example) -> tuple[str, str]:
    text = response.get_data(as_text=True)
    if "json" not in response.mimetype or response.mimetype.endswith("ndjson"):
        lines = [line for line in text.splitlines() if re.search(example.matching, line)]
        at = ", of it" if example.matching else ""
        return f"{response.status}{at}:", fence("\n".join(lines), "text")
    answer = parsed(text)
    for key in example.keys:
        answer = answer[key]
    at = f", at `/{'/'.join(map(str, example.keys))}`" if example.keys else ""
    return f"{response.status}{at}:", fence(as_json(answer), "json")
