#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The most memory a decode worker holds (resident, VmHWM) over a folder of 12-megapixel JPEGs,
# baseline and progressive. Without a folder, pictures are generated from a Debian photograph or, if
# there is none, from noise.
# usage: benchmarks/memory.sh [FOLDER-OF-PHOTOS]
set -euo pipefail
herken=$(cd "$(dirname "$0")/.." && pwd)/build/release/bin/herken
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/baseline" "$work/progressive"

mapfile -d '' photos < <(find "${1:-/usr/share/backgrounds}" -type f \( -name '*.jpg' -o -name '*.jpeg' -o -name '*.png' \) -print0 2>/dev/null | sort -z | head -z -n 6)
if [ ${#photos[@]} = 0 ]; then
    vips gaussnoise "$work/noise.v" 4000 3000
    photos=("$work/noise.v")
fi
n=0
for photo in "${photos[@]}"; do
    n=$((n + 1))
    vips thumbnail "$photo" "$work/large.v" 4000 --height 3000 --size force
    vips copy "$work/large.v" "$work/baseline/$n.jpg[Q=90,strip]"
    vips copy "$work/large.v" "$work/progressive/$n.jpg[Q=90,strip,interlace]"
    rm "$work/large.v"
done

for kind in baseline progressive; do
    for _ in 1 2 3 4 5 6 7 8; do find "$work/$kind" -type f -print0; done >"$work/list"
    "$herken" hash --quiet --threads 1 --files0-from "$work/list" >/dev/null &
    run=$!
    most=0
    while kill -0 "$run" 2>/dev/null; do
        for worker in $(pgrep -P "$run" || true); do
            seen=$(awk '/^VmHWM/ { print $2 }' "/proc/$worker/status" 2>/dev/null || true)
            [ "${seen:-0}" -gt "$most" ] && most=$seen
        done
        sleep 0.02
    done
    wait "$run"
    echo "$kind, 4000x3000, $n pictures of $(du -sk "$work/$kind" | awk -v n=$n '{ printf "%.1f", $1 / 1024 / n }') MB: $((most / 1024)) MB resident at the most"
done
