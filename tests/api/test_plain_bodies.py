"""The short check that stands in for the schema: what it calls plain, the schema accepts as it stands."""

import json
import random
from copy import deepcopy
from typing import Any

import pytest
from marshmallow import ValidationError

from policy_service.api import examples
from policy_service.requests.schemas import EvaluateRequestSchema, is_plain

_SCHEMA = EvaluateRequestSchema()
_VALUES: dict[str, list[Any]] = {
    "facts": [{}, {"merchant": {"id": "m-1"}}, [], None, "x"],
    "as_of": ["2023-04-01", "", "no day", None, 1, True],
    "policies": [["a"], ["*"] * 100, ["*"] * 101, [], [""], ["x" * 200], ["x" * 201], [None], [1], "a", {}, None],
    "purpose": ["decide", "preview", "Preview", "", None, 1, [], {}],
    "merchant_id": ["m-1", "m 1", "", "x" * 64, "x" * 65, "m-1\n", None, 1],
    "bundle": ["sha256:" + "0" * 64, "x", None],
    "options": [{}, {"trace": "full"}, {"trace": "x"}, None],
    "supersedes": ["x", None],
    "unknown": [None, 1],
    "": [1],
}


def _drawn(draw: random.Random) -> dict[str, Any]:
    keys = draw.sample(list(_VALUES), draw.randint(0, 4))
    body = {key: draw.choice(_VALUES[key]) for key in keys}
    return body if draw.random() < 0.3 else {"facts": {}, **body}


def test_the_schema_accepts_a_plain_body_and_leaves_it_as_it_is() -> None:
    draw, plain = random.Random(4), 0
    for _ in range(20_000):
        body = _drawn(draw)
        if is_plain(body):
            plain += 1
            assert _SCHEMA.load(deepcopy(body)) == body, json.dumps(body)
    assert plain > 1000


@pytest.mark.parametrize("key", ["as_of", "policies", "purpose", "merchant_id", "facts"])
def test_every_value_the_schema_refuses_is_not_plain(key: str) -> None:
    refused = 0
    for value in _VALUES[key]:
        body = {"facts": {}, key: value}
        try:
            _SCHEMA.load(deepcopy(body))
        except ValidationError:
            refused += 1
            assert not is_plain(body), value
    assert refused


@pytest.mark.parametrize("body", [None, [], "x", 1, {}, {"as_of": "2023-04-01"}])
def test_what_is_no_object_with_facts_is_not_plain(body: Any) -> None:
    assert not is_plain(body)


def test_the_common_request_is_plain() -> None:
    assert is_plain(examples.REQUEST)
