#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken list: the life of a list in a store, and searching it with herken match --db.
. "$(dirname "$0")/lib.sh"

db=lists.db
list() { local want=$1; shift; run "$want" list "$@" --db $db; }
get() { jq -r "$1 | tostring" out; }
last() { jq -rs ".[-1] | $1 | tostring" out; }
count() { jq -s "map(select($1)) | length" out; }
says() { grep -q -- "$1" err || { fail "not said: $1"; tail -n 3 err; }; }

mkdir known seen
for seed in 1 2 3; do "$DRAW" $seed 480 320 known/k$seed.png; done
"$DRAW" 7 480 320 seen/stranger.jpg
vips resize known/k1.png seen/half.png 0.5
cp known/k2.png seen/same.png
echo 'a text' >seen/note.txt
md5_of() { md5sum <"$1" | cut -d' ' -f1; }
md5_note=$(md5_of seen/note.txt)

# ---- create
run 4 list show --db $db
list 0 create case --owner 'the owner' --purpose 'to test' --categories iwf --by anna
is "what create says" "$(head -n 1 out)" 'list case is made (revision 1)'
is "who may read the store" "$(stat -c %a $db)" 600
list 0 create good --known-good --json --by anna --reason 'a reason'
is "create as JSON" "$(jq -c '[.revision, .kind, .list, .actor, .reason]' out)" '[2,"create","good","anna","a reason"]'
list 2 create case
says "there is a list 'case'"
list 2 create 'Bad Name'
list 0 show --json
is "lists" "$(jq -c '[.list, .known_good, .revision, .entries.active]' out | xargs)" '[case,false,1,0] [good,true,2,0]'

# ---- import: proposed, screened, not searched for
"$HERKEN" hash --quiet --format pdq known >hashes.txt
pdq() { grep "known/k$1.png" hashes.txt | cut -d, -f1; }
{
    echo 'entry,category,pdq,quality,md5'
    for seed in 1 2; do echo "K-$seed,A1,$(pdq $seed),80,"; done
    echo "N-1,B2,,,$md5_note"
} >feed.csv
list 0 import case feed.csv --json --by anna --source police
is "summary" "$(last '[.revision, .staged, .added, .replaced, .withdrawn, .unchanged, .quarantined, .bad_line_count, .unscreened]')" '[3,3,3,0,0,0,0,0,0]'
list 0 diff case --json
is "staged" "$(jq -c 'select(.number) | [.entry, .state, .before, .category, .source]' out | xargs)" \
    '[K-1,proposed,absent,A1,police] [K-2,proposed,absent,A1,police] [N-1,proposed,absent,B2,police]'
is "diff summed up" "$(last '.summary')" '{"entries":3,"added":3,"replaced":0,"withdrawn":0,"quarantined":0}'
list 0 diff case
grep -q '^#1 *new *pdq *K-1  \[A1\]$' out || { fail "the diff for people"; cat out; }
grep -q '^next: herken list approve case --db lists.db$' out || fail "the diff does not say what to do next"
run 2 match --db $db --json seen
says 'no entries'

# ---- approve, search
list 0 approve case --by berta --reason 'looked at' --json
is "approve" "$(jq -c '[.revision, .kind, .actor, .reason, .target, .added, .quarantined]' out)" '[4,"approve","berta","looked at",3,3,0]'
list 2 approve case
says 'nothing is proposed'
ls $db.case.*.hki >/dev/null || fail "approve makes no snapshot"
run 1 match --db $db --json seen
closes
verdict() { is "verdict of $1" "$(field "$1" verdict)" "$2"; }
verdict seen/half.png near
verdict seen/same.png near
verdict seen/note.txt exact
verdict seen/stranger.jpg none
is "what half.png matches" "$(jq -c 'select(.path == "seen/half.png").matches[0] | [.list, .entry, .category, .basis]' out)" '["case","K-1","A1","pdq"]'
is "lists of the account" "$(jq -c 'select(.account).account.lists | map([.list, .revision, .entries, .known_good])' out)" '[["case",4,3,null],["good",2,0,true]]'
# The radius follows from the hashes that are searched: K-1 and K-2, while N-1 has none.
is "profile and radii" "$(jq -c 'select(.account).account | [.profile, .radius]' out)" '["review",{"photo":60,"low_texture":60,"graphic":5}]'
jq -es 'map(select(.path).matches[] | select(.basis == "pdq")) | length == 2 and all(.[]; .chance > 0 and .chance < 1e-6)' out >/dev/null || fail "near matches without a chance"
run 1 match --db $db --profile gate seen/half.png
grep -q 'comes this close to a list of 2 ' out || { fail "the length of the list in words"; cat out; }
run 1 match --db $db --list hashes.txt seen/half.png
grep -q 'comes this close to a list of 5 ' out || { fail "the length of a store and a file in words"; cat out; }
run 1 match --db $db --lists case --json seen/half.png
is "the named list alone" "$(jq -c 'select(.account).account.lists | map(.list)' out)" '["case"]'
run 1 match --db $db --list hashes.txt --json seen/same.png
is "a store and a file together" "$(jq -r 'select(.path) | [.matches[].list] | sort | join(" ")' out)" 'case hashes.txt'
run 2 match --db $db --lists nobody seen
run 2 match --db $db --lists good seen
run 2 match --lists case --list hashes.txt seen
run 4 match --db absent.db seen

