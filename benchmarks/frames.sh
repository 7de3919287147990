#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What frames find against what they cost: results/frames.csv and .svg, from which models/pdq/frames.csv was
# chosen, and how many more strangers a framed entry draws: results/frames-strangers.csv.
# usage: benchmarks/frames.sh [IMAGES [DISTRACTORS]]     (default: the photos and hashes in ../shared)
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/build/release/bin
images=${1:-../shared/images/photos}
distractors=${2:-../shared/distractors/pdq.csv}
results=benchmarks/results
[ -d "$images" ] || { echo "no folder '$images': name one with photos" >&2; exit 2; }
[ -x "$bin/bench_frames" ] || { cmake --preset release && cmake --build build/release; } >&2
command -v gnuplot >/dev/null || { echo "gnuplot is missing: tools/bootstrap.sh bench" >&2; exit 2; }
export HERKEN_WORKER=$bin/herken-worker
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Every sixth photo: 106 of the shared ones.
edits=crop-02,crop-05,crop-10,crop-20,crop-30,chain-crop05-half-jpeg40
mkdir "$work/originals" "$work/all"
n=0
while read -r photo; do
    n=$((n + 1))
    name=$(printf '%04d' $n)
    ln "$photo" "$work/all/$name.${photo##*.}" 2>/dev/null || cp "$photo" "$work/all/$name.${photo##*.}"
    [ $((n % 6)) = 1 ] || continue
    cp "$photo" "$work/originals/$name.${photo##*.}"
    mkdir -p "$work/copies/$name"
    "$bin/herken-edits" --seed 7 --max-side 1200 --only $edits "$photo" "$work/copies/$name" >/dev/null
done < <(find "$images" -type f | LC_ALL=C sort)

"$bin/bench_frames" recall "$work/originals" "$work/copies" none 1@.80+2@.88 2@.90+3@.80 3@.88+4@.76 \
    2@.92+3@.84+4@.76 3@.90+4@.80+5@.70 3@.91+4@.82+6@.73 model 2@.96+3@.92+4@.88+5@.84+6@.80 \
    4@.90+6@.80+8@.70 2@.94+4@.86+6@.78+8@.70 >"$work/found.csv"

# Shares within 75 bits of a probe, and once refined within 10, 14, 18 and 22; one_refined: of the nearest
# hash alone instead of three; upright: of the exact hash as the one probe.
awk -F, 'NR > 1 {
    key = $3 "," $4 "," $1; if (!(key in n)) order[++keys] = key
    n[key]++; near[key] += $7 <= 75; ten[key] += $9 <= 10; low[key] += $9 <= 14; mid[key] += $9 <= 18; high[key] += $9 <= 22
    first[key] += $8 <= 18; one[key] += $11 <= 18; up[key] += $12 <= 18; plain[key] += $5 <= 24 || $6 <= 18 }
  BEGIN { print "grid,hashes,edit,n,candidates,within10,within14,within18,within22,one_refined18,upright_one_refined18,upright18,plain24" }
  END { for (k = 1; k <= keys; k++) { key = order[k]
    printf "%s,%d,%.4f,%.4f,%.4f,%.4f,%.4f,%.4f,%.4f,%.4f,%.4f\n", key, n[key], near[key] / n[key], ten[key] / n[key], low[key] / n[key],
        mid[key] / n[key], high[key] / n[key], first[key] / n[key], one[key] / n[key], up[key] / n[key], plain[key] / n[key] } }' \
    "$work/found.csv" >$results/frames.csv

for edit in ${edits//,/ }; do
    awk -F, -v e="$edit" '$3 == e { print $2, $8, ($1 == "model") }' $results/frames.csv | sort -n >"$work/$edit.dat"
done
gnuplot <<PLOT
set terminal svg size 800,500 font "sans,13" background "white"
set output "$results/frames.svg"
set title "Crops within 18 bits of an entry, refined, by the frames of each image"
set xlabel "hashes of frames for each image"
set ylabel "share found"
set yrange [0:1.02]
set xrange [-2:124]
set key outside right
set grid
plot for [e in "${edits//,/ }"] "$work/".e.".dat" using 1:2 with linespoints pointtype 7 pointsize .5 title e, \
     "$work/crop-20.dat" using (\$3 == 1 ? \$1 : NaN):2 with points pointtype 6 pointsize 1.6 linecolor "black" title "chosen"
PLOT

# How many pairs of a stranger and a photo, and of two photos once aligned, are how near. Copies among the
# photos show as pairs within 31 bits.
grep -E ',A(-small)?,' "$distractors" >"$work/strangers"
"$bin/bench_frames" strangers "$work/all" "$work/strangers" model | cut -d, -f2- >$results/frames-strangers.csv
"$bin/bench_frames" aligned "$work/all" none model | awk -F, 'NR > 1 { for (d = 30; d <= 74; d += 4) { all[$1, d] += $6 <= d && $6 > 31 } }
  END { print "aligned,plain,framed"; for (d = 34; d <= 74; d += 4) print d "," all["none", d] + 0 "," all["model", d] + 0 }' >$results/frames-aligned.csv
echo "$results/frames.csv, .svg, frames-strangers.csv, frames-aligned.csv" >&2
