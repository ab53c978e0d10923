"""What the service is measured beside: two Flask endpoints that do next to nothing, under its gunicorn settings.

`POST /echo` reads JSON and sends it back. `POST /commit` does the same, and before it commits one row as large as a
decision's, through the same store, table and transaction.
"""

import os
import sys
from typing import Any

from flask import Flask, jsonify, request
from gunicorn.app.base import BaseApplication

from policy_service.assembly import assemble, load_folder
from policy_service.decisions.deciding.ids import new_decision_id
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.serving import gunicorn_settings
from policy_service.settings import Settings, read_settings

_AT = "2023-04-01T00:00:00.000Z"


def app(settings: Settings, row_bytes: int) -> Flask:
    """The two endpoints, on a store that holds the shipped rules."""
    made = Flask("beside", static_folder=None)
    assembled = assemble(settings)
    active = assembled.service.evaluators.active()
    assert active is not None
    bundle, append = active.bundle.id, assembled.service.decisions.append
    row = b"x" * row_bytes

    @made.post("/echo")
    def echo() -> Any:
        return jsonify(request.get_json())

    @made.post("/commit")
    def commit() -> Any:
        posted = request.get_json()
        append(DecisionRecord(new_decision_id(), _AT, bundle, "2023-04-01", "m-1", row), None)
        return jsonify(posted), 201

    return made


class _Server(BaseApplication):
    def __init__(self, settings: Settings, row_bytes: int, workers: int) -> None:
        self._settings, self._row_bytes, self._workers = settings, row_bytes, workers
        super().__init__(prog="beside")

    def load_config(self) -> None:
        ours = gunicorn_settings(self._settings) | {"bind": "127.0.0.1:0", "workers": self._workers}
        for name, value in ours.items():
            if not callable(value):  # the hooks are the service's own
                self.cfg.set(name, value)

    def load(self) -> Flask:
        return app(self._settings, self._row_bytes)


def main() -> None:
    settings = read_settings()
    found, _, _ = load_folder(settings.rules)
    assert found is not None
    assemble(settings).publishing.adopt_folder(found, actor="bench")
    _Server(settings, int(os.environ["BESIDE_ROW_BYTES"]), int(os.environ["BESIDE_WORKERS"])).run()


if __name__ == "__main__":
    sys.exit(main())
