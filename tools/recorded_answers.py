"""Whether another version of the program gives the same answers, records and receipts, byte for byte.

    python tools/recorded_answers.py write FILE    with the version before
    python tools/recorded_answers.py compare FILE  with the version after

Posts the states of all cases of `rules/` and of the language's conformance cases to the service itself, over a real
store, with clock, ids, salts and key held still. Written are the answers with receipts, the records as sealed, the
replays, the signed head and the bundle ids. It imports only what both versions have: the application, the parts
joined, the settings and the store. Run it with PYTHONPATH naming the version that is asked.
"""

import hashlib
import itertools
import json
import secrets
import sys
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from policy_service.app import create_app
from policy_service.assembly import assemble_on
from policy_service.settings import Settings
from policy_service.store import connect, migrate

FOLDERS = ("rules", "tests/conformance/language")
WANTED = 2000
_COUNT = itertools.count()
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_WAYS = (("decide", "fired"), ("decide", "full"), ("preview", "full"), ("decide", "none"))
"""Purpose and trace of the requests, in turn."""


def main(action: str, path: Path) -> int:
    secrets.token_bytes = _bytes  # type: ignore[assignment]  # salts held still
    found = [line for folder in FOLDERS for line in _answers(Path(folder))]
    text = "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in found)
    answers = sum(line["what"] == "answer" for line in found)
    if action == "write":
        path.write_text(text, encoding="utf-8")
        print(f"{answers} answers, {len(found)} lines written")
        return 0
    before = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    differing = [(a, b) for a, b in itertools.zip_longest(before, found) if a != b]
    for one, two in differing[:5]:
        print(
            json.dumps(one, ensure_ascii=False)[:2000], json.dumps(two, ensure_ascii=False)[:2000], sep="\n", end="\n\n"
        )
    print(f"{answers} answers, {len(found)} lines compared, {len(differing)} differ")
    return 1 if differing else 0


def _bytes(count: int | None = None) -> bytes:
    return hashlib.shake_256(str(next(_COUNT)).encode()).digest(count or 32)


def _answers(folder: Path) -> Iterator[dict[str, Any]]:
    """What the service says with the rules of a folder, one line each."""
    with tempfile.TemporaryDirectory() as scratch:
        key = Path(scratch) / "key"
        key.write_text(_key(), encoding="utf-8")
        key.chmod(0o600)
        database = connect(f"sqlite:///{scratch}/log.sqlite3")
        migrate(database)
        settings = Settings(signing_key=str(key), judge_share="0", log_origin="example.org/log")
        ids = (str(uuid.UUID(int=(7 << 76) | (2 << 62) | number)) for number in itertools.count(1))
        joined = assemble_on(database, settings, now=lambda: _NOW, elapsed=lambda: 0.0, new_id=lambda: next(ids))
        client = create_app(settings, assembled=joined).test_client()
        bundle = _publish(client, folder)
        yield {"what": "bundle", "of": str(folder), "id": bundle}
        decided = []
        for number, body in enumerate(itertools.islice(_requests(folder), WANTED)):
            answer = client.post(
                "/v1/evaluate", data=orjson.dumps(body, default=_plain), content_type="application/json"
            )
            if answer.status_code == 201:
                decided.append(orjson.loads(answer.data)["decision_id"])
            yield {"what": "answer", "of": number, "status": answer.status_code, "body": answer.get_data(as_text=True)}
        assert joined.auditing is not None
        joined.auditing.sealer.seal_all()
        for id_ in decided:
            record = client.get(f"/v1/decisions/{id_}")
            yield {"what": "record", "of": id_, "body": record.get_data(as_text=True)}
        for id_ in decided[::10]:
            replay = client.post(f"/v1/decisions/{id_}/replay", json={})
            yield {"what": "replay", "of": id_, "body": replay.get_data(as_text=True)}
        yield {"what": "head", "body": client.get("/v1/log/head").get_data(as_text=True)}
        database.dispose()


def _publish(client: Any, folder: Path) -> str:
    """The id of the folder's bundle, which is then the active one."""
    files = {str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in sorted(folder.rglob("*.yaml"))}
    stored = client.post("/v1/bundles", json={"files": files})
    id_: str = stored.get_json()["id"]
    active = client.post(f"/v1/bundles/{id_}/activate", json={"reason": "to be asked"})
    if active.status_code != 200:
        raise SystemExit(f"{folder} cannot be activated: {active.get_data(as_text=True)}")
    return id_


def _requests(folder: Path) -> Iterator[dict[str, Any]]:
    """The states of all cases, in every way of asking in turn; then again, each in the next way."""
    cases = [case for path in sorted(folder.rglob("*.test.yaml")) for case in _cases(path)]
    for turn in range(4):
        for number, (policy, as_of, facts) in enumerate(cases):
            purpose, trace = _WAYS[(number + turn) % 4]
            body = {"as_of": as_of, "purpose": purpose, "facts": facts, "options": {"trace": trace}}
            yield body | {"policies": [policy]} if number % 3 == 0 else body


def _cases(path: Path) -> Iterator[tuple[str, str, Any]]:
    """Policy, day and facts of each case of a file."""
    found = _read(path)
    policy = _read(path.with_name(path.name.replace(".test.yaml", ".yaml")))
    for case in found["cases"]:
        facts = _overlaid(found.get("states", {}).get(case.get("given"), {}), case.get("facts") or {})
        yield policy["policy"], str(case["as_of"]), facts


def _read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  as safe as its base


def _overlaid(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return below | {key: _overlaid(below.get(key), value) for key, value in above.items()}


class _Loader(yaml.SafeLoader):
    """Numbers as decimals, days as texts."""


def _text(loader: Any, node: Any) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: Decimal(_text(loader, node)))
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)


def _plain(value: Any) -> Any:
    return float(value)  # of the posted text only: 15 digits come back as they were


def _key() -> str:
    """The text of a signing key that is the same in every run."""
    private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"recorded answers").digest())
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], Path(sys.argv[2])))
