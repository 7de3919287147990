#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a viewer shows is what is hashed: files that keep another picture where a shortcut would look.
# They are large enough for the shortcut that is taken (engine/decode/shrink.h).
. "$(dirname "$0")/../cli/lib.sh"
distance() { "$HERKEN" compare --json "$1" "$2" | jq .distance || true; }

# A halftone JPEG: its block means are one picture, its pixels another. Baseline and progressive.
"$HALFTONE" 1 5 400 baseline.jpg
"$HALFTONE" 1 5 400 progressive.jpg progressive
for f in baseline progressive; do
    vips jpegload $f.jpg $f-shown.png            # every pixel
    vips jpegload $f.jpg $f-means.png --shrink 8 # the DC coefficients alone
    run 0 hash --json $f.jpg $f-shown.png $f-means.png
    is "shortcuts of $f" "$(field $f.jpg flags)" '["scaled_decode"]'
    is "shortcuts with --full-decode" "$("$HERKEN" hash --json --full-decode --quiet $f.jpg | jq -c 'select(.flags) | .flags')" '[]'
    d=$(distance "$(field $f.jpg hash)" "$(field $f-shown.png hash)")
    [ "$d" -le 10 ] || fail "$f: $d bits from what a viewer shows"
    d=$(distance "$(field $f-means.png hash)" "$(field $f-shown.png hash)")
    [ "$d" -ge 60 ] || fail "$f hides nothing ($d bits): this test could not fail"
done
finish
