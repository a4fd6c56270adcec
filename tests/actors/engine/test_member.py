"""Other hosts join, get nodes, and leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from actorstream.actors.engine.hosts import HOST_NODES_MAX, Hosts, offer
from actorstream.actors.engine.member import Patience, notes_of
from actorstream.actors.engine.member_arguments import parse
from actorstream.actors.engine.ports import free_port
from tests.actors.engine.group import Listener, members, running, wait_until
from tests.actors.engine.guests import ENTRY, Deed
from tests.house.source import ROOT

on_two_addresses = pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.2 and /proc")
SECRET = b"a secret of 25 characters"
COMMAND = ["--join", "10.0.0.1:7000", "--address", "10.0.0.2", "--secret-file", "secret"]
Join = Callable[[int], "subprocess.Popen[bytes]"]


def test_the_command_line_says_what_a_member_is() -> None:
    """Capabilities are numbers where they look like numbers."""
    settings = parse([*COMMAND, "--name", "beta", "--nodes", "2", "--capability", "gpu=1", "--capability", "zone=b"])

    assert settings.join == ("10.0.0.1", 7000)
    assert (settings.name, settings.nodes, settings.capabilities) == ("beta", 2, {"gpu": 1, "zone": "b"})


def test_a_member_offers_what_it_was_told_to() -> None:
    """What Thespian brings to the driver is all that the driver must know, and no secret."""
    notes = notes_of(parse([*COMMAND, "--name", "beta", "--capability", "gpu=1"]), SECRET, "/run")

    (host,) = Hosts("alpha", SECRET).welcome({"admin": notes.capabilities})

    assert (host.name, host.address, host.nodes, host.capabilities["gpu"]) == ("beta", "10.0.0.2", 1, 1)
    assert "proof" not in host.capabilities
    assert notes.capabilities["Convention Address.IPv4"] == "10.0.0.1:7000"


@pytest.mark.parametrize(
    "wrong",
    [
        ["--join", "nowhere"],
        ["--join", "10.0.0.1:0"],
        ["--address", "0.0.0.0"],
        ["--capability", "gpu"],
        ["--nodes", "many"],
        ["--nodes", "0"],
    ],
)
def test_a_wrong_command_line_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The program ends, and says which argument it could not understand."""
    with pytest.raises(SystemExit):
        parse([*COMMAND, *wrong])

    assert wrong[0] in capsys.readouterr().err


def test_a_member_waits_for_its_leader_but_not_for_ever() -> None:
    """The leader may be away for so many looks in a row."""
    patience = Patience(looks_max=2)

    assert [patience.is_over(there) for there in (False, False, True, False, False, False)] == [False] * 5 + [True]


@pytest.mark.parametrize(
    "said",
    [
        {"gpu": 1},
        {"host": 7},
        {"host": "c", "address": "10.0.0.2", "member": "x", "nodes": "x"},
        {**offer(SECRET, "beta", "10.0.0.2", "x", 1), "nodes": HOST_NODES_MAX + 1},
        {**offer(SECRET, "beta", "10.0.0.2", "x", 1), "address": "10.0.0.3"},
        offer(b"another secret!!", "beta", "10.0.0.2", "x", 1),
        offer(SECRET, "alpha", "10.0.0.2", "x", 1),
        offer(SECRET, "node", "10.0.0.2", "x", 1),
    ],
)
def test_a_host_that_is_not_welcome_gets_nothing(said: dict[str, object]) -> None:
    """Another program's Thespian, a wrong secret, or a name that is taken: said once, and no offer."""
    hosts = Hosts("alpha", SECRET)

    with capture_logs() as lines:
        found = [hosts.welcome({"admin": said}) for _ in range(3)]

    assert found == [[], [], []]
    assert [line["event"] for line in lines] == ["host refused"]


@pytest.fixture
def join(tmp_path: Path) -> Iterator[Join]:
    """Let a second "host" join the one whose admin listens at this port."""
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET + b"\n")
    (tmp_path / "tmp").mkdir()
    started: list[subprocess.Popen[bytes]] = []

    def run(port: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "actorstream.actors.engine.member", "--join", f"127.0.0.1:{port}"]
        command += ["--address", "127.0.0.2", "--name", "beta", "--secret-file", str(secret), "--entry", ENTRY]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "tmp")}
        started.append(subprocess.Popen(command, env=environment))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()
    wait_until(lambda: not list((tmp_path / "tmp").iterdir()), "the members' run directories are removed")


def has_process(pid: int) -> bool:
    """Whether a process lives; one that has died and not been waited for does not."""
    try:
        return pid in members(os.getpgid(pid))
    except ProcessLookupError:
        return False


def next_host(listener: Listener) -> list[str]:
    """The names of the hosts that are said to be there next."""
    event = listener.next()
    while event[0] != "hosts":
        event = listener.next()
    return [host.name for host in event[1]]


@on_two_addresses
def test_a_host_joins_gets_a_node_and_leaves(join: Join, tmp_path: Path) -> None:
    """A node is placed where it is required, has that host's secret, and ends when the host leaves."""
    port, note = free_port("127.0.0.1"), tmp_path / "note"
    with running(is_open=True, port=port, name="alpha", secret=SECRET) as (engine, listener):
        engine.start_node(Deed(1))
        listener.pids(1)
        member = join(port)
        assert next_host(listener) == ["beta"]

        engine.start_node(Deed(2, secret=b"of the driver", note=str(note)), {"host": "beta"})
        started = listener.next()
        assert (started[1], started[3]) == (2, "beta")
        wait_until(lambda: note.exists() and note.read_bytes() == SECRET, "the node has the secret of its host")

        member.send_signal(signal.SIGTERM)
        assert next_host(listener) == []
        assert member.wait(20) == 0
        wait_until(lambda: not has_process(started[2]), "the node has ended")


@on_two_addresses
def test_a_node_elsewhere_can_be_killed_and_dies_with_the_driver(join: Join) -> None:
    """A kill reaches another host, and so does the end of the engine."""
    port = free_port("127.0.0.1")
    with running(is_open=True, port=port, name="alpha", secret=SECRET) as (engine, listener):
        engine.start_node(Deed(1))
        listener.pids(1)
        join(port)
        assert next_host(listener) == ["beta"]
        engine.start_node(Deed(2), {"host": "beta"})
        engine.start_node(Deed(3), {"host": "beta"})
        _, third = listener.pids(2, 3)
        group = os.getpgid(third)
        engine.kill_node(2)
        assert listener.next() == ("exited", 2, None)
        engine.close()

        wait_until(lambda: third not in members(group), "the other node has ended")


@on_two_addresses
def test_a_node_for_a_host_that_is_not_there_has_ended() -> None:
    """An order that nobody can fulfil is answered."""
    with running(is_open=True, port=free_port("127.0.0.1"), name="alpha", secret=SECRET) as (engine, listener):
        engine.start_node(Deed(1), {"host": "nowhere"})

        assert listener.next()[:2] == ("exited", 1)
