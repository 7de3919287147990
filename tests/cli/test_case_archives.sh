#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Archives in a run that is kept: members are files of the case, one way or the other of reaching
# them does not show, and a run that is killed in the middle of an archive goes on inside it.
. "$(dirname "$0")/lib.sh"
: "${FAULTY:?}" "${DUMP:?}"

plant() { printf '\xff\xd8\xffPLANT:%s' "$1" >"$2"; }
dump() { "$DUMP" "$1" >"$2" || fail "$1 cannot be read"; }
status_of() { is "status of $2" "$(grep -xFA1 "  path $2" "$1" | awk 'NR == 2 { print $1 }')" "$3"; }

mkdir -p e in
for seed in $(seq 1 8); do "$DRAW" "$seed" 320 240 in/p$seed.jpg; done
for n in $(seq 120); do { cat in/p$((n % 8 + 1)).jpg; echo "$n"; } >in/like$n.jpg; done
echo 'a text' >in/note.txt
plant crash in/crash.jpg
tar -cf e/plain.tar in
(cd in && tar -czf ../e/packed.tar.gz p1.jpg p2.jpg)
mkdir nest && cp e/packed.tar.gz in/p3.jpg nest
tar -cf e/nested.tar nest
cp e/packed.tar.gz e/copy.tgz
ln e/packed.tar.gz e/zlink.tgz
ln e/packed.tar.gz e/alink.tgz
cp in/p1.jpg e/p1.jpg
head -c 30000 e/plain.tar >e/cut.tar
"$HERKEN" hash --quiet --format pdq in/p1.jpg >list.txt
sha256sum in/note.txt >sums.txt
go=(match --quiet --threads 2 --worker "$FAULTY" --list list.txt --list sums.txt)

run 1 "${go[@]}" --case whole.case e
dump whole.case whole
for f in packed.tar.gz copy.tgz zlink.tgz alink.tgz; do # each copy and link has its members
    grep -qxF "  path e/$f!/p1.jpg" whole || fail "no member of $f"
done
grep -xFA1 '  path e/alink.tgz!/p1.jpg' whole | grep -q ' near ' || fail "the member of a link has no verdict"
grep -xFA1 '  path e/plain.tar!/in/note.txt' whole | grep -q '^  not_an_image exact' || fail "a text in an archive"
grep -qxF '  path e/nested.tar!/nest/packed.tar.gz!/p2.jpg' whole || fail "an archive in an archive"
status_of whole 'e/plain.tar!/in/crash.jpg' crashed
status_of whole e/plain.tar not_an_image
members=$(grep -c '^  path .*!/' whole)
is "found" "$(awk '/found =/ { print $1 }' out)" $((8 + members))
awk '$1 == "account" { n = 0; for (i = 3; i < 18; i++) n += $i; exit n != $2 }' whole || fail "the account does not close"

# The same by one worker, and killed at random moments: a member more or less done shows nowhere.
run 1 match --quiet --threads 1 --worker "$FAULTY" --list list.txt --list sums.txt --case one.case e
dump one.case one
cmp -s whole one || { fail "one worker makes another case"; diff whole one | head -n 5; }
for kill in $(seq "${KILLS:-4}"); do
    rm -f k.case*
    for moment in 1 2 3; do
        "$HERKEN" "${go[@]}" --case k.case e >/dev/null 2>&1 &
        engine=$!
        sleep "$(printf '0.%03d' $((RANDOM % 450)))"
        kill -KILL $engine 2>/dev/null || true
        wait $engine 2>/dev/null || true
    done
    run 1 "${go[@]}" --case k.case e
    dump k.case killed
    cmp -s whole killed || { fail "killed $kill times"; diff whole killed | head -n 5; }
done

# What is done of a long archive is in the case while the rest is not.
mkdir long && cp in/p*.jpg long && plant sleep long/zz.jpg
mkdir l && tar --sort=name -cf l/long.tar long
"$HERKEN" match --quiet --timeout 20 --threads 1 --worker "$FAULTY" --list list.txt --case long.case l >/dev/null 2>&1 &
engine=$!
sleep 2.5
kill -KILL $engine
wait $engine 2>/dev/null || true
is "members kept" "$("$DUMP" long.case account | awk '{ print $2 }')" 9
"$HERKEN" match --quiet --timeout 20 --threads 1 --worker "$FAULTY" --list list.txt --case long.case l >/dev/null 2>&1 &
engine=$!
sleep 1 # it sleeps again, and what was there is not there twice
kill -KILL $engine
wait $engine 2>/dev/null || true
is "members after going on" "$("$DUMP" long.case account | awk '{ print $2 }')" 9

