#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken serve while lists change, and when it is stopped or killed: no request fails, none is
# answered by half a revision, and nothing that was acknowledged is lost.
. "$(dirname "$0")/serve.sh"

make_list one.csv 300 1
make_list two.csv 300 2
run 0 list create hot --db "$db"
bring hot one.csv
make_key acme --scopes check,feedback --rate 0 --quota 0 --near 0
start --open-metrics
address=${url#http://}
load() { python3 "$here/load.py" "${address%:*}" "${address##*:}" "$key" 00000001000000000000000000000004 "$1" >"$1.said" 2>&1; }
verdict_of() { # PDQ
    check 200 '{"items":[{"pdq":"'"$1"'"}]}'
    value '.results[0].verdict'
}
wait_for() { # REVISION
    for _ in $(seq 100); do
        curl -s "$url/readyz" | grep -q "\"revision\":$1}" && return
        sleep 0.05
    done
    fail "revision $1 is not served"
}

# ---- reload and rollback under load
load end1 &
loader=$!
wait_for 3
for _ in $(seq 100); do
    grep -q '"kind":"check"' "$db.audit" && break
    sleep 0.05
done
is "before" "$(verdict_of "$(pdq_of two.csv 9)")" none
bring hot two.csv
wait_for 5
is "what came in" "$(verdict_of "$(pdq_of two.csv 9)")" near
kill -HUP $pid
run 0 list rollback hot --to 3 --db "$db" --quiet
wait_for 6
is "rolled back" "$(verdict_of "$(pdq_of two.csv 9)")" none
run 0 list create good --known-good --db "$db" # a new list is served, too
wait_for 7
touch end1
wait $loader || { fail "requests failed during reloads"; cat end1.said; }
read -r asked seen <end1.said
[ "$asked" -gt 50 ] || fail "only $asked requests"
grep -q '3.* 6' <<<"$seen" || fail "revisions seen: $seen"
[ "$(grep -c '"kind":"reload"' "$db.audit")" -ge 3 ] || fail "reloads are not on record"
# Damage is no reason to stop: what was read before goes on.
cp "$db" kept
mv "$db" away
sleep 0.3
is "without a store" "$(verdict_of "$(pdq_of one.csv 5)")" near
grep -q 'going on with those from before' log || fail "nobody is told"
mv away "$db"

# ---- stopped: what is in hand is answered
load end2 &
loader=$!
sleep 0.2
(sleep 0.3; printf '{"items":[{"md5":"00000001000000000000000000000004"}]}') |
    curl -sS -T - -X POST -m 10 -o late -H "Authorization: Bearer $key" -H 'Content-Type: application/json' -H 'Expect:' "$url/v1/check" &
late=$!
sleep 0.15
stop
wait $late || fail "a request in hand was dropped"
is "the request in hand" "$(jq -r '.results[0].verdict' late)" exact
wait $loader && fail "the load went on without a server"
is "answers lost: only for want of a connection" "$(tail -n +2 end2.said | grep -vcE 'Refused|Disconnected|reset|NotConnected|BadStatus|Broken' || true)" 0
run 0 audit verify --db "$db"

# ---- the service manager is told, over a socket with a path or of the abstract namespace
for name in "$work/notify" "@herken-test-$$"; do
    python3 - "$name" >told <<'END' &
import socket, sys
name = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('\0' + name[1:] if name[0] == '@' else name)
s.settimeout(5)
print(s.recv(100).decode(), flush=True)
print(s.recv(100).decode(), flush=True)
END
    listener=$!
    for _ in $(seq 50); do grep -q "$name" /proc/net/unix && break; sleep 0.02; done
    NOTIFY_SOCKET=$name start
    for _ in $(seq 50); do grep -q READY told && break; sleep 0.02; done
    stop
    wait $listener || fail "the service manager is not told"
    is "the service manager is told" "$(paste -sd' ' told)" "READY=1 STOPPING=1"
done

# ---- killed: acknowledged answers and feedback are there, and it starts again
for round in 1 2 3; do
    start
    address=${url#http://}
    (while check 200 '{"items":[{"pdq":"'"$(pdq_of one.csv 5)"'"}]}' >/dev/null && [ -s out ]; do
        id=$(value '.results[0].match_id')
        echo "$id" >>ids.$round
        ask 200 /v1/feedback -H 'Content-Type: application/json' -d '{"match_id":"'"$id"'","agree":true}' >said
        [ -s said ] || echo "$id" >>fed.$round
    done) 2>/dev/null &
    asker=$!
    sleep 0.5
    kill -KILL $pid
    wait $pid 2>/dev/null || true
    pid=
    kill $asker 2>/dev/null
    wait $asker 2>/dev/null || true
done
start
make_key later
stop
run 0 audit verify --db "$db"
grep -o '"hits":\[{"id":"[0-9a-f]*' "$db.audit" | grep -o '[0-9a-f]*$' | sort -u >logged
grep '"kind":"feedback"' "$db.audit" | grep -o '"id":"[0-9a-f]*' | grep -o '[0-9a-f]\{32\}' | sort -u >logged_feedback
cat ids.* | sort -u | grep -E '^[0-9a-f]{32}$' >answered
[ "$(wc -l <answered)" -gt 5 ] || fail "only $(wc -l <answered) answers before the kills"
is "answers that are not on record" "$(comm -23 answered logged | wc -l)" 0
is "feedback that is not on record" "$(cat fed.* | sort -u | comm -23 - logged_feedback | wc -l)" 0
finish
