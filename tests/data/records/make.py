"""Makes the records of the version at hand: `python tests/data/records/make.py language-1-format-1`."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from policy_service.api import examples
from policy_service.app import create_app
from policy_service.assembly import assemble_on, load_folder
from policy_service.decisions.answers.evaluate import FORMAT
from policy_service.policies.model import LANGUAGE_VERSION
from policy_service.policies.packing import pack
from policy_service.settings import Settings
from policy_service.store import SqlDecisionStore, connect, migrate

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
NOW = datetime(2023, 6, 18, 12, 0, tzinfo=UTC)


def requests() -> dict[str, dict[str, Any]]:
    """Those of examples/ as decisions, and what the options can ask besides."""
    found = {}
    for path in sorted((ROOT / "examples").glob("*.json")):
        if not path.name.endswith(".answer.json"):
            found[path.stem] = json.loads(path.read_text("utf-8")) | {"purpose": "decide"}
    plain = examples.REQUEST
    facts = {**plain["facts"], "live": {**plain["facts"]["live"], "weather": "rain"}}
    found["everything_shown"] = {**plain, "options": {"trace": "full"}, "provenance": {"source": "warehouse"}}
    found["unknown_fact"] = {**plain, "facts": facts, "options": {"trace": "none", "unknown_facts": "report"}}
    return found


def main(folder: Path) -> None:
    if folder.name != f"language-{LANGUAGE_VERSION}-format-{FORMAT}":
        raise SystemExit(f"this is language {LANGUAGE_VERSION}, format {FORMAT}")
    folder.mkdir()  # one that is there is never made anew
    rules, diagnostics, _ = load_folder(ROOT / "rules")
    assert rules is not None, diagnostics
    with TemporaryDirectory() as place:
        database = connect(f"sqlite:///{place}/policy.sqlite3")
        migrate(database)
        numbers = iter(range(0x10, 0xFF))
        settings = Settings(log_origin="records.example")
        made = assemble_on(
            database,
            settings,
            now=lambda: NOW,
            elapsed=lambda: 0.0,
            new_id=lambda: f"0188ce5e-8400-7c3e-9f6b-2b1d6c0a4e{next(numbers):02x}",
        )
        made.publishing.adopt_folder(rules, actor="make")
        client = create_app(settings, assembled=made).test_client()
        assert made.auditing is not None
        (folder / "key.txt").write_text(made.auditing.keys.verifiers[0].text + "\n", "utf-8")
        sources = {path: text for path, text in rules.sources.items() if not path.endswith(".test.yaml")}
        (folder / "bundle.zip").write_bytes(pack(sources))
        first = None
        for name, body in requests().items():
            first = _write(folder / f"{name}.json", client.post("/v1/evaluate", json=body), made, database) or first
        corrects = {**examples.CORRECTION, "supersedes": first}
        _write(folder / "correction.json", client.post("/v1/evaluate", json=corrects), made, database)
        database.dispose()


def _write(file: Path, response: Any, made: Any, database: Any) -> str:
    answer = response.get_json()
    assert response.status_code == 201, answer
    id_: str = answer["decision_id"]
    record = SqlDecisionStore(database).decision(id_)
    made.auditing.sealer.seal_all()
    shown = made.auditing.export(id_, private=True).json
    assert record is not None
    kept = {name: shown[name] for name in ("record", "leaf", "receipt", "private")}
    file.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return id_


if __name__ == "__main__":
    main(HERE / sys.argv[1])
