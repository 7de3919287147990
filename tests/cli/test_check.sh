#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken check by lists of one's own: verdicts, exit codes that fail closed, --on-hit.
. "$(dirname "$0")/lib.sh"

db=lists.db
mkdir known clean
for seed in 1 2 3; do "$DRAW" $seed 480 320 known/k$seed.png; done
for seed in 7 9; do "$DRAW" $seed 480 320 clean/stranger$seed.jpg; done
"$HERKEN" list create case --db $db --by anna >/dev/null
"$HERKEN" list add case known --db $db --by anna --quiet >/dev/null
"$HERKEN" list approve case --db $db --by anna --reason r >/dev/null
vips resize known/k1.png half.png 0.5
echo 'a text' >note.txt
check() { local want=$1; shift; run "$want" check --db $db --quiet "$@"; }

# ---- verdicts and exit codes
check 0 --json clean
closes
is "clean" "$(field clean/stranger7.jpg verdict)" none
is "the profile of a gate" "$(jq -r 'select(.account).account | [.found, .none, .not_checked] | join(" ")' out)" '2 2 0'
check 1 --json clean half.png known/k2.png
closes
is "near" "$(field half.png verdict)" near
is "exact" "$(field known/k2.png verdict)" exact
is "by the radius of a gate" "$(jq -r 'select(.path == "half.png").matches[0].chance < 1e-6' out)" true
check 1 clean half.png
grep -q '^near     half.png' out && ! grep -q stranger out || { fail "text"; cat out; }
check 0 --all clean
grep -q '^none     clean/stranger7.jpg' out || fail "--all"
# What is no image is not clean, here; nor is what failed, or is not there, or an empty folder.
check 3 --json clean note.txt
closes
is "a text" "$(field note.txt verdict) $(field note.txt reason)" 'not_checked not_an_image'
is "is counted" "$(jq 'select(.account).account.not_checked' out)" 1
head -c 3000 clean/stranger7.jpg >cut.jpg
check 3 --json cut.jpg
is "half a picture" "$(field cut.jpg verdict)" not_checked
check 3 clean not/there
check 1 clean not/there half.png
mkdir empty
check 3 empty
printf 'clean/stranger7.jpg\0half.png\0' | check 1 --json --files0-from -
closes
# The same text is clean once it is known good.
"$HERKEN" list create good --known-good --db $db --by anna >/dev/null
sha256sum note.txt >good.txt
"$HERKEN" list import good good.txt --db $db --by anna --quiet >/dev/null
"$HERKEN" list approve good --db $db --by anna --reason r >/dev/null
check 0 clean note.txt
check 3 --lists case clean note.txt

# ---- wrong usage, a broken store, nowhere to write: never 0
run 2 check clean
run 2 check --db $db
run 2 check --db $db --server https://localhost clean
run 2 check --db $db --hit-to x clean
run 2 check --db $db --queue q clean
run 2 check --server https://localhost clean
run 2 check --server https://localhost --key-file key --profile review clean
grep -q 'a server has its own' err || fail "a profile for a server"
run 4 check --db not.db clean
echo nothing >broken.db
run 4 check --db broken.db clean
if [ -w /dev/full ]; then
    for how in '>/dev/full' '>&-' '</dev/null >&0'; do
        got=0
        eval "\"\$HERKEN\" check --db $db --quiet --all clean $how 2>err" || got=$?
        is "exit code with $how" "$got" 4
    done
fi
got=$( { "$HERKEN" check --db $db --quiet --all --json clean 2>err; echo $? >code; } | true; cat code)
is "exit code with nobody to read" "$got" 4
got=0
"$HERKEN" check --db $db --quiet clean <&- >out 2>&- || got=$?
is "exit code without stdin and stderr" "$got" 0

# ---- --on-hit
cat >hook.sh <<'END'
#!/bin/sh
echo "$# $1 $2 $HERKEN_VERDICT $HERKEN_PATH $HERKEN_LIST $HERKEN_ENTRY" >>hooks
echo 'words of a hook'
END
chmod +x hook.sh
cp half.png 'a file; touch bad $(touch bad).png'
cp half.png ./-rf.png
check 1 --json --on-hit ./hook.sh clean 'a file; touch bad $(touch bad).png' -- -rf.png
sort hooks >sorted
is "hits" "$(wc -l <sorted)" 2
grep -qxF '2 near a file; touch bad $(touch bad).png near a file; touch bad $(touch bad).png case known/k1.png' sorted || { fail "what a hook is given"; cat sorted; }
grep -q '^2 near ./-rf.png near -rf.png case' sorted || { fail "a name like an option"; cat sorted; }
[ ! -e bad ] || fail "a shell was at work"
grep -q 'words of a hook' err || fail "a hook's words go to stderr"
jq -es . out >/dev/null || fail "a hook's words are in the data"
check 0 --on-hit /not/there clean
check 4 --on-hit /not/there half.png
grep -q 'near     half.png' out || fail "a hit whose hook fails is still reported"
check 4 --on-hit false half.png
began=$SECONDS
printf '#!/bin/sh\nsleep 30 & wait\n' >slow.sh
chmod +x slow.sh
check 4 --on-hit ./slow.sh --on-hit-timeout 1 half.png
grep -q 'took longer than 1 s' err || fail "a slow hook"
[ $((SECONDS - began)) -lt 10 ] || fail "a slow hook is waited for"

finish
