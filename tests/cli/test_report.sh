#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken report: files and stdout, what is refused, a manifest that plain OpenSSL checks.
. "$(dirname "$0")/lib.sh"
: "${MAKE_REPORT_CASE:?}"

mkdir evidence to
"$MAKE_REPORT_CASE" night.case "$PWD/evidence"
openssl genpkey -algorithm ed25519 -out key.pem 2>/dev/null
openssl pkey -in key.pem -pubout -out pub.pem
same() { cmp "$1" "$2" || fail "$1 is not $2"; }

# ---- text, JSON Lines and tables
run 0 report night.case
grep -q '^near     evidence/again/near.jpg$' out && grep -q ' 14 bits  flipy .* entry, \\xff  \[2\]  in police$' out &&
    grep -q '^not checked  evidence/bomb.webp  (crashed: the decoder \\x1b\[31mcrashed)$' out &&
    grep -q '^none     evidence/both.png  (CONFLICT' out &&
    grep -q '^20 found = 7 hashed + 9 duplicate + 2 skipped + 2 failed$' out &&
    grep -q '^1 group of' out && grep -q '^2 decided' out || { fail "the case as text"; cat out; }
grep -q 'only part' out && fail "a whole is called a part"
grep -q 'group-a\|dash' out && fail "files that matched nothing are in the text"
run 0 report --json night.case
closes
cp out stdout.jsonl
run 0 report night.case --quiet --csv to/night.csv --jsonl to/night.jsonl --vics to/night.json --title 'A "17"'
is "what a quiet report prints" "$(cat out err)" ""
same to/night.jsonl stdout.jsonl
same to/night.csv "$SOURCE/tests/golden/report/night.csv"
is "the case's number" "$(jq -r '.value[0].CaseNumber' to/night.json)" 'A "17"'
run 0 report night.case --csv -
same out to/night.csv
run 0 report night.case --json --csv to/again.csv
is "what was written" "$(jq -c . out)" '{"format":"csv","output":"to/again.csv"}'
same to/again.csv to/night.csv
is "only its owner reads it" "$(stat -c %a to/again.csv)" 600

# ---- VICS goes into a store
"$HERKEN" list create back --db lists.db --by ann >/dev/null
run 0 list import back to/night.json --db lists.db --by ann --json
is "entries read back" "$(tail -n1 out | jq .added)" 9
is "lines not read back" "$(tail -n1 out | jq '.bad_lines | length')" 0

# ---- of a real run: each object is that of `match --json`, and more
mkdir -p real/inner
for seed in 1 2 3; do "$DRAW" $seed 320 240 real/p$seed.png; done
"$HERKEN" hash --quiet --format pdq real/p1.png >list.txt
md5sum real/p3.png >sums.txt
vips resize real/p1.png real/inner/half.png 0.5
cp real/p2.png real/same.png
echo 'a text' >real/note.txt
run 1 match --json --list list.txt --known-good sums.txt real
cp out plain.jsonl
run 1 match --quiet --list list.txt --known-good sums.txt --case real.case real
run 0 report --json real.case
closes
jq -es --slurpfile plain plain.jsonl '
    (map(select(.path)) | map({key: .path, value: .}) | from_entries) as $known |
    ($plain | map(select(.path)) | length == 6 and all(.[]; . as $p | $known[.path] as $k | $p | to_entries | all(.[]; $k[.key] == .value))) and
    (last.account | del(.lists)) == ($plain | last.account | del(.lists))' out >/dev/null ||
    { fail "a case says something else than match"; diff plain.jsonl out; }
is "what a case knows besides" "$(jq -r 'select(.path == "real/inner/half.png") | [.width, .format, .md5] | join(" ")' out)" \
    "160 png $(md5sum <real/inner/half.png | cut -d' ' -f1)"
run 2 report real.case --csv real/a.csv
run 0 report real.case --csv to/real.csv --vics to/real.json --manifest to/REAL --key key.pem
run 0 report --verify to/REAL --key pub.pem

# ---- the manifest, signed; checked by this program and by another
run 0 report night.case --csv to/night.csv --vics to/night.json --manifest to/MANIFEST --key key.pem
is "size of the signature" "$(stat -c %s to/MANIFEST.sig)" 64
openssl pkeyutl -verify -rawin -pubin -inkey pub.pem -in to/MANIFEST -sigfile to/MANIFEST.sig >ssl 2>&1 ||
    { fail "OpenSSL does not accept the signature"; cat ssl; }
