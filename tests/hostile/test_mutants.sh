#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Mutants of a small picture in every format, through the decoders in one process.
. "$(dirname "$0")/../cli/lib.sh"
mkdir d
"$DRAW" 1 96 80 a.png
for to in a.png 'b.jpg[Q=80]' 'p.jpg[Q=80,interlace]' 'i.png[interlace]' 'w.webp' 'l.webp[lossless]' 'g.gif' 't.tif' 'z.tif[compression=lzw,tile,tile-width=32,tile-height=32]' 'j.tif[compression=jpeg]' 'h.heic' 'v.avif'; do
    vips copy a.png "d/$to"
done
"$CORPUS" "${MUTANTS:-100}" d || fail "see above"
finish
