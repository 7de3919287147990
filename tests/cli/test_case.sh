#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken case: looking into a case, deciding, carrying over, exporting, merging shards.
. "$(dirname "$0")/lib.sh"
: "${MAKE_CASE:?}"

says() { grep -q -- "$1" err || { fail "not said: $1"; tail -n 3 err; }; }
case_() { local want=$1; shift; run "$want" case "$@"; }
get() { jq -r "$1 | tostring" out; }

"$MAKE_CASE" night.case

# ---- usage
run 0 case --help
grep -q '^  merge ' out || fail "help does not name the verbs"
for verb in info groups decide decisions export carry merge; do
    case_ 0 $verb --help
    grep -q "^usage: herken case $verb " out || fail "help of $verb"
done
run 2 case
case_ 2 nothing
says "not 'nothing'"
case_ 2 info
says 'it is herken case info CASE'
case_ 2 info night.case another
case_ 2 info night.case --group 1
says 'does not take --group'
case_ 2 info night.case --max-pixels 5
case_ 2 merge out.case
case_ 4 info nothing.case
says 'cannot be opened'
echo 'no case at all' >text
case_ 4 info text
says 'is no case'

# ---- info
case_ 0 info night.case --json
is "state" "$(get 'select(.case) | [.case, .state, .shard, .shards, .profile, .radius.photo, .groups, .decisions]' | head -n 1)" \
    '["night.case","finished",1,1,"review",39,3,0]'
is "inputs and lists" "$(get 'select(.case) | [.inputs[0].path, .inputs[0].absolute, .lists[0].list, .lists[0].revision, .sessions[0].started]' | head -n 1)" \
    '["evidence","/mnt/evidence","police",7,"2001-09-09T01:46:40Z"]'
is "account" "$(get 'select(.account) | .account | [.found, .hashed, .duplicate, .failed, .near]')" '[41,39,1,1,1]'
case_ 0 info night.case
grep -q '^case     night.case, finished$' out || fail "info for people"
grep -q '^41 found = 39 hashed + 1 duplicate + 0 skipped + 1 failed$' out || fail "the account for people"

# ---- groups
case_ 0 groups night.case --json
is "leaders" "$(get 'select(.leader and (.duplicate_of | not)) | [.group, .path, .distance]' | xargs)" \
    '[1,evidence/34.jpg,0] [2,evidence/33.jpg,0] [3,evidence/32.jpg,0]'
is "members of 3" "$(jq -r 'select(.group == 3) | .path' out | xargs)" \
    'evidence/32.jpg evidence/00.jpg evidence/08.jpg evidence/16.jpg evidence/24.jpg'
is "a distance" "$(jq -r 'select(.path == "evidence/00.jpg") | .distance' out)" 2
is "a name" "$(jq -r 'select(.path_b64) | [.path, .path_b64] | @tsv' out)" \
    "$(printf 'evidence/09 \\\\xff.jpg\t%s' "$(printf 'evidence/09 \xff.jpg' | base64)")"
case_ 0 groups night.case
grep -q '^group 3$' out && grep -q '^  leader  evidence/32.jpg$' out && grep -q '^       2  evidence/00.jpg$' out ||
    { fail "groups for people"; cat out; }
grep -q '^3 of 3 groups are not decided on$' out || fail "groups are not counted"

# ---- decide
case_ 0 decisions night.case
says 'nothing stands decided'
case_ 0 export night.case
says 'nothing is decided'
case_ 0 export night.case --quiet
is "words of a quiet export" "$(cat err)" ""
case_ 2 decide night.case --category C1 --by ann
says 'on what'
case_ 2 decide night.case --group 1 --file evidence/00.jpg --category C1 --by ann
says 'not both'
case_ 2 decide night.case --group 1 --by ann
says 'what is it'
case_ 2 decide night.case --group 1 --category C1 --undo --by ann
case_ 2 decide night.case --group 99 --category C1 --by ann
says 'has no group 99'
case_ 2 decide night.case --group 0 --category C1 --by ann
case_ 2 decide night.case --file evidence/12.jpg --category C1 --by ann
says 'were not read'
case_ 2 decide night.case --file $'evidence/\e[2J' --category C1 --by ann
grep -q $'\e' err && fail "a path steers the terminal"
case_ 2 decide night.case --file $'evidence/\u202egpj.exe' --category C1 --by ann
says '\\xe2\\x80\\xaegpj.exe' # a name that reads backwards
case_ 2 decide night.case --group 1 --category $'C\xff' --by ann
says 'takes UTF-8'
case_ 0 decide night.case --group 3 --category harmless --by ann --reason 'a holiday' --json
is "decided" "$(jq -c '[.contents, .group, .category, .actor, .reason]' out)" '[4,3,"harmless","ann","a holiday"]'
case_ 0 decide night.case --file $'evidence/09 \xff.jpg' --category C2 --by bob
is "decided for people" "$(cat out)" '1 content: decided C2, by bob'
case_ 0 decide night.case --file 'evidence/30.jpg!/in/side.jpg' --category C3 --by bob
case_ 0 decide night.case --file evidence/24.jpg --undo --by bob
is "taken back" "$(cat out)" '1 content: decision taken back, by bob'
case_ 0 decide night.case --file evidence/24.jpg --undo --by bob --json
is "taken back twice" "$(jq -c '[.contents, .undone]' out)" '[0,true]'
case_ 0 decisions night.case --json
is "history" "$(jq -c '[.path, .category // "-", .actor, .stands, .files]' out | head -n 4 | xargs)" \
    '[evidence/32.jpg,harmless,ann,true,1] [evidence/24.jpg,harmless,ann,false,1] [evidence/08.jpg,harmless,ann,true,2] [evidence/00.jpg,harmless,ann,true,1]'
