#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken bench recall, on drawn pictures: floors of recall for everyday edits, the same seed the same
# numbers, planted copies all listed, programs of the user's, errors.
. "$(dirname "$0")/lib.sh"
EDITS=$(dirname "$HERKEN")/herken-edits
mkdir tmp pics
export TMPDIR=$work/tmp
# fontconfig keeps what it knows of fonts until the end, which LeakSanitizer takes for a leak.
echo leak:libfontconfig >lsan
export LSAN_OPTIONS=suppressions=$work/lsan:print_suppressions=0
for i in 1 2 3 4 5 6 7 8; do "$DRAW" $i 320 240 pics/$i.png; done
# value EDIT METHOD KEY: of the line about all kinds
value() { jq -r --arg e "$1" --arg m "$2" --arg k "$3" 'select(.edit == $e and .method == $m and .kind == "all") | .[$k] | tostring' "${4:-out}"; }
# least EDIT METHOD FLOOR
least() { jq -es --arg e "$1" --arg m "$2" --argjson f "$3" 'map(select(.edit == $e and .method == $m and .kind == "all")) | length == 1 and .[0].recall >= $f' out >/dev/null || fail "recall of $1 by $2: $(value "$1" "$2" recall), not $3"; }
# timeless FILE: without what differs from run to run
timeless() { jq -cS 'del(.run.seconds)' "$1"; }

# ---- herken-edits

"$EDITS" --list >list
[ "$(wc -l <list)" -ge 45 ] || fail "the recipe is short"
is "edits named twice" "$(sort list | uniq -d)" ""
lacking=$(grep -c "$(printf '\t')" list || true)
mkdir e1 e2 e3
"$EDITS" --seed 5 --name x pics/1.png e1 >lost
is "not made" "$(cat lost)" ""
is "copies" "$(ls e1 | wc -l)" $(($(wc -l <list) - lacking))
"$EDITS" --seed 5 --name x pics/1.png e2
diff -r e1 e2 >/dev/null || fail "the same seed gives other copies"
"$EDITS" --seed 6 --name x pics/1.png e3
is "seed matters to" "$(diff -rq e1 e3 | grep -oE 'e3/(crop-02|noise|rotate-1|collage|jpeg-90|grey)\.' | sort | tr '\n' ' ')" "e3/collage. e3/crop-02. e3/noise. e3/rotate-1. "
rm -r e2; mkdir e2
"$EDITS" --seed 5 --name x --only crop-10 pics/1.png e2
is "one alone" "$(ls e2)" crop-10.jpg
cmp e1/crop-10.jpg e2/crop-10.jpg || fail "one edit alone comes out otherwise"
size() { "$HERKEN" hash --json --quiet "$1" | jq -r 'select(.path) | "\(.width)x\(.height)"'; }
is "cropped" "$(size e1/crop-10.jpg)" 288x216
is "squeezed" "$(size e1/square.jpg)" 240x240
is "turned" "$(size e1/rotate-90.jpg)" 240x320
is "bordered" "$(size e1/border-white-05.jpg)" 344x264
"$EDITS" --max-side 160 --only jpeg-90 pics/1.png e2
is "shrunk" "$(size e2/jpeg-90.jpg)" 160x120
echo nonsense >text.png
edits_fail() { local want=$1 got=0; shift; "$EDITS" "$@" >out 2>err || got=$?; is "exit of herken-edits $*" "$got" "$want"; }
edits_fail 1 text.png e2
edits_fail 1 nothing.png e2
for wrong in '' 'pics/1.png' '--seed x pics/1.png e2' '--only nonsense pics/1.png e2' '--max-side 3 pics/1.png e2' '--nonsense'; do
    edits_fail 2 $wrong
done
"$EDITS" pics/1.png /nonexistent >out || fail "an unwritable folder ends it"
is "each is named" "$(grep -c "$(printf '\t')" out)" $(($(wc -l <list) - lacking))

# ---- recall

