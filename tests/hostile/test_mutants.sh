#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Mutants of a small picture in every format, and of large JPEGs, through the decoders in one process.
. "$(dirname "$0")/../cli/lib.sh"
mkdir d
"$DRAW" 1 96 80 a.png
for to in a.png 'b.jpg[Q=80]' 'p.jpg[Q=80,interlace]' 'i.png[interlace]' 'w.webp' 'l.webp[lossless]' 'g.gif' 't.tif' 'z.tif[compression=lzw,tile,tile-width=32,tile-height=32]' 'j.tif[compression=jpeg]' 'h.heic' 'v.avif'; do
    vips copy a.png "d/$to"
done
"$CORPUS" "${MUTANTS:-100}" d || fail "see above"

# JPEGs that are large enough to be shrunk while they are decoded, and plain enough to be small files.
mkdir large
"$DRAW" 2 1500 1477 a.png
vips jpegsave a.png large/baseline.jpg -Q 20
vips jpegsave a.png large/progressive.jpg -Q 20 --interlace
"$CORPUS" "${MUTANTS:-30}" large >out || fail "$(cat out)"
cat out
[ "$(sed 's/.*(\([0-9]*\) scaled.*/\1/' out)" -ge 20 ] || fail "hardly any was shrunk"
finish
