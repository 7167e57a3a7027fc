"""The cluster of compose.cluster.yml is made once, and its nodes find each other again."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAMS = {
    # `redis-cli -h NAME cluster info`, or the command that makes a cluster.
    "redis-cli": 'if [ "$1" = --cluster ]; then echo "$@"; else cat "$PLAYED/$2"; fi',
    "getent": 'echo "10.0.0.${2#node} $2"',
}


@pytest.mark.parametrize("knows", ["", "node1", "node5"])
def test_a_cluster_is_made_once(tmp_path: Path, knows: str) -> None:
    """Where any node knows of a cluster, found again or not, none is made."""
    for name, does in PROGRAMS.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{does}\n")
        program.chmod(0o755)
    for name in (f"node{number}" for number in range(1, 7)):
        slots = 16384 if name == knows else 0
        told = f"cluster_state:fail\r\ncluster_slots_assigned:{slots}\r\n"
        (tmp_path / name).write_text(told)

    done = subprocess.run(
        ["/bin/sh", str(ROOT / "deploy/redis/make-cluster.sh")],
        env={"PATH": f"{tmp_path}:{os.defpath}", "PLAYED": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    addresses = " ".join(f"10.0.0.{number}:6379" for number in range(1, 7))
    create = f"--cluster create {addresses} --cluster-replicas 1 --cluster-yes\n"
    assert done.stdout == ("" if knows else create)


def test_nodes_keep_their_addresses() -> None:
    """Each node has an address of its own, which nobody else on the network is given."""
    text = (ROOT / "compose.cluster.yml").read_text()
    addresses = re.findall(r"hostname: (node\d)\n +networks: .*ipv4_address: ([\d.]+)", text)

    assert addresses == [(f"node{n}", f"172.30.9.1{n}") for n in range(1, 7)]
    assert "ip_range: 172.30.9.128/25" in text
