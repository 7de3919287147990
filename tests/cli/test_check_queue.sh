#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken check --queue: a server is away, and back; what was said to be queued is answered, whoever
# is killed in between.
. "$(dirname "$0")/lib.sh"
grep -q 'check_http.c' "$BUILD/build.ninja" || { echo "built without libcurl"; exit 77; }

mkdir pics server
"$DRAW" 1 480 320 pics/known.png
"$DRAW" 7 480 320 pics/clean7.jpg
"$DRAW" 9 480 320 pics/clean9.jpg
"$HERKEN" hash --quiet --json pics/known.png | jq -r 'select(.path).hash' >server/known
echo key >key
chmod 600 key
mode() { echo "$*" >server/mode; }
pid=
watcher=
trap 'kill $pid $watcher 2>/dev/null || true; rm -rf "$work"' EXIT
start() {
    python3 "$SOURCE/tests/cli/hash_server.py" server 2>server/stderr &
    pid=$!
    for _ in $(seq 200); do
        [ -s server/port ] && port=$(cat server/port) && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
        sleep 0.05
    done
    fail "the server does not start"; finish
}
start
ask=(check --server "http://127.0.0.1:$port" --key-file key --patience 0 --quiet --json --queue queue)
waiting() { sqlite3 queue/queue.db 'SELECT count(*) FROM item' 2>/dev/null || python3 -c 'import sqlite3; print(sqlite3.connect("queue/queue.db").execute("SELECT count(*) FROM item").fetchone()[0])'; }

# ---- away, then back
mode status 503
run 3 "${ask[@]}" pics
closes
is "queued" "$(jq -c 'select(.path) | [.verdict, .reason, .queued]' out | sort -u)" '["not_checked","server_away",true]'
is "in the account" "$(jq 'select(.account).account.queued' out)" 3
is "on the disk" "$(waiting)" 3
is "for their owner" "$(stat -c %a queue queue/queue.db | xargs)" '700 600'
run 3 "${ask[@]}" --drain
is "still away" "$(waiting)" 3
# A bad answer takes nothing out of the queue either, and a missing one not that item.
mode garbage
run 3 "${ask[@]}" --drain
is "after garbage" "$(waiting)" 3
mode status 401
run 3 "${ask[@]}" --drain
is "after a refusal" "$(waiting)" 3
mode missing
run 1 "${ask[@]}" --drain
is "after an answer that misses one" "$(waiting) $(jq -r 'select(.path).reason // empty' out)" '1 no_answer'
mode good
printf '#!/bin/sh\necho "$2" >>hooks\n' >hook.sh
chmod +x hook.sh
run 0 "${ask[@]}" --drain
run 0 "${ask[@]}" --drain # empty
is "the account of nothing" "$(jq '.account.found' out)" 0
mode status 503
run 3 "${ask[@]}" pics
mode good
# A hit whose hook fails stays, to be reported again.
run 4 "${ask[@]}" --drain --on-hit false
is "left" "$(waiting) $(field "$work/pics/known.png" verdict)" '1 near'
run 1 "${ask[@]}" --drain --on-hit ./hook.sh
is "the hook of a queued hit" "$(cat hooks) $(waiting)" "$work/pics/known.png 0"
# Nowhere to write: nothing is dropped.
mode status 503
run 3 "${ask[@]}" pics/known.png
mode good
if [ -w /dev/full ]; then
    got=0
    "$HERKEN" "${ask[@]}" --drain >/dev/full 2>err || got=$?
    is "exit code and rows at a full disk" "$got $(waiting)" '4 1'
fi
run 1 "${ask[@]}" --drain
# An answered question is not queued; wrong folders and files are no queue.
run 1 "${ask[@]}" pics
is "nothing waits" "$(waiting)" 0
mkdir open broken
chmod 777 open
run 4 "${ask[@]}" --queue open pics
echo 'no database, but long enough to be looked at as one' >broken/queue.db
chmod 700 broken
run 4 "${ask[@]}" --queue broken pics
run 2 "${ask[@]}" --drain pics

