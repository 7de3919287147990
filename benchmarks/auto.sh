#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Does `auto` choose well? For lengths, radii and batches, its time over that of the better of tables
# (mih) and scan (flat), in one run each: results/search-auto.csv. The tables of mih are those made for
# the radius.
# usage: benchmarks/auto.sh
set -euo pipefail
cd "$(dirname "$0")/.."
herken=build/release/bin/herken
csv=benchmarks/results/search-auto.csv
mkdir -p benchmarks/results
echo "n,radius,batch,data,auto_us,mih_us,flat_us,auto_over_best" >"$csv"
for data in random adversarial; do
    for n in 3k 10k 30k 100k 300k 1M; do
        for radius in 15 31 45 60; do
            for batch in 1 16 1000; do
                [ $data = random ] || [ $batch != 1000 ] || continue
                engines=(--engine auto --engine flat --engine mih)
                [ $data = random ] || engines=(--engine auto --engine flat) # mih takes seconds there
                "$herken" bench search --quiet --json --no-check --data $data --n $n --radius $radius \
                    --batch $batch --queries 2000 "${engines[@]}" |
                    jq -rs --arg data $data '[.[0].n, .[0].radius, .[0].batch, $data, .[0].us_per_query, .[2].us_per_query,
                        .[1].us_per_query, .[0].us_per_query / ([.[].us_per_query][1:] | min)] | @csv' |
                    tr -d '"' | tee -a "$csv"
            done
        done
    done
done
awk -F, 'NR > 1 { if ($8 > worst) { worst = $8; line = $0 } over += $8 > 1.5; n++ }
    END { printf "%d cells, %d over 1.5; the worst %.2f: %s\n", n, over, worst, line }' "$csv"
