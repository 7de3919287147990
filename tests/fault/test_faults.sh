#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Planted crashes, hangs, allocation bombs, lies and attempts to get out: exactly those files carry
# those statuses, all others are hashed, the account closes, nothing gets out of the sandbox.
. "$(dirname "$0")/../cli/lib.sh"
: "${FAULTY:?}"

plant() { printf '\xff\xd8\xffPLANT:%s' "$1" >"$2"; }
mkdir d
"$DRAW" 1 320 240 good.jpg
# good files before, between and after, so that queued neighbours are put to the test
n=10
add() { cp good.jpg d/$n-good.jpg; printf ' %s' $n >>d/$n-good.jpg; plant "$1" d/$n-"$1"; n=$((n + 1)); }
words="crash abort hang sleep xcpu exit lie flood more open stat create execmem socket fork exec kill unlink"
[ -n "${SANITIZED:-}" ] && words="crash abort hang sleep xcpu exit lie flood more"
[ -n "${SANITIZED:-}" ] || words="$words bomb malloc"
for word in $words; do add "$word"; done
cp good.jpg d/99-good.jpg

for threads in 1 3; do
    run 3 hash --json --threads $threads --timeout 2 --worker-memory 512M --worker "$FAULTY" d
    closes; no_zero_hash
    for f in d/*-good.jpg; do status "$f" ok; done
    for f in d/*; do
        case ${f#d/*-} in
            good.jpg) ;;
            hang | sleep | xcpu) status "$f" timed_out ;;
            bomb | malloc) status "$f" out_of_memory ;;
            crash | abort | exit | lie | flood | more) status "$f" crashed ;;
            socket | fork | exec | kill | unlink) status "$f" crashed ;; # killed on the spot
            *) status "$f" unreadable; is "$f" "$(field "$f" reason)" "refused: ${f#d/*-}" ;;
        esac
    done
    grep -q ESCAPED out && fail "something got out"
done
[ -e /tmp/herken-escaped ] && fail "a worker made a file"

# Late damage: the next file in that worker crashes it, is tried again in a fresh one, and is fine.
mkdir late
for i in 1 2 3 4; do plant late late/$i-a-late; cp good.jpg late/$i-b-good.jpg; printf '%s' $i >>late/$i-b-good.jpg; done
run 3 hash --json --threads 1 --worker "$FAULTY" late
closes
for i in 1 2 3 4; do status late/$i-b-good.jpg ok; done

# Whatever a file does to decoders, its digests may be on a list.
mkdir known
for word in crash hang bomb lie; do [ "$word" = bomb ] && [ -n "${SANITIZED:-}" ] || plant $word known/$word; done
md5sum known/* >sums.txt
run 1 match --json --timeout 1 --worker-memory 512M --worker "$FAULTY" --list sums.txt known
closes
for f in known/*; do is "verdict of $f" "$(field "$f" verdict)" exact; done
# Or on one of known-good material; but a failure that is on none is never clean.
echo "$(printf %032d 1)  nothing" >other.txt
run 0 match --json --timeout 1 --worker-memory 512M --worker "$FAULTY" --list other.txt --known-good sums.txt known
closes
for f in known/*; do is "verdict of $f" "$(field "$f" verdict) $(field "$f" known_good)" 'none true'; done
sed '/known.crash/d' sums.txt >fewer.txt
run 3 match --json --timeout 1 --worker-memory 512M --worker "$FAULTY" --list other.txt --known-good fewer.txt known
is "verdict of known/crash" "$(field known/crash verdict)" not_checked

if [ -z "${SANITIZED:-}" ]; then # too large for the worker's memory even to be kept
    { cat good.jpg; head -c 200000000 /dev/zero; } >huge.jpg
    md5sum huge.jpg >huge.txt
    run 1 match --json --worker-memory 256M --list huge.txt huge.jpg
    status huge.jpg out_of_memory
    is "verdict of huge.jpg" "$(field huge.jpg verdict)" exact
    rm huge.jpg
fi

# A worker that dies before it is ready is started again; one that never gets ready ends the run.
cat >shaky.sh <<END
#!/bin/sh
[ -e "$work/started" ] || { : >"$work/started"; exit 1; }
exec "$FAULTY" "\$@"
END
cat >never.sh <<END
#!/bin/sh
exit 0
END
chmod +x shaky.sh never.sh
if [ -z "${SANITIZED:-}" ]; then
    run 0 hash --json --threads 1 --worker "$work/shaky.sh" good.jpg
    status good.jpg ok
fi
run 4 hash --json --worker "$work/never.sh" good.jpg
grep -q 'before it is ready' err || fail "the worker that never gets ready is not named"

# A run that is stopped for a while (a terminal, a suspended machine) times nothing out.
mkdir many
"$DRAW" 1 3000 2000 large.jpg
for i in $(seq 400); do ln large.jpg many/$i.jpg; done
"$HERKEN" hash --json --timeout 1 --threads 2 --worker "$FAULTY" many >out 2>err &
engine=$!
sleep 0.25
group=$(pgrep -P "$engine" | tr '\n' ' ' || true)
kill -STOP $engine $group 2>/dev/null || true
[ -n "$group" ] || fail "the run was over before it could be stopped"
sleep 3
kill -CONT $group $engine 2>/dev/null || true
wait "$engine" || fail "exit code $? after being stopped"
closes
is "files hashed after being stopped" "$(jq 'select(.account).account.hashed' out)" 400

# A large file that is no picture is read as long as it takes.
truncate -s 3G film.mp4
head -c 100 /dev/urandom >film.head
dd if=film.head of=film.mp4 conv=notrunc 2>/dev/null
echo "00000000000000000000000000000001  other" >md5.txt
run 0 match --json --timeout 1 --list md5.txt film.mp4
status film.mp4 not_an_image
rm -f film.mp4

# No worker outlives its engine.
plant sleep sleeps.jpg
"$HERKEN" hash --quiet --timeout 1 --worker "$FAULTY" sleeps.jpg >/dev/null 2>&1 &
engine=$!
sleep 0.5
workers=$(pgrep -P "$engine" | tr '\n' ' ' || true)
[ -n "$workers" ] || fail "no worker was started"
kill -KILL "$engine"
wait "$engine" 2>/dev/null || true
for _ in $(seq 200); do
    alive=0
    for w in $workers; do [ -d "/proc/$w" ] && grep -qv '^State:.*Z' <(grep State "/proc/$w/status" 2>/dev/null) && alive=1; done
    [ $alive = 0 ] && break
    sleep 0.1
done
[ $alive = 0 ] || fail "a sleeping worker lives on after its engine was killed"
finish
