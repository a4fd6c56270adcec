"""What a member host is told on its command line; see `member`."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Any, NamedTuple

from actorstream.actors.engine.hosts import HOST_NODES_MAX


class MemberSettings(NamedTuple):
    """What a member is told.

    Attributes:
        join: the leader's address and port.
        address: of this host, for others.
        port: where Thespian's admin listens; 0 is any free one.
        name: of this host, unlike any other's.
        nodes: how many it offers.
        secret_file: holds what the leader's driver knows too.
        tls_files: its own certificate, key and authority; empty: they lie where the driver's do.
        capabilities: what this host has.
        entry: what its nodes load beforehand, as "module:function"; "": what nodes are.
    """

    join: tuple[str, int]
    address: str
    port: int
    name: str
    nodes: int
    secret_file: str
    tls_files: list[str]
    capabilities: dict[str, Any]
    entry: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what a member is told."""
    parser.add_argument(
        "--join", required=True, type=host_and_port, metavar="IP:PORT", help="the driver's convention address"
    )
    parser.add_argument("--address", required=True, type=ip_address, metavar="IP", help="of this host, for the others")
    parser.add_argument("--secret-file", required=True, metavar="FILE", help="what holds the cluster's secret")
    parser.add_argument("--name", default=socket.gethostname(), help="this host's name, unlike any other's")
    parser.add_argument("--nodes", type=_nodes, default=1, metavar="N", help="how many nodes to offer (1)")
    parser.add_argument(
        "--capability", action="append", default=[], type=_capability, metavar="NAME=VALUE", help="what this host has"
    )
    parser.add_argument(
        "--tls",
        nargs=3,
        default=[],
        metavar=("CERTIFICATE", "KEY", "AUTHORITY"),
        help="this host's files, if they do not lie where the driver's do",
    )
    parser.add_argument("--port", type=int, default=0, help="where Thespian listens (any free port)")
    parser.add_argument("--entry", default="", help=argparse.SUPPRESS)


def settings_of(options: argparse.Namespace) -> MemberSettings:
    """What was said."""
    return MemberSettings(
        join=options.join,
        address=options.address,
        port=options.port,
        name=options.name,
        nodes=options.nodes,
        secret_file=options.secret_file,
        tls_files=options.tls,
        capabilities=dict(options.capability),
        entry=options.entry,
    )


def parse(arguments: Sequence[str]) -> MemberSettings:
    """What the command line says; what cannot be understood is told, and ends the program."""
    parser = argparse.ArgumentParser(prog="actorstream.actors.engine.member", description="Offer nodes to a driver.")
    add_arguments(parser)
    return settings_of(parser.parse_args(arguments))


def host_and_port(text: str) -> tuple[str, int]:
    """An address and a port, such as 10.0.0.1:1900.

    Raises:
        ArgumentTypeError: it is none; the text says what to write.
    """
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is no address with a port, such as 10.0.0.1:1900")
    return ip_address(host), int(port)


def ip_address(text: str) -> str:
    """The address of one host, at which others reach it.

    Raises:
        ArgumentTypeError: it is none; the text says what to write.
    """
    try:
        address = IPv4Address(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no IPv4 address, such as 10.0.0.1") from None
    if address.is_unspecified or address.is_multicast:
        raise argparse.ArgumentTypeError(f"{text!r} is not the address of one host, at which others reach it")
    return text


def _nodes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= HOST_NODES_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {HOST_NODES_MAX}")
    return int(text)


def _capability(text: str) -> tuple[str, str | int | float]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not like gpu=1")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value