# ---- a snapshot with damage that only a search comes upon: no verdict, and made anew
rm $db.case.*.hki # of before the approval
run 1 match --db $db --lists case seen/note.txt
snapshot=$(echo $db.case.*.hki)
for at in $(seq 8192 4096 $(($(stat -c %s "$snapshot") - 4096))); do # behind the header
    printf '\377\377' | dd of="$snapshot" bs=1 seek="$at" conv=notrunc status=none
done
run 4 match --db $db --lists case seen/note.txt
says 'was damaged, and is removed'
run 1 match --db $db --lists case seen/note.txt
ls $db.case.*.hki >/dev/null || fail "the snapshot is not made anew"

# ---- the same again changes nothing; other values replace; --whole withdraws
list 0 import case feed.csv --json
is "the same feed twice" "$(last '[.revision, .staged, .unchanged]')" '[null,0,3]'
list 2 approve case
sed 's/^K-1,A1/K-1,A2/; /^K-2/d' feed.csv >whole.csv
list 0 import case whole.csv --whole --json --by anna
is "a whole feed" "$(last '[.revision, .added, .replaced, .withdrawn, .unchanged]')" '[5,0,1,1,1]'
list 0 diff case --json
is "staged by the whole feed" "$(jq -c 'select(.number) | [.number, .entry, .before, .state]' out | sort | xargs)" \
    '[1,K-1,active,replaced] [2,K-2,active,withdrawn] [4,K-1,absent,proposed]'
is "what the new version replaces" "$(jq 'select(.number == 4).replaces' out)" 1
list 0 show case --json
is "proposed" "$(get '[.entries.proposed, .proposed_replacements, .proposed_withdrawals]')" '[1,1,1]'
list 0 approve case --by berta --json
is "approving it" "$(get '[.revision, .added, .replaced, .withdrawn]')" '[6,0,1,1]'
run 0 match --db $db --json --max-distance 10 seen/same.png
run 1 match --db $db --json seen/half.png
is "the new category" "$(jq -r 'select(.path).matches[0].category' out)" A2
list 0 diff case --from 4 --to 6 --json
is "between revisions" "$(jq -c 'select(.number) | [.entry, .before, .state]' out | sort | xargs)" \
    '[K-1,absent,active] [K-1,active,replaced] [K-2,active,withdrawn]'

# ---- retract and roll back
list 0 retract case --entry K-1 --by carla --reason 'a court said so' --json
is "retract" "$(get '[.revision, .kind, .withdrawn, .reason]')" '[7,"retract",1,"a court said so"]'
run 0 match --db $db seen/half.png
list 2 retract case --entry K-1
says "'K-1' is withdrawn"
list 2 retract case --entry nobody
list 2 retract case
list 0 show case K-1 --json
is "history" "$(jq -c '[.number, .state, (.history | map([.revision, .state, .actor]))]' out | xargs)" \
    '[1,replaced,[[3,proposed,anna],[4,active,berta],[6,replaced,berta]]] [4,withdrawn,[[5,proposed,anna],[6,active,berta],[7,withdrawn,carla]]]'
