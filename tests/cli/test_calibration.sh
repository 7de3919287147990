#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The calibrated radius, from the shared table of hashes of real images: it reproduces, what is
# calibrated on one half holds on the other, and copies among the strangers make that fail.
shared=${SHARED:-$(cd "$(dirname "$0")/../../.." && pwd)/shared}
[ -f "$shared/distractors/pdq.csv" ] || { echo "skipped: no shared folder beside the project"; exit 77; }
. "$(dirname "$0")/lib.sh"
: "${CALIBRATE:?}" "${SOURCE:?}"
table=$shared/distractors/pdq.csv
committed=$SOURCE/models/pdq/calibration.csv

echo "-- the committed calibration, made anew"
date=$(sed -n 's/^# Made \([-0-9]*\) by .*/\1/p' "$committed")
"$CALIBRATE" make "$table" "$date" >made.csv
cmp made.csv "$committed" || { fail "the calibration does not reproduce"; diff made.csv "$committed" | head -n 4; }
is "calibration in version" "$("$HERKEN" version --json | jq -r '.models[0].calibration_sha256')" "$(sha256sum <"$committed" | cut -d' ' -f1)"

echo "-- calibrated on a half, tested on the other; fitted to far pairs, tested on near ones"
"$CALIBRATE" split "$table" >split.txt || fail "outside the bounds"
# Up to the widest radius each half stays within what the other one says, for every kind.
awk '/^[a-z_]+: /{print} /^ +[0-9]+ /&&$1<=60&&/OVER/{print "   " $0; bad=1} /over the bound/{print} END{exit bad}' split.txt ||
    fail "over the bound within the widest radius"
is "tables" "$(grep -c ': calibrated on' split.txt)" 6
awk '/^photo: calibrated/&&!n++{p=1} /over the bound/{p=0} p&&$1<=84' split.txt

echo "-- guessed hashes of turned pictures instead of true ones"
"$HERKEN" hash --json --orientations --quiet "$shared/images/photos" |
    jq -r 'select(.hash).orientations | [.original, .rotate90, .rotate180, .rotate270, .flipx, .flipy, .flipplus1, .flipminus1] | join(",")' >prints.csv
"$CALIBRATE" turns "$table" prints.csv || fail "guessing changes the counts"

echo "-- strangers and the hash of the exact grid"
"$HERKEN" hash --json --exact-grid --quiet "$shared/images/photos" | jq -r 'select(.exact_hash) | "\(.hash),\(.exact_hash)"' >prints.csv
"$CALIBRATE" probes "$table" prints.csv || fail "strangers come nearer to it than is allowed for"
# Planted: exact hashes that share 52 of 64 digits with an entry.
awk -F, 'FNR == NR { if (FNR > 1 && $3 == "A") entry[n++] = $1; next } FNR <= 100 { $2 = substr($2, 1, 12) substr(entry[FNR * 50], 13) } { print $1 "," $2 }' "$table" prints.csv >planted.csv
code=0
"$CALIBRATE" probes "$table" planted.csv >planted.txt || code=$?
is "exit code with a nearer probe" "$code" 1

echo "-- planted: copies among the strangers, of 12 of 64 digits each"
awk -F, 'NR > 1 && $3 == "A" && $4 == "" { if (last != "" && ++n <= 300) print substr($1, 1, 12) substr(last, 13) ",100,A,"; last = $1 }' "$table" >copies.csv
cat "$table" copies.csv >planted.csv
code=0
"$CALIBRATE" split planted.csv >planted.txt || code=$?
is "exit code with planted copies" "$code" 1
grep 'significantly at [1-9]' planted.txt | head -n 2

code=0
sed '5s/.$/x,/' "$table" >broken.csv
"$CALIBRATE" make broken.csv "$date" >out 2>err || code=$?
is "exit code with a broken table" "$code" 2
finish
