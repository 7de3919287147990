#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken serve: what it answers, to whom, and how it refuses. The schema of /openapi.json is held
# against real answers by a client in another language.
. "$(dirname "$0")/serve.sh"

run 2 serve
run 2 serve --db "$db"
run 2 serve --db "$db" --listen 0.0.0.0:0
run 4 serve --db none.db --listen 127.0.0.1:0
run 0 serve --help
ldd "$HERKEN" | grep -q microhttpd && fail "the command links HTTP"

make_list list.csv 400 1
run 0 list create hot --db "$db"
keys() { # made before the server starts: a running one takes them over within a second
    make_key reader --scopes feedback && reader=$key
    make_key slow --rate 5 --burst 10 && slow=$key
    make_key watcher --scopes audit && watcher=$key
    make_key few --near 2 && few=$key
    make_key daily --quota 3 && daily=$key
    make_key acme --scopes check,feedback && acme=$key
}
keys
start
check 503 '{"items":[{"md5":"00000000000000000000000000000001"}]}' # nothing could match: not "none"
code "an empty store" no_lists
ask 503 /readyz
bring hot list.csv
for _ in $(seq 50); do
    curl -s "$url/readyz" | grep -q '"ready"' && break
    sleep 0.05
done
ask 200 /readyz
is "its revision" "$(value .revision)" 3

# ---- verdicts
near=$(pdq_of list.csv 7)
other=$(printf '5%.0s' {1..64})
check 200 '{"items":[{"ref":"a \u00e9","pdq":"'$near'","quality":80},{"ref":"b","md5":"00000001000000000000000000000004"},{"pdq":"'$other'"},
  {"pdq":"'$other'","quality":10},{"sha1":"ffffffffffffffffffffffffffffffffffffffff"},{"pdq":["'$other'","'${near^^}'"]},{"pdq":"'$other'","md5":"f6bf9fb9520e85f4864fd4d360028fb5"},
  {"pdq":"ee9b15a06770421d0ae18f68d91d5852d23a87457b19ff1838d78136d678db5b"}]}'
is verdicts "$(jq -rc '[.results[].verdict]' out)" '["near","exact","none","not_checked","not_checked","near","exact","near"]'
is reasons "$(jq -rc '[.results[].reason]' out)" '[null,null,null,"low_quality","digests_not_listed",null,"test_entry","test_entry"]'
is refs "$(jq -rc '[.results[].ref]' out)" '["a é","b",null,null,null,null,null,null]'
is categories "$(jq -rc '[.results[].categories]' out)" '[["cat1"],["cat1"],null,null,null,["cat1"],["test"],["test"]]'
is revision "$(value .revision)" 3
is "who hits gets an id, and no other" "$(jq -rc '[.results[].match_id | if . then length else 0 end]' out)" '[32,32,0,0,0,32,32,32]'
grep -qiE 'distance|entry":|E1-|hot' out && fail "an outsider is told too much: $(cat out)"
first=$(value '.results[0].match_id')
check 200 '{"items":[{"pdq":"'$near'"}]}'
id=$(value '.results[0].match_id')
[ "$id" != "$first" ] || fail "a match id twice"
check 200 '{"items":[{"md5":"00000001000000000000000000000004"}]}' -H 'Expect:' -H 'Transfer-Encoding: chunked'
ask 200 /v1/check -H 'Content-Type: Application/JSON; charset=utf-8' -d '{"items":[{"md5":"00000001000000000000000000000004"}]}'

# ---- on the record: who, how many, which verdicts; never what did not match
run 0 audit verify --db "$db"
is "records of checks" "$(grep -c '"kind":"check"' "$db.audit")" 4
grep -q "$other" "$db.audit" && fail "a hash that did not match is on record"
is "the test entry is on record as no hit" "$(jq -c 'select(.kind == "check" and .items == 8) | [.exact,.near,.none,.not_checked]' "$db.audit")" '[1,2,3,2]'

