#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Frames of what one holds: crops of a fifth are found by them, under the entry's own name.
. "$(dirname "$0")/lib.sh"
EDITS=$(dirname "$HERKEN")/herken-edits

mkdir pics crops
for i in 1 2 3 4 5 6; do
    "$DRAW" $i $((300 + 60 * i)) $((500 - 40 * i)) pics/p$i.png
    for seed in 1 2 3 4 5 6; do
        mkdir -p crops/p$i/$seed
        "$EDITS" --seed $seed --name p$i --only crop-20 pics/p$i.png crops/p$i/$seed >/dev/null
    done
done
db=frames.db
list() { local want=$1; shift; run "$want" list "$@" --db $db; }
for name in plain framed; do list 0 create $name; done
list 0 add plain pics --json
is "frames that nobody asked for" "$(jq -s 'last | has("frames")' out)" false
list 0 add framed pics --frames --json
frames=$(jq -s 'last.frames' out)
[ "$frames" -gt 200 ] && [ "$frames" -le $((6 * 128)) ] || fail "$frames frames of 6 pictures"
list 2 import framed nothing --frames # an option of add alone
for name in plain framed; do list 0 approve $name; done
list 0 show framed --json
is "frames of the list" "$(jq '[.framed, .frames] | tostring' out)" "\"[6,$frames]\""
list 0 show plain --json
is "frames of the other" "$(jq '.framed' out)" 0
list 0 show framed --state active --json
is "frames of its entries" "$(jq -s 'map(.frames) | add' out)" "$frames"

# On lists this short the calibrated radius is wide, and pictures drawn by one program are alike.
match() { run "$1" match --json --quiet --max-distance 40 --db $db --lists "$2" crops; }
near() { jq -s 'map(select(.verdict == "near")) | length' out; }
match 1 framed
found=$(near)
[ "$found" -ge 9 ] || fail "of 36 crops $found are found by frames"
is "one match an entry" "$(jq -s 'map(select(.path) | .matches | (map(.entry) | unique | length) == length) | all' out)" true
is "by a frame" "$(jq -s 'map(select(.path) | .matches[].entry_frame.number | . >= 1 and . <= 255) | all' out)" true
# Parts of such simple drawings can be alike, so another may be found besides.
is "each under its own name" "$(jq -rs 'map(select(.verdict == "near") | (.path | split("/")[1]) as $own | .matches | any((.entry | split("/")[1] | rtrimstr(".png")) == $own)) | all' out)" true
is "margins" "$(jq -s 'map(select(.path) | .matches[].entry_frame | [.left, .top, .right, .bottom] | all(. >= 0 and . < .5)) | all' out)" true
got=0
"$HERKEN" match --json --max-distance 40 --db $db --lists plain crops >out 2>err || got=$?
is "by a frame, where there are none" "$(jq -s 'map(select(.path) | .matches[] | select(.entry_frame)) | length' out)" 0
is "found by the whole picture alone" "$(jq -s 'map(select(.path) | .matches[] | select(.probe == "plain" or .probe == "exact")) | length' out)" 0

# ---- as a file, and back
list 0 export framed --format csv --out framed.csv
run 1 match --json --max-distance 40 --list framed.csv crops
is "crops found by the file" "$(near)" "$found"
list 0 import framed framed.csv --json
is "unchanged" "$(jq -s 'last.unchanged' out)" 6
list 0 add framed pics --json # without: they stay
is "unchanged" "$(jq -s 'last.unchanged' out)" 6
list 0 add plain pics --frames --json
is "newer versions" "$(jq -s 'last.replaced' out)" 6

# ---- gone with their entries, and back with them
list 0 show framed --json
revision=$(jq .revision out)
match 1 framed
one=$(jq -rs 'map(select(.verdict == "near"))[0].matches[0].entry' out)
others=$(jq -s --arg e "$one" 'map(select(.path) | select(.matches | any(.entry != $e))) | length' out)
list 0 show framed --state active --json
jq -r --arg e "$one" 'select(.name == $e) | "#\(.number)"' out >gone
list 0 retract framed --entries-from gone
match 1 framed
is "crops found without $one" "$(near)" "$others"
list 0 rollback framed --to "$revision"
match 1 framed
is "crops found again" "$(near)" "$found"
run 0 list verify --db $db

finish
