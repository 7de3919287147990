#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken index: a snapshot made, searched, changed, merged, damaged and refused.
. "$(dirname "$0")/lib.sh"

# Made-up hashes with 128 one-bits, so that none is left out as degenerate.
hashes() { # hashes SEED COUNT
    awk -v seed="$1" -v n="$2" 'BEGIN { srand(seed); split("0011 0101 0110 1001 1010 1100", four, " ")
        split("3 5 6 9 a c", hex, " ")
        while (n--) { line = ""; for (i = 0; i < 64; i++) line = line hex[1 + int(6 * rand())]; print line } }'
}
hashes 1 3000 >list.txt
md5=d41d8cd98f00b204e9800998ecf84270 sha1=da39a3ee5e6b4b0d3255bfef95601890afd80700
{ echo 'pdq,quality,md5,sha1,sha256,entry,category'
  awk '{ print $1 ",100,,,,," }' list.txt
  echo ",,$md5,,,d1," ; echo ",,,$sha1,,d2,"; } >list.csv
known() { sed -n "$(($1 + 1))p" list.txt; }
ids() { jq -r '[.hits[].id] | join(" ")' out; }

for engine in auto mih flat; do
    run 0 index build --list list.csv --out $engine.snap --engine $engine
    run 0 index verify $engine.snap
    run 1 index search --json $engine.snap "$(known 7)"
    is "id by $engine" "$(ids)" 7
    is "distance by $engine" "$(jq '.hits[0].distance' out)" 0
    run 1 index search --json $engine.snap $md5
    is "id of the MD5 by $engine" "$(ids)" 3000
    run 1 index search --json $engine.snap $sha1
    is "id of the SHA-1 by $engine" "$(ids)" 3001
    run 0 index search --json $engine.snap "$(hashes 99 1)"
    is "a stranger by $engine" "$(ids)" ""
done
"$HERKEN" index build --list list.csv --out again.snap --engine mih >/dev/null
cmp -s mih.snap again.snap || fail "the same list twice gives two different snapshots"
run 0 index info --json mih.snap
is "hashes" "$(jq .hashes out)" 3000
is "next id" "$(jq .next_id out)" 3002

# Engines and radii agree, over stdin.
head -n 200 list.txt >asked.txt
hashes 5 200 >>asked.txt
for engine in mih flat; do run 1 index search --json --max-distance 104 --max-hits 0 --engine $engine mih.snap - <asked.txt; mv out $engine.out; done
cmp -s mih.out flat.out || fail "tables and scan differ"
[ "$(jq -s '[.[].hits | length] | add' flat.out)" -gt 600 ] || fail "too few hits to compare"

# Changes: searched at once, kept, merged; ids stay and are never given twice.
hashes 2 5 >more.txt
new() { sed -n "$(($1 + 1))p" more.txt; }
run 0 index add mih.snap --list more.txt
run 1 index search --json mih.snap "$(new 0)"
is "id of the first added" "$(ids)" "3002 3002" # 64 digits of unknown sort: PDQ and SHA-256
run 0 index remove mih.snap 7 3004 3000
run 0 index search --json mih.snap "$(known 7)"
run 0 index search --json mih.snap "$(new 2)"
run 0 index search --json mih.snap $md5
run 0 index info --json mih.snap
is "hashes after the changes" "$(jq .hashes out)" 3003
is "added, removed" "$(jq -c '[.added, .removed]' out)" '[4,1]'
run 0 index verify mih.snap
run 0 index merge mih.snap
run 0 index info --json mih.snap
is "after the merge" "$(jq -c '[.hashes, .added, .removed, .next_id]' out)" '[3003,0,0,3007]'
run 0 index verify mih.snap
run 0 index search --json mih.snap "$(known 7)"
run 1 index search --json mih.snap "$(new 4)"
is "id of the last added" "$(ids)" "3006 3006"
run 0 index remove mih.snap 3006
run 0 index merge mih.snap
run 0 index add mih.snap --list more.txt
run 1 index search --json mih.snap "$(new 0)"
is "an id is not given twice" "$(ids)" "3002 3007 3002 3007"

# A merge makes what there was: tables or none; it goes through a link; what a stopped process left
# is swept up, what another may be writing is not.
ln -s flat.snap link.snap
touch -d '2 minutes ago' flat.snap.1-7.part
touch flat.snap.1-8.part
run 0 index add link.snap --list more.txt
[ ! -e flat.snap.1-7.part ] || fail "an old draft is not swept up"
[ -e flat.snap.1-8.part ] || fail "a fresh draft is taken away"
rm flat.snap.1-8.part
run 0 index merge link.snap
[ -L link.snap ] || fail "a merge replaces the link, not the snapshot"
run 0 index info --json flat.snap
is "hashes of a merged snapshot without tables" "$(jq -c '[.hashes, .tables]' out)" '[3005,0]'