# ---- feedback
feed() { ask "$1" /v1/feedback -H 'Content-Type: application/json' --data-binary "$2"; }
feed 200 '{"match_id":"'$id'","agree":false,"reason":"a stock photo"}'
feed 200 '{"match_id":"'$id'","agree":true}'
feed 200 '{"match_id":"00000000000000000000000000000000","agree":true}'
is "the test entry's is not kept" "$(grep -c '"kind":"feedback"' "$db.audit")" 2
feed 404 '{"match_id":"11111111111111111111111111111111","agree":true}'
feed 404 '{"match_id":"x","agree":true}'
feed 400 '{"match_id":"'$id'","agree":false}'
feed 400 '{"match_id":"'$id'","agree":1}'
feed 400 '{"match_id":"'$id'","agree":true,"note":"x"}'
feed 400 '{"match_id":"'$id'","agree":true,"reason":"'$(printf 'x%.0s' {1..1001})'"}'
run 0 notices show --db "$db" --json
is "a person is told" "$(jq -r .kind out)" disagree

# ---- bad requests
check 400 '{"items":[' && code half invalid_json
check 400 '{"items":[]}' && code none no_items
check 400 '[]' && code "an array" invalid_request
check 400 '' && code nothing invalid_json
check 400 '{"items":[{"ref":"x"}]}' && code "nothing to look up" invalid_item
check 400 '{"items":[{"md5":"0"}]}' && code "a short digest" invalid_item
check 400 '{"items":[{"pdq":"'${near:1}g'"}]}' && code "no hex" invalid_item
check 400 '{"items":[{"pdq":[]}]}' && code "no hashes" invalid_item
check 400 '{"items":[{"pdq":"'$near'","quality":101}]}' && code quality invalid_item
check 400 '{"items":[{"pdq":"'$near'","kind":"cat"}]}' && code kind invalid_item
check 400 '{"items":[{"sha265":"ff","md5":"00000001000000000000000000000004"}]}' && code "a misspelt digest" unknown_member
check 400 '{"items":[{"md5":"00000001000000000000000000000004","md5":"00000001000000000000000000000005"}]}' && code "a name twice" duplicate_member
check 400 "$(printf '{"items":[{"md5":"00000001000000000000000000000004","ref":"\377"}]}')" && code "no UTF-8" invalid_utf8
check 400 '{"items":[[[[[[]]]]]]}' && code deep too_deep
check 400 '{"items":[{"md5":"00000001000000000000000000000004"}]} x' && code "more behind it" invalid_json
check 413 '{"items":['"$(printf '{"md5":"00000001000000000000000000000004"},%.0s' {1..1000})"'{"md5":"00000001000000000000000000000004"}]}' && code 1001 too_many_items
check 200 '{"items":['"$(printf '{"md5":"00000001000000000000000000000004"},%.0s' {1..999})"'{"md5":"00000001000000000000000000000004"}]}'
is 1000 "$(jq '[.results[] | select(.verdict == "exact")] | length' out)" 1000
check 400 '{"items":[{"pdq":['"$(printf '"'$near'",%.0s' {1..128})"'"'$near'"]}]}' && code 129 invalid_item
check 200 '{"items":[{"pdq":['"$(printf '"'$other'",%.0s' {1..127})"'"'$near'"]}]}'
is "the last of 128 hashes" "$(value '.results[0].verdict')" near
ask 415 /v1/check -H 'Content-Type: text/plain' -d '{}' && code text not_json
check 400 '{}' -H 'Content-Type: text/plain' && code "two types" ambiguous_headers
check 415 '{}' -H 'Content-Encoding: gzip' && code packed encoded
ask 405 /v1/check && code "GET of a POST" method
grep -qi '^Allow: POST' head || fail "no Allow"
ask 405 /healthz -d x
ask 404 /v1/nothing && code "no path" not_found
ask 404 /
ask 400 /healthz -H "Authorization: Bearer x" && code "two keys" ambiguous_headers

