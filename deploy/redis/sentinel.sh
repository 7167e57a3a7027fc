#!/bin/sh
# Starts one sentinel: from the file it wrote before, or from a new one at the first start. It
# answers before any Redis runs, or has an address: redis.sh waits for that.
set -eu
PATH=/opt/redis-stack/bin:$PATH
file=/data/sentinel.conf
if [ ! -s "$file" ]; then
    cat >"$file.new" <<CONF
port 26379
bind 0.0.0.0
protected-mode no
dir /data
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $(hostname)
sentinel monitor mymaster redis1 6379 2
sentinel down-after-milliseconds mymaster 1000
sentinel failover-timeout mymaster 10000
sentinel parallel-syncs mymaster 1
CONF
    mv "$file.new" "$file"
fi
exec redis-server "$file" --sentinel
