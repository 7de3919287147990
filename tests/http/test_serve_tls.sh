#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken serve over TLS: versions, client certificates, and keys that are bound to one.
. "$(dirname "$0")/serve.sh"

ssl() { openssl "$@" >ssl.log 2>&1 || { fail "openssl $1"; cat ssl.log; }; }
ca() { # NAME
    ssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" -days 2 -subj "/CN=$1"
}
# signed NAME CA EXTENSIONS [DAYS]
signed() {
    ssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
    printf '%s\n' "$3" >ext
    if [ "${4:-2}" = past ]; then
        mkdir -p old && : >old/index && echo 01 >old/serial
        printf '[ca]\ndefault_ca=a\n[a]\ndatabase=old/index\nserial=old/serial\nnew_certs_dir=old\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' >old/conf
        ssl ca -batch -config old/conf -cert "$2.pem" -keyfile "$2.key" -in "$1.csr" -out "$1.pem" -extfile ext -startdate 20200101000000Z -enddate 20200102000000Z -notext
    else
        ssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -out "$1.pem" -days 2 -extfile ext
    fi
}
ca ours
ca theirs
signed server ours 'subjectAltName=IP:127.0.0.1'
signed acme ours 'extendedKeyUsage=clientAuth'
signed other ours 'extendedKeyUsage=clientAuth'
signed stranger theirs 'extendedKeyUsage=clientAuth'
signed late ours 'extendedKeyUsage=clientAuth' past
signed wrong ours 'extendedKeyUsage=serverAuth'

make_list list.csv 50 1
run 0 list create hot --db "$db"
bring hot list.csv
make_key bound --certificate acme.pem
bound=$key
make_key free
free=$key

run 2 serve --db "$db" --listen 127.0.0.1:0 --tls-cert server.pem
run 2 serve --db "$db" --listen 127.0.0.1:0 --client-ca ours.pem
run 4 serve --db "$db" --listen 127.0.0.1:0 --tls-cert server.pem --tls-key acme.key
run 4 serve --db "$db" --listen 127.0.0.1:0 --tls-cert none.pem --tls-key server.key
run 4 serve --db "$db" --listen 127.0.0.1:0 --tls-cert late.pem --tls-key late.key
run 4 serve --db "$db" --listen 127.0.0.1:0 --tls-cert server.pem --tls-key server.key --client-ca server.key

cp ours.pem clients.pem
start --listen 0.0.0.0:0 --tls-cert server.pem --tls-key server.key --client-ca clients.pem --open-metrics
url=https://127.0.0.1:${url##*:}
body='{"items":[{"md5":"00000001000000000000000000000004"}]}'
with() { # STATUS CERTIFICATE|"" [CURL ARGUMENT...]
    local want=$1 cert=$2
    shift 2
    check "$want" "$body" --cacert ours.pem ${cert:+--cert "$cert.pem" --key "$cert.key"} "$@"
}
key=$free
with 200 ""
with 200 other
with 200 "" --tls-max 1.2
printf '{"items":[%s{"md5":"00000001000000000000000000000004"}]}' "$(printf '{"md5":"00000001000000000000000000000004"},%.0s' {1..999})" >long.json
check 200 @long.json --cacert ours.pem --cert other.pem --key other.key # answered aside
is "a long request" "$(jq '[.results[] | select(.verdict == "exact")] | length' out)" 1000
with 403 stranger && code "a stranger's" bad_certificate
with 403 late && code "an expired one" bad_certificate
with 403 wrong && code "a server's" bad_certificate
key=$bound
with 200 acme
with 403 "" && code "none" wrong_certificate
with 403 other && code "another's" wrong_certificate
with 403 stranger
curl -s --cacert theirs.pem "$url/healthz" && fail "a server's certificate is taken from anybody"
curl -s --cacert ours.pem --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 "$url/healthz" && fail "TLS 1.1 is spoken"
curl -s "http://${url#https://}/healthz" | grep -q ok && fail "HTTP without TLS"
for _ in 1 2 3; do # a handshake that is broken off or never begun
    exec 3<>"/dev/tcp/127.0.0.1/${url##*:}"
    printf '\026\003\001' >&3
    exec 3>&-
done
with 200 acme

# ---- a renewal: new connections get it, open ones stay, and what is no good changes nothing
shown() { openssl s_client -connect "127.0.0.1:${url##*:}" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint; }
counted() { curl -s --cacert ours.pem "$url/metrics" | sed -n "s/^herken_certificates_$1_total //p"; }
anew() { # HOW MANY TIMES read, failed
    kill -HUP "$pid"
    for _ in $(seq 100); do
        [ "$(counted read) $(counted failed)" != "$1 $2" ] || return 0
        sleep 0.05
    done
    fail "read anew $(counted read) times, failed $(counted failed) times, not $1 and $2"
}
key=$free
python3 - "${url##*:}" "$free" >kept.log 2>&1 <<'END' &
import http.client, json, os, ssl, sys, time
context = ssl.create_default_context(cafile='ours.pem')
context.load_cert_chain('other.pem', 'other.key')
connection = http.client.HTTPSConnection('127.0.0.1', int(sys.argv[1]), timeout=20, context=context)
for step in ('opened', 'renewed', 'broken', 'kept_out'):
    while step != 'opened' and not os.path.exists(step):
        time.sleep(0.02)
    if not connection.sock and step != 'opened':
        sys.exit('the connection was dropped')
    connection.request('POST', '/v1/check', '{"items":[{"md5":"00000001000000000000000000000004"}]}', {'Authorization': 'Bearer ' + sys.argv[2], 'Content-Type': 'application/json'})
    answer = connection.getresponse()
    answer.read()
    print(step, answer.status, flush=True)
END
kept=$!
until grep -q opened kept.log || ! kill -0 $kept 2>/dev/null; do sleep 0.02; done
first=$(shown)
signed server ours 'subjectAltName=IP:127.0.0.1'
anew 1 0
touch renewed
second=$(shown)
[ -n "$first" ] && [ -n "$second" ] && [ "$first" != "$second" ] || fail "the certificate stays: $first $second"
with 200 acme
cp server.pem good.pem
cp acme.pem server.pem # goes with another key
anew 1 1
cp late.pem server.pem
anew 1 2
: >server.pem
anew 1 3
mv good.pem server.pem
mv clients.pem away
anew 1 4
touch broken
is "after what is no good" "$(shown)" "$second"
grep -q 'going on with those from before: .*clients.pem' log || fail "nobody is told"
with 200 acme
cp theirs.pem clients.pem
anew 2 4
touch kept_out
with 200 stranger
with 403 other && code "one of a CA that is no longer there" bad_certificate
wait $kept || fail "the open connection: $(cat kept.log)"
is "an open connection" "$(paste -sd' ' kept.log)" "opened 200 renewed 200 broken 200 kept_out 403"
stop
finish
