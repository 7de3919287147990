#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Recall of edited copies at a stated false-match rate: results/recall-*.csv and .svg. Close pairs that a person
# has judged are in results/recall-judged.csv; those that nobody has yet are in build/recall/leaks.csv.
# usage: benchmarks/recall.sh [IMAGES [DISTRACTORS]]     (default: the photos and hashes in ../shared)
set -euo pipefail
cd "$(dirname "$0")/.."
herken=build/release/bin/herken
images=${1:-../shared/images/photos}
distractors=${2-$([ $# -gt 0 ] || echo ../shared/distractors/pdq.csv)}
results=benchmarks/results
out=build/recall
[ -d "$images" ] || { echo "no folder '$images': name one with photos" >&2; exit 2; }
[ -x "$herken" ] || { cmake --preset release && cmake --build --preset release --target herken-command; } >&2
command -v gnuplot >/dev/null || { echo "gnuplot is missing: tools/bootstrap.sh bench" >&2; exit 2; }

# table CSV: the README's table, of photos, ready to be put there
table() {
    awk -F, '
        function share(x) { x = sprintf("%.2f", x); sub(/^0/, "", x); return x }
        function plain(x) { if (x >= 1e-4) return sprintf("%.1g", x); x = sprintf("%.9f", sprintf("%.1g", x)); sub(/0+$/, "", x); return x }
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["kind"] == "photo" && ($at["method"] != "pdq31" || $at["radius"] == 31) {
            m = $at["method"]
            recall[$at["edit"], m] = $at["recall"]
            radii[m] = $at["radius"] ($at["exact_radius"] == "" ? "" : ", " $at["exact_radius"]) ($at["aligned_radius"] == "" ? "" : " and, aligned, " $at["aligned_radius"])
            n = $at["n"]
            if ($at["list_size"] != "") list = $at["list_size"]
            pairs[m] = $at["stranger_pairs"]
            seen[m] = $at["false_matches_seen"]; rate[m] = $at["false_match_rate"]; upper[m] = $at["false_match_upper"]
            bound[m] = $at["false_match_calibrated"]
        }
        # The least and the most of many edits, or each of a few.
        function cell(m, edits, range,    e, count, i, x, low, high, out) {
            count = split(edits, e, " "); low = 2; high = -1
            for (i = 1; i <= count; i++) {
                x = (e[i], m) in recall ? share(recall[e[i], m]) : "-"
                out = out (i > 1 ? ", " : "") x
                if (x != "-" && x + 0 < low + 0) low = x
                if (x != "-" && x + 0 > high + 0) high = x
            }
            return !range ? out : low == high ? low : low "-" high
        }
        function row(label, edits, range,    i) {
            printf "| %s |", label
            for (i = 1; i <= columns; i++) printf " %s |", cell(method[i], edits, range)
            print ""
        }
        END {
            columns = split("pdq31 review-hashes review review-frames gate-hashes gate", method, " ")
            printf "%d photos each, a list of %d:\n\n| edit | PDQ at 31 |", n, list
            for (i = 2; i <= columns; i++) printf " %s, %s bits |", method[i], radii[method[i]]
            printf "\n|---|"
            for (i = 1; i <= columns; i++) printf "---|"
            print ""
            row("JPEG 90 to 20, WebP, blur, sharpen, noise, brightness, contrast, gamma, hue", "jpeg-90 jpeg-50 jpeg-20 webp-80 blur sharpen noise brightness contrast gamma hue", 1)
            row("half, a quarter of the size", "resize-50 resize-25")
            row("mirrored, colours inverted", "mirror invert")
            row("turned by 1, 3, 5 degrees", "rotate-1 rotate-3 rotate-5")
            row("caption, watermark, logo", "caption watermark logo")
            row("cropped by 2, 5, 10, 20 %", "crop-02 crop-05 crop-10 crop-20")
            row("cropped by 2, 3, 5 %, half size, JPEG 40", "chain-crop02-half-jpeg40 chain-crop03-half-jpeg40 chain-crop05-half-jpeg40")
            row("cropped by 5 %, half size, JPEG 40, with caption and gamma", "chain-crop05-half-jpeg40-caption-gamma")
            row("border of 5, 10 %, black and white", "border-black-05 border-black-10 border-white-05 border-white-10", 1)
            row("letterbox, screenshot", "letterbox screenshot")
            printf "| false matches to expect in a look-up |"
            for (i = 1; i <= columns; i++) {
                m = method[i]
                if (bound[m] != "") printf " %s |", plain(bound[m])
                else if (upper[m] == "") printf " unknown |"
                else if (seen[m] + 0 == 0) printf " under %.2g: none seen in %.0f million pairs |", upper[m], pairs[m] / 1e6
                else printf " %.2g |", rate[m]
            }
            print ""
        }' "$1"
}

options=(--images "$images" --out "$out" --seed 1)
[ -z "$distractors" ] || options+=(--distractors "$distractors")
[ ! -e $results/recall-judged.csv ] || options+=(--judged $results/recall-judged.csv)
mkdir -p "$results" "$out"
"$herken" bench recall "${options[@]}"
cp "$out"/recall-{edits,curves,distances,budget}.{csv,svg} "$results"
echo
table "$results/recall-edits.csv"
echo "$results/recall-*.csv and .svg; close pairs: $out/leaks.csv" >&2
