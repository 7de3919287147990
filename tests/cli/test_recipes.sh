#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tools/recipes: scripts that are clean, units that systemd reads, and what each does with a hit, a
# clean file and an error.
. "$(dirname "$0")/lib.sh"
recipes=$SOURCE/tools/recipes
for script in "$recipes"/*.sh; do
    [ -x "$script" ] || fail "$script cannot be run"
    bash -n "$script" || fail "$script is no shell script"
    command -v shellcheck >/dev/null && { shellcheck "$script" || fail "$script: shellcheck"; }
done
for script in "$recipes"/*.py; do
    [ -x "$script" ] || fail "$script cannot be run"
    python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$script" || fail "$script is no Python"
done
for conf in nginx.conf nginx-server.conf; do
    is "brackets of $conf" "$(tr -cd '{' <"$recipes/$conf" | wc -c)" "$(tr -cd '}' <"$recipes/$conf" | wc -c)"
done
command -v nginx >/dev/null && {
    { echo 'events {} http { server {'; cat "$recipes/nginx.conf"; echo '} }'; } >nginx.conf
    nginx -t -c "$work/nginx.conf" 2>err || grep -q 'emerg.*\(mkdir\|open\)() ' err || { fail "nginx.conf"; cat err; }
}
# The proxy, with a certificate and names that are here.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout proxy.key -out proxy.crt -days 2 -subj /CN=localhost >log 2>&1 || { fail "openssl"; cat log; }
cat proxy.crt proxy.key >proxy.pem
sed "s|/etc/haproxy/herken.pem|$work/proxy.pem|; /^    user /d; /^    group /d" "$recipes/haproxy.cfg" >haproxy.cfg
grep -q "crt $work/proxy.pem" haproxy.cfg || fail "haproxy.cfg names no certificate"
command -v haproxy >/dev/null && { haproxy -c -f haproxy.cfg >log 2>&1 || { fail "haproxy.cfg"; cat log; }; }

# wrong_in UNIT: what is wrong with it. Only what depends on the machine that it is installed on may be.
wrong_in() {
    grep -nvE '^(#.*|\[[A-Z][a-z]+\]|[A-Z][A-Za-z]+=.*|    --.*)?$' "$1" || true
    command -v systemd-analyze >/dev/null || return 0
    { systemd-analyze verify "$1" 2>&1 || true; } | grep "$(basename "$1")" |
        grep -v 'herken(1)\|herken-server(7)\|not executable\|not found\|Failed to' || true
}
for unit in "$recipes"/*.service "$recipes"/*.timer "$SOURCE"/tools/herkend/herkend.service; do
    is "what is wrong with $unit" "$(wrong_in "$unit")" ""
done
sed 's/^NoNew/No new /' "$SOURCE/tools/herkend/herkend.service" >planted.service
wrong_in "$work/planted.service" | grep -q Privileges || fail "a unit with a slip passes"
if [ -x "$BUILD/bin/herkend" ]; then # its options are right, its store is not there
    read -ra start < <(sed -n "s|^ExecStart=/usr/local/bin/herken ||p" "$SOURCE/tools/herkend/herkend.service" | sed "s|/var/lib/herken|$work/not|; s|/run/herken|$work|")
    run 4 "${start[@]}"
    grep -q "$work/not/lists.db" err || { fail "the unit's store"; cat err; }
fi

db=lists.db
mkdir known pics
"$DRAW" 1 480 320 known/k.png
"$DRAW" 7 480 320 pics/clean.jpg
"$HERKEN" list create case --db $db --by anna >/dev/null
"$HERKEN" list add case known --db $db --by anna --quiet >/dev/null
"$HERKEN" list approve case --db $db --by anna --reason r >/dev/null
printf '#!/bin/sh\nexec "%s" "$@"\n' "$HERKEN" >herken
chmod +x herken
export PATH=$work:$PATH HERKEN_ASK="--db $work/$db"
# gives CODE COMMAND...
gives() {
    local want=$1 got=0
    shift
    "$@" >out 2>err || got=$?
    [ "$got" = "$want" ] || { fail "exit $got, not $want: $*"; cat out err; }
}

# ---- a mail, as a content filter gets it
mail() { # FILE
    printf 'From: a@example.org\r\nTo: b@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nwords\r\n--x\r\nContent-Type: image/png; name="../../up.png"\r\nContent-Disposition: attachment; filename="../../up.png"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    base64 "$1"
    printf -- '--x--\r\n'
}
printf '#!/bin/sh\ncat >"%s/sent"\necho "$*" >"%s/sent.to"\n' "$work" "$work" >sendmail
chmod +x sendmail
export SENDMAIL=$work/sendmail HERKEN_HELD=$work/held
mkdir held
mail pics/clean.jpg >clean.eml
mail known/k.png >hit.eml
printf 'From: a@example.org\r\n\r\nwords alone\r\n' >words.eml
gives 0 "$recipes/mail-filter.py" -f a@example.org -- b@example.org <clean.eml
cmp -s clean.eml sent || fail "a clean mail goes on as it came"
is "whom to" "$(cat sent.to)" '-G -i -f a@example.org -- b@example.org'
gives 0 "$recipes/mail-filter.py" -f a@example.org -- b@example.org <words.eml
cmp -s words.eml sent || fail "a mail without pictures goes on"
rm sent
gives 0 "$recipes/mail-filter.py" -f a@example.org -- b@example.org <hit.eml
[ ! -e sent ] || fail "a mail with a hit went on"
cmp -s hit.eml held/*.eml || fail "a mail with a hit is held"
HERKEN_ASK="--db not.db" gives 75 "$recipes/mail-filter.py" -f a@example.org -- b@example.org <clean.eml
[ ! -e sent ] || fail "a mail went on unchecked"
HERKEN_HELD=/not/there gives 75 "$recipes/mail-filter.py" -f a -- b <hit.eml

# ---- a web root
mkdir -p root/a state
cp pics/clean.jpg root/a/clean.jpg
export STATE_DIRECTORY=$work/state
gives 0 "$recipes/web-root.sh" root
cp known/k.png root/a/k.png
gives 1 "$recipes/web-root.sh" root
grep -q 'near.*k.png\|exact.*k.png' out || fail "a hit in a web root is named"
sleep 1.1
touch -d '-1 day' root/a/clean.jpg # the change time tells
gives 1 "$recipes/web-root.sh" root
is "files looked at" "$(jq -r 'select(.path).path' state/answers | xargs -n 1 basename | sort | xargs)" 'clean.jpg k.png'
gives 1 "$recipes/web-root.sh" root # a hit is told until it is gone
rm root/a/k.png
gives 0 "$recipes/web-root.sh" root
touch root/a/clean.jpg
HERKEN_ASK="--db not.db" gives 4 "$recipes/web-root.sh" root
gives 2 "$recipes/web-root.sh" not/there

# ---- an upload, for nginx
mkdir uploads
cp pics/clean.jpg uploads/clean
cp known/k.png uploads/hit
cp words.eml uploads/text
ln -s "$work/pics/clean.jpg" uploads/link
form() { # FILE
    printf -- '--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nwords\r\n--x\r\nContent-Disposition: form-data; name="f"; filename="up.png"\r\nContent-Type: text/plain\r\n\r\n'
    cat "$1"
    printf '\r\n--x--\r\n'
}
form pics/clean.jpg >uploads/clean.form
form known/k.png >uploads/hit.form
head -c 200 uploads/hit.form >uploads/cut.form
# gate FILE TYPE ANSWER
gate() {
    UPLOAD_FILE=$work/uploads/$1 UPLOAD_TYPE=$2 UPLOAD_FOLDER=$work/uploads "$recipes/upload-gate.py" >out 2>err || fail "the gate fails"
    is "the gate, of $1" "$(head -n 1 out)" "$3"
}
passes='X-Accel-Redirect: @application'
stays='Status: 403 Forbidden'
gate clean image/jpeg "$passes"
gate clean '' "$passes"
gate hit image/png "$stays"
gate text text/plain "$stays"
gate link image/jpeg "$stays"
gate gone image/jpeg "$stays"
gate ../pics/clean.jpg image/jpeg "$stays"
gate clean.form 'multipart/form-data; boundary=x' "$passes"
gate hit.form 'multipart/form-data; boundary=x' "$stays"
gate hit.form 'multipart/form-data; boundary=y' "$stays"
gate hit.form 'multipart/form-data' "$stays"
gate cut.form 'multipart/form-data; boundary=x' "$stays"
gate hit.form 'text/plain' "$stays"
HERKEN_ASK="--db not.db" gate clean image/jpeg 'Status: 503 Service Unavailable'
finish