# What is left of a known picture in an archive that was cut short is looked up, and its hit kept.
mkdir c && tar -cf cut.tar -C in p1.jpg && size=$(stat -c %s in/p1.jpg)
head -c $((512 + size * 9 / 10)) cut.tar >c/cut.tar
run 1 match --quiet --list list.txt --case cut.case c
dump cut.case cut
grep -xFA1 '  path c/cut.tar!/p1.jpg' cut | grep -q '^  truncated near' || fail "the hit in an archive that was cut short"
grep -q '^2 found = 1 hashed + 0 duplicate + 0 skipped + 1 failed' out || { fail "the account"; cat out; }

# Equal archives, of which one is opened and one lies too deep: each says so of itself, whoever
# came first, and in however many parts the evidence was read.
mkdir -p eq/1 eq/2 eq/3 && tar -cf inner.tar in/p1.jpg in/p2.jpg && cp inner.tar eq/1/a.tar
tar -cf mid.tar inner.tar && tar -cf eq/2/b.tar mid.tar && tar -cf eq/3/c.tar inner.tar
for n in 1 2 3 4 5 6 7 8; do cp in/like$n.jpg eq/$((n % 3 + 1)); done
like=(match --quiet --max-depth 2 --list list.txt --list sums.txt)
for threads in 1 2 3 4 3 2 1; do
    rm -f eq.case*
    run 1 "${like[@]}" --threads $threads --case eq.case eq
    rm -rf eq.out && mkdir eq.out
    run 0 report --csv eq.out/csv --json eq.case
    mv out eq.out/json
    run 0 report --vics eq.out/vics eq.case
    dump eq.case eq.out/dump
    [ -d eq.first ] || cp -r eq.out eq.first
    diff -r eq.first eq.out >/dev/null || { fail "equal archives, $threads threads"; diff -r eq.first eq.out | head -n 5; }
done
status_of eq.out/dump 'eq/2/b.tar!/mid.tar!/inner.tar' too_large
status_of eq.out/dump eq/1/a.tar not_an_image
status_of eq.out/dump 'eq/3/c.tar!/inner.tar' not_an_image
grep -xFA1 '  path eq/2/b.tar!/mid.tar!/inner.tar' eq.out/dump | grep -q ' not_checked ' || fail "what was not opened has a verdict"
grep -xFA1 '  path eq/1/a.tar' eq.out/dump | grep -q ' not_checked ' && fail "what was opened has none"
grep -q 'not checked in 1 of its places' eq.out/vics || fail "VICS does not say what was not opened"
for i in 1 2 3; do run 1 "${like[@]}" --shard $i/3 --case eq$i.case eq; done
run 0 case merge eq.merged eq3.case eq1.case eq2.case
dump eq.merged eq.dump
cmp -s eq.out/dump eq.dump || { fail "equal archives in shards"; diff eq.out/dump eq.dump | head -n 5; }

# Not opened where that is not wanted; caps end an archive with a named reason.
run 1 match --quiet --no-archives --list list.txt --case closed.case e
is "found without archives" "$(awk '/found =/ { print $1 }' out)" 8
run 1 match --quiet --max-members 3 --list list.txt --case capped.case e
dump capped.case capped
status_of capped e/plain.tar too_large
grep -xFA2 '  path e/plain.tar' capped | grep -q 'reason .*members' || fail "the cap is not named"

# A member that is cut off has no bytes by which it could be a duplicate: the account says of each
# status what the rows say.
mkdir half && tar -cf half.tar in/p1.jpg in/p2.jpg
head -c $(($(stat -c %s in/p1.jpg) + 4096)) half.tar >half/half.tar
run 1 match --quiet --list list.txt --case half.case half
run 0 report --json half.case
closes
is "the cut member" "$(field half/half.tar!/in/p2.jpg status)" truncated
# Wherever it is cut, what counts as hashed has a hash.
mkdir cuts
for n in 4610 4700 5500 6000 6300 6700 7500; do head -c $n half.tar >cuts/$n.tar; done
run 1 match --quiet --list list.txt --case cuts.case cuts
run 0 report --json cuts.case
closes
jq -es 'map(select(.path and (.status | test("^(ok|truncated|duplicate)$")) and (.hash | not))) == []' out >/dev/null || fail "hashed, without a hash"
jq -es 'any(.[]; .path and .status == "unreadable" and .member)' out >/dev/null || fail "no member was cut where nothing is left"
run 2 match --quiet --max-depth 99 --list list.txt --case x.case e
finish
