#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken check by a server: what it is asked, what its answers may do, and that a server that is
# away, slow, lying or a stranger never reads as clean.
. "$(dirname "$0")/lib.sh"
grep -q 'check_http.c' "$BUILD/build.ninja" || { run 2 check --server https://localhost --key-file k x; grep -q libcurl err || fail "says what it lacks"; echo "built without libcurl"; [ "$failures" = 0 ] && exit 77; finish; }

mkdir pics server
"$DRAW" 1 480 320 pics/known.png
"$DRAW" 7 480 320 pics/clean7.jpg
"$DRAW" 9 480 320 pics/clean9.jpg
echo 'a text' >note.txt
"$HERKEN" hash --quiet --json --orientations --exact-grid pics/known.png >known.json
sha256_of() { sha256sum <"$1" | cut -d' ' -f1; }
echo 'hk_a_secret_key' >key
chmod 600 key
mode() { echo "$*" >server/mode; }

servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; chmod -R u+rwX "$work" 2>/dev/null; rm -rf "$work"' EXIT
# start FOLDER [CERT KEY [CA]]: sets pid and port
start() {
    [ -e "$1/port" ] && cp "$1/port" "$1/port.old"
    rm -f "$1/ready"
    python3 "$SOURCE/tests/cli/hash_server.py" "$@" 2>"$1/stderr" &
    pid=$!
    servers+=("$pid")
    for _ in $(seq 200); do
        [ -s "$1/port" ] && port=$(cat "$1/port") && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
        sleep 0.05
    done
    fail "the server does not start"; cat "$1/stderr"; finish
}
start server
url=http://127.0.0.1:$port
# check CODE ARGUMENT...
check() { local want=$1; shift; run "$want" check --server "$url" --key-file key --patience 0 --quiet "$@"; }
last_request() { tail -n 1 server/log; }

# ---- what is asked: hashes and digests, nothing else
mode good
jq -r 'select(.path).orientations.flipy' known.json >server/known
check 1 --json pics
closes
is "near, mirrored" "$(field pics/known.png verdict)" near
is "none" "$(field pics/clean7.jpg verdict) $(field pics/clean9.jpg verdict)" 'none none'
is "categories" "$(field pics/known.png categories)" '["A1"]'
is "match id" "$(field pics/known.png match_id | tr -d 0-9a-f | wc -c) $(field pics/known.png match_id | wc -c)" '1 33'
is "one request" "$(wc -l <server/log)" 1
is "with the key" "$(cat server/keys)" '/v1/check Bearer hk_a_secret_key application/json'
is "fields" "$(last_request | jq -c '[.items[] | keys] | unique')" '[["kind","md5","pdq","quality","ref","sha1","sha256"]]'
last_request | grep -q 'pics\|known\.\|clean' && fail "a path left the machine"
is "probes: turned, inverted, of the exact grid" "$(last_request | jq -c '.items[0] | [.kind, (.pdq | length), (.pdq | unique | length)]')" '["photo",32,32]'
is "the plain hash comes first" "$(last_request | jq -r '.items[2].pdq[0]')" "$(jq -r 'select(.path).hash' known.json)"
is "refs" "$(last_request | jq '[.items[].ref] | unique | length')" 3
jq -r 'select(.path).exact_hash' known.json >server/known
check 1 pics/known.png

# ---- a file of several views is one item with the hashes of all
for i in $(seq 12); do
    "$DRAW" $((20 + 3 * i)) 1280 1024 big.png
    vips resize big.png "frame$i.png" 0.25
done
vips arrayjoin "$(printf 'frame%d.png ' 1 2 3 4 5)" frames.png --across 1
vips gifsave frames.png few.gif --page-height 256
vips arrayjoin "$(printf 'frame%d.png ' $(seq 12))" frames.png --across 1
vips tiffsave frames.png many.tif --page-height 256
"$HERKEN" hash --quiet --json --frames-of all few.gif >few.json
for i in 0 2 4; do
    jq -r "select(.path).views[$i].hash" few.json >server/known
    check 1 few.gif
done
is "three plain, three exact" "$(last_request | jq -c '.items | [length, (.[0].pdq | length), (.[0].pdq | unique | length)]')" '[1,96,96]'
jq -r 'select(.path).views[1].hash' few.json >server/known
check 0 --json few.gif
is "the second frame is none of them" "$(field few.gif verdict)" none
check 1 --json --frames-of all few.gif
echo nothing >server/known
check 3 --json --frames-of all many.tif
is "more views than an item holds" "$(field many.tif verdict) $(field many.tif reason)" "not_checked views_not_asked"
is "as many as it holds" "$(last_request | jq '.items[0].pdq | length')" 128
sha256_of note.txt >server/known
check 1 --json note.txt
is "a text by its digest" "$(field note.txt verdict)" exact
: >server/known
check 0 pics
check 3 --json note.txt pics
closes
is "a text that is not known" "$(field note.txt verdict) $(field note.txt reason)" 'not_checked not_an_image'
head -c 3000 pics/clean7.jpg >cut.jpg
check 3 --json cut.jpg
is "half a picture" "$(field cut.jpg reason)" truncated
check 3 --json not/there pics
is "what is not there is not asked" "$(field not/there reason) $(last_request | jq '.items | length')" 'vanished 3'
mkdir many
for i in $(seq 12); do "$DRAW" 7 48 48 many/$i.png; done
mode at-most 3
check 3 --json many pics/clean7.jpg # small and flat ones: low quality; but all are answered
closes
is "a server that takes few at once" "$(jq -r 'select(.path).reason // empty' out | grep -c 'refused\|away\|answer')" 0

# More than one request takes.
mode good
mkdir texts
for i in $(seq 1100); do echo $i >texts/$i; done
: >server/log
check 3 texts
is "items of all requests, and of one at most" "$(jq -s '[.[].items | length] | [add, max <= 1000] | tostring' server/log)" '"[1100,true]"'

# ---- other ways there
http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 check 0 pics/clean7.jpg # no proxy sees the key
run 0 check --server "$url/" --key-file key --quiet pics/clean7.jpg
LISTEN_UNIX=$work/socket python3 "$SOURCE/tests/cli/hash_server.py" server &
servers+=($!)
for _ in $(seq 200); do [ -S socket ] && break; sleep 0.05; done
run 0 check --server "unix:$work/socket" --key-file key --quiet --patience 5 pics/clean7.jpg
run 3 check --server "unix:$work/no-socket" --key-file key --quiet --patience 0 pics/clean7.jpg

# ---- --on-hit
mode good
jq -r 'select(.path).hash' known.json >server/known
printf '#!/bin/sh\necho "$1 $2 $HERKEN_MATCH_ID $HERKEN_CATEGORIES" >>hooks\n' >hook.sh
chmod +x hook.sh
check 1 --json --on-hit ./hook.sh pics
is "a hook" "$(cat hooks)" "near pics/known.png $(field pics/known.png match_id) A1"

# ---- answers that are bad: never clean
: >server/known
for bad in garbage cut close extra 'status 500' 'status 301' 'status 204' 'body {}' huge; do
    mode "$bad"
    check 3 --json pics
    is "not checked at '$bad'" "$(jq -r 'select(.path).verdict' out | sort | uniq -c | xargs)" '3 not_checked'
    grep -q 'no answer' err || { fail "nothing said at '$bad'"; cat err; }
    tr -d '\n' <err | grep -q '[[:cntrl:]]' && fail "control characters of a server reach the terminal"
done
mode missing
check 3 --json pics
is "one is missing" "$(jq -r 'select(.path) | .verdict + (.reason // "")' out | sort | xargs)" 'none none not_checkedno_answer'
for bad in '{"verdict":"clean"}' '{"verdict":"not_checked","reason":"low_quality"}'; do
    mode say "$bad"
    check 3 --json pics
    is "not checked at '$bad'" "$(jq -r 'select(.path).verdict' out | sort | uniq -c | xargs)" '3 not_checked'
done
is "the server's reason" "$(field pics/clean7.jpg reason)" low_quality
mode say '{"verdict":"exact","match_id":"\u001b]0;x","categories":["a\u0007b","good",1,null]}'
check 1 --json pics
is "a hit stands whatever stands beside it" "$(jq -c 'select(.path) | [.verdict, .match_id, .categories]' out | sort -u)" '["exact",null,["good"]]'
for refused in 'status 401' 'status 403'; do
    mode "$refused"
    check 3 --json --patience 60 pics
    is "refused" "$(field pics/clean7.jpg reason)" refused
done
grep -q 'status 403: told, as told' err || fail "the server's words are said"
mode poison "$(sha256_of pics/clean7.jpg)"
check 3 --json pics
is "one item that the server refuses costs that one" "$(jq -r 'select(.path) | .verdict + (.reason // "")' out | sort | xargs)" 'none none not_checkedrefused'

# ---- waiting: Retry-After, a server that is slow, away, back
mode busy 1
began=$(date +%s%N)
check 0 --patience 20 pics
[ $((($(date +%s%N) - began) / 1000000)) -ge 1000 ] || fail "Retry-After is not honoured"
mode slow 2
check 3 --answer-timeout 1 --json pics
is "too slow" "$(field pics/clean7.jpg reason)" server_away
kill "$pid"
wait "$pid" 2>/dev/null || true
check 3 --json pics
is "away" "$(field pics/clean7.jpg reason)" server_away
mode good
(sleep 0.7; exec python3 "$SOURCE/tests/cli/hash_server.py" server) &
servers+=($!)
pid=$!
check 0 --patience 20 pics

finish