# ---- keys
ask 200 /v1/lists
is lists "$(jq -c '.lists[] | [.name, .revision, .entries]' out)" '["hot",3,400]'
ask 403 /metrics && code "no audit scope" missing_scope
key= check 401 '{"items":[{"md5":"00000001000000000000000000000004"}]}'
code "no key" unknown_key
grep -qi '^WWW-Authenticate: Bearer' head || fail "no WWW-Authenticate"
key=hk_wrong check 401 '{}'
code "a wrong key" unknown_key
key=$reader
check 403 '{}' && code "another scope" missing_scope
key=$slow
check 200 '{"items":['"$(printf '{"md5":"0000000100000000000000000000000%d"},' 1 2 3 4 5 6 7)"'{"md5":"00000001000000000000000000000008"}]}'
check 429 '{"items":['"$(printf '{"md5":"0000000100000000000000000000000%d"},' 1 2 3 4 5 6 7)"'{"md5":"00000001000000000000000000000008"}]}'
code "too fast" rate
grep -qiE '^Retry-After: [1-9]' head || fail "no Retry-After"
check 413 '{"items":['"$(printf '{"md5":"000000010000000000000000000000%02d"},' {1..19})"'{"md5":"00000001000000000000000000000008"}]}'
code "never" too_many_items
key=$daily
check 200 '{"items":[{"md5":"00000001000000000000000000000004"},{"md5":"00000001000000000000000000000005"}]}'
check 429 '{"items":[{"md5":"00000001000000000000000000000004"},{"md5":"00000001000000000000000000000005"}]}'
code "the day's items" quota
grep -qiE '^Retry-After: [1-9]' head || fail "no Retry-After until midnight"
check 200 '{"items":[{"md5":"00000001000000000000000000000004"}]}'
key=$few
for _ in 1 2; do check 200 '{"items":[{"pdq":"'$near'"}]}'; done
is "within its near answers" "$(value '.results[0].verdict')" near
check 200 '{"items":[{"pdq":"'$near'"},{"pdq":"'$other'"},{"pdq":"'$near'","md5":"00000001000000000000000000000004"},{"md5":"ffffffffffffffffffffffffffffffff"}]}'
is "near answers used up" "$(jq -c '[.results[] | [.verdict, .reason]]' out)" '[["not_checked","near_budget"],["not_checked","near_budget"],["exact",null],["none",null]]'
key=$slow
run 0 key revoke slow --db "$db" --quiet
for _ in $(seq 40); do
    curl -s -o out -H "Authorization: Bearer $key" -H 'Content-Type: application/json' -d '{}' "$url/v1/check"
    grep -q revoked_key out && break
    sleep 0.1
done
check 401 '{}' && code revoked revoked_key

# ---- open doors, metrics, and the schema
key=
for path in /healthz /readyz /openapi.json; do ask 200 $path; done
ask 200 /healthz -I
key=$watcher
ask 200 /metrics
for line in 'herken_verdicts_total{verdict="near"}' 'herken_requests_total{route="/v1/check",code="4xx"}' 'herken_entries{list="hot"} 400' 'herken_check_seconds_bucket{le="+Inf"}'; do
    grep -qF "$line" out || fail "not in the metrics: $line"
done
python3 "$here/schema.py" "$url" "$acme" "$near" >schema 2>&1 || { fail "answers and /openapi.json differ"; cat schema; }
stop
run 0 audit verify --db "$db"

# ---- a unix socket
start --listen "unix:$work/socket" --open-metrics
is "who may connect" "$(stat -c %a socket)" 660
curl -sS --unix-socket socket http://herken/metrics >out
grep -q herken_revision out || fail "no metrics on a unix socket"
run 4 serve --db "$db" --listen "unix:$work/socket"
stop KILL 137
start --listen "unix:$work/socket"
stop
[ ! -e socket ] || fail "the socket stays behind"
finish