run 0 bench recall --images pics --json --threads 1 --quiet
cp out first
is "edits" "$(jq -r 'select(.edit) | .edit' out | sort -u | wc -l)" $(($(wc -l <list) - lacking))
is "methods" "$(jq -r 'select(.edit) | .method' out | sort -u | tr '\n' ' ')" "+exact +inverted aligned aligned-thorough dct64 dhash64 gate gate-frames gate-hashes orientations pdq31 review review-fast review-frames review-hashes review-thorough "
jq -es 'all(.[:-1][]; .n > 0 and .recall >= .low and .recall <= .high and .recall == .found / .n and (.radius // 0) >= 0 and .stranger_pairs >= 0)
    and all(.[:-1][] | select(.kind == "all" and (.method | endswith("-frames") | not)); .n == 8 and .stranger_pairs == 28 and .list_size == 1400000 and .false_match_upper > .false_match_rate)
    and (map(select(.kind != "all")) | length > 0) and (.[-1].run | .seed == 1 and .originals == 8 and .failed != true and .copies_failed == 0 and .seconds > 0 and .version)' out >/dev/null || fail "fields: $(head -n 1 out) $(tail -n 1 out)"
# Bounds worked out by hand: 0.025^(1/8) where all of 8 were found, -ln 0.05 in 28 pairs where none matched.
is "all found, at least" "$(value jpeg-90 pdq31 low | cut -c1-7)" 0.63058
is "none found, at most" "$(value collage pdq31 high | cut -c1-7)" 0.36941
is "none seen, fewer than" "$(value jpeg-90 pdq31 false_match_upper | cut -d. -f1)" 149786
jq -es 'map(select(.edit and .found > 1 and .found < .n - 1)) | length > 0 and all(.[]; .low < .recall and .recall < .high)' out >/dev/null || fail "an interval beside its recall"
for edit in jpeg-90 jpeg-50 jpeg-20 webp-80 resize-150 resize-50 resize-25 blur noise brightness contrast gamma grey sharpen square; do
    least $edit pdq31 1
    least $edit +exact 1
    least $edit dct64 0.85
done
for edit in rotate-90 rotate-180 rotate-270 mirror; do
    is "$edit as others use PDQ" "$(value $edit pdq31 found)" 0
    least $edit orientations 1
done
is "inverted" "$(value invert orientations found) $(value invert +inverted found)" "0 8"
least crop-02 +exact 0.5
is "collage" "$(value collage +exact found)" 0

# What match does under its profiles with hashes alone: the widest radius that the budget allows, by the kind
# of the copy.
# widest KIND BUDGET ENTRIES: by the table
widest() { awk -F, -v k="$1" -v b="$2" -v n="$3" -v r=null '$1 == k && $2 <= 60 && $6 * n <= b { r = $2 } END { print r }' "$SOURCE/models/pdq/calibration.csv"; }
# exact BUDGET ENTRIES: for the hash of the exact grid of photos, what the other leaves of the budget; a quarter is added
exact() { awk -F, -v b="$1" -v n="$2" -v w="$(widest photo "$1" "$2")" '$1 == "photo" { p[$2] = $6 * n } END { for (r = w; r >= 0 && p[w] + 1.25 * p[r] > b;) r--; print r }' "$SOURCE/models/pdq/calibration.csv"; }
# of KIND METHOD KEY: of the line about copies of jpeg-90
of() { jq -r --arg d "$1" --arg m "$2" --arg k "$3" 'select(.edit == "jpeg-90" and .method == $m and .kind == $d) | .[$k] | tostring' out; }
photos=$(of photo review n)
graphics=$(of graphic review n)
is "photos, and graphics" "$((photos > 2)) $((graphics > 2)) $((photos + graphics))" "1 1 8"
for list in 10 1400000; do
    run 0 bench recall --images pics --json --quiet --only jpeg-90 --list-size $list
    for kind in photo graphic; do
        is "radii for $kind among $list" "$(of $kind review-hashes radius) $(of $kind gate-hashes radius)" "$(widest $kind 1e-3 $list) $(widest $kind 1e-6 $list)"
    done
    is "exact radii among $list" "$(of photo review-hashes exact_radius) $(of photo gate-hashes exact_radius) $(of photo +exact exact_radius) $(of graphic review-hashes exact_radius)" "$(exact 1e-3 $list) $(exact 1e-6 $list) null null"
    jq -es 'map(select(.false_match_calibrated)) | (map(.method) | unique | length) == 10 and all(.[]; (.radius or .aligned_radius)
        and .false_match_calibrated > 0 and .false_match_calibrated <= if .method | startswith("gate") then 1e-6 else 1e-3 end)' out >/dev/null || fail "false matches by the calibration among $list"
    # With a picture at hand a part of the budget is for what is aligned.
    jq -es --argjson plain "$(of photo review-hashes radius)" 'map(select(.kind == "photo")) | (map(select(.method == "review")) | length == 1 and .[0].radius <= $plain and .[0].aligned_radius >= 0)
        and all(.[] | select(.method | test("hashes|exact|pdq")); .aligned_radius == null)' out >/dev/null || fail "aligned radii among $list"
    is "found among $list" "$(of photo review found) $(of photo gate found) $(of graphic review-hashes found) $(of graphic gate-hashes found)" "$photos $photos 0 0"
