#!/bin/sh
# Starts one Redis beside three sentinels: as a replica of the primary that they know, or, at the
# very first start, of redis1.
set -eu
PATH=/opt/redis-stack/bin:$PATH
name=$(hostname)
primary=
for sentinel in sentinel1 sentinel2 sentinel3; do
    found=$(timeout 2 redis-cli -h "$sentinel" -p 26379 \
        sentinel get-master-addr-by-name mymaster 2>/dev/null | head -n 1) || found=
    case $found in redis[0-9]) primary=$found && break ;; esac
done
primary=${primary:-redis1}
[ "$primary" = "$name" ] || set -- --replicaof "$primary" 6379
# A primary that cannot reach any replica stops writing, so that it cannot diverge for long.
exec redis-server --dir /data --port 6379 --bind 0.0.0.0 --protected-mode no \
    --loadmodule /opt/redis-stack/lib/redistimeseries.so \
    --replica-announce-ip "$name" --replica-announce-port 6379 \
    --min-replicas-to-write 1 --min-replicas-max-lag 10 \
    --appendonly yes --appendfsync everysec --save '' \
    --maxmemory 400mb --maxmemory-policy noeviction "$@"