# A snapshot made anew drops the changes to the old one, unless somebody is making some.
run 0 index add auto.snap --list more.txt
exec 9>>auto.snap.lock
flock 9
run 4 index build --list list.csv --out auto.snap
exec 9>&-
run 0 index info --json auto.snap
is "a refused build leaves things as they were" "$(jq .hashes out)" 3005
run 0 index build --list list.csv --out auto.snap
run 0 index info --json auto.snap
is "a snapshot made anew" "$(jq -c '[.hashes, .added, .next_id]' out)" '[3000,0,3002]'

# Two at once: the second is told.
exec 9>>mih.snap.lock
flock 9
run 4 index remove mih.snap 1
grep -q 'another process' err || fail "who holds the snapshot is not said"
exec 9>&-

# What is damaged is never "not found".
cp auto.snap bad.snap
printf 'X' | dd of=bad.snap bs=1 seek=9000 conv=notrunc status=none
run 1 index verify bad.snap
grep -q 'byte 8192' out || fail "verify does not name the damaged block"
run 4 index search --engine flat bad.snap "$(known 7)"
grep -q damaged err || fail "a search through damage does not say so"
head -c 100000 auto.snap >short.snap
run 4 index search short.snap "$(known 7)"
run 1 index verify short.snap
echo 'no snapshot' >text.snap
run 4 index search text.snap "$(known 7)"
: >empty.snap
run 4 index info empty.snap
cp auto.snap other.snap
cp mih.snap.delta other.snap.delta
run 4 index info other.snap
grep -q 'another snapshot' err || fail "a foreign list of changes is not named"

# Through a link it is the same snapshot, with the same changes.
mkdir elsewhere
ln -s ../mih.snap elsewhere/link.snap
run 0 index add elsewhere/link.snap --list <(hashes 3 1)
run 1 index search elsewhere/link.snap "$(hashes 3 1)"
run 1 index search mih.snap "$(hashes 3 1)"
run 0 index verify elsewhere/link.snap
run 0 index build --list list.csv --out elsewhere/link.snap
[ -L elsewhere/link.snap ] || fail "a build replaces the link, not the snapshot"

# What is not ours is not swept up.
touch -d '2 minutes ago' auto.snap.zip.part auto.snap.my-2.part
run 0 index add auto.snap --list more.txt
[ -e auto.snap.zip.part ] && [ -e auto.snap.my-2.part ] || fail "somebody else's file was removed"
rm auto.snap.*.part

# A list that only some may read stays so, beside it too.
chmod 600 flat.snap
run 0 index add flat.snap --list more.txt
run 0 index build --list list.csv --out flat.snap
run 0 index add flat.snap --list more.txt
is "modes" "$(stat -c %a flat.snap flat.snap.delta | xargs)" '600 600'

# Nothing asked is not "none is there".
run 2 index search auto.snap - </dev/null

printf '\0%s\n' "$(known 7)" >nul.txt
run 2 index search auto.snap - <nul.txt

# Wrong usage, absent files.
run 2 index
run 2 index find x
run 2 index build --list list.csv
run 2 index search auto.snap
run 2 index search auto.snap 1234
run 2 index search --engine best auto.snap "$(known 7)"
run 2 index remove auto.snap seven
run 4 index info absent.snap
run 4 index remove absent.snap 1
[ ! -e absent.snap.lock ] || fail "a lock for a snapshot that is not there"
run 4 index build --list list.csv --out absent/x.snap
[ "$(find . -name '*.part' | wc -l)" = 0 ] || fail "something half-written is left"

# FAISS, where this build has it: the same answers, and only files whose digest is right.
if run 0 index build --list list.csv --out faiss.snap --engine faiss:BHash16x16 && [ -s out ] &&
    ls faiss.snap.*.faiss >/dev/null 2>&1; then
    run 1 index search --json --max-hits 0 --engine faiss:BHash16x16 faiss.snap - <asked.txt; mv out faiss.out
    run 1 index search --json --max-hits 0 --engine flat faiss.snap - <asked.txt
    cmp -s faiss.out out || fail "FAISS and scan differ"
    # An engine that may miss some never says that none is there.
    run 0 index build --list list.csv --out near.snap --engine faiss:BIVF16
    run 3 index search --engine faiss:BIVF16 near.snap "$(hashes 99 1)"
    grep -q 'may miss' err || fail "an approximate engine does not say so"
    run 0 index search --engine auto near.snap "$(hashes 99 1)"
    for f in faiss.snap.*.faiss; do printf 'X' | dd of="$f" bs=1 seek=2000 conv=notrunc status=none; done
    run 4 index search --engine faiss:BHash16x16 faiss.snap "$(known 7)"
    rm faiss.snap.*.sha256
    run 4 index search --engine faiss:BHash16x16 faiss.snap "$(known 7)"
else
    echo "no FAISS in this build: its part is left out"
fi
finish
