#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Time per query over the length of the list, for every engine, one query at a time on one core:
# results/search-random.csv and .svg. All engines of one length take turns in one run.
# usage: benchmarks/search.sh [LENGTH...]      (default: 10k to 100M; 100M takes 16 GB and minutes)
set -euo pipefail
cd "$(dirname "$0")/.."
herken=build/release/bin/herken
results=benchmarks/results
csv=$results/search-random.csv
mkdir -p "$results"
[ $# -gt 0 ] || set -- 10k 30k 100k 300k 1M 1.4M 3M 10M 30M 100M
command -v gnuplot >/dev/null || { echo "gnuplot is missing: tools/bootstrap.sh bench" >&2; exit 2; }

fields='["engine","n","radius","batch","us_per_query","p99_us","build_s","open_ms","bytes_per_hash","tables","hits","hits_equal_flat"]'
jq -nr "$fields | @csv" >"$csv"
for n; do
    engines=(--engine auto --engine flat)
    queries=4000
    case $n in
        30M) queries=1000 ;;
        100M) queries=400; engines=(--engine auto) ;;
        *) engines+=(--engine faiss:BFlat --engine faiss:BHash16x16) ;;
    esac
    "$herken" bench search --json --n "$n" --queries "$queries" "${engines[@]}" |
        tee /dev/stderr | jq -r "$fields as \$f | . as \$o | [\$f[] | \$o[.]] | @csv" >>"$csv"
done

# One column per engine, for gnuplot.
of() { awk -F, -v e="\"$1\"" '$1 == e { print $2, $5 }' "$csv"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for e in auto flat faiss:BFlat faiss:BHash16x16; do of "$e" >"$work/${e#faiss:}"; done
gnuplot <<PLOT
set terminal svg size 760,480 font "sans,13" background "white"
set output "$results/search-random.svg"
set logscale xy
set xlabel "hashes in the list"
set ylabel "microseconds a query"
set title "Everything within 31 bits, one query at a time, one core"
set grid xtics ytics lc rgb "#dddddd"
set key left top
set xtics ("10 k" 1e4, "100 k" 1e5, "1 M" 1e6, "10 M" 1e7, "100 M" 1e8)
plot "$work/BFlat" with linespoints lw 2 pt 7 lc rgb "#b0b0b0" title "FAISS BFlat (a scan)", \
     "$work/BHash16x16" with linespoints lw 2 pt 5 lc rgb "#7a9cc6" title "FAISS BHash16x16, complete", \
     "$work/flat" with linespoints lw 2 pt 9 lc rgb "#d9a441" title "herken flat (a scan)", \
     "$work/auto" with linespoints lw 3 pt 7 lc rgb "#1b6e53" title "herken auto"
PLOT
echo "$csv and $results/search-random.svg" >&2
