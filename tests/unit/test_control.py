"""The control socket answers anything, and nobody's line is another's trouble."""

import asyncio
import json
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vmdqemu.daemon import control
from vmdqemu.errors import NotRunning, VmdqemuError


def refuse(_: dict[str, Any]) -> None:
    raise VmdqemuError("the queue is full; empty it")


def break_down(_: dict[str, Any]) -> None:
    raise ZeroDivisionError


METHODS: dict[str, control.Method] = {"echo": lambda params: params, "refuse": refuse, "bug": break_down}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
REQUESTS = st.fixed_dictionaries(
    {}, optional={"jsonrpc": JSON, "id": JSON, "method": st.just("echo") | JSON, "params": JSON}
)


def strict(text: str) -> Any:
    """Parse JSON as others do."""

    def refuse_constant(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse_constant)


def answered(line: bytes) -> dict[str, Any]:
    """The answer as the client sees it."""
    document: dict[str, Any] = strict(json.dumps(asyncio.run(control.answer(line, METHODS))))
    return document


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
@example(b"[" * 100_000)
@example(b"1" * 5_000)
@example(b"\xff\xfe")
@example(b'{"id": 1e999, "method": "echo"}')
def test_any_octets_get_one_answer(line: bytes) -> None:
    document = answered(line)
    assert document["jsonrpc"] == "2.0"
    assert ("result" in document) != ("error" in document)


@given(REQUESTS)
def test_an_answer_repeats_the_requests_number(request: dict[str, Any]) -> None:
    document = answered(json.dumps(request).encode())
    number = request.get("id")
    wellformed = isinstance(number, int | str | None) and isinstance(request.get("method"), str)
    if "result" in document:
        assert wellformed
        assert document["result"] == request.get("params", {})
    assert document["id"] == (
        number if wellformed and document.get("error", {}).get("code") != -32700 else None
    )


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        (b"{", control.PARSE_ERROR, "not JSON"),
        (b"[]", control.INVALID_REQUEST, "a request is an object with a method"),
        (b'{"method": 1}', control.INVALID_REQUEST, "a request is an object with a method"),
        (b'{"id": 1.5, "method": "echo"}', control.INVALID_REQUEST, "an id is a whole number or text"),
        (b'{"method": "fly"}', control.METHOD_NOT_FOUND, "no method 'fly'"),
        (b'{"method": "echo", "params": [1]}', control.INVALID_REQUEST, "params is an object"),
        (b'{"method": "refuse"}', control.FAILED, "the queue is full; empty it"),
    ],
)
def test_a_mistake_is_named(line: bytes, code: int, message: str) -> None:
    error = answered(line)["error"]
    assert (error["code"], error["message"]) == (code, message)


def test_nobody_there_is_not_running(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="vmdqemu up"):
        control.call(tmp_path / "lab.sock", "status")


def serving(path: Path, talk: Callable[[], Awaitable[None]]) -> None:
    """Serve METHODS while `talk` runs."""

    async def serve_and_talk() -> None:
        async with await control.serve(path, METHODS):
            await asyncio.wait_for(talk(), 10)

    asyncio.run(serve_and_talk())


def test_a_client_gets_results_and_refusals(tmp_path: Path) -> None:
    path = tmp_path / "lab.sock"

    async def talk() -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert await asyncio.to_thread(control.call, path, "echo", {"a": 1}) == {"a": 1}
        with pytest.raises(VmdqemuError, match="the queue is full"):
            await asyncio.to_thread(control.call, path, "refuse")

    serving(path, talk)


def test_half_lines_and_endless_lines_disturb_nobody(tmp_path: Path) -> None:
    path = tmp_path / "lab.sock"

    async def talk() -> None:
        _, half = await asyncio.open_unix_connection(path)
        half.write(b'{"method": "ec')
        endless, sender = await asyncio.open_unix_connection(path)
        sender.write(b"x" * (control.MAX_LINE * 3))
        assert await endless.read() == b""
        assert await asyncio.to_thread(control.call, path, "echo") == {}
        half.write(b'ho"}\n')
        half.close()
        sender.close()

    serving(path, talk)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_bug_in_a_method_costs_its_client_alone(tmp_path: Path) -> None:
    path = tmp_path / "lab.sock"

    async def talk() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        for _ in range(control.MAX_CLIENTS + 1):
            with pytest.raises(NotRunning):
                await asyncio.to_thread(control.call, path, "bug")
        assert await asyncio.to_thread(control.call, path, "echo") == {}

    serving(path, talk)


def test_more_clients_than_there_is_room_for_are_let_go(tmp_path: Path) -> None:
    path = tmp_path / "lab.sock"

    async def talk() -> None:
        clients = [await asyncio.open_unix_connection(path) for _ in range(control.MAX_CLIENTS)]
        for reader, writer in clients:
            writer.write(b'{"method": "echo"}\n')
            assert json.loads(await reader.readline())["result"] == {}
        late, late_writer = await asyncio.open_unix_connection(path)
        assert await late.read() == b""
        for writer in (late_writer, *(writer for _, writer in clients)):
            writer.close()

    serving(path, talk)