is "history, at the end" "$(tail -n 1 out | jq -c '[.path, .undone, .stands, .sha256 != null, .date != null]')" '["evidence/24.jpg",true,false,true,true]'
case_ 0 decisions night.case
grep -q '  harmless  by ann  evidence/32.jpg: a holiday$' out || { fail "history for people"; cat out; }
case_ 0 groups night.case --json
is "groups left" "$(jq -r .group out | sort -u | xargs)" '1 2 3'
case_ 0 decide night.case --group 1 --category C2 --by bob
case_ 0 groups night.case --json
is "groups left, one decided" "$(jq -r .group out | sort -u | xargs)" '2 3'
case_ 0 groups night.case --all --json
is "all groups" "$(jq -r .group out | sort -u | xargs)" '1 2 3'
is "a decision" "$(jq -r 'select(.path == "evidence/32.jpg") | [.category, .actor] | @tsv' out)" $'harmless\tann'

# ---- export, and import into a list
# Categories are not mixed unless that is asked for.
case_ 2 export night.case --out mixed.csv
says 'decided on are'
says 'C2'
says 'harmless'
[ -e mixed.csv ] && fail "a list of mixed categories"
case_ 2 export night.case --category C2 --all-categories
case_ 2 export night.case --category nonsense
says "nothing is decided to be 'nonsense'"
case_ 0 export night.case --category harmless --out one.csv
grep -q C2 one.csv && fail "another category in the list of one"
n=$(wc -l <one.csv)
case_ 0 export night.case --category harmless,C2 --out two.csv
[ "$(wc -l <two.csv)" -gt "$n" ] || fail "two categories with a comma"
case_ 0 export night.case --category C2 --category harmless --out again.csv
cmp -s two.csv again.csv || fail "two categories, named again"
case_ 0 export night.case --all-categories --out decided.csv --json
is "export" "$(jq -c '[.written, .out]' out)" '[10,"decided.csv"]'
is "who may read it" "$(stat -c %a decided.csv)" 600
case_ 0 export night.case --all-categories
cmp -s out decided.csv || fail "stdout is not the file"
case_ 0 export night.case --all-categories --format vics --out decided.json
case_ 2 export night.case --all-categories --format tx
says 'csv or vics'
case_ 2 export night.case --all-categories --out night.case
run 0 list create csv --db lists.db --by ann
run 0 list create vics --db lists.db --by ann
run 0 list import csv decided.csv --db lists.db --by ann --strict --json
is "import of CSV" "$(jq -rs '.[-1] | [.added, .bad_line_count] | tostring' out)" '[10,0]'
run 0 list import vics decided.json --db lists.db --by ann --strict --json
is "import of VICS" "$(jq -rs '.[-1] | [.added, .bad_line_count] | tostring' out)" '[10,0]'
run 0 list diff csv --db lists.db --json --all
is "an entry" "$(jq -c 'select(.name == "32.jpg") | [.category, .source, .quality, .extra]' out)" \
    '["harmless","case night.case",100,{"actor":"ann","reason":"a holiday"}]'

# ---- carry
"$MAKE_CASE" new.case
case_ 2 carry new.case
case_ 2 carry new.case --from new.case
says 'this case itself'
case_ 4 carry new.case --from nothing.case
case_ 0 decide new.case --file evidence/32.jpg --category C9 --by eve
case_ 0 carry new.case --from night.case --json
is "carried" "$(jq -c '[.carried, .from]' out)" '[9,"night.case"]'
case_ 0 carry new.case --from night.case
is "carried twice" "$(cat out)" '0 decisions carried over'
case_ 0 decisions new.case --json
is "who decided" "$(jq -c 'select(.path == "evidence/00.jpg") | [.category, .actor, .carried]' out)" '["harmless","ann","night.case"]'
is "made here" "$(jq -c 'select(.path == "evidence/32.jpg") | [.category, .actor, .carried]' out)" '["C9","eve",null]'

# ---- merge
"$MAKE_CASE" whole.case
for i in 1 2 3; do "$MAKE_CASE" part$i.case $i 3; done
case_ 2 merge merged.case part1.case part2.case
says '2 cases were named'
case_ 2 merge merged.case part1.case part2.case part2.case
says 'and so is'
[ -e merged.case ] && fail "a refused merge leaves a case"
case_ 0 merge merged.case part3.case part1.case part2.case --json
is "merged" "$(jq -c 'select(.case) | [.case, .shards, .groups]' out)" '["merged.case",3,3]'
is "account of the merged" "$(get 'select(.account) | .account | [.found, .hashed, .duplicate, .failed, .near]')" '[41,39,1,1,1]'
case_ 2 merge merged.case part3.case part1.case part2.case
says 'is there already'
is "what lies there" "$(ls | grep -c 'merged')" 1
case_ 0 groups whole.case --json
cp out whole.groups
case_ 0 groups merged.case --json
cmp -s out whole.groups || { fail "groups of the merged case"; diff out whole.groups | head -n 5; }
head -c 20000 part2.case >cut.case
case_ 4 merge broken.case part1.case cut.case part3.case
[ -e broken.case ] && fail "a merge of a damaged shard leaves a case"
finish
