"""Messages over a socket: a length of four bytes, then JSON."""

import json
import socket
import struct
import time
from typing import Any

MAX_BYTES = 8 << 20
_LENGTH = struct.Struct("!I")


class ChannelError(Exception):
    """The other side is gone, or sent what no honest one does."""


def send(channel: socket.socket, message: dict[str, Any]) -> None:
    """Send a message.

    Raises
    ------
    ChannelError
        If the other side is gone or does not read.
    """
    data = json.dumps(message, separators=(",", ":")).encode()
    try:
        channel.sendall(_LENGTH.pack(len(data)) + data)
    except OSError as error:
        raise ChannelError(f"cannot be sent: {error}") from error


def receive(channel: socket.socket, deadline: float | None = None) -> dict[str, Any]:
    """Receive a message.

    Parameters
    ----------
    channel : socket
    deadline : float, optional
        Of `time.monotonic`, for the whole message, however slowly its bytes come.

    Raises
    ------
    ChannelError
        If the other side is gone, is late, or sends no such message.
    """
    (size,) = _LENGTH.unpack(_exactly(channel, _LENGTH.size, deadline))
    if size > MAX_BYTES:
        raise ChannelError(f"a message of {size} bytes; {MAX_BYTES} are allowed")
    try:
        message = json.loads(_exactly(channel, size, deadline))
    except (ValueError, RecursionError) as error:
        raise ChannelError("no JSON") from error
    if not isinstance(message, dict):
        raise ChannelError("no message")
    return message


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> bytes:
    parts = []
    while size:
        if deadline is not None:
            # Bytes that always are there already must not outlast it either.
            if (left := deadline - time.monotonic()) <= 0:
                raise ChannelError("late")
            channel.settimeout(left)
        try:
            part = channel.recv(min(size, 1 << 20))
        except TimeoutError as error:
            raise ChannelError("late") from error
        except OSError as error:
            raise ChannelError(f"broken: {error}") from error
        if not part:
            raise ChannelError("gone")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
