#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken list: days of those who work with it. What goes wrong there, and what is said then.
. "$(dirname "$0")/lib.sh"

db=days.db
list() { local want=$1; shift; run "$want" list "$@" --db $db; }
get() { jq -r "$1 | tostring" out; }
last() { jq -rs ".[-1] | $1 | tostring" out; }
says() { grep -q -- "$1" err || { fail "not said: $1"; tail -n 3 err; }; }
shows() { grep -q -- "$1" out || { fail "not shown: $1"; cat out; }; }
silent() { [ ! -s err ] || { fail "said: $(head -n 1 err)"; }; }

digest() { printf '%032x' "$1"; }
for i in 1 2 3 4 5 6; do echo "$(digest $i)  picture$i.jpg"; done >feed.md5

# ---- the curator: a feed that came broken
list 0 create hotline
list 0 import hotline feed.md5
silent
shows '^next: herken list diff hotline --db days.db  '
shows 'herken list approve hotline --db days.db  '
shows 'herken list rollback hotline --to 1 --db days.db  *drop it$'
list 0 approve hotline
: >empty.md5
list 0 import hotline empty.md5
says 'there are no entries in it'
printf '\377\330\377\000a picture' >picture.jpg
list 3 import hotline picture.jpg
says 'herken list add'
list 2 import hotline empty.md5 --whole
says 'it would withdraw everything'
head -n 1 feed.md5 >one.md5
list 0 import hotline one.md5 --whole --json --quiet
is "a feed that is nearly empty" "$(last '[.revision, .withdrawn]')" '[4,5]'
says 'more of the list would be withdrawn (5 entries) than would stay (1)'
list 0 rollback hotline --to 3
list 2 approve hotline
head -n 4 feed.md5 >most.md5
list 0 import hotline most.md5 --whole
is "nothing is said of entries" "$(grep -c 'no entries' err)" 0
is "less than half withdrawn" "$(grep -c 'than would stay' err)" 0
list 0 rollback hotline --to 5
shows '^next: herken list diff hotline --from 6 --db days.db  '
list 0 log hotline
shows 'import by .*: proposes 0 new, 0 newer versions, 2 to be withdrawn$'
list 0 log hotline --json
is "an import has nothing in quarantine yet" "$(jq -c 'select(.kind == "import") | has("quarantined")' out | sort -u)" false

# Formats that there are, where one is not.
list 2 import hotline feed.md5 --format md5
says '^  text  ' && says "no format 'md5'.*see herken list import --help"
for format in vics nsrl tx csv text; do
    "$HERKEN" list import --help | grep -q -- "--format.*\b$format\b" || fail "import --help does not name $format"
done
list 2 retract hotline
says 'see herken list retract --help'
run 2 match --db $db
says 'see herken match --help'

# ---- newer versions: each once in the diff, as what it comes to
sed 's/^/md5=/; s/  /,name=/; s/$/,category=A1/' feed.md5 >graded.txt
list 0 import hotline - <graded.txt
list 0 diff hotline
is "rows of the diff" "$(grep -c '^#' out)" 6
is "all are new versions" "$(grep -c '^#.*new version .*in place of #' out)" 6
list 0 diff hotline --json
is "rows of the diff as JSON" "$(jq -s 'map(select(.number)) | length' out)" 12
list 0 approve hotline
# Between revisions: what was only proposed at the later one was not searched for.
list 0 diff hotline --from 3 --to 2 --json
is "back to what was proposed" "$(last '.summary | [.added, .withdrawn, .proposed]')" '[0,0,6]'
list 0 diff hotline --from 3 --to 2
shows '^only proposed then  *6$'

# ---- one entry, by name, before all are approved
digest_empty=d41d8cd98f00b204e9800998ecf8427e
printf '%s  nothing.jpg\n%s  something.jpg\n' $digest_empty "$(digest 9)" >odd.md5
list 0 import hotline odd.md5
list 0 approve hotline --entry nothing.jpg
shows '^1 of those named are still proposed'
list 2 approve hotline --entry nothing.jpg
says 'comes in when the list is approved without --entry'
list 0 approve hotline --json
is "both came in" "$(get '[.added, .quarantined]')" '[2,0]'
list 0 screen hotline
is "nothing to look over, nothing next" "$(grep -c next out)" 0

# The same name twice is nothing odd, two cameras count from one; the same id is: why it waits.
printf '%s  IMG_1.jpg\n%s  IMG_1.jpg\n' "$(digest 21)" "$(digest 22)" >twice.md5
list 0 import hotline twice.md5 --json
is "two of one name" "$(last '[.added, .quarantined]')" '[2,0]'
printf 'md5=%s,entry=7\nmd5=%s,entry=7\n' "$(digest 31)" "$(digest 32)" >twice.txt
list 0 import hotline twice.txt
shows 'contradiction  *2: .*one id twice in a feed'

# ---- the unit: files of its own
mkdir -p one two
"$DRAW" 1 480 320 one/photo.png
"$DRAW" 2 480 320 two/photo.png
odd_name="$(printf 'two/new\nline \377.png')"
"$DRAW" 3 480 320 odd.png && mv odd.png "$odd_name"
list 0 create unit
for folder in one two; do
    (cd $folder && "$HERKEN" list add unit photo.png --db ../$db >../out 2>../err) || fail "add in $folder"
    silent
done
list 0 add unit two
list 0 approve unit
list 0 show unit "$odd_name" --json
is "an odd name is found as it is" "$(get .state)" active
list 0 retract unit --entry "$odd_name"
list 0 show unit --state withdrawn --json
is "and can be withdrawn by it" "$(get .name)" 'two/new\x0aline \xff.png'

# ---- the provider: a row an entry, whatever of it is the same
run 1 match --db $db --lists unit two/photo.png
is "rows of a file that was added twice" "$(grep -c '^  ' out)" 1
shows '^         same md5 sha1 sha256  photo.png  in unit$'
run 1 match --db $db --lists unit,unit,unit --json two/photo.png
is "a list named again" "$(jq -c 'select(.account).account.lists | length' out)" 1
run 2 match --db $db --lists ', ,' two/photo.png
run 2 match --db $db --lists ',' two/photo.png
says '--lists names no list'

# ---- for others
list 0 create stock --known-good --purpose 'what it is for'
list 0 import stock feed.md5
list 0 approve stock
list 2 export stock --format tx --quiet --out stock.tx
says 'which tx cannot say'
list 0 export stock --format text --quiet --out stock.txt
says 'stock is known good, which the file does not say'
list 0 export unit --format csv --out unit.csv
is "said of a whole export" "$(cat err)" 'herken: 2 entries written'
list 0 create "$(printf 'a%.0s' {1..64})"
list 0 show
is "a table, whatever the names" "$(awk '{ print index($0, $2) + length($2) }' out | sort -u | wc -l)" 1
grep -q ' $' out && fail "blanks at the end of a line"
list 0 verify
finish
