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

options=(--images "$images" --out "$out" --seed 1)
[ -z "$distractors" ] || options+=(--distractors "$distractors")
[ ! -e $results/recall-judged.csv ] || options+=(--judged $results/recall-judged.csv)
mkdir -p "$results" "$out"
"$herken" bench recall "${options[@]}"
cp "$out"/recall-{edits,curves,distances}.{csv,svg} "$results"
echo "$results/recall-*.csv and .svg; close pairs: $out/leaks.csv" >&2
