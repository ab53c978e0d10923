"""What a request costs by stage, in one process without a network: microseconds of the processor, the best of rounds.

`python benchmarks/http/stages.py`. What gunicorn adds is not in it.
"""

import io
import sys
from collections.abc import Callable, Iterable, Sequence
from time import thread_time
from typing import Any

import servers
import traffic

from policy_service import canonical
from policy_service.app import create_app
from policy_service.assembly import Assembled, assemble, load_folder
from policy_service.decisions.deciding.ids import new_decision_id
from policy_service.decisions.deciding.recording import Making, record_of
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.decisions.ports.records import NewRecord
from policy_service.requests.posted import Posted, parse
from policy_service.requests.reading import read
from policy_service.requests.schemas import EvaluateRequestSchema
from policy_service.settings import Settings

_AT = "2023-04-01T00:00:00.000Z"
_ROUNDS = 15


def main() -> None:
    with servers.folder() as folder:
        settings = Settings(rules=servers.ROOT / "rules", database_url=f"sqlite:///{folder / 'stages.sqlite3'}")
        assembled = assemble(settings)
        found, _, _ = load_folder(settings.rules)
        assert found is not None
        assembled.publishing.adopt_folder(found, actor="bench")
        texts = [traffic.text(one) for one in traffic.bodies()]
        app = create_app(settings, assembled=assembled)
        whole = _best(lambda text: _called(app, text), texts)
        print(f"{'a whole request, from WSGI to its bytes':<48}{whole:>8.0f}")
        known = 0.0
        for name, cost in _stages(assembled, settings, texts):
            known += cost
            print(f"  {name:<46}{cost:>8.0f}")
        print(f"  {'Flask, boundary, counts and logs, the rest':<46}{whole - known:>8.0f}")


def _stages(assembled: Assembled, settings: Settings, texts: Sequence[bytes]) -> Iterable[tuple[str, float]]:
    service = assembled.service
    schema = EvaluateRequestSchema()
    posted = [parse(text, settings.max_depth) for text in texts]
    yield "JSON to values, and their check", _best(lambda text: parse(text, settings.max_depth), texts)
    yield "the request's keys", _best(lambda one: read(schema, one), posted)
    requests = [_request(one) for one in posted]
    yield "facts read", _best(service.resolver.resolve, requests)
    resolved = [service.resolver.resolve(request) for request in requests]
    yield "evaluation", _best(lambda one: one.evaluator.evaluate(one.state, one.question), resolved)
    keys = service._log_keys  # that sign each receipt
    judged = [(r, a, a.evaluator.evaluate(a.state, a.question), keys) for r, a in zip(requests, resolved, strict=True)]

    def recorded(one: Any) -> Any:
        return _record(*one)

    yield "the record as canonical bytes", _best(recorded, judged)
    yield (
        "its commit",
        _best(
            lambda one: service.decisions.append_all([one]),
            (),
            remake=lambda: [NewRecord(_record(*one)) for one in judged],
        ),
    )
    yield "the answer as canonical bytes", _best(lambda one: canonical.trusted(one[2]), judged)


def _record(request: Any, resolved: Any, answer: Any, keys: Any) -> Any:
    return record_of(request, resolved, answer, Making(new_decision_id(), _AT, "-", 0), keys)


def _request(one: Posted) -> EvaluateRequest:
    value = one.value
    return EvaluateRequest(value["facts"], value["as_of"], policies=tuple(value["policies"]))


def _called(app: Any, text: bytes) -> None:
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": traffic.EVALUATE, "QUERY_STRING": "", "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "127.0.0.1",
        "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(text)), "wsgi.input": io.BytesIO(text),
        "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr, "wsgi.version": (1, 0), "wsgi.multithread": True,
        "wsgi.multiprocess": True, "wsgi.run_once": False, "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
    statuses: list[str] = []
    answer = app(environ, lambda status, *_: statuses.append(status))
    for _ in answer:
        pass
    answer.close()
    assert statuses == ["201 CREATED"], statuses


def _best(
    call: Callable[[Any], Any], inputs: Sequence[Any], remake: Callable[[], Sequence[Any]] | None = None
) -> float:
    """Microseconds per call in the best round.

    Args:
        remake: gives fresh inputs for each round, which are not timed.
    """
    best = float("inf")
    for _ in range(_ROUNDS):
        used = inputs if remake is None else remake()
        start = thread_time()
        for one in used:
            call(one)
        best = min(best, (thread_time() - start) / len(used))
    return best * 1e6


if __name__ == "__main__":
    main()
