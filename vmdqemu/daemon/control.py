"""The control socket: JSON-RPC 2.0, one request a line, one answer a line.

    {"jsonrpc": "2.0", "id": 1, "method": "status"}
    {"jsonrpc": "2.0", "id": 1, "result": {...}}

Only root may connect. A client that sends half a line, or reads nothing, costs the others nothing.
"""

import asyncio
import inspect
import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from netns.errors import NetnsError
from vmdqemu.errors import NotRunning, VmdqemuError, as_it_was

MAX_LINE: Final = 64 * 1024  # octets of one request
MAX_CLIENTS: Final = 64
IDLE_SECONDS: Final = 60.0  # a client that asks nothing is let go

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, FAILED = -32700, -32600, -32601, -32000

Method = Callable[[dict[str, Any]], Any]  # a document, or a coroutine that returns one
Document = dict[str, Any]


async def serve(path: Path, methods: Mapping[str, Method]) -> asyncio.Server:
    """Answer requests on a unix socket until the server is closed."""
    listening = socket.socket(socket.AF_UNIX)
    path.unlink(missing_ok=True)
    listening.bind(str(path))
    os.chmod(path, 0o600)  # before anybody can connect
    clients: set[asyncio.StreamWriter] = set()

    async def on_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(clients) < MAX_CLIENTS:
                clients.add(writer)
                await _converse(reader, writer, methods)
        finally:
            clients.discard(writer)
            writer.close()

    return await asyncio.start_unix_server(on_client, sock=listening, limit=MAX_LINE)


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, methods: Mapping[str, Method]
) -> None:
    try:
        while line := await asyncio.wait_for(reader.readline(), IDLE_SECONDS):
            writer.write(json.dumps(await answer(line, methods)).encode() + b"\n")
            await asyncio.wait_for(writer.drain(), IDLE_SECONDS)
    except (TimeoutError, ConnectionError, ValueError):  # ValueError: a line longer than MAX_LINE
        return
    except asyncio.CancelledError:  # the daemon ends; streams of Python 3.11 would print this one
        return


async def answer(line: bytes, methods: Mapping[str, Method]) -> Document:
    """One request's answer. Any octets get one."""
    try:
        request = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _error(None, PARSE_ERROR, "not JSON")
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        return _error(None, INVALID_REQUEST, "a request is an object with a method")
    number, params = request.get("id"), request.get("params", {})
    if not isinstance(number, int | str | None):
        return _error(None, INVALID_REQUEST, "an id is a whole number or text")
    method = methods.get(request["method"])
    if method is None:
        return _error(number, METHOD_NOT_FOUND, f"no method {request['method']!r}")
    if not isinstance(params, dict):
        return _error(number, INVALID_REQUEST, "params is an object")
    try:
        result = method(params)
        if inspect.isawaitable(result):
            result = await result
        return {"jsonrpc": "2.0", "id": number, "result": result}
    except (VmdqemuError, NetnsError) as error:
        return _error(number, FAILED, str(error), getattr(error, "exit_code", VmdqemuError.exit_code))


def _refuse(constant: str) -> None:
    """NaN and Infinity are no JSON, whatever Python says."""
    raise ValueError(constant)


def call(path: Path, method: str, params: Document | None = None, timeout: float = 10.0) -> Any:
    """Ask a daemon; for clients. Raises NotRunning if nobody answers, else the refusal as it was."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout)
        try:
            client.connect(str(path))
            client.sendall(json.dumps(_request(method, params or {})).encode() + b"\n")
            with client.makefile("rb") as lines:
                reply = json.loads(lines.readline())
        except (FileNotFoundError, ConnectionError, ValueError):
            raise NotRunning(f"nobody answers at {path}; start the lab with: vmdqemu up") from None
        except TimeoutError:
            raise VmdqemuError(f"the daemon at {path} did not answer within {timeout:.0f} s") from None
    if "error" in reply:
        raise as_it_was(reply["error"]["message"], reply["error"].get("data"))
    return reply["result"]


def _request(method: str, params: Document) -> Document:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def _error(number: object, code: int, message: str, exit_code: int | None = None) -> Document:
    """exit_code: what the command is to end with."""
    error: Document = {"code": code, "message": message}
    if exit_code is not None:
        error["data"] = exit_code
    return {"jsonrpc": "2.0", "id": number, "error": error}
