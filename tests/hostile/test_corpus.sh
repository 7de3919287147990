#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The shared corpora: odd and malformed files, families of encodings, the reference's file vectors.
shared=$(cd "$(dirname "$0")/../../.." && pwd)/shared
[ -d "$shared/images" ] || { echo "skipped: no shared folder beside the project"; exit 77; }
. "$(dirname "$0")/../cli/lib.sh"
images=$shared/images

echo "-- malformed and odd files: a status each, no crash, nothing over 5 s"
run 3 hash --json --timeout 5 "$images/fuzz" "$images/formats"
closes; no_zero_hash
tail -n 1 out
for s in crashed timed_out out_of_memory; do
    is "$s" "$(jq -s "last.account.statuses.$s // 0" out)" 0
done
"$CORPUS" 0 "$images/fuzz" "$images/formats" || fail "in one process: see above"

echo "-- families of encodings within 10 bits of their original"
distance() { "$HERKEN" compare --json "$1" "$2" | jq .distance; }
worst=0; checked=0; named=0
while IFS=$'\t' read -r path hash flags; do
    name=$(basename "$path"); family=${name%%_*}
    original=$(field "$images/formats/generated/${family}_00_original.png" hash)
    d=$(distance "$hash" "$original" || true)
    case $name in
        *truncated* | *alpha_margin*) named=$((named + 1)); echo "   $name: $d bits ($flags)"
            [[ $name != *truncated* || $flags == *truncated* ]] || fail "$name is not flagged" ;;
        *) checked=$((checked + 1)); [ "$d" -gt "$worst" ] && worst=$d; [ "$d" -le 10 ] || fail "$name: $d bits" ;;
    esac
done < <(jq -r 'select(.path and (.path | test("/generated/")) and .hash) | [.path, .hash, (.flags | join(","))] | @tsv' out)
echo "   $checked members, the worst $worst bits from its original; $named truncated or with a margin, named above"
[ "$checked" -ge 100 ] || fail "only $checked members were hashed"
jq -r 'select(.path and (.path | test("/generated/")) and (.hash | not)) | "   \(.path | split("/") | last): \(.status)"' out | sed 's/^   k[0-9]*_/   /' | sort | uniq -c
if jq -r 'select(.path and (.path | test("/generated/")) and (.hash | not)).path' out | grep -vE '\.(jxl|jp2|ppm|bmp|tga)$|truncated50.png'; then fail "these have no hash"; fi

echo "-- EXIF orientation"
for shape in Landscape Portrait; do
    upright=$(field "$images/formats/exif-orientation/${shape}_1.jpg" hash)
    for o in 2 3 4 5 6 7 8; do
        d=$(distance "$(field "$images/formats/exif-orientation/${shape}_$o.jpg" hash)" "$upright" || true)
        [ "$d" -le 10 ] || fail "${shape}_$o.jpg: $d bits"
    done
done

echo "-- the reference hasher's file vectors within 10 bits"
cut -d, -f1 "$shared/pdq/file-vectors.csv" | tail -n +2 | sed "s|^|$images/|" | tr '\n' '\0' >paths
run 0 hash --json --files0-from paths
worst=0; n=0
while IFS=, read -r path quality hash; do
    d=$(distance "$(field "$images/$path" hash)" "$hash" || true)
    n=$((n + 1)); [ "$d" -gt "$worst" ] && worst=$d
    [ "$quality" -lt 80 ] || [ "$d" -le 10 ] || fail "$path: $d bits"
done < <(tail -n +2 "$shared/pdq/file-vectors.csv")
echo "   $n files, the worst $worst bits"
[ "$n" = 23 ] || fail "$n vectors"
cmp -s "$shared/pdq/pixel-vectors.csv" "$SOURCE/models/pdq/golden.csv" || fail "golden.csv is not the shared one"
finish
