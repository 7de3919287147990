#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The hash-check server under load, with the client on the same machine: single checks as a share of
# a bare handler's rate (they take turns), p99 at half of that load, and with reloads, single checks
# beside batches of 1,000, such batches alone, and the start. Lists are made up (make_feed.c); nothing asked for is in them.
# Writes results/serve.csv.
# usage: benchmarks/serve.sh [ENTRIES [SECONDS]]      (default: 1400000 5; 10000000 takes ten minutes)
set -euo pipefail
cd "$(dirname "$0")/.."
herken=$PWD/build/release/bin/herken
csv=$PWD/benchmarks/results/serve.csv
entries=${1:-1400000}
seconds=${2:-5}
[ -x "$herken" ] || { echo "build herken first: cmake --build --preset release" >&2; exit 2; }

work=$(mktemp -d "${TMPDIR:-/tmp}/herken-serve-XXXXXX")
pids=()
trap 'for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done; rm -rf "$work"' EXIT
cc -O2 benchmarks/make_feed.c -o "$work/make_feed"
cc -O2 benchmarks/bare_http.c -o "$work/bare" $(pkg-config --cflags --libs libmicrohttpd)
db=$work/serve.db
# load PORT CONNECTIONS ITEMS SECONDS [RATE]: requests/s, median and p99 in us, how many failed
load() {
    "$herken" bench serve --url "http://127.0.0.1:$1" --key-file "$work/key" --connections "$2" --items "$3" --seconds "$4" \
        ${5:+--rate "$5"} --json --quiet | jq -r '"\(.requests_per_s | round) \(.p50_us | round) \(.p99_us | round) \(.failed)"'
}
note() { echo "\"$1\",$entries,$2,$3" | tee -a "$csv"; }

[ -s "$csv" ] || echo "what,entries,value,unit" >"$csv"
"$work/make_feed" csv "$entries" >"$work/feed.csv"
"$herken" list create known --db "$db" >/dev/null
"$herken" list import known "$work/feed.csv" --db "$db" --quiet --progress none >/dev/null
"$herken" list approve known --db "$db" --quiet --progress none >/dev/null
rm "$work/feed.csv"
key=$("$herken" key create load --rate 0 --quota 0 --near 0 --json --quiet --db "$db" | jq -r .key)
echo "$key" >"$work/key"

start=$EPOCHREALTIME
"$herken" serve --db "$db" --listen 127.0.0.1:0 --max-distance 31 2>"$work/log" &
pids+=($!)
until grep -q 'listening on' "$work/log"; do sleep 0.005; done
port=$(sed -n 's/.*127.0.0.1:\([0-9]*\),.*/\1/p' "$work/log")
curl -sf -H "Authorization: Bearer $key" -H 'Content-Type: application/json' -o /dev/null \
    -d '{"items":[{"pdq":"ee9b15a06770421d0ae18f68d91d5852d23a87457b19ff1838d78136d678db5b"}]}' "http://127.0.0.1:$port/v1/check"
note "start to first answer" "$(bc -l <<<"scale=3; ($EPOCHREALTIME - $start) / 1")" s

mkfifo "$work/open"
"$work/bare" "$(nproc)" <"$work/open" >"$work/port" &
pids+=($!)
exec 9>"$work/open"
until [ -s "$work/port" ]; do sleep 0.05; done
read -r bare <"$work/port"

load "$port" 8 1 2 >/dev/null # warm
shares=()
for _ in 1 2 3 4 5; do
    read -r floor _ < <(load "$bare" 8 1 "$seconds")
    read -r rate median p99 bad < <(load "$port" 8 1 "$seconds")
    note "bare handler" "$floor" requests/s
    note "single checks" "$rate" requests/s
    shares+=("$(bc -l <<<"scale=3; $rate / $floor")")
    [ "$bad" = 0 ] || { echo "$bad requests failed" >&2; exit 1; }
done
note "share of the bare handler, median of 5" "$(printf '%s\n' "${shares[@]}" | sort -g | sed -n 3p)" share
half=$((rate / 2))
read -r _ _ p99 _ < <(load "$bare" 8 1 "$seconds" "$half")
note "half load: p99 of the bare handler" "$p99" us # what the machine itself adds
read -r rate median p99 bad < <(load "$port" 8 1 "$seconds" "$half")
note "half load: asked" "$half" requests/s
note "half load: median" "$median" us
note "half load: p99" "$p99" us

load "$port" 8 1 "$((2 * seconds))" "$half" >"$work/during" &
loader=$!
sleep 1
for _ in 1 2 3 4 5; do kill -HUP "${pids[0]}"; sleep 1.1; done
wait $loader
read -r rate median p99 bad <"$work/during"
note "half load, 5 reloads: p99" "$p99" us
note "half load, 5 reloads: failed" "$bad" requests

# Single checks beside two clients that send batches without pause, at 4,000 a second, in turns.
for _ in 1 2 3; do
    read -r _ _ p99 _ < <(load "$port" 8 1 "$seconds" 4000)
    note "4000/s: p99" "$p99" us
    load "$port" 2 1000 "$((seconds + 2))" >"$work/beside" &
    loader=$!
    sleep 1
    read -r _ _ p99 bad < <(load "$port" 8 1 "$seconds" 4000)
    wait $loader
    note "4000/s beside batches: p99" "$p99" us
    note "4000/s beside batches: failed" "$bad" requests
done

for connections in 2 4; do
    read -r rate median p99 bad < <(load "$port" $connections 1000 "$seconds")
    note "batches of 1000, $connections connections" "$((rate * 1000))" hashes/s
done
note "peak memory" "$(awk '/VmHWM/ { print int($2 / 1024) }' "/proc/${pids[0]}/status")" MB
