"""What becomes of the cases of the DMN technology compatibility kit, as the tests record it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from policy_service.diagnostics.catalogue import BY_CODE
from tools.docs.markdown import table

RESULTS = "tests/conformance/tck/results.yaml"


def counts(root: Path) -> str:
    """How many expectations of the kit pass, differ, and are refused with which code."""
    records: Sequence[Mapping[str, Any]] = list(yaml.safe_load((root / RESULTS).read_text("utf-8")).values())
    found: Counter[str] = Counter()
    for one in records:
        for outcome in ("passes", "differs"):
            found[outcome] += len(one.get(outcome, ()))
        for code, ids in one.get("outside", {}).items():
            found[f"refused with {_linked(code)}"] += len(ids)
        found["not translated"] += sum(map(len, one.get("unsupported", {}).values()))
    head = [(name, found.pop(name)) for name in ("passes", "differs")]
    last = ("not translated", found.pop("not translated"))
    rows = [*head, *sorted(found.items(), key=lambda one: (-one[1], one[0])), last]
    return table(["result", "expectations"], [[name, str(count)] for name, count in rows])


def _linked(code: str) -> str:
    return f"[{BY_CODE[code]}](diagnostics/{code}.md)"
