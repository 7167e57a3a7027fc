#!/bin/sh
# Makes one cluster of six nodes, unless there is one: whichever node kept its volume knows of it,
# before the nodes have found each other again.
set -eu
PATH=/opt/redis-stack/bin:$PATH
names="node1 node2 node3 node4 node5 node6"
for name in $names; do
    if redis-cli -h "$name" cluster info | grep -q 'cluster_slots_assigned:16384'; then
        exit 0
    fi
done
# redis-cli wants addresses, not names.
nodes=
for name in $names; do
    nodes="$nodes $(getent hosts "$name" | cut -d ' ' -f 1):6379"
done
# shellcheck disable=SC2086  # Six words.
redis-cli --cluster create $nodes --cluster-replicas 1 --cluster-yes
