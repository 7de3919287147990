#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken match, compare and version: verdicts, the account, exit codes, lists good and bad.
. "$(dirname "$0")/lib.sh"

mkdir known seen
for seed in 1 2 3; do "$DRAW" $seed 480 320 known/k$seed.png; done
for seed in 7 8; do "$DRAW" $seed 480 320 seen/stranger$seed.jpg; done
"$HERKEN" hash --quiet --format pdq known >list.txt

cp known/k1.png seen/same1.png
cp known/k1.png seen/same2.png
vips resize known/k1.png seen/half.png 0.5
vips copy known/k2.png 'seen/q40.jpg[Q=40]'
vips flip known/k2.png seen/mirror.png horizontal
vips rot known/k3.png seen/turned.webp d90
vips invert known/k3.png seen/negative.png
echo 'a text' >seen/note.txt

run 1 match --json --list list.txt seen
closes
verdict() { is "verdict of $1" "$(field "$1" verdict)" "$2"; }
first() { jq -r --arg p "$1" --arg k "$2" 'select(.path == $p) | .matches[0][$k] | tostring' out; }
for f in same1.png half.png q40.jpg mirror.png turned.webp negative.png same2.png; do verdict seen/$f near; done
for f in stranger7.jpg stranger8.jpg; do verdict seen/$f none; done
# Nothing of the note could be compared: the list has no digests. It is out of scope, not clean.
verdict seen/note.txt not_checked
is "status of the second copy" "$(field seen/same2.png status)" duplicate
is "what it is a copy of" "$(field seen/same2.png duplicate_of)" seen/same1.png
is "entry of half.png" "$(first seen/half.png entry)" known/k1.png
is "distance of same1.png" "$(first seen/same1.png distance)" 0
is "orientation of mirror.png" "$(first seen/mirror.png orientation)" flipy
is "orientation of turned.webp" "$(first seen/turned.webp orientation)" rotate90
is "inverted" "$(first seen/negative.png inverted)" true
is "basis" "$(first seen/half.png basis)" pdq
is "list name" "$(first seen/half.png list)" list.txt
is "near count" "$(jq 'select(.account).account.near' out)" 7
is "none count" "$(jq 'select(.account).account.none' out)" 2

# Exact: by digest, of any file, before near; case and category.
sha256sum seen/note.txt | tr 'a-f' 'A-F' >sums.txt
{ echo 'entry,category,md5,pdq'; echo "X-1,\"one, two\",$(md5sum <known/k1.png | cut -d' ' -f1),$(head -n1 list.txt | cut -d, -f1)"; } >both.csv
run 1 match --json --list sums.txt --list both.csv seen
verdict seen/note.txt exact
is "basis of the note" "$(first seen/note.txt basis)" sha256
verdict seen/same1.png exact
is "category" "$(first seen/same1.png category)" 'one, two'
is "the near match follows the exact one" "$(jq -r 'select(.path == "seen/same1.png") | [.matches[].basis] | join(" ")' out)" 'md5 pdq'
verdict seen/stranger7.jpg none

# The radius follows from the profile; a near match states its chance, the account the sum.
run 1 match --json --list list.txt seen
is "account: profile, radii" "$(jq -c 'select(.account).account | [.profile, .radius, .exact_radius]' out)" '["review",{"photo":60,"low_texture":60,"graphic":3},{"photo":60}]'
jq -es 'map(select(.path).matches[]) | length == 7 and all(.[]; .chance > 0 and .chance < 1e-6 and .chance_extrapolated)' out >/dev/null || fail "chances of near matches"
review=$(jq 'select(.account).account.expected_false_matches' out)
# 3 entries for each file hashed, by both probes, the second for a quarter more, and what may be aligned; a duplicate is
# not looked up anew.
one=$(awk -F, '$1 == "photo" && $2 == 60 { print $6 }' "$SOURCE/models/pdq/calibration.csv")
run 1 match --json --list list.txt seen/half.png seen/same1.png seen/same2.png
jq -es --argjson one "$one" 'last.account | .duplicate == 1 and .expected_false_matches > .hashed * 3 * 2.25 * $one and .expected_false_matches < .hashed * 1e-3' out >/dev/null || fail "expected false matches"
run 1 match --json --profile gate --list list.txt seen
gate=$(jq 'select(.account).account.expected_false_matches' out)
is "account: profile, radii" "$(jq -c 'select(.account).account | [.profile, .radius, .exact_radius]' out)" '["gate",{"photo":60,"low_texture":25},{"photo":53}]'
jq -ne "$gate > 0 and $gate <= $review and $review < 1e-3" >/dev/null || fail "expected false matches: $gate, $review"
run 1 match --json --max-distance 20 --list list.txt seen
is "a radius of one's own" "$(jq -c 'select(.account).account | [.profile, .radius, .exact_radius]' out)" '[null,{"photo":20,"low_texture":20,"graphic":20},{"photo":20}]'
run 1 match --json --budget 1e-9 --list list.txt seen
is "a budget of one's own" "$(jq -c 'select(.account).account | [.profile, .budget == 1e-9, .radius.photo < 60]' out)" '[null,true,true]'
for budget in 0 -1 1.5 x nan ''; do
    run 2 match --budget "$budget" --list list.txt seen
    grep -q "over 0, up to 1, not '$budget'" err || fail "a budget that is none: $budget"