done
run 0 bench recall --images pics --json --quiet --only jpeg-90 --list-size 3
is "graphics among 3" "$(of graphic review-hashes radius) $(of graphic gate-hashes radius)" "$(widest graphic 1e-3 3) null"
[ "$(of graphic review-hashes found)" -gt 0 ] || fail "no graphic within its radius"
# One small enough to look like a photo is looked up as one.
run 0 bench recall --images pics --json --quiet --only resize-25
is "of graphics, a copy that is none" "$(jq -c 'select(.kind == "graphic" and .method == "gate-hashes") | [.radius, .found]' out)" '[null,1]'
run 0 bench recall --images pics --quiet --only jpeg-90
grep -Eq '^ +review-hashes@39 .*; < 0.0009[0-9]* by the calibration \(extrapolated\)$' out || fail "recall without what the calibration says"
grep -q '^ *gate-hashes .*digests alone' out || fail "a kind without a radius is not spoken of"

run 0 bench recall --images pics --json --threads 2 --quiet
is "the same seed" "$(timeless out | sha256sum)" "$(timeless first | sha256sum)"
cp -r pics elsewhere
run 0 bench recall --images elsewhere/ --json --quiet --only crop-05 --only noise --out o1
run 0 bench recall --images pics --json --quiet --only noise --only crop-05 --out o2
is "edits chosen" "$(jq -r 'select(.edit) | .edit' out | uniq | tr '\n' ' ')" "noise crop-05 "
is "wherever they lie, as part of the recipe" "$(value crop-05 +exact found) $(value noise pdq31 high)" "$(value crop-05 +exact found first) $(value noise pdq31 high first)"
for file in recall-edits recall-curves recall-distances recall-budget leaks; do
    cmp o1/$file.csv o2/$file.csv || fail "$file.csv differs"
done
run 0 bench recall --images pics --json --quiet --only crop-05 --only noise --out o3 --seed 2
! cmp -s o1/recall-distances.csv o3/recall-distances.csv || fail "another seed gives the same"
if command -v gnuplot >/dev/null; then
    for figure in edits curves distances budget; do
        grep -q '</svg>' o1/recall-$figure.svg || fail "no drawing of $figure"
    done
    is "what is in the folder" "$(ls o1 | wc -l)" 9
fi

# ---- pictures through other frames

# A sort of probe each: trimmed, as if cropped, turned back, out of a screenshot. The list is short, so that
# the radius is no narrow one.
run 0 bench recall --images pics --json --quiet --list-size 1000 --only crop-05 --only border-white-10 --only rotate-3 --only screenshot --out aligned
# sorts EDIT METHOD: found of photos
sorts() { jq -r --arg e "$1" --arg m "$2" 'select(.edit == $e and .method == $m and .kind == "photo") | .found' out; }
for edit in crop-05 border-white-10 rotate-3 screenshot; do
    is "$edit as others use PDQ, and by hashes alone" "$(sorts $edit pdq31) $(sorts $edit gate-hashes)" "0 0"
    for method in aligned aligned-thorough review review-thorough; do
        [ "$(sorts $edit $method)" -ge 4 ] || fail "$edit by $method: $(sorts $edit $method) of $photos"
    done
