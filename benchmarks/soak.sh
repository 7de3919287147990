#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The hash-check server under mixed load for a long time: good clients and feedback, malformed
# requests, dropped connections, bodies of a byte a second, lists that change, SIGHUP, and, in the
# first half, SIGKILL and a new start every few minutes. Afterwards: no crash, memory flat in the
# second half, and nothing acknowledged is missing from the audit log, the keys or the notices.
# Lists are made up (make_feed.c). Writes results/soak.csv and soak.svg, each minute's state by the
# second; a run of less than 30 minutes leaves them alone and prints where its own are.
# usage: benchmarks/soak.sh [MINUTES]                     (default: 30)
set -euo pipefail
cd "$(dirname "$0")/.."
herken=${HERKEN:-$PWD/build/release/bin/herken}
results=$PWD/benchmarks/results
minutes=${1:-30}
seconds=$((minutes * 60))
apart=$((seconds / 20 > 20 ? seconds / 20 : 20)) # between two kills
[ -x "$herken" ] || { echo "build herken first: cmake --build --preset release" >&2; exit 2; }

work=$(mktemp -d "${TMPDIR:-/tmp}/herken-soak-XXXXXX")
server= loader= faults=0
trap 'for p in $server $loader; do kill -KILL "$p" 2>/dev/null || true; done; rm -rf "$work"' EXIT
cc -O2 benchmarks/make_feed.c -o "$work/make_feed"
db=$work/soak.db
fault() { echo "FAULT: $*" >&2; faults=$((faults + 1)); }
quietly() { "$herken" "$@" --db "$db" --quiet >>"$work/said" 2>&1 || fault "herken $1 $2: $(tail -n 1 "$work/said")"; }

"$work/make_feed" csv 20000 1 >"$work/stays.csv"
"$work/make_feed" csv 5000 2 >"$work/comes.csv"
sed '1d; s/.*,//' "$work/stays.csv" >"$work/md5s"
quietly list create stays
quietly list create changes
quietly list import stays "$work/stays.csv" --progress none
quietly list approve stays --progress none
key=$("$herken" key create soak --scopes check,feedback --rate 0 --quota 0 --near 0 --json --quiet --db "$db" | jq -r .key)

port=0 starts=0
start() {
    : >"$work/log.now"
    "$herken" serve --db "$db" --listen "127.0.0.1:$port" --body-timeout 10 --idle-timeout 10 2>"$work/log.now" &
    server=$!
    for _ in $(seq 200); do
        ! grep -q 'listening on' "$work/log.now" || break
        kill -0 "$server" 2>/dev/null || break
        sleep 0.05
    done
    port=$(sed -n 's/.*listening on http:..127.0.0.1:\([0-9]*\),.*/\1/p' "$work/log.now")
    [ -n "$port" ] || { fault "it does not start: $(cat "$work/log.now")"; exit 1; }
    starts=$((starts + 1))
}
# end SIGNAL CODE
end() {
    local code=0
    kill "-$1" "$server"
    wait "$server" 2>/dev/null || code=$?
    [ "$code" = "$2" ] || fault "exit code $code after SIG$1"
    cat "$work/log.now" >>"$work/log"
    server=
}
sample() { # SECOND
    local ours="/proc/$server"
    echo "$1,$starts,$(awk '/VmRSS/ { r = $2 } /RssAnon/ { a = $2 } /Threads/ { t = $2 } END { print r "," a "," t }' "$ours/status"),$(find "$ours/fd" -mindepth 1 2>/dev/null | wc -l),$(jq '[to_entries[] | select(.key == "check 200").value] | add // 0' "$work/counts" 2>/dev/null || echo 0)"
}

start
python3 benchmarks/soak_load.py "$port" "$key" "$work/md5s" "$work" &
loader=$!
echo "second,start,rss_kb,anonymous_kb,threads,descriptors,checks_answered" >"$work/soak.csv"
began=$SECONDS killed=$SECONDS second=0 sampled=-10
changes=0
while second=$((SECONDS - began)) && [ $second -lt $seconds ]; do
    kill -0 "$server" 2>/dev/null || { fault "the server has ended by itself: $(tail -n 3 "$work/log.now")"; exit 1; }
    kill -0 "$loader" 2>/dev/null || { fault "the clients have ended by themselves"; exit 1; }
    if [ $((second - sampled)) -ge 5 ]; then
        sample $second >>"$work/soak.csv"
        sampled=$second
    fi
    [ $((second % 7)) != 0 ] || kill -HUP "$server"
    case $((second % 40)) in # three revisions each time: it comes, is searched, and goes
        10 | 11) [ $((changes % 2)) = 1 ] || { quietly list import changes "$work/comes.csv" --progress none; quietly list approve changes --progress none; changes=$((changes + 1)); } ;;
        30 | 31) [ $((changes % 2)) = 0 ] || { quietly list rollback changes --to 2 --progress none; changes=$((changes + 1)); } ;;
    esac
    if [ $second -lt $((seconds / 2)) ] && [ $((SECONDS - killed)) -ge $apart ]; then
        end KILL 137
        start
        killed=$SECONDS
    fi
    sleep 1
