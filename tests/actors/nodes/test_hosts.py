"""Nodes on several hosts: two addresses of the loopback device stand for two machines."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actorstream.actors import ActorSystem, Tls
from actorstream.actors.engine.ports import free_port
from tests.actors.engine.group import wait_until
from tests.actors.nodes.workers import Ends, Here, Watcher, Where, Worker
from tests.house.source import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.2 and /proc")
SECRET = b"a secret of 25 characters"
TLS = ROOT / "tests" / "host" / "tls"
ZONE = {"zone": "a"}
Join = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def convention() -> str:
    """Where members join."""
    return f"127.0.0.1:{free_port('127.0.0.1')}"


@pytest.fixture
def join(convention: str, tmp_path: Path) -> Iterator[Join]:
    """Let a second "host" offer one node."""
    (tmp_path / "tmp").mkdir()
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str, secret: bytes = SECRET) -> subprocess.Popen[bytes]:
        wait_until(lambda: is_there(convention), "members may join")  # One that comes too early tries again in 10 s.
        (tmp_path / "secret").write_bytes(secret + b"\n")
        command = [sys.executable, "-m", "actorstream", "node", "--join", convention, "--address", "127.0.0.2"]
        command += ["--name", "beta", "--secret-file", str(tmp_path / "secret"), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "tmp")}
        started.append(subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()
    wait_until(lambda: not list((tmp_path / "tmp").iterdir()), "the members' run directories are removed")


def wait_nodes(system: ActorSystem, *names: str) -> None:
    wait_until(lambda: system.nodes == ["node-0", *names], f"the nodes are {names}")


def test_a_member_takes_actors_and_leaves_them(convention: str, join: Join) -> None:
    """They go where the capabilities are; when their host leaves, watchers hear `Lost`, and they begin elsewhere."""
    with ActorSystem(nodes=1, convention=convention, secret=SECRET, capabilities=ZONE) as system:
        member = join("--capability", "zone=a", "--capability", "gpu=1")
        wait_nodes(system, "node-1", "beta-1")
        here = system.spawn(Worker, name="here", node={"host": socket.gethostname()})
        there = system.spawn(Worker, name="there", node=ZONE)
        only_there = system.spawn(Worker, name="only-there", node={"gpu": 1})
        watcher = system.spawn(Watcher, "there", name="watcher")
        home, abroad = system.ask(here, Where()), system.ask(only_there, Where())
        assert home != abroad == system.ask(there, Where())

        member.send_signal(signal.SIGTERM)
        wait_nodes(system, "node-1")

        assert member.wait(20) == 0
        assert system.ask(there, Where()) == home
        assert system.ask(watcher, Ends()).reasons == ["Lost(node='beta-1')"]  # type: ignore[attr-defined]
        assert '"only-there"' in system.tree("json")  # It waits for a place.
        join("--capability", "gpu=1")
        assert isinstance(system.ask(only_there, Where(), timeout="20s"), Here)


def test_members_alone_are_enough(convention: str, join: Join) -> None:
    """A system without processes of its own takes those of others; a member that is killed is missed at once."""
    with ActorSystem(convention=convention, secret=SECRET) as system:
        member = join()
        wait_nodes(system, "beta-1")
        worker = system.spawn(Worker, name="worker", node="any")
        assert isinstance(system.ask(worker, Where()), Here)

        member.kill()

        wait_nodes(system)


def files(name: str) -> tuple[str, str, str]:
    return str(TLS / f"{name}.pem"), str(TLS / f"{name}.key"), str(TLS / "authority.pem")


@pytest.mark.parametrize("told", [(), ("--tls", *files("elsewhere"))], ids=["the driver's", "its own"])
def test_hosts_speak_in_secret(convention: str, join: Join, told: tuple[str, ...]) -> None:
    """With `tls=`, actors of two hosts speak over TLS; a member's files are the driver's, or its own."""
    with ActorSystem(convention=convention, secret=SECRET, tls=Tls(*files("node"))) as system:
        join(*told)
        wait_nodes(system, "beta-1")
        worker = system.spawn(Worker, name="worker", node="beta-1")

        assert isinstance(system.ask(worker, Where()), Here)
        assert [speaks_tls(port) for port in own_ports()].count(True) == 1


def test_a_member_with_a_wrong_secret_is_refused(convention: str, join: Join, logged: list[Any]) -> None:
    """One line says so; no node is started, and the next member is taken."""
    with ActorSystem(nodes=1, convention=convention, secret=SECRET) as system:
        member = join(secret=b"another secret, not ours")
        wait_until(lambda: bool(logged), "the host is refused")
        member.terminate()
        member.wait()
        assert system.nodes == ["node-0", "node-1"]
        join()
        wait_nodes(system, "node-1", "beta-1")

        assert [line["event"] for line in logged] == ["host refused"]
        assert logged[0]["host"] == "beta"
        assert "secret" in logged[0]["reason"]


def test_hostile_bytes_change_nothing(convention: str, join: Join) -> None:
    """Whatever strangers send to the driver's ports, they are turned away, and the nodes go on."""
    with ActorSystem(nodes=1, convention=convention, secret=SECRET) as system:
        join()
        wait_nodes(system, "node-1", "beta-1")
        worker = system.spawn(Worker, name="worker", node="beta-1")
        before = system.ask(worker, Where())

        ports = own_ports()
        for words in (b"\x00" * 64, b"\xff" * 64, b"GET / HTTP/1.1\r\n\r\n", os.urandom(5_000)):
            for port in ports:
                assert is_turned_away(port, words)

        assert len(ports) == 2  # For links, and for what keeps watch over processes.
        assert system.ask(worker, Where()) == before