done
run 2 match --budget .1 --case of.case --list list.txt seen
grep -q 'a case has the budget of its profile' err || fail "a case with a budget"
run 2 match --profile strict --list list.txt seen
grep -q "gate or review, not 'strict'" err || fail "a profile that is none"
run 1 match --list list.txt seen/half.png
grep -q 'bits: an unrelated photo comes this close to a list of 3 .*once in .* look-ups (extrapolated)' out &&
    grep -q '^false matches to expect in such a run: .* at most' out || { fail "the chance in words"; cat out; }

# The hash of the exact grid is a second probe: it finds a copy of another size that PDQ puts further away.
mkdir small
vips thumbnail known/k1.png small/copy.png 180
run 1 compare --json known/k1.png small/copy.png
plain=$(jq .distance out)
run 1 compare --json known/k1.png "$("$HERKEN" hash --quiet --json --exact-grid small/copy.png | jq -r 'select(.path).exact_hash')"
exact=$(jq .distance out)
[ "$exact" -lt "$plain" ] || fail "the exact hash of a small copy lies at $exact, its plain one at $plain"
run 1 match --json --max-distance "$exact" --list list.txt small
is "found by" "$(first small/copy.png probe) $(first small/copy.png distance) $(first small/copy.png entry)" "exact $exact known/k1.png"
run 1 match --list list.txt small
grep -q "^ *$exact bits .*(exact grid)$" out || { fail "the probe is not named"; cat out; }
run 1 match --json --max-distance $((exact - 1)) --list list.txt small
is "once aligned it is nearer" "$(first small/copy.png aligned)" true
# What no hash of the whole is near to is looked at through other frames, and where it lies is told.
mkdir edited
width=$(vipsheader -f width known/k1.png) height=$(vipsheader -f height known/k1.png)
vips embed known/k1.png edited/framed.png $((width / 8)) $((height / 8)) $((width * 5 / 4)) $((height * 5 / 4)) --extend white
for probes in fast standard thorough; do
    run 1 match --json --probes "$probes" --list list.txt edited
    is "framed, $probes" "$(jq -c 'select(.path == "edited/framed.png").matches[0] | [.entry, .aligned, (.placement | map_values(. * 10 | round))]' out)" \
        '["known/k1.png",true,{"left":-1,"top":-1,"right":-1,"bottom":-1,"angle":0}]'
    is "account: probes" "$(jq -r 'select(.account).account | .probes, .aligned_radius.photo' out | paste -sd' ')" "$probes 60"