done

touch "$work/end"
wait "$loader" || fault "the clients failed"
loader=
end TERM 0
grep -vE 'listening on|lists with|stopping|stopped in the middle' "$work/log" | sort | uniq -c | sort -rn | head -n 20 >&2 || true
! grep -qiE 'sanitizer|assert|abort|damaged' "$work/log" || fault "the log speaks of damage"

# ---- what was acknowledged is there
"$herken" audit verify --db "$db" >"$work/verified" 2>&1 || fault "audit verify: $(cat "$work/verified")"
shopt -s nullglob
cat "$db.audit" "$db".audit.[0-9]* >"$work/all"
missing() { # what FILE FILE: lines of the first, sorted, that the second has not
    sort -u "$2" | comm -23 - <(sort -u "$3") | wc -l
}
jq -r 'select(.kind == "check") | .hits[]?.id' "$work/all" >"$work/logged"
jq -r 'select(.kind == "feedback") | .id' "$work/all" >"$work/logged_feedback"
lost_ids=$(missing ids "$work/ids" "$work/logged")
lost_feedback=$(missing feedback "$work/feedback" "$work/logged_feedback")
answered=$(jq '."check 200"' "$work/counts")
records=$(jq -r 'select(.kind == "check") | .kind' "$work/all" | wc -l)
disagreed=$(sort -u "$work/disagreed" | wc -l)
notices=$("$herken" notices show --db "$db" --json | jq -r 'select(.kind == "disagree") | .entry' | sort -u | wc -l)
[ "$lost_ids" = 0 ] || fault "$lost_ids match ids are not on record"
[ "$lost_feedback" = 0 ] || fault "$lost_feedback feedbacks are not on record"
[ "$records" -ge "$answered" ] || fault "$answered checks were answered, $records are on record"
[ "$notices" -ge "$disagreed" ] || fault "$disagreed entries were disagreed with, of $notices there are notices"
[ ! -s "$work/faults" ] || fault "clients: $(sort "$work/faults" | uniq -c | head -n 5)"

# ---- memory: the second half is one life of the server; its first fifth against its last
median_of() { # FROM TO: of the anonymous memory, MB
    awk -F, -v from="$1" -v to="$2" '$1 >= from && $1 < to { print $4 / 1024 }' "$work/soak.csv" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] + 0 }'
}
half=$((seconds / 2 + apart / 2))
fifth=$(((seconds - half) / 5 > 12 ? (seconds - half) / 5 : 12))
early=$(median_of $half $((half + fifth)))
late=$(median_of $((seconds - fifth)) $((seconds + 60)))
[ "$late" != 0 ] || fault "no memory was looked at"
[ "$(bc -l <<<"$late <= $early * 1.15 + 4")" = 1 ] || fault "memory grows: $early MB, later $late MB"

echo "$minutes minutes, $starts starts, $changes changes of the lists: $(cat "$work/counts")"
echo "on record: $records checks ($answered acknowledged), $(sort -u "$work/logged" | wc -l) match ids ($(sort -u "$work/ids" | wc -l) acknowledged), $(wc -l <"$work/logged_feedback") feedbacks ($(wc -l <"$work/feedback") acknowledged), notices of $notices entries ($disagreed)"
echo "memory that is not of files: $early MB, later $late MB"
if [ "$minutes" -lt 30 ]; then
    results=$(mktemp -d "${TMPDIR:-/tmp}/herken-soaked-XXXXXX")
fi
cp "$work/soak.csv" "$results/soak.csv"
if command -v gnuplot >/dev/null; then
    gnuplot <<PLOT
set datafile separator ","
set terminal svg size 760,380 font "sans,13" background "white"
set output "$results/soak.svg"
set xlabel "minutes"
set ylabel "MB"
set yrange [0:]
set grid xtics ytics lc rgb "#dddddd"
set key left bottom
set title "A server under mixed load, with kills in the first half"
plot "$work/soak.csv" using (\$1 / 60):(\$3 / 1024) every ::1 with lines lw 2 lc rgb "#b0b0b0" title "resident, with mapped snapshots", \
     "" using (\$1 / 60):(\$4 / 1024) every ::1 with lines lw 2 lc rgb "#1b6e53" title "of these not of files"
PLOT
fi
echo "$results/soak.csv"
[ $faults = 0 ] && echo "soak: passed" || { echo "soak: $faults faults"; exit 1; }
