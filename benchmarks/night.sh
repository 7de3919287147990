#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a run that is kept (herken match --case) costs:
#   plan    walking and planning many files, and the main process' peak of memory
#   rate    a whole run over pictures against a list of random entries, and the rate predicted from
#           its parts, measured by themselves on the same files with as many workers: reading,
#           digests, decoding and hashing (herken hash), and searching (herken bench search)
#   small   what the case adds to the time of many small files
#   kill    runs killed at a random moment each, and resumed: whether their exports are the whole
#           run's, and how much work they did twice
# Everything is made up and lies in a folder that is removed; a million planned files take 1 million
# inodes there. Writes results/night.csv.
# usage: benchmarks/night.sh [PLANNED [PICTURES [SMALL [ENTRIES [KILLS]]]]]
#        (default: 1000000 6000 100000 1400000 30)
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/build/release/bin
herken=$bin/herken
csv=${CSV:-$PWD/benchmarks/results/night.csv}
planned=${1:-1000000}
pictures=${2:-6000}
small=${3:-100000}
entries=${4:-1400000}
kills=${5:-30}
workers=${WORKERS:-$(nproc)}
[ -x "$herken" ] || { echo "build herken first: cmake --build --preset release" >&2; exit 2; }

work=$(mktemp -d "${TMPDIR:-/tmp}/herken-night-XXXXXX")
trap 'rm -rf "$work"' EXIT
cc -O2 benchmarks/make_feed.c -o "$work/make_feed"
cc -O2 benchmarks/make_pictures.c -o "$work/make_pictures" -ljpeg -lm
echo "what,value,unit" | tee "$csv"
note() { echo "$1,$2,$3" | tee -a "$csv"; }
calc() { awk "BEGIN { printf \"%.${2:-3}f\", $1 }"; }

# Runs a command; its peak of memory (kB) goes to $work/peak, stdout and stderr to out and err.
watch() {
    local now peak=0 code=0
    "$@" >"$work/out" 2> >(while read -r line; do echo "$EPOCHREALTIME $line"; done >"$work/err") &
    local pid=$!
    while now=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
        peak=$now
        sleep 0.02
    done
    wait $pid || code=$?
    echo "$peak" >"$work/peak"
    [ $code -le 3 ] && [ $code != 2 ] || { tail -n 3 "$work/err" >&2; exit 1; }
}
# When the last command began to read files.
running() { awk '/"phase":"running"/ { print $1; exit }' "$work/err"; }
json=(--progress json --threads "$workers")
cores=$(nproc)
note workers "$workers" processes
note cores "$cores" cores

# ---- the list: its snapshot is made once, before anything is timed
db=$work/lists.db
"$work/make_feed" csv "$entries" >"$work/feed.csv"
quiet=(--db "$db" --quiet --by bench)
"$herken" list create known "${quiet[@]}" >/dev/null
"$herken" list import known "$work/feed.csv" --no-screen "${quiet[@]}" >/dev/null
"$herken" list screen known --db "$db" --quiet --progress none >/dev/null || true
"$herken" list approve known "${quiet[@]}" >/dev/null
rm "$work/feed.csv"

# ---- plan
if [ "$planned" -gt 0 ]; then
    mkdir "$work/many"
    for ((d = 0; d * 1000 < planned; d++)); do
        mkdir "$work/many/$d"
        (cd "$work/many/$d" && seq -f "f%04g.jpg" 1000 | xargs touch)
    done
    start=$EPOCHREALTIME
    watch "$herken" match --db "$db" --case "$work/plan.case" "${json[@]}" "$work/many"
    note planned "$planned" files
    note "walking and planning" "$(calc "$(running) - $start")" s
    note "the whole run over them, of empty files" "$(calc "$EPOCHREALTIME - $start")" s
    note "peak of the main process" "$(calc "$(cat "$work/peak") / 1024" 0)" MB
    rm -rf "$work/many" "$work/plan.case"*
fi

# ---- rate
mkdir "$work/pictures"
"$work/make_pictures" "$work/pictures" "$pictures" 640 480
find "$work/pictures" -type f -exec cat {} + >/dev/null # warm
start=$EPOCHREALTIME
watch "$herken" hash --json --digests "${json[@]}" "$work/pictures"
hash_s=$(calc "$EPOCHREALTIME - $start")
note "pictures" "$pictures" files
note "read, digests, decode, hash" "$(calc "$pictures / $hash_s" 1)" files/s

start=$EPOCHREALTIME
watch "$herken" match --db "$db" --case "$work/whole.case" "${json[@]}" "$work/pictures"
whole_s=$(calc "$EPOCHREALTIME - $start")
"$herken" match --json --quiet --db "$db" "$work/pictures/0000/000000.jpg" >"$work/account" || true
search() { # RADIUS: of eight orientations, and inverted
    "$herken" bench search --json --quiet --progress none --n "$entries" --queries 512 --batch 16 \
        --radius "$1" --no-check 2>/dev/null | jq -s '16 * .[0].us_per_query'
}
radius=$(jq 'select(.account).account.radius.photo' "$work/account")
exact=$(jq 'select(.account).account.exact_radius.photo' "$work/account")
us=$(search "$radius")
exact_us=$(search "$exact")
note "search by the plain hash, within $radius bits" "$us" us
note "search by the exact grid's, within $exact bits" "$exact_us" us
us=$(calc "$us + $exact_us")
share=$((workers < cores ? workers : cores))
predicted=$(calc "$pictures / ($hash_s + $pictures * $us / 1000000 / $share)" 1)
measured=$(calc "$pictures / $whole_s" 1)
note "predicted" "$predicted" files/s
note "measured, start to end" "$measured" files/s
note "measured / predicted" "$(calc "$measured / $predicted")" ratio

