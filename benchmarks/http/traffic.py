"""What is posted: the measured states of the 川流 family as requests."""

import itertools
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import client

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the states of the engines' benchmark

import states

EVALUATE, BATCH = "/v1/evaluate", "/v1/evaluate/batch"
_FAMILY = ["chuanliu.*"]


def bodies(count: int = 200) -> list[dict[str, Any]]:
    """Requests for decisions on the fixed states."""
    day = states.AS_OF.isoformat()
    return [{"as_of": day, "facts": facts, "policies": _FAMILY} for facts in states.states(count)]


def text(value: Any) -> bytes:
    """JSON; its decimals are short enough to pass through a float unharmed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_number).encode()


def posts(path: str, purpose: str = "decide") -> Iterator[bytes]:
    """The requests, over and over."""
    return itertools.cycle([client.post(path, text(body | {"purpose": purpose})) for body in bodies()])


def keyed(path: str, prefix: str) -> Iterator[bytes]:
    """The requests, each under an idempotency key of its own."""
    texts = [text(body) for body in bodies()]
    for number in itertools.count():
        yield client.post(path, texts[number % len(texts)], f"Idempotency-Key: {prefix}-{number}")


def lines(count: int) -> bytes:
    """A batch as NDJSON."""
    texts = [text(body) for body in bodies()]
    return b"".join(texts[number % len(texts)] + b"\n" for number in range(count))


def _number(value: Decimal) -> float:
    return float(value)