done
grep -q '"placement":{"left":-0\.[0-9]*,"top":-0\.[0-9]*,"right":-0\.[0-9]*,"bottom":-0\.[0-9]*,"angle":0\.0}' out || fail "a placement's fields"
run 1 match --list list.txt edited/framed.png
grep -Eq '^ *[0-9]+ bits once aligned, framed \(left [0-9]* %, top [0-9]* %, right [0-9]* %, bottom [0-9]* %\): ' out || { fail "a placement in words"; cat out; }
run 1 compare --json edited/framed.png known/k1.png
before=$(jq .aligned.before out) after=$(jq .aligned.distance out)
is "compare, aligned" "$(jq -c '[.verdict, .aligned.probe, .aligned.distance < 30]' out)" '["near","trim",true]'
run 1 compare edited/framed.png known/k1.png # what decides is the mean: both are said
grep -q "^$after bits once aligned, $before before, original: framed" out || { fail "compare says both distances"; cat out; }
run 2 match --probes some --list list.txt edited
grep -q "fast, standard or thorough, not 'some'" err || fail "probes that are none"
run 1 match --json --list list.txt seen/same1.png
is "at 0 by both" "$(first seen/same1.png probe)" plain
# Of a symmetric picture that hash is chance: the plain one alone is looked up, and counted.
vips thumbnail known/k1.png half.png 250
vips flip half.png other.png horizontal
vips join half.png other.png symmetric.png horizontal
vips thumbnail symmetric.png small/symmetric.png 180
"$HERKEN" hash --quiet --format pdq symmetric.png >symmetric.txt
is "symmetric" "$("$HERKEN" hash --quiet --json --exact-grid small/symmetric.png | jq -c 'select(.path) | [.exact_hash, .flags]')" '[null,[]]'
run 1 match --json --list symmetric.txt small/symmetric.png
is "found by" "$(first small/symmetric.png probe)" plain
jq -es --argjson one "$one" 'last.account.expected_false_matches >= $one' out >/dev/null || fail "expected false matches without the exact probe"

# Exit codes: clean, match, partial.
mkdir clean; cp seen/stranger*.jpg clean; cp seen/note.txt clean
run 0 match --json --list list.txt clean
mkdir dark; vips black black.png 200 200; mv black.png dark
run 3 match --json --list list.txt dark
verdict dark/black.png not_checked
is "why" "$(field dark/black.png reason)" degenerate
run 0 match --json --accept-uncertain --list list.txt dark
verdict dark/black.png none
{ printf '\xff\xd8\xff'; seq 300; } >dark/broken.jpg
run 3 match --json --accept-uncertain --list list.txt dark
status dark/broken.jpg unreadable
verdict dark/broken.jpg not_checked
head -c 6000 seen/stranger7.jpg >cut.jpg
run 3 match --json --list list.txt cut.jpg
status cut.jpg truncated
verdict cut.jpg not_checked
run 0 match --json --max-distance 0 --list list.txt seen/half.png
run 0 match --quiet --list list.txt clean
grep -q '3 found = 2 hashed + 0 duplicate + 1 skipped + 0 failed' out || fail "the account in words"

# Lists: what cannot be used stops the run before it starts, with the place; or is left out.
{ cat list.txt; echo zz; printf '%064d,100,zero\n' 0; echo 'd41d8cd98f00b204e9800998ecf8427e  empty'; } >bad.txt
run 2 match --list bad.txt seen
grep -q 'bad.txt:4: ' err && grep -q 'bad.txt:5: left out: degenerate' err && grep -q 'bad.txt:6: left out: digest of the empty' err || { fail "bad lines are not named"; cat err; }
run 1 match --list bad.txt --skip-bad-lines seen
sed '/^zz$/d' bad.txt >harmful.txt # well-formed, left out with a word
run 1 match --list harmful.txt seen
grep -q 'harmful.txt:4: left out: degenerate' err || fail "the degenerate entry is not named"
run 2 match --list /nonexistent seen
: >empty.txt
run 2 match --list empty.txt seen
run 2 match seen
run 2 match --list list.txt
run 2 match --list list.txt --max-distance 129 seen
printf '\xef\xbb\xbf%s\r\n\r\n# remark\r\n' "$(head -n1 list.txt | tr 'a-f' 'A-F')" >dos.txt
run 1 match --list dos.txt seen/half.png

# A list made by hash --format pdq can be read back, whatever the names.
mkdir names
for name in ' blanks ' 'a,b' 'quo"te' $'line\nend' plain; do cp known/k1.png "names/$name.png"; cp known/k1.png "names/$name"; done
"$HERKEN" hash --quiet --format pdq names >names.txt
is "lines" "$(wc -l <names.txt)" 10
run 1 match --json --max-matches 0 --list names.txt known/k1.png
is "entries" "$(jq -r 'select(.path) | .matches | map(.entry) | sort | join("|")' out)" 'names/ blanks |names/ blanks .png|names/a,b|names/a,b.png|names/line\x0aend|names/line\x0aend.png|names/plain|names/plain.png|names/quo"te|names/quo"te.png'

