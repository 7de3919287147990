#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a budget of false matches buys: crops, captions and equalised pictures found on a list of so many entries, with the radii that
# `herken match` would take within it. results/aligned-curves.csv and .svg.
# usage: benchmarks/aligned.sh [IMAGES [ENTRIES]]     (default: the photos in ../shared, 1400000)
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/build/release/bin
images=${1:-../shared/images/photos}
entries=${2:-1400000}
results=benchmarks/results
[ -d "$images" ] || { echo "no folder '$images': name one with photos" >&2; exit 2; }
[ -x "$bin/calibrate" ] || { cmake --preset release && cmake --build --preset release; } >&2
command -v gnuplot >/dev/null || { echo "gnuplot is missing: tools/bootstrap.sh bench" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$bin/herken" hash --json --quiet "$images" | jq -r 'select(.hash) | "\(.hash) \(.path)"' >"$work/originals"
number=0
while read -r hash path; do
    number=$((number + 1))
    echo "$number,$hash" >>"$work/hashes.csv"
    mkdir -p "$work/copies/$number"
    "$bin/herken-edits" --only crop-02,crop-05,crop-10,crop-20,caption,equalise --name "${path#"$images"/}" "$path" "$work/copies/$number" >&2
done <"$work/originals"
"$bin/calibrate" copies "$work/hashes.csv" "$work/copies" "$bin/herken-worker" >"$work/copies.csv"
"$bin/calibrate" curve "$work/copies.csv" "$entries" >"$work/curves"
# One edit after another: where a line breaks off, gnuplot begins a new one.
{ head -n 1 "$work/curves"; tail -n +2 "$work/curves" | LC_ALL=C sort -s -t, -k1,1; } >$results/aligned-curves.csv

gnuplot <<PLOT
set terminal svg size 860,560 font 'sans,13' background 'white' noenhanced
set output '$results/aligned-curves.svg'
set datafile separator ','
set logscale x
set title 'What a budget buys: copies found by plain, exact and aligned look-ups together'
set xlabel 'false matches expected in a look-up of $entries entries (95 % upper bound)'
set ylabel 'recall'
set yrange [0:1]
set grid lc rgb '#dddddd'
set format x '%g'
set key right bottom
set arrow from 1e-6, graph 0 to 1e-6, graph 1 nohead lc rgb '#a0a0a0' dt 2
set arrow from 1e-3, graph 0 to 1e-3, graph 1 nohead lc rgb '#a0a0a0' dt 2
set label 'gate' at 1.2e-6, graph .97
set label 'review' at 1.2e-3, graph .97
plot '$results/aligned-curves.csv' using (strcol(1) eq 'crop-02' ? \$2 : NaN):10 with steps lw 2 lc rgb '#1b6e53' title 'cropped by 2 %', \
     '' using (strcol(1) eq 'crop-05' ? \$2 : NaN):10 with steps lw 2 lc rgb '#d9a441' title '5 %', \
     '' using (strcol(1) eq 'crop-10' ? \$2 : NaN):10 with steps lw 2 lc rgb '#c46a5a' title '10 %', \
     '' using (strcol(1) eq 'crop-20' ? \$2 : NaN):10 with steps lw 2 lc rgb '#7a9cc6' title '20 %', \
     '' using (strcol(1) eq 'caption' ? \$2 : NaN):10 with steps lw 2 lc rgb '#8a6fb0' title 'caption', \
     '' using (strcol(1) eq 'equalise' ? \$2 : NaN):10 with steps lw 2 lc rgb '#8c8c8c' title 'equalised'
PLOT
echo "$results/aligned-curves.csv and .svg" >&2
