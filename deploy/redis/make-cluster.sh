#!/bin/sh
# Makes one cluster of six nodes, unless there is one.
set -eu
PATH=/opt/redis-stack/bin:$PATH
if redis-cli -h node1 cluster info | grep -q 'cluster_state:ok'; then
    exit 0
fi
# redis-cli wants addresses, not names.
nodes=
for name in node1 node2 node3 node4 node5 node6; do
    nodes="$nodes $(getent hosts "$name" | cut -d ' ' -f 1):6379"
done
# shellcheck disable=SC2086  # Six words.
redis-cli --cluster create $nodes --cluster-replicas 1 --cluster-yes
