"""When a request is whole."""

import pytest

from policy_service.worker.framing import MOST_HEAD, Incoming

HEAD = b"POST /v1/evaluate HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
WHOLE = {
    "no body": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a body": HEAD + b"Content-Length: 5\r\n\r\n12345",
    "a length in another case": HEAD + b"content-LENGTH:\t5 \r\n\r\n12345",
    "a body that holds an end of a head": HEAD + b"Content-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n",
    "chunks": CHUNKED + b"5\r\n12345\r\n2;x=1\r\n\r\n\r\n0\r\n\r\n",
    "chunks and trailers": CHUNKED + b"1\r\n1\r\n0\r\nX: 1\r\n\r\n",
    "a chunk that looks like the last": CHUNKED + b"5\r\n0\r\n\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("request_", WHOLE.values(), ids=WHOLE)
def test_a_request_is_whole_with_its_last_byte_and_not_before(request_: bytes) -> None:
    incoming = Incoming(1000)
    ready = [incoming.take(bytes([byte])) for byte in request_]
    assert ready == [False] * (len(request_) - 1) + [True]
    assert incoming.whole
    assert Incoming(1000).take(request_)


@pytest.mark.parametrize(
    "data",
    [
        b"\n",
        b"GET / HTTP/1.1\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: x\r\n\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"999999999999\r\n",
        b"x" * (MOST_HEAD + 1),
        CHUNKED + b"x" * (MOST_HEAD + 1),
    ],
)
def test_what_is_no_http_is_the_parsers_at_once(data: bytes) -> None:
    assert Incoming(10**9).take(data)


def test_a_body_larger_than_is_kept_is_handed_over_with_its_head() -> None:
    incoming = Incoming(1000)
    assert incoming.take(HEAD + b"Content-Length: 999999999\r\n\r\n")
    assert not incoming.whole


def test_chunks_beyond_what_is_kept_are_handed_over() -> None:
    incoming = Incoming(1000)
    assert not incoming.take(CHUNKED + b"fff\r\n" + b"x" * 500)
    assert incoming.take(b"x" * 1000)
    assert not incoming.whole


def test_chunks_of_a_path_that_streams_are_handed_over_with_their_head() -> None:
    incoming = Incoming(1000, (b"POST /v1/evaluate ",))
    assert incoming.take(CHUNKED)
    assert not incoming.whole


def test_a_client_that_waits_to_be_told_to_go_on_is_known() -> None:
    incoming = Incoming(1000)
    assert not incoming.take(HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert incoming.expects
