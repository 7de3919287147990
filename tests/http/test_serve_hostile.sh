#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken serve, against requests as no honest client sends them: each gets a clear answer or its
# connection's end, and memory stays where it was.
. "$(dirname "$0")/serve.sh"

make_list list.csv 200 1 # their MD5s end in the number of the line, in hex
run 0 list create hot --db "$db"
bring hot list.csv
make_key acme --rate 0 --quota 0
start --max-body 1M --body-memory 2M --idle-timeout 1 --body-timeout 1 --max-connections 50 --open-metrics
address=${url#http://}
python3 "$here/hostile.py" "${address%:*}" "${address##*:}" "$key" >said 2>&1 || { fail "hostile requests"; cat said; }
for _ in $(seq 100); do
    ask 200 /metrics
    [ "$(awk '$1 == "herken_connections" { print $2 }' out)" -gt 1 ] || break
    sleep 0.1
done
is "nothing is left of the bodies" "$(awk '$1 == "herken_body_bytes" { print $2 }' out)" 0
is "nothing is left of the connections" "$(awk '$1 == "herken_connections" { print $2 }' out)" 1
[ "$(awk '$1 == "herken_connections_cut_total" { print $2 }' out)" -ge 3 ] || fail "nobody was cut"
peak=$(awk '/VmHWM/ { print $2 }' /proc/$pid/status)
[ -n "${SANITIZED:-}" ] || [ "$peak" -lt 100000 ] || fail "$peak KB of memory"
check 200 '{"items":[{"md5":"00000001000000000000000000000004"}]}'

# A full disk under the log is a refusal, not an unlogged answer; then it goes on.
if [ -z "${SANITIZED:-}" ]; then
    stop
    : >log
    largest=$(stat -c %s "$db"* | sort -n | tail -n 1)
    (ulimit -f $((largest / 1024 + 64)); trap '' XFSZ; exec "$HERKEN" serve --db "$db" --max-distance 31 --listen "unix:$work/socket" 2>>log) &
    pid=$!
    for _ in $(seq 100); do grep -q 'listening on' log && break; sleep 0.02; done
    body='{"items":['$(printf '{"md5":"000000010000000000000000000000%02d"},' {10..99})'{"md5":"00000001000000000000000000000004"}]}'
    last=
    for _ in $(seq 100); do
        last=$(curl -s --unix-socket socket -o out -w '%{http_code}' -H "Authorization: Bearer $key" -H 'Content-Type: application/json' -d "$body" http://x/v1/check) || true
        [ "$last" = 200 ] || break
    done
    is "no room for the record" "$last" 503
    jq -r .error.code out | grep -qE '^(no_record|unavailable)$' || fail "no room: $(cat out)"
    kill -TERM $pid
    wait $pid || true
    pid=
    start
    check 200 '{"items":[{"md5":"00000001000000000000000000000004"}]}'
fi
stop
run 0 audit verify --db "$db"
finish
