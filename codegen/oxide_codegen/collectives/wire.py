"""Messages between the processes of a group: a header in JSON, and bytes.

    4 bytes          8 bytes             header               payload
    of the header    of the payload      {"kind": "call"…}    elements, as they lie in memory

Nothing that arrives is run or unpickled. There is no password: who reaches the port while a group
is being joined may take a place in it, as with other launchers of such programs.
"""

from __future__ import annotations

import json
from struct import Struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

_LENGTHS = Struct("!IQ")
_MOST_HEADER = 1 << 20
MOST_PAYLOAD = 1 << 47


class Garbled(ConnectionError):
    """What came is no message."""


def send(connection: socket.socket, header: Mapping[str, Any], payload: Any = b"") -> None:
    """Send one message; whoever shares the connection holds a lock meanwhile."""
    text = json.dumps(header).encode()
    elements = memoryview(payload).cast("B")
    connection.sendall(_LENGTHS.pack(len(text), len(elements)) + text)
    if elements:
        connection.sendall(elements)


def receive(
    connection: socket.socket,
    most: int = MOST_PAYLOAD,
    place: Callable[[dict[str, Any], int], Any] | None = None,
) -> tuple[dict[str, Any], Any]:
    """The next message, with at most so many bytes; `ConnectionError` where there is none.

    `place` gives memory for the bytes of a message, or None where new memory is to be taken.
    """
    of_header, of_payload = _LENGTHS.unpack(_exactly(connection, _LENGTHS.size))
    if of_header > _MOST_HEADER or of_payload > most:
        raise Garbled("what came is no message of a group")
    try:
        header: Any = json.loads(_exactly(connection, of_header))
    except ValueError as error:
        raise Garbled("what came is no message of a group") from error
    if not isinstance(header, dict):
        raise Garbled("what came is no message of a group")
    into = None if place is None or not of_payload else place(header, of_payload)
    return header, _exactly(connection, of_payload, into)


def _exactly(connection: socket.socket, size: int, into: Any = None) -> Any:
    result = bytearray(size) if into is None else into
    rest = memoryview(result).cast("B")
    while rest:
        got = connection.recv_into(rest)
        if not got:
            raise ConnectionError("the connection was closed")
        rest = rest[got:]
    return result
