#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# From the start of the process to its first answer out of a snapshot, cache warm: medians of 21.
# usage: benchmarks/open.sh [HASHES] [FOLDER]     (default: 10000000; 1.8 GB in $TMPDIR or /tmp)
set -euo pipefail
hashes=${1:-10000000}
herken=$(cd "$(dirname "$0")/.." && pwd)/build/release/bin/herken
work=$(mktemp -d "${2:-${TMPDIR:-/tmp}}/herken-open-XXXXXX")
trap 'rm -rf "$work"' EXIT

# Random bits; those too far from 128 ones are left out of the list, so some more are made.
head -c $((hashes * 32 * 105 / 100)) /dev/urandom | xxd -p -c 32 | awk '{ print $1 ",100" }' >"$work/list"
"$herken" index build --quiet --list "$work/list" --out "$work/snap" 2>/dev/null
ls -l "$work/snap" | awk '{ print $5 " bytes" }'
head -n 2000 "$work/list" | cut -d, -f1 >"$work/asked"
"$herken" index search "$work/snap" - <"$work/asked" >/dev/null || true # warm
for i in $(seq 21); do
    query=$(sed -n "$((i * 90))p" "$work/asked")
    t0=$(date +%s%N)
    "$herken" index search "$work/snap" "$query" >/dev/null || true
    echo $(($(date +%s%N) - t0))
done | sort -n | awk '{ t[NR] = $1 } END { printf "process start to first answer: %.1f ms (median of %d, %.1f to %.1f)\n", t[int((NR + 1) / 2)] / 1e6, NR, t[1] / 1e6, t[NR] / 1e6 }'
