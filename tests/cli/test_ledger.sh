#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken key, audit, brake and notices: what is beside a store for a hash-check server.
. "$(dirname "$0")/lib.sh"
: "${SERVE_SOME:?}"

db=lists.db
says() { grep -q -- "$1" err || { fail "not said: $1"; tail -n 3 err; }; }
get() { jq -r "$1 | tostring" out; }

# ---- keys
run 4 key list --db $db
run 4 key create acme --db $db # there is no store: a slip makes no key elsewhere
[ ! -e $db.keys ] || fail "keys were made beside no store"
run 0 list create police --db $db --by anna
run 0 key create acme --db $db --scopes check,feedback --rate 5 --quota 1000 --near 100 --by anna --json
is "what create says" "$(get '[.name, .number, .scopes]')" '["acme",1,["check","feedback"]]'
acme=$(get .key)
[[ $acme =~ ^hk_[0-9a-z]{58}$ ]] || fail "no key: $acme"
is "who may read the keys" "$(stat -c %a $db.keys)" 600
run 0 key create other --db $db --rate 0 --by anna
other=$(cat out)
[[ $other =~ ^hk_[0-9a-z]{58}$ ]] || fail "no key alone on stdout: $other"
says 'shown this once'
grep -q "$other" err && fail "the key is in the remarks"
run 0 key create third --db $db --quiet --by anna
is "remarks with --quiet" "$(cat err)" ''
run 2 key create acme --db $db
says "there is an account 'acme' already"
run 2 key create 'Bad Name' --db $db
run 2 key create x --db $db --scopes check,root
says 'scopes takes check'
run 2 key create x --db $db --grace 5
says 'does not take --grace'
run 2 key create x --db $db --rate many
run 2 key create x --db $db --certificate $db
says 'holds no certificate'
run 2 key create x
run 2 key create --db $db
run 2 key frobnicate --db $db
run 0 key rotate acme --db $db --grace 60 --json --by anna
acme2=$(get .key)
[ "$acme" != "$acme2" ] || fail "rotate gave the same key"
run 2 key rotate nobody --db $db --by anna
run 0 key list --db $db --json
is "keys" "$(jq -sc 'map([.name, .number, .good, .rate])' out)" '[["acme",1,true,5],["acme",4,true,5],["other",2,true,null],["third",3,true,2000]]'
is "the old one expires" "$(jq -s 'map(select(.expires)) | length' out)" 1
run 0 key list --db $db
is "lines for people" "$(wc -l <out)" 4
strings -n 8 $db.keys* 2>/dev/null | grep -q "${other:3:30}" && fail "a key is in DB.keys"
for verb in create change rotate revoke list; do run 0 key $verb --help; grep -q 'usage: herken key' out || fail "no help of $verb"; done

run 0 key change other --db $db --rate 7 --scopes check,audit --by anna --json
is "what change says" "$(get '[.name, .rate, .scopes, .quota]')" '["other",7,["check","audit"],10000000]'
run 0 key change other --db $db --rate 0 --scopes check --by anna --reason 'as it was'
grep -q 'account other is changed' out || fail "change says nothing"
run 2 key change other --db $db --by anna
says 'what is to be changed'
run 2 key change nobody --db $db --rate 7 --by anna
run 2 key change other --db $db --rate 70 --burst 7 --by anna
says 'a burst is at least'
run 2 key create x --db $db --no-certificate
says 'does not take --no-certificate'

# ---- a server answers
"$SERVE_SOME" $db holiday 3 "$acme" "$acme2" >answers || fail "the server"
is "answers" "$(cut -d' ' -f1 answers | sort | uniq -c | xargs)" '3 near'
"$SERVE_SOME" $db holiday 1 hk_nonsense >answers
is "a wrong key" "$(cat answers)" unknown_key
run 0 key revoke acme --key 1 --db $db --json --by anna --reason 'it leaked'
is "revoked" "$(get .revoked)" 1
"$SERVE_SOME" $db holiday 1 "$acme" >answers
is "a revoked key" "$(cat answers)" revoked_key
run 0 key revoke third --db $db --by anna
run 2 key revoke third --key 99 --db $db --by anna

