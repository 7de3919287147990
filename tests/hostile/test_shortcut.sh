#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Large JPEGs read as means of 4x4 pixels against the same ones decoded in full: wallpapers, and mosaics
# of photos of 11 and 12 megapixels with grain, baseline and progressive.
shared=$(cd "$(dirname "$0")/../../.." && pwd)/shared
[ -d "$shared/images" ] || { echo "skipped: no shared folder beside the project"; exit 77; }
. "$(dirname "$0")/../cli/lib.sh"
photos=$shared/images/photos

mosaic() { # NAME SCALE HEIGHT FILE...
    local name=$1 scale=$2 height=$3
    shift 3
    vips arrayjoin "$*" joined.v --across 4
    vips resize joined.v large.v "$scale"
    vips extract_area large.v cut.v 0 0 4000 "$height"
    vips gaussnoise grain.v 4000 "$height" --sigma 4 --mean 0
    vips add cut.v grain.v sum.v
    vips cast sum.v grainy.v uchar
    vips jpegsave grainy.v "$name-baseline.jpg" -Q 85
    vips jpegsave grainy.v "$name-progressive.jpg" -Q 85 --interlace
    rm ./*.v
}
mkdir large
mosaic large/a 1.96 3000 "$photos"/cid22/1*.png "$photos"/cid22/2*.png "$photos"/cid22/3*.png
wide=()
for f in "$photos"/kodak/*.png; do [ "$(vipsheader -f width "$f")" = 768 ] && wide+=("$f"); done
mosaic large/b 1.31 2680 "${wide[@]:0:16}"

"$HERKEN" hash --json --exact-grid large "$photos/wallpapers" >short.json 2>err || fail "hash: $(tail -n 1 err)"
"$HERKEN" hash --json --exact-grid --full-decode large "$photos/wallpapers" >full.json 2>err || fail "hash: $(tail -n 1 err)"
is "files read in full" "$(jq -s 'map(select(.flags and (.flags | index("scaled_decode")))) | length' full.json)" 0
sum=0; n=0; worst=0
while IFS=$'\t' read -r path hash exact short; do
    [ "$short" = true ] || fail "$path was not read the short way"
    whole=$(jq -r --arg p "$path" 'select(.path == $p) | .hash' full.json)
    d=$("$HERKEN" compare --json "$hash" "$whole" | jq .distance || true)
    whole=$(jq -r --arg p "$path" 'select(.path == $p) | .exact_hash' full.json)
    e=$("$HERKEN" compare --json "$exact" "$whole" | jq .distance || true)
    [ "$e" -le 4 ] || fail "$path: the exact hash is $e bits off"
    [ "$d" -gt "$worst" ] && worst=$d
    sum=$((sum + d)); n=$((n + 1))
done < <(jq -r 'select(.hash) | [.path, .hash, .exact_hash, (.flags | index("scaled_decode") != null)] | @tsv' short.json)
echo "   $n files, $sum bits in all, the worst $worst"
[ "$n" = 13 ] || fail "$n files"
[ "$worst" -le 4 ] || fail "$worst bits in one file"
[ $((sum * 2)) -le "$n" ] || fail "$sum bits in $n files"
finish
