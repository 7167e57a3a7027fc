#!/bin/sh
# Starts one node of the cluster.
set -eu
PATH=/opt/redis-stack/bin:$PATH
exec redis-server --dir /data --port 6379 --bind 0.0.0.0 --protected-mode no \
    --loadmodule /opt/redis-stack/lib/redistimeseries.so \
    --cluster-enabled yes --cluster-config-file /data/nodes.conf --cluster-node-timeout 2000 \
    --cluster-announce-hostname "$(hostname)" --cluster-preferred-endpoint-type hostname \
    --appendonly yes --appendfsync everysec --save '' \
    --maxmemory 400mb --maxmemory-policy noeviction
