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

echo "-- families of encodings: each member within 10 bits of its original, or named"
distance() { "$HERKEN" compare --json "$1" "$2" | jq .distance; }
# Without them, the formats that must be named are unsupported, and nothing else has no hash.
jq -r 'select(.path and (.path | test("/generated/")) and (.hash | not)) | "\(.status) \(.path)"' out >unhashed
if grep -vE '^unsupported .*\.(jxl|jp2|ppm|bmp)$|^not_an_image .*\.tga$|^unreadable .*truncated50.png$' unhashed; then fail "these have no hash"; fi
run 3 hash --json --allow-format bmp,jxl,jp2 --frames-of all "$images/formats/generated"
declare -A said
worst=0; checked=0; named=0; families=0
for original in "$images"/formats/generated/*_00_original.png; do
    family=$(basename "${original%%_00_*}")
    families=$((families + 1))
    wanted=$(field "$original" hash)
    members=0
    while IFS=$'\t' read -r path status hash flags views; do
        name=$(basename "$path"); name=${name#"$family"_}; members=$((members + 1))
        if [ "$hash" = - ]; then
            said[$name]+=" $status"
            [[ $name =~ \.(ppm|tga)$|truncated50.png$ ]] || fail "${family}_$name has no hash: $status"
            named=$((named + 1)); continue
        fi
        d=$(distance "$hash" "$wanted" || true)
        [ "$flags" != - ] || flags=
        said[$name]+=" $d${flags:+($flags)}"
        case $name in
            *truncated*) [[ $flags == *truncated* ]] || fail "${family}_$name is not flagged"; named=$((named + 1)) ;;
            *alpha_margin*) named=$((named + 1))
                [ "$views" = 2 ] || fail "${family}_$name has $views views: it is not hashed on white" ;;
            *) checked=$((checked + 1)); [ "$d" -gt "$worst" ] && worst=$d; [ "$d" -le 10 ] || fail "${family}_$name: $d bits" ;;
        esac
    done < <(jq -r --arg f "/${family}_" 'select(.path and (.path | contains($f))) |
        [.path, .status, .hash // "-", ((.flags // []) | map(select(. == "truncated" or . == "degenerate")) | join(",") | if . == "" then "-" else . end), (.views // [0] | length)] | @tsv' out)
    [ "$members" -ge 36 ] || fail "family $family has $members members"
done
for name in "${!said[@]}"; do echo "   $name:${said[$name]}"; done | sort
echo "   $families families: $checked members, the worst $worst bits from its original; $named named"
[ "$families" = 4 ] || fail "$families families"
[ "$checked" -ge 112 ] || fail "only $checked members were hashed"

echo "-- EXIF orientation: every turned copy within 10 bits of the upright one"
turned() { # NAME UPRIGHT PATH: checks and states
    local d
    d=$(distance "$(field "$3" hash)" "$2" || true)
    distances+=" $d"
    [ "${d:-99}" -le 10 ] || fail "$(basename "$3"): $d bits"
}
run 0 hash --json "$images/formats/exif-orientation"
for shape in Landscape Portrait; do
    upright=$(field "$images/formats/exif-orientation/${shape}_1.jpg" hash)
    distances=
    for o in 2 3 4 5 6 7 8; do turned $shape "$upright" "$images/formats/exif-orientation/${shape}_$o.jpg"; done
    echo "   $shape:$distances"
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