# 64 digits that may be PDQ or SHA-256 are looked up as both; what we print for people is no list.
sha256sum known/k1.png | cut -c1-64 >bare-sha.txt
run 1 match --json --list bare-sha.txt known/k1.png
is "basis of a bare SHA-256" "$(first known/k1.png basis)" sha256
sed 's/,.*/  some name/' list.txt >pdq-as-sums.txt
run 1 match --json --list pdq-as-sums.txt seen/half.png
is "basis of a PDQ hash in sha256sum's clothes" "$(first seen/half.png basis)" pdq
"$HERKEN" hash --quiet known >printed.txt
run 2 match --list printed.txt known
printf '%s  a\r%s  b\r' "$(md5sum <known/k1.png | cut -c1-32)" "$(md5sum <known/k2.png | cut -c1-32)" >mac.txt
run 2 match --list mac.txt known

# What is left out of a list is said, also with --quiet, and stands in the account.
run 1 match --quiet --json --skip-bad-lines --list bad.txt seen
is "bad lines in the account" "$(jq -c 'select(.account).account.lists[0] | [.entries, .quarantined, .bad_lines]' out)" '[3,2,1]'
grep -q '3 lines left out, 3 entries' err || fail "--quiet hides that entries are left out"
cp list.txt $'bad\xffname.txt'
run 1 match --json --list $'bad\xffname.txt' seen/half.png
is "a list name that is not UTF-8" "$(first seen/half.png list_b64 | base64 -d | xxd -p)" "$(printf 'bad\xffname.txt' | xxd -p)"
ln -s loop-b loop-a; ln -s loop-a loop-b
run 3 match --list list.txt loop-a

