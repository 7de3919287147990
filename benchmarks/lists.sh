#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a list of many entries costs: staging, screening, approving, a snapshot, a revision of one
# entry and its rollback, and a large Project VIC file against the JSON library alone. Feeds are made
# up (make_feed.c) and lie, with the store, in a folder that is removed: 10M entries take 5 GB there.
# Writes results/lists.csv.
# usage: benchmarks/lists.sh [ENTRIES [VICS-ENTRIES]]      (default: 10000000 700000, half a gigabyte)
set -euo pipefail
cd "$(dirname "$0")/.."
herken=$PWD/build/release/bin/herken
csv=$PWD/benchmarks/results/lists.csv
entries=${1:-10000000}
vics=${2:-700000}
[ -x "$herken" ] || { echo "build herken first: cmake --build --preset release" >&2; exit 2; }

work=$(mktemp -d "${TMPDIR:-/tmp}/herken-lists-XXXXXX")
trap 'rm -rf "$work"' EXIT
cc -O2 benchmarks/make_feed.c -o "$work/make_feed"
cc -O2 benchmarks/json_alone.c -o "$work/json_alone" $(pkg-config --cflags --libs jansson)
db=$work/lists.db

# Runs a command on one core and tells its seconds and its peak of memory.
run() { # NAME ENTRIES COMMAND...
    local name=$1 count=$2 peak=0 now start end
    shift 2
    start=$EPOCHREALTIME
    taskset -c "${cores:-0}" "$@" >"$work/out" 2>"$work/err" &
    local pid=$!
    while now=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
        peak=$now
        sleep 0.02
    done
    wait $pid || { echo "$name failed: $(tail -n 3 "$work/err")" >&2; exit 1; }
    end=$EPOCHREALTIME
    awk -v name="$name" -v n="$count" -v s="$(bc -l <<<"$end - $start")" -v kb="$peak" 'BEGIN {
        printf "%s,%d,%.3f,%.0f,%.0f\n", name, n, s, n / s, kb / 1024 }' | tee -a "$csv"
}
quiet=(--db "$db" --progress none --quiet)
common=("${quiet[@]}" --by ann)
list() { "$herken" list "$@" "${common[@]}" >/dev/null; }
screen() { "$herken" list screen "$@" "${quiet[@]}" >/dev/null; }
size() { cat "$db"* | wc -c; }

echo "what,entries,seconds,entries_per_second,peak_mb" | tee "$csv"
"$work/make_feed" csv "$entries" >"$work/feed.csv"
"$work/make_feed" vics "$vics" 7 >"$work/feed.json"
"$work/make_feed" good 1000000 9 >"$work/good.txt"
"$work/make_feed" csv 1 11 >"$work/one.csv"

list create known
list create good --known-good
list import good "$work/good.txt" --no-screen
screen good
list approve good
run stage "$entries" "$herken" list import known "$work/feed.csv" --no-screen "${common[@]}"
cores=0,1 run screen "$entries" "$herken" list screen known "${quiet[@]}"
run approve "$entries" "$herken" list approve known --no-snapshot "${common[@]}"
echo >"$work/empty" # a file to look up
code() { "$@" || [ $? -le 3 ]; } # a match is no failure here
export -f code
look() { run "$1" 1 bash -c 'code "$@"' code "$herken" match --lists known "${quiet[@]}" "$work/empty"; }
look "first search, makes the snapshot"
look "search"
before=$(size)
list import known "$work/one.csv" --no-screen
screen known
run "approve one" 1 "$herken" list approve known --no-snapshot "${common[@]}"
after=$(size)
look "search after one"
echo "# one entry more: the store, its log and its snapshot grow by $((after - before)) bytes" | tee -a "$csv"
back=$("$herken" list log known --json --db "$db" | jq -s 'sort_by(-.revision) | .[1].revision')
run "roll one back" 1 "$herken" list rollback known --to "$back" --no-snapshot "${common[@]}"
look "search after rollback"
run "stage again, nothing new" "$entries" "$herken" list import known "$work/feed.csv" --no-screen "${common[@]}"
run "verify" "$entries" "$herken" list verify "${quiet[@]}"
run "export csv" "$entries" "$herken" list export known --format csv --out "$work/out.csv" --db "$db"

ls -l "$work/feed.json" | awk '{ print "# Project VIC file: " $5 " bytes" }'
for i in 1 2 3; do
    list create "vics$i"
    run "json alone" "$vics" "$work/json_alone" "$work/feed.json"
    run "stage vics" "$vics" "$herken" list import "vics$i" "$work/feed.json" --no-screen "${common[@]}"
done
