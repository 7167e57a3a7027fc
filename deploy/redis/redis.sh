#!/bin/sh
# Starts one Redis beside three sentinels: as the primary on which two of them agree, or as its
# replica. They keep what they know in volumes and answer before any Redis runs, so after a stop of
# everything the last primary is it again, whoever starts first. Only a Redis without data does not
# wait for them: at the very first start redis1 is the primary, which is how sentinels begin too.
set -eu
PATH=/opt/redis-stack/bin:$PATH
# Process 1 is not ended by a signal that it has no trap for.
trap 'exit 0' TERM INT
name=$(hostname)

# One alone may have lost its volume, or have been away during a failover.
agreed() {
    for sentinel in sentinel1 sentinel2 sentinel3; do
        timeout 2 redis-cli -h "$sentinel" -p 26379 \
            sentinel get-master-addr-by-name mymaster 2>/dev/null | sed -n '1{/^redis[0-9]$/p;}'
    done | sort | uniq -d
}

primary=$(agreed)
if [ -z "$primary" ] && [ ! -e /data/appendonlydir ]; then
    primary=redis1
fi
if [ -z "$primary" ]; then
    echo "waiting for two sentinels that agree on the primary" >&2
fi
while [ -z "$primary" ]; do
    # Shorter than sentinels wait for a primary before they choose another.
    sleep 0.2
    primary=$(agreed)
done
[ "$primary" = "$name" ] || set -- --replicaof "$primary" 6379
# A primary that cannot reach any replica stops writing, so that it cannot diverge for long.
exec redis-server --dir /data --port 6379 --bind 0.0.0.0 --protected-mode no \
    --loadmodule /opt/redis-stack/lib/redistimeseries.so \
    --replica-announce-ip "$name" --replica-announce-port 6379 \
    --min-replicas-to-write 1 --min-replicas-max-lag 10 \
    --appendonly yes --appendfsync everysec --save '' \
    --maxmemory 400mb --maxmemory-policy noeviction "$@"