# ---- SIGKILL at any moment: what was said to be queued is there, and is answered at least once
mkdir many
for i in $(seq 40); do cp pics/clean7.jpg many/$i.jpg; echo >>many/$i.jpg; done
cp pics/known.png many/known.png
mode status 503
# A disk that is full: nothing is said to be queued, and nothing is half there.
got=0
(trap '' XFSZ; ulimit -f 40; exec "$HERKEN" "${ask[@]}" --queue full many >full.out 2>err) || got=$?
is "exit code at a full disk" "$got" 4
is "said to be queued" "$(grep -c queued full.out)" 0
is "rows" "$(python3 -c 'import sqlite3; print(sqlite3.connect("full/queue.db").execute("SELECT count(*) FROM item").fetchone()[0])')" 0
: >said
for i in 1 2 3 4 5 6; do
    "$HERKEN" "${ask[@]}" many >killed 2>/dev/null &
    killed=$!
    sleep 0.$((RANDOM % 40 + 5))
    kill -KILL $killed 2>/dev/null || true
    wait $killed 2>/dev/null || true
    jq -Rr 'fromjson? | select(.queued? == true and .path).path' killed >>said
done
run 3 "${ask[@]}" many
jq -r 'select(.queued == true and .path).path' out >>said
sort -u said >said.sorted
is "all are said to be queued" "$(wc -l <said.sorted)" 41
is "once each" "$(waiting)" 41
mode slow 0.2
: >answered
for i in 1 2 3 4 5 6; do
    "$HERKEN" "${ask[@]}" --all --drain >killed 2>/dev/null &
    killed=$!
    sleep 0.$((RANDOM % 30 + 5))
    kill -KILL $killed 2>/dev/null || true
    wait $killed 2>/dev/null || true
    jq -Rr 'fromjson? | select(.path).path' killed >>answered
done
mode good
got=0
"$HERKEN" "${ask[@]}" --all --drain >out 2>err || got=$?
[ "$got" = 0 ] || [ "$got" = 1 ] || fail "the last drain: exit $got"
jq -r 'select(.path).path' out >>answered
sort -u answered | cmp -s - said.sorted || fail "something was lost"
is "nothing is left" "$(waiting)" 0

# ---- a watcher with a queue: the server goes and comes
mkdir spool cleaned hits unsure
mode status 503
: >hooks
"$HERKEN" "${ask[@]}" --watch spool --clean-to cleaned --hit-to hits --unsure-to unsure --on-hit ./hook.sh >watched 2>watched.err &
watcher=$!
wait_for() { for _ in $(seq 300); do eval "$1" && return; sleep 0.05; done; fail "never: $1"; tail -n 3 watched watched.err; }
cp pics/* spool
wait_for '[ "$(grep -c queued watched)" = 3 ]'
is "they stay where they are" "$(ls spool | wc -l)" 3
echo 'a text' >spool/note.txt
wait_for 'grep -q note.txt watched'
mode good
wait_for '[ -e hits/known.png ] && [ -e cleaned/clean7.jpg ] && [ -e cleaned/clean9.jpg ] && [ -e unsure/note.txt ]'
is "and the hook runs" "$(sort -u hooks)" "$work/spool/known.png"
is "nothing waits" "$(waiting)" 0
# Killed while they wait: the next one finds them in the folder, and does not ask twice.
mode status 503
cp pics/clean7.jpg spool/again.jpg
wait_for 'grep -q "again.*queued" watched'
kill -KILL $watcher
wait $watcher 2>/dev/null || true
mode good
got=0
"$HERKEN" "${ask[@]}" --watch spool --clean-to cleaned >watched 2>watched.err &
watcher=$!
wait_for '[ -e cleaned/again.jpg ]'
wait_for '[ "$(waiting)" = 0 ]'
kill -TERM $watcher
wait $watcher || got=$?
watcher=
is "exit code" "$got" 0
finish
