#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The calibration of aligned look-ups: it reproduces from what came near, that from the photos, what
# is calibrated on one half holds on the other, and planted strangers make that fail.
shared=${SHARED:-$(cd "$(dirname "$0")/../../.." && pwd)/shared}
[ -f "$shared/distractors/pdq.csv" ] || { echo "skipped: no shared folder beside the project"; exit 77; }
. "$(dirname "$0")/lib.sh"
: "${CALIBRATE:?}" "${SOURCE:?}" "${BUILD:?}"
table=$shared/distractors/pdq.csv
committed=$SOURCE/models/pdq/aligned.csv
near=$SOURCE/benchmarks/results/strangers.csv

echo "-- the committed table, made anew from what came near"
date=$(sed -n 's/^# Made \([-0-9]*\) by .*/\1/p' "$committed")
"$CALIBRATE" aligned "$table" "$near" "$date" >made.csv
cmp made.csv "$committed" || { fail "the table does not reproduce"; diff made.csv "$committed" | head -n 4; }
is "aligned in version" "$("$HERKEN" version --json | jq -r '.models[0].aligned_sha256')" "$(sha256sum <"$committed" | cut -d' ' -f1)"

echo "-- what came near, looked up anew"
# Kernels round differently, and where a walk ends hangs on it: 2 % of the lines may differ.
"$CALIBRATE" strangers "$table" "$shared/images/photos" "$SOURCE/benchmarks/results/recall-judged.csv" "$BUILD/bin/herken-worker" >near.csv ||
    fail "photos cannot be looked up"
lines=$(wc -l <"$near")
other=$(LC_ALL=C comm -3 <(LC_ALL=C sort near.csv) <(LC_ALL=C sort "$near") | wc -l)
echo "$lines lines, $other on one side alone"
[ $((other * 25)) -le "$lines" ] || fail "other strangers come near: $other lines of $lines"

echo "-- calibrated on a half, tested on the other; fitted to far candidates; rate x share and counted"
"$CALIBRATE" aligned-split "$table" "$near" >split.txt || fail "outside the bounds"
grep -E '^[a-z].*:|over the bound|APART' split.txt
is "halves" "$(grep -c ': calibrated on' split.txt)" 6
is "over the bound within the widest radius" "$(awk '/^ +[0-9]+ / && $1 <= 60 && /OVER$/' split.txt)" ""
is "significantly over the bound" "$(grep -c 'significantly at [1-9]' split.txt)" 0
is "apart from a direct count" "$(grep -c 'APART$' split.txt)" 0

echo "-- planted: 30 strangers with a mean of 30 bits; 60 more of 57, upright alone"
{ cat "$near"; awk -F, '$1 == "near" && $4 == "standard" && $5 == "original" && ++n % 4 == 0 && m++ < 30 { print $1 "," $2 "," $3 "," $4 "," $5 ",50,10" }' "$near"; } >planted.csv
code=0
"$CALIBRATE" aligned-split "$table" planted.csv >planted.txt || code=$?
is "exit code with planted strangers" "$code" 1
grep 'significantly at [1-9]' planted.txt | head -n 2
{ cat "$near"; awk -F, '$1 == "near" && $4 == "standard" && $5 == "original" && ++n % 4 == 0 && m++ < 60 { print $1 "," $2 "," $3 ",thorough," $5 ",60,54" }' "$near"; } >planted.csv
code=0
"$CALIBRATE" aligned-split "$table" planted.csv >planted.txt || code=$?
is "exit code with nearer candidates" "$code" 1
grep -m 1 'APART' planted.txt

echo "-- what is none is refused"
for broken in 's/,84,[0-9]*$/,86,1/' 's/,84,[0-9]*$/,84,70/' 's/^near,0,/near,700,/' 's/^picture,1,/picture,2,/' 's/,standard,/,wide,/' 's/^near,\(.*\),[0-9]*$/near,\1/'; do
    code=0
    sed "$broken" "$near" >broken.csv
    cmp -s broken.csv "$near" && continue
    "$CALIBRATE" aligned "$table" broken.csv "$date" >out 2>err || code=$?
    is "exit code after $broken" "$code" 2
done
code=0
"$CALIBRATE" strangers "$table" "$shared/images/photos" "$table" worker >out 2>err || code=$?
is "exit code without judged pairs" "$code" 2
finish
