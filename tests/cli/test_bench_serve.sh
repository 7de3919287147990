#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken bench serve: it measures what a server really answered, leaves nothing behind, and says what
# failed.
. "$(dirname "$0")/lib.sh"
mkdir tmp
export TMPDIR=$work/tmp
run 2 bench serve --url http://127.0.0.1:1
run 2 bench serve --url http://192.0.2.1:80 --key-file key
run 2 bench serve --url http://127.0.0.1:80x --key-file key
run 2 bench serve --rate 5
run 2 bench serve --items 1001
run 2 bench serve --seconds 3601
run 2 bench serve --csv --json
run 2 bench serve file
run 0 bench serve --help

small="--entries 2000 --seconds 1 --connections 2 --batch 50 --quiet"
run 0 bench serve $small --json
is "what" "$(jq -r .what out | paste -sd' ')" "single single_half batch"
is "items" "$(jq -r .items out | paste -sd' ')" "1 1 50"
is "entries" "$(jq -r .entries out | sort -u)" 2000
jq -es 'all(.[]; .failed == 0 and .requests > 0 and .p50_us > 0 and .p99_us >= .p50_us and (.items_per_s - .requests_per_s * .items | fabs) < 1)' out >/dev/null || fail "values: $(cat out)"
jq -es '.[1].rate as $r | ($r * 2 - .[0].requests_per_s | fabs) < 1' out >/dev/null || fail "half of the rate: $(cat out)"
run 0 bench serve $small --csv --items 3 --rate 100
is "header" "$(head -n 1 out)" "what,entries,connections,items,rate,requests_per_s,items_per_s,p50_us,p99_us,requests,failed"
is "one of its own" "$(tail -n 1 out | cut -d, -f1-5)" "requests,2000,2,3,100"
[ "$(tail -n 1 out | cut -d, -f10)" -le 110 ] || fail "more than it was to send: $(tail -n 1 out)"
[ -z "$(ls -A tmp)" ] || fail "files stay behind: $(ls tmp)"
# Its command line says nothing of the folder that it works in.
is "servers that stay behind" "$(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$work/tmp*" 2>/dev/null || true)" ""

# A running server: the log has as many checks as the bench says, and refusals count as failed.
printf '5%.0s' {1..64} >list.txt
run 0 list create made-up --db s.db
run 0 list import made-up list.txt --db s.db --quiet
run 0 list approve made-up --db s.db --quiet
run 0 key create bench --rate 0 --quota 0 --db s.db --json --quiet
jq -r .key out >key
run 0 key create slow --rate 10 --burst 10 --db s.db --json --quiet
jq -r .key out >slow
"$HERKEN" serve --db s.db --listen 127.0.0.1:0 2>log &
server=$!
trap 'kill -KILL $server 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 200); do ! grep -q 'listening on' log || break; sleep 0.02; done
url=$(sed -n 's/.*listening on \([^,]*\),.*/\1/p' log)
run 0 bench serve --url "$url" --key-file key --seconds 1 --items 7 --rate 200 --json
is "checks on record" "$(grep -c '"kind":"check"' s.db.audit)" "$(jq .requests out)"
is "items on record" "$(grep '"kind":"check"' s.db.audit | jq .items | sort -u)" 7
run 4 bench serve --url "$url" --key-file slow --seconds 1 --items 5 --json
jq -es '.[0].failed > 0 and .[0].failed < .[0].requests' out >/dev/null || fail "refusals: $(cat out)"
kill -TERM $server
wait $server || fail "the server"
run 4 bench serve --url "$url" --key-file key --seconds 1
grep -q 'nobody answers' err || fail "no server: $(cat err)"
finish
