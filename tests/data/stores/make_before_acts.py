"""Makes `before_acts.sqlite3`: a store of the version before acts, by that version itself.

git worktree add ../before 972329d
cd ../before && PYTHONPATH=. python <this file> <an empty folder>
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from policy_service.access.issuing import Issuing
from policy_service.access.trail import Act
from policy_service.assembly import assemble_on, load_folder
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.policies.bundle import bundle
from policy_service.proofs import keys
from policy_service.settings import Settings
from policy_service.store import connect, migrate

RULES = Path(__file__).parents[2] / "unit" / "decisions" / "club"
BEGUN = datetime(2023, 4, 2, 4, 0, tzinfo=UTC)
WEI = Act("wei", "修正价格")


def ticking() -> Callable[[], datetime]:
    seconds = iter(range(1, 100_000))
    return lambda: BEGUN + timedelta(seconds=next(seconds))


def main(folder: Path) -> None:
    now = ticking()
    key, store = folder / "before_acts.pem", folder / "before_acts.sqlite3"
    keys.make(key, Settings().log_origin)
    database = connect(f"sqlite:///{store}")
    migrate(database)
    made = assemble_on(database, Settings(engine="reference", signing_key=str(key)), now=now, elapsed=lambda: 0.0)
    rules, diagnostics, _ = load_folder(RULES)
    assert rules is not None, diagnostics
    assert made.auditing is not None
    made.publishing.adopt_folder(rules, actor="serve")

    def decide(facts: dict[str, Any], idempotency: str | None = None) -> str:
        found = made.service.evaluate(EvaluateRequest(facts, "2023-04-01"), caller="till", idempotency_key=idempotency)
        return str(found.decision_id)

    def member(id_: str, points: int) -> dict[str, Any]:
        return {"member": {"id": id_, "points": points, "joined_on": "2022-02-03"}}

    def forget_receipts(*ids: str) -> None:
        """As records look that are older than the sealed log."""
        with database.begin() as connection:
            for id_ in ids:
                said = text("UPDATE decisions SET leaf = NULL, receipt = NULL WHERE id = :id")
                connection.execute(said, {"id": id_})

    oldest = [decide({"merchant": {"id": "m-1", "hours": 12}}), decide(member("u-0", 7))]
    forget_receipts(*oldest)
    made.auditing.sealer.seal_all()
    decide(member("u-1", 40), "order-1")
    decide(member("u-2", 3))

    issuing = Issuing(made.keys, now=now)
    open_key = issuing.create("till", ["evaluate", "audit"], rate=50, actor="policyctl")
    revoked = issuing.create("former", ["evaluate"], actor="policyctl")
    issuing.revoke(revoked.key.id, "lost", actor="wei")

    def variant(old: str, new: str) -> str:
        sources = dict(rules.sources)
        changed = {path: one.replace(old, new) for path, one in sources.items()}
        assert changed != sources
        found, _ = bundle(changed)
        assert found is not None
        made.publishing.upload(changed, WEI, label=new)
        return str(found.id)

    second = variant("price < 100", "price < 200")
    later = variant("price < 100", "price < 300")
    draft = variant("price < 100", "price < 400")
    made.publishing.activate(second, WEI)
    made.publishing.stop("club.hours", "badge", Act("wei", "查"))
    made.publishing.stop("club.member", None, Act("wei", "查"))
    made.publishing.resume("club.member", None, Act("wei", "好了"))
    made.publishing.activate(later, WEI, at=BEGUN + timedelta(days=3))
    made.shadow.begin(draft, "0.5", Act("wei", "试"))
    decide(member("u-2", 4) | {"products": [{"id": "p", "price": 150}]})
    erased = made.auditing.erasing.erase("member", "u-1", ticket="T-1", actor="wei")
    made.auditing.sealer.seal_all()

    waiting = [decide(member("u-3", 9)), decide({"merchant": {"id": "m-2", "hours": 6}}), decide(member("u-4", 1))]
    forget_receipts(waiting[2])
    state = made.publishing.activation_state()
    assert state.active is not None
    said = {
        "key": {"id": open_key.key.id, "text": open_key.text},
        "revoked": {"id": revoked.key.id, "text": revoked.text},
        "active": state.active.bundle, "published": second, "later": state.pending[-1].bundle, "draft": draft,
        "erased": list(erased.records), "erasure": erased.id, "waiting": waiting, "oldest": oldest,
    }  # fmt: skip
    (folder / "before_acts.json").write_text(json.dumps(said, indent=1) + "\n", "utf-8")
    with database.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    database.dispose()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
