"""PostgreSQL is durable, and says when it cannot be used; it is used again as soon as it can."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pg8000.dbapi
import pytest
from sqlalchemy import Engine, event, make_url

from policy_service.decisions.ports.records import IdempotencyClaim, NewRecord, StoreRefused, StoreUnavailable
from policy_service.store import SqlBundleContents, SqlDecisionStore, connect, migrate
from policy_service.store.database import reading, writing

CLAIM = IdempotencyClaim("payer", "order-1", "digest-1")


@pytest.fixture
def url(postgresql_url: str) -> str:
    return postgresql_url


@pytest.fixture
def operator(postgresql_url: str) -> Iterator[Callable[[str], Any]]:
    """Says a statement to the server, on a connection of its own."""
    parsed = make_url(postgresql_url)
    with closing(pg8000.dbapi.connect("postgres", unix_sock=str(parsed.query["unix_sock"]))) as connection:
        connection.autocommit = True

        def say(statement: str) -> Any:
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else None

        say.database = parsed.database
        yield say


def scalar(engine: Engine, statement: str) -> Any:
    with reading(engine) as connection:
        return connection.exec_driver_sql(statement).scalar_one()


def hang_up(operator: Any) -> None:
    operator(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{operator.database}'")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("synchronous_commit", "on"),
        ("lock_timeout", "5s"),
        ("statement_timeout", "15s"),
        ("idle_in_transaction_session_timeout", "15s"),
        ("transaction_isolation", "read committed"),
        ("application_name", "policy-service"),
    ],
)
def test_every_connection_is_durable_and_bounded(engine: Engine, operator: Any, name: str, value: str) -> None:
    operator(f"ALTER DATABASE {operator.database} SET synchronous_commit = off")
    engine.dispose()
    assert scalar(engine, f"SHOW {name}") == value


def test_an_append_is_one_transaction(engine: Engine, decisions: SqlDecisionStore, make_record: Any) -> None:
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2].split()[0]))
    decisions.append_all([NewRecord(make_record(n), CLAIM if n == 1 else None) for n in range(5)])
    lock_and_last_order = ["SELECT", "SELECT"]  # in two: the second must see what was committed before the first ended
    claims_records_queue = ["INSERT", "INSERT", "INSERT"]
    assert statements == ["BEGIN", *lock_and_last_order, *claims_records_queue, "COMMIT"]


def test_a_read_is_one_statement(engine: Engine, decisions: SqlDecisionStore, make_record: Any) -> None:
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2].split()[0]))
    assert decisions.decision(make_record(1).id) is None
    assert statements == ["SELECT"]


def test_connections_that_the_server_closed_are_replaced_unnoticed(
    decisions: SqlDecisionStore, make_record: Any, operator: Any
) -> None:
    decisions.append(make_record(1), None)
    hang_up(operator)
    assert decisions.decision(make_record(1).id) == make_record(1)
    hang_up(operator)
    decisions.append(make_record(2), None)
    assert decisions.count() == 2


def test_a_connection_lost_within_a_transaction_is_an_unavailable_store(
    engine: Engine, decisions: SqlDecisionStore, make_record: Any, operator: Any
) -> None:
    hung_up: list[str] = []

    def hang_up_once(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO decisions") and not hung_up:
            hung_up.append(statement)
            hang_up(operator)

    event.listen(engine, "before_cursor_execute", hang_up_once)
    with pytest.raises(StoreUnavailable):
        decisions.append(make_record(1), CLAIM)
    assert decisions.claimed(CLAIM) is None
    assert not decisions.append(make_record(1), CLAIM).replayed


def test_a_lock_that_is_held_too_long_is_an_unavailable_store(
    url: str, engine: Engine, decisions: SqlDecisionStore, make_record: Any
) -> None:
    hasty = connect(url, busy_timeout_ms=50)
    with writing(engine) as connection:
        connection.exec_driver_sql("LOCK TABLE decisions")
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            SqlDecisionStore(hasty).append(make_record(1), CLAIM)
    hasty.dispose()
    assert not decisions.append(make_record(1), CLAIM).replayed


def test_a_claim_that_another_host_is_writing_is_waited_for(
    url: str, engine: Engine, decisions: SqlDecisionStore, make_record: Any, operator: Any
) -> None:
    """Nobody answers while it is open who decides; then the second answers what the first decided."""
    other = connect(url)
    with ThreadPoolExecutor(1) as threads, writing(engine) as connection:
        claim = {"c": CLAIM.caller, "k": CLAIM.key}
        decided = make_record(1)
        decisions_table = "decisions (id, decided_at, bundle, as_of, body)"
        connection.exec_driver_sql(
            f"INSERT INTO {decisions_table} VALUES ('{decided.id}', '{decided.decided_at}', '{decided.bundle}', "
            f"'{decided.as_of}', '\\x7b7d')"
        )
        connection.exec_driver_sql(
            "INSERT INTO idempotency (caller, key, request_digest, decision, created_at) VALUES "
            f"('{claim['c']}', '{claim['k']}', '{CLAIM.request_digest}', '{decided.id}', '{decided.decided_at}')"
        )
        second = threads.submit(SqlDecisionStore(other).append, make_record(2), CLAIM)
        waiting = (
            f"SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = '{operator.database}'"
        )
        while not second.done() and operator(waiting) != ([1],):
            pass
        assert not second.done()
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN")
        appended = second.result(30)
    other.dispose()
    assert (appended.record.id, appended.replayed) == (decided.id, True)


def test_two_hosts_that_claim_the_same_keys_the_other_way_round_do_not_lock_each_other_out(
    url: str, decisions: SqlDecisionStore, make_record: Any
) -> None:
    engines = [connect(url), connect(url)]
    keys = [IdempotencyClaim("payer", f"order-{n:03}", "d") for n in range(200)]

    def append(host: int) -> list[Any]:
        ordered = keys if host == 0 else keys[::-1]
        store = SqlDecisionStore(engines[host])
        return [
            one
            for start in range(0, 200, 50)
            for one in store.append_all(
                [NewRecord(make_record(1000 * host + start + n), c) for n, c in enumerate(ordered[start : start + 50])]
            )
        ]

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(append, range(2))
    for engine in engines:
        engine.dispose()
    assert [one.record.id for one in first] == [one.record.id for one in second[::-1]]
    assert decisions.count() == 200


def test_a_refusal_shows_nothing_of_the_record(decisions: SqlDecisionStore, make_record: Any) -> None:
    decisions.append(make_record(1), None)
    with pytest.raises(StoreRefused) as refused:
        decisions.append(make_record(1, body=b"secret"), IdempotencyClaim("payer", "secret", "secret"))
    assert "secret" not in f"{refused.value} {refused.value.__cause__}"
    assert refused.value.__cause__ is None


def test_a_text_that_postgresql_cannot_hold_is_refused(decisions: SqlDecisionStore, make_record: Any) -> None:
    with pytest.raises(StoreRefused):
        decisions.append(make_record(1), IdempotencyClaim("payer", "a\0b", "d"))


def test_a_database_without_tables_is_unavailable(url: str) -> None:
    engine = connect(url)
    with pytest.raises(StoreUnavailable):
        SqlDecisionStore(engine).count()
    engine.dispose()


def test_migrations_of_two_hosts_wait_for_each_other(url: str) -> None:
    engines = [connect(url) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(migrate, engines))
    assert SqlBundleContents(engines[0]).bundles() == []
    for engine in engines:
        engine.dispose()


# ---- the network


class Relay:
    """A TCP port in front of the server, which can be cut."""

    def __init__(self, server: str) -> None:
        self._server, self._ends = server, list[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self.port = self._listener.getsockname()[1]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                self._ends += [near, far]
                far.connect(self._server)
                for one, other in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=self._carry, args=(one, other)))
                    self._threads[-1].start()

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        _shut(one, other)

    def cut(self) -> None:
        _shut(*self._ends)

    def close(self) -> None:
        _shut(self._listener, *self._ends)
        for thread in self._threads:
            thread.join()
        for end in (self._listener, *self._ends):
            end.close()


def _shut(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relay(url: str) -> Iterator[Relay]:
    relay = Relay(str(make_url(url).query["unix_sock"]))
    yield relay
    relay.close()


def test_a_network_that_breaks_is_an_unavailable_store_until_it_is_back(
    url: str, engine: Engine, decisions: SqlDecisionStore, make_record: Any, relay: Relay
) -> None:
    far = connect(f"postgresql://postgres@127.0.0.1:{relay.port}/{make_url(url).database}")
    store = SqlDecisionStore(far)
    store.append(make_record(1), None)

    cut: list[str] = []

    def cut_once(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement == "COMMIT" and not cut:
            cut.append(statement)
            relay.cut()

    event.listen(far, "before_cursor_execute", cut_once)
    with pytest.raises(StoreUnavailable):
        store.append(make_record(2), CLAIM)
    store.append(make_record(3), None)
    relay.close()
    with pytest.raises(StoreUnavailable):
        store.append(make_record(4), None)
    far.dispose()
    assert decisions.decision(make_record(3).id) is not None
    assert decisions.decision(make_record(4).id) is None


def test_nobody_listening_is_an_unavailable_store(tmp_path: Path) -> None:
    engine = connect(f"postgresql://postgres@/postgres?unix_sock={tmp_path}/none")
    with pytest.raises(StoreUnavailable):
        SqlDecisionStore(engine).count()
    with pytest.raises(StoreUnavailable):
        migrate(engine)
    engine.dispose()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql+psycopg2://u@h/d", "pg8000"),
        ("postgresql://h/d", "no user"),
        ("postgresql://u@h/d?connect_timeout=3", "connect_timeout"),
        ("postgresql://u@h/d?sslmode=on", "sslmode"),
        ("mysql://u@h/d", "mysql"),
    ],
)
def test_a_url_that_asks_for_what_there_is_not_is_refused(address: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        connect(address)


def test_a_password_is_not_shown() -> None:
    engine = connect("postgresql+pg8000://u:s3cret@127.0.0.1:1/d")
    with pytest.raises(StoreUnavailable) as raised:
        SqlDecisionStore(engine).count()
    assert "s3cret" not in f"{engine!r} {raised.value!r} {raised.value.__cause__!r}"
    engine.dispose()


# ---- forks


def test_a_child_of_a_fork_connects_by_itself(engine: Engine, decisions: SqlDecisionStore, make_record: Any) -> None:
    decisions.append(make_record(1), None)
    read, write = os.pipe()
    with reading(engine) as connection:
        before = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                other = scalar(engine, "SELECT pg_backend_pid()")
                decisions.append(make_record(2), None)
                os.write(write, str(other).encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(write)
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() == before
    with open(read, "rb") as pipe:
        assert pipe.read() not in (b"", str(before).encode())
    assert decisions.count() == 2
