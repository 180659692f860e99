"""Free ports for parts that listen a moment after their port was chosen, and again after a restart."""

from __future__ import annotations

import atexit
import secrets
import socket
from collections import deque

HOST = "127.0.0.1"
FIRST, LAST = 20000, 32767
"""Below what systems hand out to outgoing connections: Linux from 32768 (`ip_local_port_range`), macOS and Windows
from 49152. A port from there is taken by any connection between the choice of the port and the part's start, or while
the part is down for a restart."""
BLOCK = 16

# The first port of a block is bound by whoever took ports from it, so that two processes that choose at the same time
# choose apart. By the time that a guard is dropped, the ports it stood for are listened on.
_guards: deque[socket.socket] = deque()
MOST_GUARDS = 16


@atexit.register
def _let_go() -> None:
    while _guards:
        _guards.pop().close()


def free(count: int = 1) -> list[int]:
    """`count` ports of 127.0.0.1 that nobody listens on, and that no other process which asks here is given now.

    Raises OSError when there are none.
    """
    found: list[int] = []
    for _ in range(4 * (LAST - FIRST) // BLOCK):
        block = FIRST + BLOCK * secrets.randbelow((LAST + 1 - FIRST) // BLOCK)
        if (guard := _bound(block)) is None:
            continue
        _guards.append(guard)
        if len(_guards) > MOST_GUARDS:
            _guards.popleft().close()
        found += [port for port in range(block + 1, block + BLOCK) if is_free(port)]
        if len(found) >= count:
            return found[:count]
    raise OSError(f"No {count} free ports between {FIRST} and {LAST} of {HOST}.")


def is_free(port: int) -> bool:
    """Whether one could listen on `port` now."""
    if (sock := _bound(port, again=True)) is None:
        return False
    sock.close()
    return True


def _bound(port: int, *, again: bool = False) -> socket.socket | None:
    """A socket bound to `port`; `again` as servers bind, who do not mind connections that have just been closed."""
    sock = socket.socket()
    if again:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
    except OSError:
        sock.close()
        return None
    return sock