done
[ "$(sorts screenshot review-fast)" -lt "$(sorts screenshot review)" ] || fail "fast probes find screenshots, so the sets are one"
[ "$(sorts border-white-10 review-fast)" -ge 3 ] || fail "fast probes find no borders"
# With the frames of its pictures a list has hashes of parts: crops are found for which none of the probes is
# made, though there are more strangers, and so narrower radii. Strangers' frames are not at hand.
run 0 bench recall --images pics --json --quiet --list-size 1000 --only crop-20 --only jpeg-90
[ "$(sorts crop-20 review-frames)" -gt "$(sorts crop-20 review)" ] || fail "crops by 20 % with frames in the list: $(sorts crop-20 review-frames), without: $(sorts crop-20 review)"
is "of frames" "$(value jpeg-90 review-frames stranger_pairs) $(value jpeg-90 review-frames false_match_rate) $(($(value jpeg-90 review-frames radius) < $(value jpeg-90 review radius)))" "0 null 1"
run 0 bench recall --images pics --json --quiet --list-size 1000 --only crop-05 --only border-white-10 --only rotate-3 --only screenshot --out aligned
# The curves: never down, and the radius in force lies on them.
awk -F, 'NR == 1 { next } { key = $1 "," $2 } key == last && ($5 < recall || $9 < chance) { bad = 1 } { last = key; recall = $5; chance = $9; n++ } END { exit bad || n < 400 }' aligned/recall-budget.csv || fail "curves by budget"
radius=$(jq -r 'select(.edit == "crop-05" and .method == "aligned" and .kind == "photo") | .radius' out)
is "on the curve" "$(awk -F, -v r=$((radius / 2 * 2)) '$1 == "crop-05" && $2 == "aligned" && $3 == r { print $5 * $4 }' aligned/recall-budget.csv)" "$(sorts crop-05 aligned)"
# A crop among the strangers, which no hash sees, is a false match until somebody looks at it.
mkdir crops
photo=$("$HERKEN" hash --quiet --json pics | jq -r 'select(.kind == "photo" and .path) | .path' | head -n 1)
"$EDITS" --name y --only crop-05 "$photo" crops
run 0 bench recall --images pics --distractors crops --json --quiet --only jpeg-90 --list-size 1000 --out cropped
is "a planted crop" "$(tail -n +2 cropped/leaks.csv | cut -d, -f1-3)" "$(basename "$photo"),crop-05.jpg,distractor"
is "seen" "$(value jpeg-90 pdq31 false_matches_seen) $(value jpeg-90 aligned false_matches_seen) $(value jpeg-90 review false_matches_seen)" "0 1 1"
sed '2,$s/$/same/' cropped/leaks.csv >judged.csv
run 0 bench recall --images pics --distractors crops --judged judged.csv --json --quiet --only jpeg-90 --list-size 1000
is "seen, judged the same" "$(value jpeg-90 aligned false_matches_seen) $(value jpeg-90 review false_matches_seen)" "0 0"

# ---- strangers, and copies among them

