#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Do two workers of one run keep up with two runs of one worker each? The same files, twice over so
# that start-up does not count, alternated; medians of the rounds.
# usage: benchmarks/workers.sh FOLDER [ROUNDS]
set -euo pipefail
folder=${1:?usage: benchmarks/workers.sh FOLDER [ROUNDS]}
rounds=${2:-7}
herken=$(cd "$(dirname "$0")/.." && pwd)/build/release/bin/herken
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Each half holds every second file, several times over.
times=8
for _ in $(seq $times); do find "$folder" -type f -print0 | sort -z; done >"$work/all"
tr '\n\0' '\0\n' <"$work/all" | awk 'NR % 2' | tr '\n\0' '\0\n' >"$work/odd"
tr '\n\0' '\0\n' <"$work/all" | awk 'NR % 2 == 0' | tr '\n\0' '\0\n' >"$work/even"
files=$(tr -dc '\0' <"$work/all" | wc -c)

hash() { "$herken" hash --quiet --threads "$1" --files0-from "$2" >/dev/null 2>&1 || [ $? = 3 ]; }
now() { date +%s%N; }
hash 2 "$work/all" # warm
for _ in $(seq "$rounds"); do
    t0=$(now); hash 2 "$work/all"; t1=$(now)
    hash 1 "$work/odd" & hash 1 "$work/even"; wait $!
    t2=$(now)
    echo "$((t1 - t0)) $((t2 - t1))"
done | awk -v files="$files" '
    { one[NR] = $1; two[NR] = $2; ratio[NR] = $2 / $1 }
    function median(a, n,   i, j, t) { for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (a[j] < a[i]) { t = a[i]; a[i] = a[j]; a[j] = t } return a[int((n + 1) / 2)] }
    END { r = median(ratio, NR)
          printf "%d files: two workers %.0f/s, two runs of one worker %.0f/s together; ratio %.3f (median of %d)\n",
                 files, files * 1e9 / median(one, NR), files * 1e9 / median(two, NR), r, NR }'
