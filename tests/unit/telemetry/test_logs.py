"""Lines of the log."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from policy_service.telemetry import logs


@pytest.fixture
def root() -> Iterator[None]:
    """The root logger as it was."""
    found = logging.getLogger()
    level, handlers = found.level, list(found.handlers)
    yield
    for handler in list(found.handlers):
        if handler not in handlers:
            found.removeHandler(handler)
    found.setLevel(level)
    logging.captureWarnings(False)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_that_names_its_request(root: None) -> None:
    stream = io.StringIO()
    logs.configure("json", "info", stream)
    noted = logs.Noted("r-1", "POST", "/v1/evaluate")
    with logs.noting(noted):
        logs.note(principal="ops", decision_id="d-1")
        logging.getLogger("some.where").warning("two\nlines: %s", 5)
    logging.getLogger("some.where").info("outside")
    one, two = lines(stream)
    assert one.pop("time").endswith("Z")
    assert one == {
        "level": "warning", "logger": "some.where", "message": "two\nlines: 5", "request_id": "r-1",
        "principal": "ops", "decision_id": "d-1", "method": "POST", "route": "/v1/evaluate",
    }  # fmt: skip
    assert set(two) == {"time", "level", "logger", "message"}


def _failing(posted: str) -> None:
    try:
        raise KeyError(posted)
    except KeyError as error:
        raise ValueError(f"bad {posted}") from error


@pytest.mark.parametrize("form", ["json", "text"])
def test_within_a_request_an_exception_is_told_by_type_and_place_alone(root: None, form: str) -> None:
    stream = io.StringIO()
    logs.configure(form, "info", stream)
    with logs.noting(logs.Noted("r-1", "POST")):
        try:
            _failing("".join(["MAR", "KER"]))
        except ValueError:
            logging.getLogger("x").exception("failed")
    said = stream.getvalue()
    assert "MARKER" not in said
    assert "ValueError" in said
    assert "KeyError" in said
    assert "in _failing" in said


def test_outside_a_request_an_exception_is_told_with_its_message(root: None) -> None:
    stream = io.StringIO()
    logs.configure("json", "info", stream)
    try:
        _failing("place")
    except ValueError:
        logging.getLogger("x").exception("failed")
    assert "bad place" in lines(stream)[0]["exception"]


def test_below_the_level_nothing_is_written_and_a_second_call_replaces_the_first(root: None) -> None:
    first, second = io.StringIO(), io.StringIO()
    logs.configure("json", "info", first)
    logs.configure("json", "error", second)
    logging.getLogger("x").warning("no")
    logging.getLogger("x").error("yes")
    assert first.getvalue() == ""
    assert [line["message"] for line in lines(second)] == ["yes"]


@pytest.mark.parametrize(("terminal", "is_json"), [(True, False), (False, True)])
def test_auto_is_text_at_a_terminal_and_json_elsewhere(root: None, terminal: bool, is_json: bool) -> None:
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    stream = Stream()
    logs.configure("auto", "info", stream)
    logging.getLogger("x").info("said")
    assert stream.getvalue().startswith("{") is is_json


def test_a_request_ends_with_its_block_also_when_it_fails() -> None:
    with pytest.raises(ValueError, match="x"), logs.noting(logs.Noted("r", "GET")):
        raise ValueError("x")
    assert logs.current() is None
    logs.note(principal="nobody")
    assert logs.current() is None
