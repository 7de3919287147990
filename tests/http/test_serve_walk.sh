#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken serve, against who feels his way towards an entry: he is slowed, people are told, and
# nobody else notices. engine/ledger/walks.h has the arithmetic.
. "$(dirname "$0")/serve.sh"

make_list list.csv 50 1
run 0 list create hot --db "$db"
bring hot list.csv
make_key other --rate 0 --quota 0 && other=$key
make_key watcher --scopes audit && watcher=$key
make_key curious --rate 0 --quota 0 && curious=$key
start
address=${url#http://}
entry=$(pdq_of list.csv 7)
python3 "$here/walk.py" "${address%:*}" "${address##*:}" "$curious" "$entry" 31 >walked 2>err || { fail "the walk"; cat err; }
is "what it was told before" "$(jq -c '[.verdicts[] | . as $v | {"near": 0, "none": 1}[$v]] | unique' walked)" '[0,1]'
steps=$(jq .steps walked)
{ [ "$steps" -ge 100 ] && [ "$steps" -le 125 ]; } || fail "slowed after $steps steps, not 113"
is "then" "$(jq -c '[.status, .code, .at_once]' walked)" '[429,"slowed",429]'
retry=$(jq -r '.retry_after' walked)
{ [[ $retry =~ ^[1-9][0-9]*$ ]] && [ "$retry" -le 60 ]; } || fail "Retry-After: $retry"
is "after that time, and once more" "$(jq -c '[.waited, .again]' walked)" '[[200,"near"],429]'
many=$(jq -r '.many[1]' walked)
{ [ "$(jq '.many[0]' walked)" = 429 ] && [ "$many" -gt 10 ] && [ "$many" -le 60 ]; } || fail "after sixty steps at once: $(jq -c .many walked)"

key=$other
for _ in 1 2 3; do check 200 '{"items":[{"pdq":"'"$entry"'"}]}'; done
is "another account" "$(value '.results[0].verdict')" near
run 0 notices show --db "$db" --json
is "people are told, once" "$(jq -r 'select(.kind == "walk").kind' out | wc -l)" 1
grep -q curious out || fail "the notice does not say who"
key=$watcher
ask 200 /metrics
[ "$(awk '$1 == "herken_walk_steps_total" { print $2 }' out)" -ge 60 ] || fail "the metrics count no walk"
grep -q 'herken_admissions_total{admission="slowed"} [1-9]' out || fail "the metrics count nobody slowed: $(grep admissions out)"
stop
run 0 audit verify --db "$db"
finish
