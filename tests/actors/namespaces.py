"""Two hosts, as network namespaces, and a cable between them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def two_hosts() -> Iterator[tuple[str, str]]:
    """The names of two namespaces, connected: 10.9.0.1 and 10.9.0.2; a test that cannot have them is skipped."""
    ip = shutil.which("ip")
    near, far = f"near{os.getpid()}", f"far{os.getpid()}"
    if ip is None or subprocess.run([ip, "netns", "add", near], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("network namespaces cannot be made here")
    try:
        for command in (
            f"netns add {far}",
            f"link add near netns {near} type veth peer name far netns {far}",
            f"-n {near} addr add 10.9.0.1/24 dev near",
            f"-n {far} addr add 10.9.0.2/24 dev far",
            *(f"-n {name} link set {device} up" for name in (near, far) for device in ("lo", name.strip("0123456789"))),
        ):
            if subprocess.run([ip, *command.split()]).returncode:
                pytest.skip("network namespaces cannot be connected here")
        yield near, far
    finally:
        for name in (near, far):
            subprocess.run([ip, "netns", "del", name], stderr=subprocess.DEVNULL)