list 0 show case K-1
grep -q 'withdrawn  *20.* revision 7, retract by carla: a court said so' out || { fail "history in words"; cat out; }
list 0 rollback case --to 4 --json --by carla
is "rollback" "$(get '[.revision, .kind, .target]')" '[8,"rollback",4]'
run 1 match --db $db seen/half.png
run 1 match --db $db seen/same.png
list 2 rollback case --to 4
list 2 rollback case --to 99
list 2 rollback case
list 0 show case --revision 7 --json
is "as it was at revision 7" "$(jq -r .entry out | xargs)" N-1
list 0 log case --json
is "log" "$(jq -c '[.revision, .kind]' out | xargs)" '[8,rollback] [7,retract] [6,approve] [5,import] [4,approve] [3,import] [1,create]'
list 0 log case --max 2
is "two of the log" "$(grep -c '^[0-9]' out)" 2
is "a rollback in the log" "$(head -n 1 out | sed 's/20[^ ]*Z/T/')" '8      T  rollback to 4 by carla: 2 added, 0 replaced, 0 withdrawn, 0 in quarantine'

# An entry by its digest; ambiguous; many from a file, one of them wrong: none is touched.
{ echo 'entry,md5'; for i in 1 2 3; do echo "S-$i,0123456789abcdef0123456789abcde$i"; done
  echo 'T-1,0123456789abcdef0123456789abcde1'; } >more.csv
list 0 import case more.csv
list 0 approve case
list 2 retract case --entry 0123456789abcdef0123456789abcde1
says 'S-1' && says 'T-1'
list 0 show case 0123456789abcdef0123456789abcde1 --json
is "entries by a digest" "$(jq -r .entry out | xargs)" 'S-1 T-1'
printf 'S-2\nnobody\n' >names
list 2 retract case --entries-from names
list 0 show case S-2 --json
printf '#%s\0S-3\0S-3' "$(get .number)" >names
list 0 retract case --entries-from names --json
is "two from a file" "$(get .withdrawn)" 2
list 0 retract case --entry T-1
list 0 retract case --entry 0123456789abcdef0123456789abcde1 --json # now it is S-1 alone
is "by its digest" "$(get .withdrawn)" 1

# ---- bad lines
{ cat feed.csv; echo 'X-1,A1,zz,80,'; for i in $(seq 30); do echo "Y-$i,,12,,"; done
  echo "Z-1,A1,,,fedcba9876543210fedcba9876543210"; } >bad.csv
list 3 import case bad.csv --json --by anna
is "bad lines" "$(last '[.added, .bad_line_count, (.bad_lines | length), .bad_lines[0].file, .bad_lines[0].line]')" '[1,31,31,"bad.csv",5]'
is "bad lines said" "$(grep -c 'bad.csv:[0-9]*: ' err)" 10
says 'and 21 more'
list 0 show case --json
before=$(get .revision)
sed 's/^Z-1/Z-2/' bad.csv >strict.csv
list 3 import case strict.csv --strict --json
is "strict" "$(last '[.revision, .staged, .bad_line_count]')" '[null,0,1]'
list 3 import case feed.csv absent.csv --json
says 'nothing was brought into case'
printf '\x00\x01\x02\x03' >junk.bin
list 3 import case junk.bin
list 2 import case feed.csv --format nonsense
# Asked to stop while it reads: nothing stays.
mkfifo pipe
"$HERKEN" list import case pipe --db $db >out 2>err & importing=$!
yes "$md5_note  name" 2>/dev/null >pipe & writing=$!
for ((i = 0; i < 100; i++)); do ls -l /proc/$importing/fd 2>/dev/null | grep -q '/pipe$' && break; sleep 0.1; done
kill -TERM $importing 2>/dev/null || fail "the import has ended before it was asked to"
got=0; wait $importing || got=$?
kill $writing 2>/dev/null || true
is "exit code of a stopped import" $got 4
says 'stopped: nothing was brought into case'
list 0 show case --json
is "nothing came of that" "$(get .revision)" "$before"

# ---- known-good material, quarantine
"$HERKEN" hash --quiet --format pdq known/k3.png >g.txt
list 0 add good known/k3.png --by anna
list 0 approve good --by anna
{ echo 'entry,category,md5,pdq,quality'; echo "Q-1,A1,$(md5_of known/k3.png),,"; echo "Q-2,A1,,$(pdq 3),80"
  echo 'Q-3,A1,d41d8cd98f00b204e9800998ecf8427e,,'; } >colliding.csv
