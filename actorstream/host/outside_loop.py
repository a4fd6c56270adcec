"""What a loop in a simulation refuses: everything of asyncio that leads out of the process, or of its one thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

from actorstream.errors import OutsideSimulation


def _refuse(what: str, name: str) -> Callable[..., NoReturn]:
    def refuse(self: object, *args: Any, **options: Any) -> NoReturn:
        raise OutsideSimulation(what, f"loop.{name}")

    return refuse


class OutsideLoop(asyncio.AbstractEventLoop):
    """See the module: the base of a loop that has none of these."""

    create_connection: Any = _refuse("connections", "create_connection")
    create_unix_connection: Any = _refuse("connections", "create_unix_connection")
    create_datagram_endpoint: Any = _refuse("connections", "create_datagram_endpoint")
    start_tls: Any = _refuse("connections", "start_tls")
    getaddrinfo: Any = _refuse("connections", "getaddrinfo")
    getnameinfo: Any = _refuse("connections", "getnameinfo")

    create_server: Any = _refuse("servers", "create_server")
    create_unix_server: Any = _refuse("servers", "create_unix_server")

    sock_connect: Any = _refuse("sockets", "sock_connect")
    sock_accept: Any = _refuse("sockets", "sock_accept")
    sock_recv: Any = _refuse("sockets", "sock_recv")
    sock_recv_into: Any = _refuse("sockets", "sock_recv_into")
    sock_recvfrom: Any = _refuse("sockets", "sock_recvfrom")
    sock_recvfrom_into: Any = _refuse("sockets", "sock_recvfrom_into")
    sock_sendall: Any = _refuse("sockets", "sock_sendall")
    sock_sendto: Any = _refuse("sockets", "sock_sendto")
    sock_sendfile: Any = _refuse("sockets", "sock_sendfile")
    sendfile: Any = _refuse("sockets", "sendfile")
    connect_accepted_socket: Any = _refuse("sockets", "connect_accepted_socket")
    add_reader: Any = _refuse("sockets", "add_reader")
    remove_reader: Any = _refuse("sockets", "remove_reader")
    add_writer: Any = _refuse("sockets", "add_writer")
    remove_writer: Any = _refuse("sockets", "remove_writer")

    connect_read_pipe: Any = _refuse("pipes", "connect_read_pipe")
    connect_write_pipe: Any = _refuse("pipes", "connect_write_pipe")

    subprocess_exec: Any = _refuse("processes", "subprocess_exec")
    subprocess_shell: Any = _refuse("processes", "subprocess_shell")

    run_in_executor: Any = _refuse("threads", "run_in_executor")
    set_default_executor: Any = _refuse("threads", "set_default_executor")

    add_signal_handler: Any = _refuse("signals", "add_signal_handler")
    remove_signal_handler: Any = _refuse("signals", "remove_signal_handler")