is "files of the manifest" "$(jq -r '[.case.path, .outputs[].path] | join(" ")' to/MANIFEST)" '../night.case night.csv night.json'
is "their digests" "$(jq -r '.case.sha256, .outputs[].sha256' to/MANIFEST | paste -sd' ')" \
    "$(sha256sum night.case to/night.csv to/night.json | cut -d' ' -f1 | paste -sd' ')"
run 0 report --verify to/MANIFEST
run 0 report --verify to/MANIFEST --key pub.pem --json
is "verify as JSON" "$(jq -c . out)" '{"ok":true,"problems":0,"signature_checked":true}'
mkdir moved && cp -a night.case moved && cp -a to moved # all of it may be moved together
run 0 report --verify moved/to/MANIFEST --key pub.pem
echo >>moved/night.case
run 1 report --verify moved/to/MANIFEST
is "one problem" "$(tail -n1 out)" "1 problem"
rm moved/to/night.csv
run 1 report --verify moved/to/MANIFEST --key pub.pem
is "problems" "$(tail -n1 out)" "2 problems"
run 1 report --verify moved/to/MANIFEST --json
is "problems" "$(jq -s 'map(select(.problem)) | length' out)" 2
cp to/MANIFEST to/other
sed -i 's/"near": 2/"near": 1/' to/other && cp to/MANIFEST.sig to/other.sig
run 0 report --verify to/other
run 1 report --verify to/other --key pub.pem
openssl pkeyutl -verify -rawin -pubin -inkey pub.pem -in to/other -sigfile to/other.sig >/dev/null 2>&1 && fail "OpenSSL accepts a changed manifest"
echo '{' >to/other
run 1 report --verify to/other
run 4 report --verify to/none

openssl genpkey -algorithm ed25519 -aes256 -pass pass:secret -out locked.pem 2>/dev/null
run 2 report night.case --manifest to/M2 --key locked.pem
grep -q 'encrypted; decrypt it' err || { fail "how to decrypt a key"; cat err; }
openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out rsa.pem 2>/dev/null
run 2 report night.case --manifest to/M2 --key rsa.pem
run 2 report night.case --manifest to/M2 --key none.pem
[ ! -e to/M2 ] && [ ! -e to/M2.sig ] || fail "a manifest without its signature"

# ---- what is refused
run 2 report night.case --csv evidence/a.csv
grep -q 'where the evidence does' err || { fail "why not there"; cat err; }
ln -s evidence link
run 2 report night.case --csv link/a.csv
is "what lies in the evidence" "$(ls evidence)" ""
run 2 report night.case --csv night.case
run 2 report night.case --csv night.case-journal
grep -q 'the case itself' err || fail "a report in the place of the journal"
run 2 report night.case --csv same --jsonl same
run 2 report night.case --csv same --html ./same
run 2 report night.case --csv to/../same --manifest same
grep -q 'two outputs' err || { fail "one file for two outputs"; cat err; }
run 4 report night.case --csv none/same --html ./same # what is wrong is that folder
grep -q 'none/' err || { fail "which folder is missing"; cat err; }
rm -f same
run 2 report night.case --csv - --jsonl -
run 2 report night.case --manifest -
run 2 report night.case --key key.pem
run 2 report night.case --csv to/one --jsonl to/../to/one --manifest to/ONE # one file, in other words
grep -q 'two outputs' err || { fail "two outputs in one file"; cat err; }
[ -e to/ONE ] && fail "a manifest of two outputs in one file"
cp key.pem own.pem
run 2 report night.case --csv own.pem --manifest to/ONE --key ./own.pem
run 2 report night.case --manifest own.pem --key ./own.pem
same own.pem key.pem
run 2 report night.case --thumbnails grey
run 2 report night.case --thumbnails red --html a.html
run 2 report
run 2 report night.case night.case
run 2 report --verify to/MANIFEST night.case
run 4 report none.case
for state in planning running grouping; do
    "$MAKE_REPORT_CASE" part.case "$PWD/evidence" $state
    run 2 report part.case
    run 2 report part.case --csv part.csv
    run 2 report part.case --manifest part.manifest
    grep -q "not finished ($state)" err || fail "why an unfinished case is refused"
done
ls | grep -q '^part\.\(csv\|manifest\)' && fail "reports of an unfinished case"
if [ -e /dev/full ]; then
    code=0; "$HERKEN" report night.case --csv - >/dev/full 2>err || code=$?
    is "exit code on a full disk" $code 4
    code=0; "$HERKEN" report night.case >/dev/full 2>err || code=$?
    is "exit code on a full disk, as text" $code 4
fi
finish