list 0 import case colliding.csv --json --by anna
is "colliding with known-good material" "$(last '[.added, .quarantined, .suspicions]')" '[3,3,{"empty_file":1,"known_good":1,"near_known_good":1}]'
list 0 import case colliding.csv
list 0 approve case --by berta --json
is "in quarantine" "$(get .quarantined)" 3
list 0 show case --state quarantined --json
is "why" "$(jq -c '[.entry, .suspicions[0]]' out | xargs)" '[Q-1,known_good] [Q-2,near_known_good] [Q-3,empty_file]'
run 0 match --db $db --lists case known/k3.png
list 0 approve case --entry Q-2 --by berta --reason 'in spite of it' --json
is "let out of quarantine" "$(get '[.kind, .added]')" '["approve",1]'
run 1 match --db $db --lists case known/k3.png
list 2 approve case --entry Q-2
list 0 stats case --json
is "stats" "$(jq -c '[.entries.quarantined, .values.pdq, .categories.A1, .suspicions]' out)" '[2,3,4,{"empty_file":1,"known_good":1}]'
list 0 stats case

# ---- add: files one holds
mkdir held
cp known/k1.png seen/note.txt held
{ printf '\xff\xd8\xff'; seq 300; } >held/broken.jpg
list 0 create held
list 3 add held held --json --category C --tags 'x y' --source me
is "of files" "$(jq -c 'select(.path) | [.path, .status, .proposed]' out | xargs)" \
    '[held/broken.jpg,unreadable,digests] [held/k1.png,ok,hash] [held/note.txt,not_an_image,digests]'
is "account of add" "$(last '[.added, .account.found, .account.failed]')" '[3,3,1]'
list 0 diff held --json
is "what is held" "$(jq -c 'select(.name == "held/k1.png") | [has("pdq"), has("exact"), has("md5"), has("sha1"), has("sha256"), .category, .tags, .source]' out)" '[true,true,true,true,true,"C","x y","me"]'
rm held/broken.jpg
list 0 add held held/k1.png held/note.txt --images-only --json
is "images only" "$(last '[.added, .replaced, .unchanged]')" '[0,1,0]'
list 3 add held held/absent.png
list 0 approve held
run 1 match --db $db --lists held seen/note.txt

# What an entry says never steers a terminal.
printf 'entry,md5,category\n"E\033[31m",0123456789abcdef0123456789abcd99,\302\233x\n' >steer.csv
list 0 create steered
list 0 import steered steer.csv
for verb in diff 'show --state proposed'; do
    list 0 $verb steered
    grep -q '\\x1b' out && ! grep -q "$(printf '\033')" out || fail "$verb prints an escape raw"
done

# ---- two persons
list 0 create pair --two-person
list 0 import pair feed.csv --by anna
list 2 approve pair --by anna
says 'second person'
list 0 approve pair --by berta

# ---- export and import
for format in csv text; do
    "$HERKEN" list export pair --db $db --format $format >$format.out 2>err || fail "export as $format"
    list 0 create "copy-$format"
    list 0 import "copy-$format" $format.out --by anna
    list 0 approve "copy-$format" --by anna
    "$HERKEN" list export "copy-$format" --db $db --format $format --out $format.again 2>err
    cmp -s $format.out $format.again || fail "$format exported, imported and exported differs"
done
list 0 export case --format csv --revision 4
is "an older state exported" "$(grep -c '[KN]-[12]' out)" 3
list 2 export case
says 'in which format'
list 2 export case --format nonsense
list 0 export case --format help
grep -q '^  csv ' out || fail "formats are not named"
list 4 export case --format csv --out absent/x.csv

# ---- verify, damage, read-only
list 0 verify --json
is "verify" "$(get '[.ok, .problems]')" '[true,0]'
list 0 verify case
list 2 verify nobody
mkdir ro && cp $db ro/ && chmod 500 ro && chmod 400 ro/$db
run 0 list show case --db ro/$db
run 1 match --db ro/$db --lists held seen/note.txt
if [ "$(id -u)" != 0 ]; then run 4 list approve case --db ro/$db; fi
python3 - <<'PY'
import sqlite3
db = sqlite3.connect("lists.db")
db.execute("UPDATE entry SET category = 'B9' WHERE id = 3")
db.commit()
PY
list 1 verify --json
is "damage found" "$(last .ok)" false
head -c 5000 $db >cut.db
run 1 list verify --db cut.db
run 4 list show --db cut.db
echo 'no store at all, only text' >text.db
run 4 list show --db text.db
run 4 match --db text.db seen

# ---- wrong usage
list 2 show nobody
list 2 import nobody feed.csv
list 2 import case
list 2 approve case extra
list 2 approve case --format csv
list 2 show case K-1 --state active
list 2 show case --state nonsense
list 2 import case feed.csv --timeout 3
list 2 create x --by ''
list 2 create x --reason "$(printf 'bad \xff')"
run 2 list show
run 2 list
run 2 list frobnicate --db $db
run 0 list --help
run 0 list import --help
finish
