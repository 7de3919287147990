#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How fast files are hashed, by material, size and format, against libjpeg-turbo's own grey decode, where the time goes
# and what MD5, SHA-1 and SHA-256 cost on top: results/hash-classes.csv and .svg. Materials take turns; medians of RUNS.
# Pictures of 12 megapixels are made in a temporary folder: mosaics of the small ones, with grain.
# usage: benchmarks/hash.sh [PHOTOS]      (default ../shared/images/photos; RUNS=3, REPEATS=5)
set -euo pipefail
cd "$(dirname "$0")/.."
herken=build/release/bin/herken
photos=${1:-../shared/images/photos}
results=benchmarks/results
csv=$results/hash-classes.csv
[ -d "$photos" ] || { echo "no folder '$photos': name one with photos" >&2; exit 2; }
[ -x "$herken" ] || { cmake --preset release && cmake --build --preset release --target herken-command; } >&2
for tool in gnuplot vips jq; do
    command -v $tool >/dev/null || { echo "$tool is missing: tools/bootstrap.sh bench" >&2; exit 2; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$results"

# mosaic N FILE...: 25 tiles of 800x600 with grain, saved baseline, progressive and as PNG
mosaic() {
    local n=$1 tiles=() file
    shift
    for file; do
        tiles+=("$work/tile${#tiles[@]}.v")
        vips thumbnail "$file" "${tiles[-1]}" 800 --height 600 --size both --crop centre
    done
    vips arrayjoin "${tiles[*]}" "$work/whole.v" --across 5
    vips gaussnoise "$work/grain.v" 4000 3000 --mean 0 --sigma 4
    vips add "$work/whole.v" "$work/grain.v" "$work/sum.v"
    vips cast "$work/sum.v" "$work/grainy.v" uchar
    vips jpegsave "$work/grainy.v" "$work/baseline/$n.jpg" --Q 90
    vips jpegsave "$work/grainy.v" "$work/progressive/$n.jpg" --Q 90 --interlace
    vips pngsave "$work/grainy.v" "$work/png/$n.png" --compression 1
    rm "$work"/*.v
}
mapfile -t small < <(find "$photos/kodak" "$photos/cid22" -type f 2>/dev/null | LC_ALL=C sort)
names=() folders=()
if [ ${#small[@]} -ge 25 ]; then
    mkdir "$work"/{baseline,progressive,png}
    mosaic 1 "${small[@]:0:25}"
    mosaic 2 "${small[@]: -25}"
    names=("12 MP baseline" "12 MP progressive" "12 MP PNG")
    folders=("$work/baseline" "$work/progressive" "$work/png")
fi
for name in clothing grocery kodak cid22 wallpapers; do
    [ ! -d "$photos/$name" ] || { names+=("$name"); folders+=("$photos/$name"); }
done
[ ${#names[@]} -gt 0 ] || { names=(photos); folders=("$photos"); }

for folder in "${folders[@]}"; do find "$folder" -type f -exec cat {} + >/dev/null; done # into memory
for ((run = 0; run < ${RUNS:-3}; run++)); do
    for i in "${!names[@]}"; do
        "$herken" bench hash --json --repeats "${REPEATS:-5}" "${folders[i]}" |
            jq -c --arg material "${names[i]}" '.classes[] + {material: $material}'
    done
done >"$work/runs"

# A row for each material, class and format: of each figure the median of the runs.
fields='["material","class","format","files","images_per_s","ms_median","ms_p95","ms_mean","floor_ratio","digests_on_top","read_ms","digest_ms","decode_ms","grid_ms","dct_ms","bits_ms"]'
{
    jq -nr "$fields | @csv"
    jq -sr "$fields as \$f |"' def median: sort | .[length / 2 | floor];
        map(. + (.ms_mean_of | with_entries(.key += "_ms"))) | group_by([.material, .class, .format]) | sort_by(map(.ms_mean) | median)[] |
        . as $runs | [$f[] as $k | $runs | map(.[$k]) | median | if type == "number" then . * 100000 | round / 100000 else . end] | @csv' "$work/runs"
} >"$csv"

# Shares of the time, and the floor ratio over each bar.
tail -n +2 "$csv" | awk -F, '{
    gsub(/"/, ""); total = $11 + $13 + $14 + $15 + $16
    label = $1 "\\n" $2 ", " $3
    printf "\"%s\"\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t\"%s\"\t\"%+.0f %%\"\n", label, 100 * $11 / total, 100 * $13 / total,
        100 * $14 / total, 100 * ($15 + $16) / total, 100 * $12 / total, $9 == "" ? "" : sprintf("%.2f", $9), 100 * $10 }' >"$work/bars"
gnuplot <<PLOT
set terminal svg size 1100,560 font "sans,13" background "white"
set output "$results/hash-classes.svg"
set style data histograms
set style histogram rowstacked
set style fill solid 1 noborder
set boxwidth 0.7
set datafile separator "\t"
set ylabel "% of the time without digests"
set title "Where the time goes; over the bars: our time over libjpeg-turbo's own grey decode"
set grid ytics lc rgb "#dddddd"
set key outside right top
set xtics rotate by -40 left font "sans,11"
set yrange [0:150]
plot "$work/bars" using 3:xtic(1) lc rgb "#b0b0b0" title "decode", \
     "" using 2 lc rgb "#7a9cc6" title "read", \
     "" using 4 lc rgb "#1b6e53" title "grid", \
     "" using 5 lc rgb "#d9a441" title "DCT and bits", \
     "" using 6 lc rgb "#e8dcc0" title "three digests, on top", \
     "" using 0:(\$2+\$3+\$4+\$5+\$6+4):7 with labels font "sans,11" notitle
PLOT
column -s, -t "$csv" >&2
jq -sr 'map(select(.material == "clothing")) | if length == 0 then empty else
    (map(.digests_on_top) | sort | .[length / 2 | floor]) as $d |
    "three digests on top of hashing clothing: \($d * 1000 | round / 10) % (reach: 25 %)" end' "$work/runs" >&2
echo "$csv and $results/hash-classes.svg" >&2
