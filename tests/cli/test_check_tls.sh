#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken check --server: the key goes to nobody but the server, over a connection that nobody reads.
. "$(dirname "$0")/lib.sh"
grep -q 'check_http.c' "$BUILD/build.ninja" || { echo "built without libcurl"; exit 77; }

mkdir pics
"$DRAW" 7 480 320 pics/clean7.jpg
echo 'hk_a_secret_key' >key
chmod 600 key
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
start() { # FOLDER CERT KEY [CA]
    python3 "$SOURCE/tests/cli/hash_server.py" "$@" 2>"$1/stderr" &
    servers+=($!)
    for _ in $(seq 200); do
        [ -s "$1/port" ] && (: <"/dev/tcp/127.0.0.1/$(cat "$1/port")") 2>/dev/null && return
        sleep 0.05
    done
    fail "the server does not start"; cat "$1/stderr"; finish
}

# ---- a key is for its owner, and for a server that is who it says
for wrong in 'chmod 644 key' 'chmod 620 key' ': >key' 'echo "two words" >key' 'head -c 5000 /dev/zero | tr "\0" k >key' 'rm key'; do
    eval "$wrong"
    run 2 check --server http://127.0.0.1:1 --key-file key pics
    echo 'hk_a_secret_key' >key
    chmod 600 key
done
for address in http://192.0.2.1/ http://example.org http://127.0.0.1.example.org ftp://localhost https://user:secret@localhost https://localhost/?a=b nothing unix:; do
    run 2 check --server "$address" --key-file key pics
done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj '/CN=CA' -days 2 2>/dev/null
certificate() { # NAME SUBJECT-ALT-NAME DAYS
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$3" -extfile <(echo "subjectAltName=$2") -out "$1.pem" 2>/dev/null
}
certificate good IP:127.0.0.1 2
certificate other DNS:example.org 2
certificate client DNS:client 2
certificate late IP:127.0.0.1 0 # until the second in which it is made
chmod 600 ./*.key
tls() { # CODE FOLDER ARGUMENT...
    local want=$1 folder=$2; shift 2
    run "$want" check --server "https://127.0.0.1:$(cat "$folder/port")" --key-file key --patience 0 --quiet --json "$@" pics
}
mkdir tls other late both
start tls "$work/good.pem" "$work/good.key"
tls 0 tls --ca ca.pem
tls 3 tls
is "a stranger's certificate" "$(field pics/clean7.jpg reason)" server_untrusted
is "the key was kept from it" "$(wc -l <tls/keys)" 1
start other "$work/other.pem" "$work/other.key"
tls 3 other --ca ca.pem
is "another's certificate" "$(field pics/clean7.jpg reason)" server_untrusted
[ ! -e other/keys ] || fail "another got the key"
while openssl x509 -in late.pem -noout -checkend 0 >/dev/null; do sleep 0.1; done
start late "$work/late.pem" "$work/late.key"
tls 3 late --ca ca.pem
is "an expired certificate" "$(field pics/clean7.jpg reason)" server_untrusted
[ ! -e late/keys ] || fail "who has an expired certificate got the key"
start both "$work/good.pem" "$work/good.key" "$work/ca.pem"
tls 3 both --ca ca.pem
tls 0 both --ca ca.pem --cert client.pem --cert-key client.key
tls 2 both --ca not.pem
finish
