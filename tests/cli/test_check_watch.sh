#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken check --watch: a spool folder whose files are checked as they come, and sorted; none is
# missed, whatever happens in between.
. "$(dirname "$0")/lib.sh"

db=lists.db
mkdir known clean
"$DRAW" 1 480 320 known/k1.png
for seed in 7 9; do "$DRAW" $seed 480 320 clean/stranger$seed.jpg; done
"$HERKEN" list create case --db $db --by anna >/dev/null
"$HERKEN" list add case known --db $db --by anna --quiet >/dev/null
"$HERKEN" list approve case --db $db --by anna --reason r >/dev/null
cp known/k1.png other.png
"$DRAW" 3 480 320 known/k3.png
"$HERKEN" list add case known/k3.png --db $db --by anna --quiet >/dev/null
"$HERKEN" list approve case --db $db --by anna --reason r >/dev/null
vips resize known/k1.png half.png 0.5
head -c 3000 clean/stranger7.jpg >cut.jpg
echo 'a text' >note.txt
"$HERKEN" list create good --known-good --db $db --by anna >/dev/null
sha256sum note.txt >good.txt
"$HERKEN" list import good good.txt --db $db --by anna --quiet >/dev/null
"$HERKEN" list approve good --db $db --by anna --reason r >/dev/null
cat >hook.sh <<'END'
#!/bin/sh
echo "$# $1 $2 $HERKEN_VERDICT $HERKEN_PATH $HERKEN_LIST $HERKEN_ENTRY" >>hooks
END
chmod +x hook.sh
watcher=
trap '{ kill -CONT $watcher && kill $watcher; } 2>/dev/null || true; chmod -R u+rwX "$work" 2>/dev/null; rm -rf "$work"' EXIT

# ---- each to its place
mkdir spool cleaned hits unsure
cp clean/stranger7.jpg spool/early.jpg
ln -s "$work/known/k1.png" spool/link.png
mkdir spool/folder
mkfifo spool/fifo
exec 9>spool/open.jpg # found at the start, while it is being written
cat clean/stranger9.jpg >&9
got=0
"$HERKEN" check --db $db --quiet --json --all --watch spool --clean-to cleaned --hit-to hits --unsure-to unsure \
    --on-hit ./hook.sh >watched 2>watched.err 9>&- &
watcher=$!
wait_for() { for _ in $(seq 200); do eval "$1" && return; sleep 0.05; done; fail "never: $1"; tail -n 3 watched watched.err; }
wait_for '[ -e cleaned/early.jpg ]'
wait_for '[ -L unsure/link.png ] && [ -p unsure/fifo ]'
[ -d spool/folder ] || fail "a folder in the spool is left alone"
: >hooks
cp half.png coming.png && mv coming.png spool/hit.png
cp note.txt spool/note.txt
cat cut.jpg >spool/cut.jpg
wait_for '[ -e hits/hit.png ] && [ -e cleaned/note.txt ] && [ -e unsure/cut.jpg ]'
wait_for 'grep -q "near spool/hit.png" hooks'
# What is still being written waits; what is written anew does not take the place of another.
cp clean/stranger9.jpg spool/early.jpg
wait_for '[ -e cleaned/early.jpg.1 ]'
[ -e spool/open.jpg ] || fail "a file was taken while it was written"
exec 9>&-
wait_for '[ -e cleaned/open.jpg ]'
# The list changes while it watches: the next file is looked up in what is approved then.
"$HERKEN" list retract case --entry known/k1.png --db $db --by anna --reason r >/dev/null
cp half.png spool/retracted.png
wait_for '[ -e cleaned/retracted.png ]'
# Many at once.
for i in $(seq 300); do cp clean/stranger7.jpg spool/many$i.jpg; done
cp clean/stranger9.jpg spool/last.jpg
for i in $(seq 300); do mv spool/many$i.jpg spool/moved$i.jpg 2>/dev/null || true; done
wait_for '[ "$(find spool -type f | wc -l)" = 0 ]'
is "many files" "$(find cleaned -name 'm[ao]*.jpg' | wc -l)" 300
# More events than the kernel keeps: the folder is read instead.
kill -STOP $watcher
python3 - spool <<'END'
import os, sys
os.chdir(sys.argv[1])
open("a", "w").close()
limit = int(open("/proc/sys/fs/inotify/max_queued_events").read())
for _ in range(min(limit, 200000) // 2 + 10):
    os.rename("a", "b")
    os.rename("b", "a")
os.unlink("a")
END
cp clean/stranger9.jpg spool/unseen.jpg
kill -CONT $watcher
wait_for '[ -e cleaned/unseen.jpg ]'
kill -TERM $watcher
wait $watcher || got=$?
is "exit code of a watcher that had a hit" "$got" 1
jq -es 'last.account.near == 1 and last.account.found == (map(select(.path)) | length)' watched >/dev/null || { fail "the account of a watcher"; tail -n 1 watched; }
# Killed at any moment: each file ends in its place, and its verdict stood in the output before.
: >all
for i in $(seq 60); do cp clean/stranger7.jpg spool/k$i.jpg; done
for i in 1 2 3 4 5; do
    "$HERKEN" check --db $db --quiet --json --watch spool --clean-to cleaned >watched 2>watched.err &
    watcher=$!
    sleep 0.$((RANDOM % 35 + 10))
    kill -KILL $watcher
    wait $watcher 2>/dev/null || true
    cat watched >>all
done
"$HERKEN" check --db $db --quiet --json --watch spool --clean-to cleaned >watched 2>watched.err &
watcher=$!
cp clean/stranger9.jpg spool/final.jpg
wait_for '[ "$(find spool -type f | wc -l)" = 0 ]'
kill -TERM $watcher
got=0
wait $watcher || got=$?
is "exit code of a watcher that had none" "$got" 0
cat watched >>all
is "files in their place" "$(find cleaned -name 'k*.jpg' | wc -l)" 60
is "verdicts in the output" "$(jq -Rr 'fromjson? | select(.path and .verdict == "none").path | select(test("/k[0-9]+"))' all | sort -u | wc -l)" 60
run 2 check --db $db --watch spool --clean-to spool
run 2 check --db $db --watch not/there
[ ! -d /dev/shm ] || [ "$(stat -c %d /dev/shm)" = "$(stat -c %d spool)" ] || run 2 check --db $db --watch spool --clean-to /dev/shm
rm -f spool/*.jpg
"$HERKEN" check --db $db --quiet --watch spool >watched 2>watched.err &
watcher=$!
sleep 0.5
mv spool gone
got=0
wait $watcher || got=$?
is "exit code when the folder goes" "$got" 4
watcher=
finish