def test_without_a_convention_nothing_is_open() -> None:
    """Nodes on one host are reached through files; the driver has no port at all."""
    with ActorSystem(nodes=1):
        assert own_ports() == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"convention": "127.0.0.1:1900"}, "secret="),
        ({"convention": "127.0.0.1:1900", "secret": b"short"}, "5 bytes"),
        ({"convention": "127.0.0.1", "secret": SECRET}, "10.0.0.1:1900"),
        ({"convention": "0.0.0.0:1900", "secret": SECRET}, "one host"),
        ({"convention": "192.0.2.1:1900", "secret": SECRET}, "192.0.2.1:1900"),
        ({"convention": "127.0.0.1:1900", "secret": "no such file"}, "no such file"),
        ({"convention": "127.0.0.1:1900", "secret": SECRET, "tls": Tls("no", "no", "no")}, "no"),
        ({"convention": "127.0.0.1:1900", "secret": SECRET, "runtime": "simulation"}, "simulation"),
        ({"secret": SECRET}, "convention="),
        ({"nodes": 1, "lost_after": "10ms"}, "lost_after"),
    ],
)
def test_what_is_wrong_is_told_before_anything_starts(wrong: dict[str, Any], why: str) -> None:
    """In one line that says what to do."""
    with pytest.raises((ValueError, OSError), match=why) as caught:
        ActorSystem(**wrong)

    assert "\n" not in str(caught.value)


def own_ports() -> list[int]:
    """The TCP ports where this process listens."""
    mine = {os.readlink(f"/proc/self/fd/{one}") for one in os.listdir("/proc/self/fd") if is_open(one)}
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return [int(row[1].partition(":")[2], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in mine]


def is_open(descriptor: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{descriptor}")


def is_there(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def is_turned_away(port: int, words: bytes) -> bool:
    """Whether whoever says so is no longer listened to."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stranger:
        try:
            stranger.sendall(words)
            while stranger.recv(4_096):
                pass
        except ConnectionError:
            return True
        return True


def speaks_tls(port: int) -> bool:
    certificate, key, authority = files("node")
    context = ssl.create_default_context(cafile=authority)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # From 3.13 on; the files of these tests are short.
    context.load_cert_chain(certificate, key)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
        try:
            context.wrap_socket(caller, server_hostname="127.0.0.1").close()
        except OSError:
            return False
        return True
