#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken match --case: killed at any moment it goes on and ends with the same case; evidence stays
# as it is; what does not fit the case is refused. KILLS says how often (default 6).
. "$(dirname "$0")/lib.sh"
: "${FAULTY:?}" "${DUMP:?}"

plant() { printf '\xff\xd8\xffPLANT:%s' "$1" >"$2"; }
dump() { "$DUMP" "$1" >"$2" || fail "$1 cannot be read"; }
same() { cmp -s "$1" "$2" || { fail "$3: not the same case"; diff "$1" "$2" | head -n 5; }; }
settled() { "$DUMP" "$1" account | awk '$1 == "account" { n = 0; for (i = 3; i < 18; i++) n += $i; print n }'; }
no_wal() { ! ls ./*.case-wal ./*.case-shm 2>/dev/null || fail "a write-ahead log"; }

# ---- evidence: pictures, copies, hard links, what is no picture, faults, odd names
mkdir -p e/deep/deeper known
for seed in $(seq 1 12); do "$DRAW" "$seed" 320 240 e/p$seed.jpg; done
"$DRAW" 1 320 240 known/k1.png
for n in $(seq 40); do cp e/p$((n % 12 + 1)).jpg e/deep/copy$n.jpg; done
for n in $(seq 10); do ln e/p2.jpg e/deep/link$n.jpg; done
for n in $(seq 150); do { cat e/p3.jpg; echo "$n"; } >e/deep/deeper/like$n.jpg; done
echo 'a text' >e/note.txt
: >e/empty.jpg
head -c 3000 e/p4.jpg >e/cut.jpg
ln -s p1.jpg e/symbolic.jpg
mkfifo e/pipe
cp e/p5.jpg "$(printf 'e/caf\xe9 \n.jpg')"
for word in crash lie; do plant $word e/deep/$word.jpg; done
ln e/deep/crash.jpg e/deep/crash2.jpg
"$HERKEN" hash --quiet --format pdq known >list.txt
sha256sum e/note.txt >sums.txt
go=(match --quiet --timeout 1 --threads 2 --worker "$FAULTY" --list list.txt --list sums.txt)

# ---- the whole run; evidence as it was, its times too
chmod a-w e/deep
find e -type f -exec sha256sum {} + | sort >content.before
find e -print0 | sort -z | xargs -0 stat -c '%n %X %Y %Z %s %a' >stat.before
run 1 "${go[@]}" --case whole.case e
find e -print0 | sort -z | xargs -0 stat -c '%n %X %Y %Z %s %a' >stat.after
find e -type f -exec sha256sum {} + | sort >content.after
chmod u+w e/deep
cmp -s content.before content.after || fail "evidence was changed"
cmp -s stat.before stat.after || { fail "times of the evidence were changed"; diff stat.before stat.after | head -n 3; }
no_wal
files=$(find e ! -type d -print0 | tr -cd '\0' | wc -c)
is "found" "$(awk '/found =/ { print $1 }' out)" "$files"
dump whole.case whole
is "settled" "$(settled whole.case)" "$files"
for word in crash lie; do grep -A1 "path e/deep/$word.jpg" whole | grep -q '^  crashed not_checked' || fail "$word is not crashed"; done
grep -A1 'path e/deep/crash2.jpg' whole | grep -q '^  crashed' || fail "a link of what crashes"
grep -A1 'path e/note.txt' whole | grep -q '^  not_an_image exact' || fail "the note is not known by its digest"
grep -A1 'path e/deep/link3.jpg' whole | grep -q '^  duplicate' || fail "a hard link is no duplicate"
grep -A1 'path e/pipe' whole | grep -q '^  excluded' || fail "the pipe is not excluded"
grep -A1 'path e/cut.jpg' whole | grep -q '^  truncated' || fail "the cut picture is not flagged"

# the same as without a case
"$HERKEN" match --json --quiet --timeout 1 --threads 2 --worker "$FAULTY" --list list.txt --list sums.txt e >scan.json || true
is "verdicts" "$(jq -c 'select(.account).account | [.found, .hashed + .duplicate, .skipped, .failed, .exact, .near, .none, .not_checked]' scan.json)" \
    "$("$HERKEN" match --json --quiet --case whole.case | jq -c '.account | [.found, .hashed + .duplicate, .skipped, .failed, .exact, .near, .none, .not_checked]')"
is "radii" "$(jq -c 'select(.account).account | [.radius, .exact_radius]' scan.json)" \
    "$("$HERKEN" match --json --quiet --case whole.case | jq -c '.account | [.radius, .exact_radius]')"

# ---- exactly what is planted carries those reasons
mkdir f
for word in crash hang bomb lie; do [ $word = bomb ] && [ -n "${SANITIZED:-}" ] || plant $word f/$word.jpg; done
cp e/p1.jpg f/good.jpg
run 1 match --quiet --timeout 3 --worker-memory 512M --worker "$FAULTY" --list list.txt --case f.case f
dump f.case f.dump
reason() { is "status of $1" "$(grep -A1 "path f/$1.jpg" f.dump | awk 'NR == 2 { print $1 }')" "$2"; }
reason crash crashed; reason lie crashed; reason hang timed_out; reason good ok
[ -n "${SANITIZED:-}" ] || reason bomb out_of_memory

# ---- a finished case: the account again, and nothing done
before=$(sha256sum <whole.case)
run 1 "${go[@]}" --case whole.case e
run 1 match --json --case whole.case
is "account of a finished case" "$(jq .account.found out)" "$files"
is "lists of a finished case" "$(jq -c '[.account.lists[].list]' out)" '["list.txt","sums.txt"]'
grep -q 'herken report whole.case' err || fail "what to do next is not said"
cp whole.case "it's odd.case"
run 1 match --case "it's odd.case"
grep -qF "herken report 'it'\\''s odd.case' --html" err || { fail "a name for the shell"; cat err; }
refused() { # WORDS ARGUMENT...
    local words=$1
    shift
    run 2 "$@"
    grep -q -- "$words" err || { fail "words: $words"; cat err; }
}
refused '--max-memory: a run needs at least 556 MiB' match --max-memory 1M --case whole.case
run 0 list create a --db lists.db --by ann
run 4 match --list list.txt --case lists.db e
grep -q 'is a database, but no case' err || { fail "a store is no case"; cat err; }
mkdir locked && cp whole.case locked/x.case && chmod 555 locked
if ! [ -w locked ]; then
    run 4 case decide locked/x.case --file e/p7.jpg --category 1 --by ann
    grep -q 'its folder cannot be written' err || { fail "a folder that cannot be written"; cat err; }
fi
is "the finished case" "$(sha256sum <whole.case)" "$before"

# ---- killed at random moments
for kill in $(seq "${KILLS:-6}"); do
    rm -f k.case*
    : >k.log
    for moment in 1 2 3; do
        "$HERKEN" "${go[@]}" --case k.case e >/dev/null 2>>k.log &
        engine=$!
        sleep "$(printf "0.%03d" $((RANDOM % 450)))"
        kill -KILL $engine 2>/dev/null || true
        wait $engine 2>/dev/null || true
        no_wal
    done
    run 1 "${go[@]}" --case k.case e
    dump k.case killed
    same whole killed "killed $kill times"
done

# ---- no more than a second is lost, whatever is still in hand
mkdir -p slow && plant sleep slow/a.jpg
for n in $(seq 60); do { cat e/p3.jpg; echo "$n"; } >slow/b$n.jpg; done
"$HERKEN" match --quiet --timeout 20 --threads 2 --worker "$FAULTY" --list list.txt --case slow.case slow >/dev/null 2>err &
engine=$!
for _ in $(seq 60); do sleep 0.1; [ "$(stat -c %s slow.case 2>/dev/null || echo 0)" -gt 100000 ] && break; done
sleep 1.2

# meanwhile nobody else has it
run 4 match --timeout 20 --threads 2 --worker "$FAULTY" --list list.txt --case slow.case slow
grep -q 'another process has this case open' err || { fail "a case opened twice"; cat err; }
kill -KILL $engine
wait $engine 2>/dev/null || true
# (three more wait behind the one that sleeps)
[ "$(settled slow.case)" -ge 57 ] || fail "$(settled slow.case) of 60 were settled while one file was in hand"
# it goes on from elsewhere, with the paths and lists that it knows
(mkdir -p elsewhere && cd elsewhere && "$HERKEN" match --quiet --json --timeout 20 --worker "$FAULTY" --threads 1 --case ../slow.case >out 2>err) &
resumed=$!
sleep 0.7
kill -KILL $(pgrep -P $resumed) 2>/dev/null || true
wait $resumed 2>/dev/null || true
is "sessions" "$("$DUMP" slow.case sessions | cut -d' ' -f2 | tr '\n' ' ')" 'interrupted interrupted '
# evidence that is not mounted has not vanished
for harm in "" "mkdir slow"; do
    mv slow unmounted
    $harm
    run 4 match --timeout 20 --worker "$FAULTY" --case slow.case
    grep -q 'mount the evidence' err || { fail "evidence that is not there"; cat err; }
    [ -z "$harm" ] || rmdir slow
    mv unmounted slow
done
is "sessions" "$("$DUMP" slow.case sessions | wc -l)" 2
rm slow/a.jpg
(failures=0; cd elsewhere && run 3 match --json --timeout 20 --worker "$FAULTY" --case ../slow.case; exit $failures) || fail "from another folder"
dump slow.case slow.dump
grep -A1 'path slow/a.jpg' slow.dump | grep -q '^  vanished' || fail "what is gone is not vanished"
is "the last session" "$("$DUMP" slow.case sessions | tail -n 1 | cut -d' ' -f2)" ended

# ---- what does not fit
for moment in 0.3 0.2 0.15 0.1 0.07 0.05 0.03; do # the run must be planned, and not done
    rm -f r.case*
    "$HERKEN" "${go[@]}" --case r.case e >/dev/null 2>&1 &
    engine=$!
    sleep $moment
    kill -KILL $engine 2>/dev/null || true
    wait $engine 2>/dev/null || true
    "$HERKEN" case info r.case 2>/dev/null | grep -q '^case .*, finished' || break
done
refused 'time limit' match --timeout 2 --worker "$FAULTY" --list list.txt --list sums.txt --case r.case e
refused 'radius' match --timeout 1 --max-distance 5 --worker "$FAULTY" --list list.txt --list sums.txt --case r.case e
refused 'begun with 2 lists' match --timeout 1 --worker "$FAULTY" --list list.txt --case r.case e
refused 'the list list.txt of known images, not with sums.txt' match --timeout 1 --worker "$FAULTY" --list sums.txt --list list.txt --case r.case e
refused 'other path' match --timeout 1 --worker "$FAULTY" --list list.txt --list sums.txt --case r.case e slow
cp sums.txt sums.kept
echo "$(printf %064d 1)  other" >>sums.txt
refused 'another than the one' "${go[@]}" --case r.case e
refused 'another than the one' match --timeout 1 --worker "$FAULTY" --case r.case
mv sums.kept sums.txt
refused 'would lie in the evidence' "${go[@]}" --case e/deep/new.case e
[ -e e/deep/new.case ] && fail "a case was made in the evidence"
ln -s "$PWD/e" way
refused 'would lie in the evidence' "${go[@]}" --case way/new.case e/deep e
refused 'goes with\|go with --case' match --list list.txt --shard 1/2 e
refused 'herken report' match --list list.txt --all --case x.case e
refused '1/3' match --list list.txt --shard 3/2 --case x.case e
refused 'no paths' match --list list.txt --case x.case
mkdir -p a b && cp list.txt a/l.txt && cp sums.txt b/l.txt
refused 'two lists are called' match --list a/l.txt --list b/l.txt --case x.case e
[ -e x.case ] && fail "a refused run made a case"
cp list.txt text.case
run 4 "${go[@]}" --case text.case e
touch -a -d '3 days ago' e e/deep
before=$(stat -c %X e e/deep)
run 1 "${go[@]}" --case r.case "$PWD/e/." e/deep way # the same place, named otherwise
is "access times when going on" "$(stat -c %X e e/deep)" "$before"
dump r.case resumed
same whole resumed "resumed by other names"

# ---- what was not given is the case's, what was given and differs is refused, finished or not
odd=(--max-distance 20 --max-matches 7 --shard 1/2 --no-archives --max-pages 9)
mkdir -p set && cp e/p1.jpg e/p2.jpg set && plant sleep set/a.jpg && plant sleep set/b.jpg && plant sleep set/c.jpg
"$HERKEN" match --quiet --timeout 19 --threads 2 --worker "$FAULTY" --list list.txt "${odd[@]}" --case set.case set >/dev/null 2>&1 &
engine=$!
sleep 1
kill -KILL $engine 2>/dev/null || true
wait $engine 2>/dev/null || true
rm set/[abc].jpg
for finished in no yes; do
    refused '--max-distance): 20, and not 21' match --max-distance 21 --case set.case
    refused 'and not gate' match --profile gate --case set.case
    refused 'part of the whole' match --shard 2/2 --case set.case
    refused 'with archives' match --archives yes --case set.case
    refused '7, and not 100' match --max-matches 100 --case set.case
    refused 'limit on pages' match --max-pages 8 --case set.case
    refused '--timeout' match --timeout 20 --case set.case
    (run 0 match --worker "$FAULTY" --case set.case; exit 0) >/dev/null
    "$HERKEN" case info set.case | grep -q '^case .*, finished' || { fail "not resumed by its name alone"; cat err; }
done
is "the radius when going on" "$("$HERKEN" case info --json set.case | jq -c 'select(.case) | [.radius.photo, .exact_radius.photo, .shards]')" '[20,20,2]'
refused 'that of the profile, and not 31' match --max-distance 31 --case whole.case
refused 'opened, and not not opened' match --no-archives --case whole.case

# ---- paths that lie in each other are taken once; what is not there is accounted for
run 1 "${go[@]}" --case once.case e e/deep way e/p1.jpg nowhere
is "found once" "$(awk '/found =/ { print $1 }' out)" $((files + 1))
dump once.case once
grep -A1 'path nowhere' once | grep -q '^  vanished' || fail "a path that is not there"

run 3 match --list list.txt --case mistyped.case nowhere
grep -q 'nowhere: is not there' err || { fail "a mistyped path is not named"; cat err; }

# ---- whoever stops a run is told what became of it
mkdir stop && plant sleep stop/a.jpg
code=0
timeout -s INT 0.7 "$HERKEN" match --timeout 20 --worker "$FAULTY" --list list.txt --case stop.case stop >out 2>err || code=$?
is "exit code of timeout" $code 124
grep -q 'the same command goes on' err || { fail "a stopped run says nothing"; cat err; }

# ---- parts make a whole
sum=0
: >paths
for part in 1 2 3; do
    code=0
    "$HERKEN" "${go[@]}" --shard $part/3 --case part$part.case e >out 2>err || code=$?
    [ $code = 4 ] && { fail "part $part"; cat err; }
    sum=$((sum + $(awk '/found =/ { print $1 }' out)))
    "$DUMP" part$part.case | grep '^  path ' >>paths
done
is "files of all parts" $sum "$files"
is "paths of all parts" "$(sort paths | md5sum)" "$(grep '^  path ' whole | sort | md5sum)"

"$HERKEN" match --case part2.case >out 2>err || true # a finished part says which it is
grep -q 'part 2 of 3 is done' err || { fail "which part it is"; cat err; }
run 0 report part2.case
grep -q '^only part 2 of 3' out || fail "a report does not say that it is of a part"
run 0 case merge merged.case part1.case part2.case part3.case
grep -q 'next: herken report merged.case' err || { fail "what comes after a merge"; cat err; }
dump merged.case merged
same whole merged "of parts"
for format in csv jsonl vics; do
    "$HERKEN" report whole.case --title night --$format whole.$format >/dev/null 2>&1 || fail "a report as $format"
    "$HERKEN" report merged.case --title night --$format merged.$format >/dev/null 2>&1 || fail "a report as $format"
    "$HERKEN" report k.case --title night --$format killed.$format >/dev/null 2>&1 || fail "a report as $format"
    cmp -s whole.$format merged.$format || fail "$format of the parts"
    cmp -s whole.$format killed.$format || fail "$format of the killed run"
done

# evidence that changed between the walks makes no whole
rm -f part3.case && echo new >e/came.txt
code=0
"$HERKEN" "${go[@]}" --shard 3/3 --case part3.case e >out 2>err || code=$?
rm e/came.txt
run 2 case merge torn.case part1.case part2.case part3.case
grep -q 'its walked is' err || { fail "other walks"; cat err; }
[ -e torn.case ] && fail "a merge that was refused"

# ---- what people decided is brought over
run 0 case decide whole.case --file e/p7.jpg --category 1 --by ann
find e | sort >names.before
refused 'where the evidence does' case export whole.case --out e/decided.csv
refused 'where the evidence does' case export whole.case --out way/deep/decided.csv
refused 'where the evidence does' case merge e/merged.case part1.case part2.case part3.case
find e | sort | cmp -s - names.before || fail "something was written to the evidence"
run 0 case export whole.case --category 1 --out decided.csv
run 1 "${go[@]}" --case next.case --carry-from whole.case e
"$HERKEN" case decisions next.case | grep -q ann || fail "no decision was carried over"
run 4 "${go[@]}" --case after.case --carry-from nowhere.case e
[ -e after.case ] && fail "a run without the case to carry from"

# ---- paths longer than the system takes in one piece
name=$(printf 'n%.0s' $(seq 250))
mkdir far && (cd far && for _ in $(seq 18); do mkdir "$name" && cd "$name"; done && cp "$work/e/p1.jpg" x.jpg && cp "$work/e/p6.jpg" y.jpg)
run 1 "${go[@]}" --case far.case far
is "found far down" "$(awk '/found =/ { print $1 }' out)" 2
dump far.case far.dump
is "read far down" "$(grep -c '^  ok ' far.dump)" 2
rm -rf far

# ---- a disk that fills
rm -f full.case*
(failures=0; trap '' XFSZ; ulimit -f 90; run 4 "${go[@]}" --no-archives --case full.case e; exit $failures) || fail "a full disk"
grep -q 'disk' err && grep -q 'until a second before is kept' err && ! grep -q 'nothing was changed' err || { fail "the full disk is not named"; cat err; }
run 1 "${go[@]}" --no-archives --case full.case e
dump full.case full
same whole full "after a full disk"

# ---- a folder that goes while it is read
mkdir -p gone/far && plant sleep gone/a.jpg
for n in $(seq 400); do echo "$n" >gone/far/$n.txt; done
"$HERKEN" match --progress json --timeout 2 --threads 1 --worker "$FAULTY" --list list.txt --case gone.case gone >/dev/null 2>gone.err &
engine=$!
for _ in $(seq 500); do sleep 0.02; grep -q '"phase":"running"' gone.err && break; done
sleep 0.4
rm -rf gone/far
code=0
wait $engine || code=$?
is "exit code" $code 3
is "settled" "$(settled gone.case)" 401
dump gone.case gone.dump
grep -q '^  vanished' gone.dump || fail "nothing is vanished"

# ---- hits come first, and what is not checked does not bury them
mkdir many && cp e/p1.jpg many/z.jpg
for n in $(seq 101 220); do printf '\xff\xd8\xffno picture %s' "$n" >many/a$n.jpg; done
run 1 match --quiet --list list.txt --case many.case many
run 0 report many.case
is "the first line" "$(head -n 1 out | cut -c1-18)" 'near     many/z.jp'
is "lines of what is not checked" "$(grep -c '^not checked  many/a' out)" 100
grep -q '^and 20 more that are not checked: herken report many.case --csv' out || { fail "how many more"; tail -n 5 out; }
is "hits, said once" "$(grep -c 'many/z.jpg' out)" 1

# ---- progress says what is going on
run 1 match --timeout 1 --worker "$FAULTY" --list list.txt --progress json --case progress.case e
jq -es 'group_by(.progress.phase) | length == 3 and all(.[]; last.progress | .done == .found or .phase == "planning")' err >/dev/null || { fail "how phases end, or other words"; cat err; }
is "the last count" "$(jq -s 'map(.progress | select(.phase == "running")) | last | .found' err)" "$(awk '/found =/ { print $1 }' out)"
is "the last count of planning" "$(jq -s 'map(.progress | select(.phase == "planning")) | last | .found > 0' err)" true
jq -es 'all(.[]; .progress.phase | test("planning|running|grouping"))' <(grep '"progress"' err) >/dev/null || fail "progress"
run 1 match --quiet --list list.txt --nice 10 --max-memory 1G --worker-memory 512M --threads 8 --case small.case e
is "workers within the memory" "$("$DUMP" small.case sessions | wc -l)" 1
refused 'MiB of memory' match --list list.txt --max-memory 300M --case x.case e
no_wal
finish
