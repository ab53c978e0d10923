"""The examples' answers: what the application answers, without the keys that differ from run to run."""

from pathlib import Path
from typing import Any

from policy_service import canonical
from tools.docs.markdown import parsed
from tools.docs.shipped import Shipped

FOLDER = "examples"
VOLATILE = ("decision_id", "decided_at", "receipt")
_ANSWER = ".answer.json"


class ExampleRefused(Exception):
    """An example is not a valid request; the message holds the problem."""


def answers(shipped: Shipped) -> dict[str, str]:
    """Canonical JSON, indented, by path."""
    return {
        f"{FOLDER}/{path.stem}{_ANSWER}": canonical.pretty(answer(shipped, path)).decode() + "\n"
        for path in requests(shipped.root)
    }


def requests(root: Path) -> list[Path]:
    return sorted(p for p in (root / FOLDER).glob("*.json") if not p.name.endswith(_ANSWER))


def answer(shipped: Shipped, path: Path) -> dict[str, Any]:
    """What the application answers to a request in a file."""
    response = shipped.client.post("/v1/evaluate", data=path.read_bytes(), content_type="application/json")
    found: dict[str, Any] = parsed(response.get_data())
    if response.status_code not in (200, 201):
        raise ExampleRefused(f"{path.name}: {found}")
    return {key: value for key, value in found.items() if key not in VOLATILE}