mkdir strangers
for i in 11 12 13; do "$DRAW" $i 320 240 strangers/s$i.png; done
cp e1/resize-50.jpg strangers/half.jpg # of 1
for i in 2 3 4; do
    mkdir -p e$i; rm -rf e$i/*
    "$EDITS" --only "$(sed -n "$((i - 1))p" <<<$'mirror\ninvert\nrotate-90')" pics/$i.png e$i
    cp e$i/*.jpg strangers/of-$i.jpg
done
cp pics/5.png pics/again.png
run 0 bench recall --images pics --distractors strangers --json --quiet --only jpeg-90 --out leaks
is "planted copies" "$(tail -n +2 leaks/leaks.csv | cut -d, -f1-3 | sort | tr '\n' ' ')" "1.png,half.jpg,distractor 2.png,of-2.jpg,distractor 3.png,of-3.jpg,distractor 4.png,of-4.jpg,distractor 5.png,again.png,original "
is "how they lie" "$(grep of- leaks/leaks.csv | cut -d, -f2,5,6 | sort | tr '\n' ' ')" "of-2.jpg,flipy,no of-3.jpg,original,yes of-4.jpg,rotate270,no "
is "unjudged" "$(jq -r 'select(.run) | .run.close_pairs.unjudged' out)" 5
is "seen without a judgement" "$(value jpeg-90 +inverted false_matches_seen)" 5
is "pairs" "$(value jpeg-90 +inverted stranger_pairs)" $((9 * 8 / 2 + 9 * 7))
sed '2,$s/$/same/' leaks/leaks.csv >judged.csv
run 0 bench recall --images pics --distractors strangers --judged judged.csv --json --quiet --only jpeg-90 --out leaks2
is "judged the same" "$(jq -r 'select(.run) | .run.close_pairs | "\(.same) \(.unjudged)"' out)" "5 0"
is "seen" "$(value jpeg-90 +inverted false_matches_seen)" 0
is "left out" "$(value jpeg-90 +inverted stranger_pairs)" $((9 * 8 / 2 + 9 * 7 - 5))
cmp judged.csv leaks2/leaks.csv || fail "what was judged is lost"
sed '2,$s/$/different/' leaks/leaks.csv | awk -F, -v OFS=, '{ print $8, $2, $1 }' | sed $'1s/^/\xef\xbb\xbf/; s/$/\r/' >judged.csv # columns by name
printf '\r\n' >>judged.csv
run 0 bench recall --images pics --distractors strangers --judged judged.csv --json --quiet --only jpeg-90
is "judged different" "$(jq -r 'select(.run) | .run.close_pairs.different' out) $(value jpeg-90 +inverted false_matches_seen)" "5 5"
[ "$(value jpeg-90 dct64 radius)" -lt "$(value jpeg-90 dct64 radius first)" ] || fail "a false match does not make a radius smaller"
run 0 bench recall --images pics --distractors strangers --quiet --only jpeg-90
grep -q '5 close pairs count as false matches' out || fail "close pairs are not spoken of"
grep -Eq '^ +orientations@31 +[0-9].*pairs\)' out || fail "recall without its false matches"
rm pics/again.png

hash=$("$HERKEN" hash --quiet --json pics/6.png | jq -r 'select(.path) | .hash')
printf 'hash,quality,tier,group\n%s,100,A,\n%s,90,A,1\n%s,80,B,2\n' "$(printf '31c5%.0s' {1..16})" "$hash" "$(printf '5a3c%.0s' {1..16})" >list.csv
run 0 bench recall --images pics --distractors list.csv --json --quiet --only jpeg-90 --out leaks
is "a planted hash" "$(tail -n +2 leaks/leaks.csv)" "6.png,$hash,distractor,0,original,no,,"
is "pairs with a list" "$(value jpeg-90 pdq31 stranger_pairs) $(value jpeg-90 dct64 stranger_pairs)" "52 28"

# ---- programs

cat >same.sh <<'P'
#!/bin/sh
cp "$1" "$2"
P
cat >picky.sh <<'P'
#!/bin/sh
case $1 in */3.png) exit 7 ;; */4.png) exit 0 ;; esac
cp "$1" "$2"
P
cat >hash.sh <<P
#!/bin/sh
"$HERKEN" hash --quiet --format pdq "\$1" | cut -d, -f1
P
chmod +x ./*.sh
run 0 bench recall --images pics --json --quiet --only crop-02 --edit copied=./same.sh --method mine=./hash.sh --pair-rate 0
is "a program's edit" "$(value copied pdq31 found)" 8
is "a program's hash" "$(value copied mine found)" 8
mine=$(value crop-02 mine radius)
[ "$mine" -gt 31 ] || fail "no radius for a program's hash: $mine"
is "the same hash at the same radius" "$(value crop-02 mine found)" "$("$HERKEN" bench recall --images pics --json --quiet --only crop-02 --max-distance "$mine" | jq -r 'select(.method == "orientations" and .kind == "all" and .radius != 31) | .found')"
run 3 bench recall --images pics --json --only jpeg-90 --edit picky=./picky.sh
is "where it works" "$(value picky pdq31 n)" 6
grep -q 'picky is not made of pics/3.png: its exit code is 7' err || fail "what failed is not named"
grep -q 'picky is not made of pics/4.png: its program left no file' err || fail "a missing file is not named"
run 3 bench recall --images pics --json --quiet --only jpeg-90 --method junk=/bin/echo
is "junk finds" "$(value jpeg-90 junk found)" 0
run 3 bench recall --images pics --json --only jpeg-90 --method none=./nothing
grep -q 'it cannot be started' err || fail "a missing program is not named"
printf '#!/bin/sh\nsleep 60\n' >slow.sh; chmod +x slow.sh
run 3 bench recall --images pics --json --timeout 1 --threads 8 --only jpeg-90 --edit slow=./slow.sh
grep -q 'it took too long' err || fail "a slow program is not ended"
printf '#!/bin/sh\n[ "$1" = --list ] && echo only && exit\nkill -9 $$\n' >killed.sh; chmod +x killed.sh
run 3 bench recall --images pics --edits ./killed.sh
grep -q 'no copies of pics/1.png: it ended by signal 9' err || fail "a crash is not named"

# ---- stopped, and no folder left

is "left behind" "$(ls -A tmp)" ""
"$HERKEN" bench recall --images pics --quiet --edit slow=./slow.sh >out 2>err &
pid=$!
for ((i = 0; i < 100; i++)); do
    [ -z "$(find tmp -name '*.jpg' -print -quit)" ] || break
    sleep 0.1
done
kill -TERM $pid
got=0; wait $pid || got=$?
is "ended by" $got $((128 + 15))
is "left behind when stopped" "$(ls -A tmp)" ""
is "said when stopped" "$(cat out)" ""

# ---- odd pictures, and wrong usage

cp text.png pics/text.png
printf 'flat' >pics/notes.txt
head -c 3000 pics/1.png >pics/cut.png
run 3 bench recall --images pics --json --only jpeg-90
is "left out" "$(jq -r 'select(.run) | .run | "\(.originals) \(.images_left_out)"' out)" "8 3"
mkdir one empty; cp pics/1.png one/
for wrong in '' '--images /nonexistent' '--images empty' '--images one' '--images pics/1.png' '--images pics pics' \
    '--images pics --seed -1' '--images pics --pair-rate 2' '--images pics --pair-rate x' '--images pics --only nonsense' \
    '--images pics --edit x' '--images pics --edit =./same.sh' '--images pics --edit a/b=./same.sh' \
    '--images pics --edit jpeg-90=./same.sh' '--images pics --edit a=./same.sh --edit a=./same.sh' \
    '--images pics --method pdq31=./hash.sh' '--images pics --method gate=./hash.sh' '--images pics --distractors /nonexistent' '--images pics --distractors text.png' \
    '--images pics --judged /nonexistent' '--images pics --judged text.png' '--images pics --max-distance 129' \
    '--images pics --list-size 0' '--images pics --nonsense'; do
    run 2 bench recall --only jpeg-90 $wrong
done
printf 'a,b,judged\n1.png,2.png,maybe\n' >wrong.csv
run 2 bench recall --images pics --judged wrong.csv
grep -q 'line 2: judged is same' err || fail "the line is not named"
printf 'a,b,judged\n1.png\n' >wrong.csv
run 2 bench recall --images pics --judged wrong.csv
run 4 bench recall --images pics --edits /nonexistent
TMPDIR=/nonexistent run 4 bench recall --images pics --only jpeg-90
run 4 bench recall --images pics --only jpeg-90 --out /proc/nowhere
run 0 bench recall --help
run 0 bench --help
grep -q recall out || fail "bench --help does not name it"
finish
