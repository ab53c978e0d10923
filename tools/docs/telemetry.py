"""Tables of what the service tells of itself: its metrics, and which problems may be tried again."""

from policy_service.problems.kinds import KINDS
from policy_service.telemetry.metrics import METRICS
from tools.docs.markdown import code, table


def metrics() -> str:
    """Every metric; a counter is scraped with `_total` at its end."""
    rows = [
        [code(one.name), one.kind, ", ".join(code(label) for label in one.labels) or "–", one.help]
        for one in METRICS.values()
    ]
    return table(["metric", "kind", "labels", "meaning"], rows)


def retries() -> str:
    """Every type of problem with whether to try again."""
    order = {"later": 0, "same key": 1, "never": 2}
    kinds = sorted(KINDS.values(), key=lambda kind: (order[kind.retry], kind.status, kind.name))
    return table(["problem", "status", "retry"], [[code(k.name), str(k.status), k.retry] for k in kinds])
