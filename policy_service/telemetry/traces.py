"""Traces of OpenTelemetry. Nothing of it is imported, and a span costs a call, unless they are configured.

Where they go is said by OpenTelemetry's own variables, OTEL_EXPORTER_OTLP_ENDPOINT above all. A span holds the route,
the status and the ids; no fact, no body, no message of an exception.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

CHOICES = ("auto", "otlp", "off")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_NOTHING: AbstractContextManager[Any] = nullcontext()
_tracer: Any = None


def wanted(choice: str, environment: Mapping[str, str] | None = None) -> bool:
    """Whether traces are made: `auto` asks whether OpenTelemetry's variables name an endpoint."""
    known = os.environ if environment is None else environment
    return choice == "otlp" or (choice == "auto" and any(known.get(name) for name in _ENDPOINTS))


def begin(version: str) -> Callable[[], None]:
    """Begin to trace in this process, after any fork; the end, which sends what is left, is given back."""
    global _tracer  # noqa: PLW0603  one for the process
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", "policy-service")
    resource = Resource.create({SERVICE_NAME: name, SERVICE_VERSION: version})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = provider.get_tracer("policy_service", version)

    def end() -> None:
        global _tracer  # noqa: PLW0603  one for the process
        _tracer = None
        provider.shutdown()

    return end


def span(name: str) -> AbstractContextManager[Any]:
    """A part of the request under way."""
    if _tracer is None:
        return _NOTHING
    found: AbstractContextManager[Any] = _tracer.start_as_current_span(
        name, record_exception=False, set_status_on_exception=False
    )
    return found


class ServerSpan:
    """The span of a request, within the trace that its `traceparent` names; `current` while it is answered."""

    def __init__(self, method: str, headers: Mapping[str, str]) -> None:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract(headers)
        self._span = _tracer.start_span(
            method, context, kind=SpanKind.SERVER, attributes={"http.request.method": method}
        )

    def current(self) -> AbstractContextManager[Any]:
        from opentelemetry.trace import use_span

        return use_span(self._span, end_on_exit=False, record_exception=False, set_status_on_exception=False)

    def end(self, method: str, route: str, status: int, decision_id: str | None) -> None:
        from opentelemetry.trace import StatusCode

        self._span.update_name(f"{method} {route}")
        self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)
        if decision_id is not None:
            self._span.set_attribute("policy.decision_id", decision_id)
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def server_span(method: str, headers: Callable[[], Mapping[str, str]]) -> ServerSpan | None:
    """The span of a request; None where there are no traces."""
    return None if _tracer is None else ServerSpan(method, headers())