# Known-good lists: their digests overrule near matches and bad luck with decoders, nothing else does;
# lists that disagree are a conflict, whatever the verdict.
good() { is "known_good, conflict of $1" "$(field "$1" known_good) $(field "$1" conflict)" "$2"; }
listed() { jq -r --arg p "$1" 'select(.path == $p) | [.matches[] | .basis + (if .known_good then "+" else "" end)] | join(" ")' out; }
account() { is "account: known_good, conflict" "$(jq -c 'select(.account).account | [.known_good, .conflict]' out)" "$1"; }
sha256sum seen/half.png seen/stranger7.jpg seen/note.txt cut.jpg dark/* >good.txt
run 0 match --json --list list.txt --known-good good.txt seen/half.png # a digest of theirs beats near
verdict seen/half.png none
good seen/half.png 'true true'
is "both are listed" "$(listed seen/half.png)" 'sha256+ pdq'
account '[1,1]'
is "lists in the account" "$(jq -c 'select(.account).account.lists | map(.known_good)' out)" '[null,true]'
run 0 match --list list.txt --known-good good.txt seen/half.png
grep -q '^none .*half.png  (CONFLICT: known good, but near a known image)' out && grep -q 'in good.txt  (known good)' out &&
    grep -q '^1 known good, 1 conflicts between lists' out || { fail "the conflict in words"; cat out; }
run 1 match --json --list list.txt --list good.txt --known-good good.txt seen/half.png # but not a digest
verdict seen/half.png exact
good seen/half.png 'true true'
is "known first" "$(listed seen/half.png)" 'sha256 sha256+ pdq'
run 1 match --list list.txt --list good.txt --known-good good.txt seen/half.png
grep -q 'CONFLICT: in a known-good list too' out || fail "exact in conflict, in words"
"$HERKEN" hash --quiet --format pdq seen/half.png seen/stranger8.jpg >good-hashes.txt
run 1 match --json --list list.txt --known-good good-hashes.txt seen/half.png # nor does a hash of theirs
verdict seen/half.png near
good seen/half.png ' true'
is "the nearer is first" "$(listed seen/half.png)" 'pdq+ pdq'
account '[0,1]'
run 1 match --list list.txt --known-good good-hashes.txt seen/half.png
grep -q 'CONFLICT: near known-good material too' out || fail "near in conflict, in words"
run 1 match --json --max-matches 1 --list list.txt --known-good good-hashes.txt seen/half.png
is "the known one is kept" "$(listed seen/half.png)" pdq
run 0 match --json --list list.txt --known-good good.txt --known-good good-hashes.txt clean seen/stranger7.jpg
verdict seen/stranger7.jpg none
good seen/stranger7.jpg 'true '
verdict clean/note.txt none
good clean/note.txt 'true '
verdict clean/stranger8.jpg none
good clean/stranger8.jpg ' '
is "near known good" "$(listed clean/stranger8.jpg)" 'pdq+'
run 0 match --list list.txt --known-good good.txt clean
if grep -q stranger7 out; then fail "a known-good file is printed without --all"; fi
run 0 match --all --list list.txt --known-good good.txt clean
grep -q 'stranger7.jpg  (known good)' out || fail "known good, in words"
# Whatever the decoder made of them: their bytes are known good. Others like them are not checked.
run 0 match --json --list list.txt --known-good good.txt dark cut.jpg
closes
for f in dark/broken.jpg dark/black.png cut.jpg; do verdict $f none; good $f 'true '; done
status dark/broken.jpg unreadable
account '[3,0]'
run 0 match --list list.txt --known-good good.txt dark
grep -q 'none .*broken.jpg  (unreadable.*(known good)' out || fail "failed but known good, in words"
{ cat dark/broken.jpg; echo; } >broken2.jpg
run 3 match --json --list list.txt --known-good good.txt dark broken2.jpg
verdict broken2.jpg not_checked
echo another >other.txt
run 0 match --json --list list.txt --known-good good.txt other.txt # compared with good ones alone
verdict other.txt not_checked
account '[0,0]'
run 2 match --known-good good.txt seen
grep -q 'nothing could ever match' err || fail "only known-good lists"
run 2 match --list list.txt --known-good empty.txt seen
run 2 match --list list.txt --known-good /nonexistent seen
run 0 hash --json seen/half.png
is "no verdicts, no known good" "$(jq -c 'select(.account).account | [.known_good, .conflict]' out)" '[null,null]'

# compare
run 2 compare known known/k1.png
run 3 compare --json cut.jpg known/k1.png
is "compare says not checked" "$(jq -r '.verdict + " " + .reason' out)" "not_checked truncated"
run 1 compare --json "$(head -n2 list.txt | tail -n1 | cut -d, -f1)" seen/mirror.png
is "a hash against a mirrored file" "$(jq -r .orientation out)" flipy
run 1 compare --json seen/turned.webp known/k3.png
is "turned" "$(jq -r .orientation out)" rotate90
run 1 compare --json known/k3.png seen/turned.webp
is "and back" "$(jq -r .orientation out)" rotate270
run 1 compare --json "$(tail -n1 list.txt | cut -d, -f1)" seen/turned.webp
is "a hash against a turned file" "$(jq -r .orientation out)" rotate270
run 1 compare --json known/k1.png seen/half.png
is "compare" "$(jq -r .verdict out)" near
jq -e '.chance > 0 and .chance < 1e-6' out >/dev/null || fail "the chance of compare"
run 1 compare known/k1.png seen/half.png
grep -q 'bits, original; an unrelated photo comes this close to another one ' out || { fail "compare in words"; cat out; }
run 1 compare --profile gate known/k1.png seen/half.png
run 2 compare --profile strict known/k1.png seen/half.png
run 0 compare --json known/k1.png known/k2.png
run 1 compare --json known/k3.png seen/negative.png
is "compare inverted" "$(jq -r .inverted out)" true
run 3 compare known/k1.png seen/note.txt
run 3 compare known/k1.png missing.png
run 2 compare known/k1.png
hash=$(head -n1 list.txt | cut -d, -f1)
run 1 compare --json "$hash" known/k1.png
is "compare a hash and its file" "$(jq .distance out)" 0

run 0 version --json
is "model in version" "$(jq -r '.models[0].id' out)" pdq
jq -e '.libraries.libvips and .libraries["libjpeg-turbo"] and (.models[0].sha256 | length == 64)' out >/dev/null || fail "version misses something"
finish
