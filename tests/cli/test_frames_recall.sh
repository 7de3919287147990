#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the frames of models/pdq/frames.csv find of crops of shared photos: floors a little under what was
# measured (benchmarks/results/frames.csv).
shared=${SHARED:-$(cd "$(dirname "$0")/../../.." && pwd)/shared}
[ -d "$shared/images/photos" ] || { echo "skipped: no shared folder beside the project"; exit 77; }
. "$(dirname "$0")/lib.sh"
bin=$(dirname "$HERKEN")
export HERKEN_WORKER=$bin/herken-worker

mkdir originals copies
find "$shared/images/photos" -type f | LC_ALL=C sort | awk 'NR % 16 == 5' >sample
while read -r photo; do
    n=$(printf '%03d' $((10#${n:-0} + 1)))
    cp "$photo" "originals/$n.${photo##*.}"
    mkdir copies/$n
    "$bin/herken-edits" --seed 5 --max-side 1200 --only crop-05,crop-20 "$photo" copies/$n >/dev/null
done <sample
"$bin/bench_frames" recall originals copies none model >found.csv || fail "it cannot be measured"
# share EDIT GRID: of the copies, within 18 bits once refined; in percent
share() { awk -F, -v e="$1" -v g="$2" '$1 == e && $3 == g { n++; k += $9 <= 18 } END { print n ? int(100 * k / n) : -1 }' found.csv; }
for floor in crop-05:95 crop-20:85; do
    edit=${floor%:*}
    echo "$edit: $(share $edit none) % without frames, $(share $edit model) % with"
    [ "$(share $edit model)" -ge "${floor#*:}" ] || fail "$edit: $(share $edit model) %, not ${floor#*:}"
done
[ "$(share crop-20 none)" -lt 40 ] || fail "frames add nothing to be measured"
finish
