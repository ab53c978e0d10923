"""Spans, received by a collector of our own."""

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from policy_service.telemetry import traces

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Span]]:
    """The spans that came by OTLP over HTTP."""
    spans: list[Span] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield spans
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_request_is_a_span_of_its_callers_trace_with_its_parts_as_children(received: list[Span]) -> None:
    end = traces.begin("1.2.3")
    server = traces.server_span("POST", lambda: {"traceparent": f"00-{TRACE}-{PARENT}-01"})
    assert server is not None
    with pytest.raises(ValueError, match="MARKER"), server.current(), traces.span("commit"):
        raise ValueError("MARKER")
    server.end("POST", "/v1/evaluate", 500, "d-1")
    end()
    found = {span.name: span for span in received}
    assert set(found) == {"POST /v1/evaluate", "commit"}
    whole, part = found["POST /v1/evaluate"], found["commit"]
    assert (whole.trace_id.hex(), whole.parent_span_id.hex()) == (TRACE, PARENT)
    assert (part.trace_id, part.parent_span_id) == (whole.trace_id, whole.span_id)
    assert whole.kind == Span.SPAN_KIND_SERVER
    attributes = {a.key: a.value.string_value or a.value.int_value for a in whole.attributes}
    assert attributes == {
        "http.request.method": "POST", "http.route": "/v1/evaluate", "http.response.status_code": 500,
        "policy.decision_id": "d-1",
    }  # fmt: skip
    assert whole.status.code == 2
    assert not any(b"MARKER" in span.SerializeToString() for span in received)


def test_without_traces_a_span_is_nothing() -> None:
    assert traces.server_span("GET", dict) is None
    with traces.span("read") as span:
        assert span is None


@pytest.mark.parametrize(
    ("choice", "environment", "wanted"),
    [
        ("auto", {}, False),
        ("auto", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ("otlp", {}, True),
        ("off", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
    ],
)
def test_they_are_made_where_they_are_asked_for(choice: str, environment: dict[str, str], wanted: bool) -> None:
    assert traces.wanted(choice, environment) is wanted


def test_nothing_of_opentelemetry_is_imported_before() -> None:
    program = "import sys, policy_service.app; print([m for m in sys.modules if m.startswith('opentelemetry')])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