# ---- kill: each time a case of its own, killed once at a random moment of its run
if [ "$kills" -gt 0 ]; then
    mkdir "$work/few"
    for folder in "$work"/pictures/*; do
        cp -r "$folder" "$work/few/"
        [ "$(find "$work/few" -type f | wc -l)" -lt 4000 ] || break
    done
    few=("$herken" match --db "$db" --threads "$workers" "$work/few")
    exports() { for f in csv jsonl vics; do "$herken" report "$1" --title night --$f - 2>/dev/null; done | sha256sum; }
    start=$EPOCHREALTIME
    "${few[@]}" --quiet --case "$work/few.case" >/dev/null 2>&1 || [ $? -le 3 ]
    few_s=$(calc "$EPOCHREALTIME - $start")
    few_rate=$(calc "$(find "$work/few" -type f | wc -l) / $few_s" 1)
    wanted=$(exports "$work/few.case")
    differ=0 stopped=0 most=0
    for ((k = 0; k < kills; k++)); do
        rm -f "$work"/killed.case*
        "${few[@]}" --progress json --case "$work/killed.case" >/dev/null 2>"$work/err" &
        pid=$!
        sleep "$(calc "$few_s * $RANDOM / 32768")"
        kill -KILL $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
        # What was done when it was killed, and what of that was in the case.
        told=$(jq -rs 'map(select(.phase == "running").done) | max // 0' "$work/err" 2>/dev/null || echo 0)
        kept=$("$herken" case info --json "$work/killed.case" 2>/dev/null |
            jq 'select(.account) | [.account | .hashed, .duplicate, .skipped, .failed] | add' || echo 0)
        lost=$(calc "($told - ${kept:-0}) / $few_rate")
        most=$(calc "(($lost > $most) ? $lost : $most)")
        "$herken" case info --json "$work/killed.case" 2>/dev/null | grep -q '"finished"' || stopped=$((stopped + 1))
        "${few[@]}" --quiet --case "$work/killed.case" >/dev/null 2>&1 || [ $? -le 3 ]
        [ "$(exports "$work/killed.case")" = "$wanted" ] || differ=$((differ + 1))
    done
    note "killed" "$kills" times
    note "of these before the end of the run" $stopped times
    note "resumed with other exports than the whole run's" $differ times
    note "work that was done again, at most" "$most" s
    rm -rf "$work"/few "$work"/*.case*
fi
rm -rf "$work/pictures"

# ---- small
mkdir "$work/small"
"$work/make_pictures" "$work/small" "$small" 64 48 2
find "$work/small" -type f -exec cat {} + >/dev/null
md5sum </dev/null | sed 's/.*/00000000000000000000000000000001  nothing/' >"$work/sums"
printf '%040d  nothing\n%s  nothing\n' 1 "$(sha256sum <"$0" | cut -d' ' -f1)" >>"$work/sums" # every digest is wanted, as in a case
"$herken" hash --quiet --format pdq "$work/small/0000/000000.jpg" >"$work/one"
best() { awk 'NR == 1 || $1 < m { m = $1 } END { print m }'; }
timed() { # COMMAND...: its seconds, and those of processors, which other work does not lengthen
    local TIMEFORMAT='%R %U %S'
    { time { "$@" >/dev/null 2>&1 || [ $? -le 3 ]; }; } 2>&1 | awk '{ print $1, $2 + $3 }'
}
lists=(--list "$work/one" --list "$work/sums" --threads "$workers" --quiet)
for round in 1 2 3; do
    timed "$herken" match --json "${lists[@]}" "$work/small"
done >"$work/without"
for round in 1 2 3; do
    rm -f "$work"/small.case*
    timed "$herken" match "${lists[@]}" --case "$work/small.case" "$work/small"
done >"$work/with"
without=$(best <"$work/without")
with=$(best <"$work/with")
without=${without%% *}
with=${with%% *}
note "small files" "$small" files
note "without a case" "$without" s
note "with a case" "$with" s
note "the case's share" "$(calc "100 * ($with - $without) / $with" 1)" %
without=$(cut -d' ' -f2 "$work/without" | best)
with=$(cut -d' ' -f2 "$work/with" | best)
note "the case's share of the processors' time" "$(calc "100 * ($with - $without) / $with" 1)" %
[ "$("$herken" match --json --quiet --case "$work/small.case" | jq .account.found)" = "$small" ]
note "the case" "$(stat -c %s "$work/small.case")" bytes