# ---- the audit log
run 0 audit verify --db $db --json
is "verify" "$(get '[.problems, .anchored, .files]')" '[0,true,1]'
run 0 audit head --db $db
head=$(cat out)
[[ $head =~ ^[0-9]+:[0-9a-f]{64}$ ]] || fail "no head: $head"
is "who may read the log" "$(stat -c %a $db.audit)" 600
run 0 audit show --db $db
is "records" "$(jq -s 'map(.kind) | unique | join(" ")' out)" '"begin check key refused start stop"'
is "who revoked, and why" "$(jq -r 'select(.act == "revoke" and .key == 1) | .by + ": " + .reason' out)" 'anna: it leaked'
is "hits" "$(jq -s 'map(select(.kind == "check") | .hits[0] | [.list, .entry, .basis, .distance]) | unique | length' out)" 1
run 0 audit show --db $db --from 3 --max 2
is "a range" "$(jq -s 'map(.n) | join(" ")' out)" '"3 4"'
"$SERVE_SOME" $db holiday 2 "$acme2" >/dev/null
run 0 audit verify --db $db --head "$head"
run 2 audit verify --db $db --head 5
run 0 audit verify --db $db
grep -q 'whole' out || fail "verify does not say that it is whole"
cp $db.audit kept
sed -i 's/"near":1/"near":0/' $db.audit
run 1 audit verify --db $db --json
is "an edit" "$(jq -s 'map(select(.problem)) | length > 0' out)" true
head -n 5 kept >$db.audit
run 1 audit verify --db $db
grep -q 'tail was cut off' out || fail "a cut tail is not named"
run 4 audit head --db $db
cp kept $db.audit
printf '{"n":99,"t":"20' >>$db.audit
run 0 audit verify --db $db
grep -q 'cut short' out || fail "a torn record is not told"
cp kept $db.audit
run 4 audit verify --db nowhere/x.db
run 0 audit backup copy --db $db --json
is "what backup says" "$(get '[.folder, .files, (.head | has("chain"))]')" '["copy",1,true]'
is "who may read it" "$(stat -c %a copy copy/* | sort -u | xargs)" "600 700"
is "what is in it" "$(cd copy; echo *)" 'lists.db lists.db.audit lists.db.keys'
run 0 audit verify --db copy/$db
run 0 list verify --db copy/$db
run 0 key list --db copy/$db
run 2 audit backup copy --db $db
says 'a store or a backup already'
run 0 audit backup copy2 --db $db
grep -Eq '^[0-9]+:[0-9a-f]{64}$' out || fail "backup prints no head"
says 'are in copy2'
run 4 audit backup copy3 --db nowhere/x.db
run 2 audit backup --db $db
for verb in verify head show backup; do run 0 audit $verb --help; done

# ---- the brake and notices
run 0 brake show --db $db
is "brakes before" "$(cat out)" ''
"$SERVE_SOME" $db 'stock "1".jpg' 30 "$acme2" "$other" >answers
is "braked" "$(cut -d' ' -f1 answers | sort | uniq -c | xargs)" '19 near 11 none'
run 0 brake show --db $db --json
is "brake" "$(get '[.list, .entry, .accounts]')" '["police","stock \"1\".jpg",2]'
run 0 notices show --db $db --json
is "notice" "$(get '[.number, .kind, .entry]')" '[1,"brake","stock \"1\".jpg"]'
run 0 notices show --db $db
run 0 brake show --db $db
run 2 brake release --db $db --list police --entry nothing --by anna
run 2 brake release --db $db --list police
run 0 brake release --db $db --list police --entry 'stock "1".jpg' --by anna --reason 'it is fine'
run 0 brake show --db $db
is "brakes after" "$(cat out)" ''
run 0 brake show --db $db --all --json
is "released" "$(get '[.actor, .reason]')" '["anna","it is fine"]'
run 0 brake confirm --db $db --list police --entry K-1 --by anna --json
is "one" "$(get .confirmations)" 1
run 0 brake confirm --db $db --list police --entry K-1 --by bert
grep -q 'confirmed by 2' out || fail "two do not confirm"
run 0 notices done 1 --db $db --by anna
run 2 notices done 1 --db $db --by anna
run 2 notices done x --db $db --by anna
run 0 notices show --db $db
is "notices after" "$(cat out)" ''
for verb in show done; do run 0 notices $verb --help; done
for verb in show release confirm; do run 0 brake $verb --help; done
"$SERVE_SOME" $db other 1 "$other" >/dev/null
run 0 audit verify --db $db
run 0 audit show --db $db
is "people's acts are in it" "$(jq -s 'map(.kind) | map(select(. == "release" or . == "confirm" or . == "notice" or . == "brake")) | length' out)" 5
finish
