"""Ports that are chosen now are still free when a part listens on them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

from local import addresses, ports

ASKS = "import json, sys\nfrom local import ports\nprint(json.dumps(ports.free(12)), flush=True)\nsys.stdin.read()"


def test_ports_are_not_among_those_that_outgoing_connections_are_given() -> None:
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(given.read_text().split()[0]) if given.exists() else 49152

    assert all(port < lowest for port in ports.free(40))


def test_processes_that_choose_at_the_same_time_choose_apart() -> None:
    asked = [
        subprocess.Popen([sys.executable, "-c", ASKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(4)
    ]
    try:
        chosen = [port for process in asked if process.stdout for port in json.loads(process.stdout.readline())]
    finally:
        for process in asked:
            process.communicate()

    assert len(set(chosen)) == len(chosen) == 48


def test_a_port_that_is_listened_on_is_not_given_out() -> None:
    (port,) = ports.free()
    assert ports.is_free(port)

    with socket.create_server((ports.HOST, port)):
        assert not ports.is_free(port)


def test_a_remembered_port_that_somebody_took_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    first = addresses.settle(tmp_path)

    with socket.create_server((ports.HOST, addresses.port_of(first.azureml))):
        second = addresses.settle(tmp_path)

    assert second.azureml != first.azureml
    assert second.storage == first.storage
    assert second.host == first.host
