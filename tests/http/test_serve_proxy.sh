#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken serve behind a proxy: whose address is on record, and who may say so.
. "$(dirname "$0")/serve.sh"

make_list list.csv 50 1
run 0 list create hot --db "$db"
bring hot list.csv
make_key acme --rate 0 --quota 0
for wrong in '' proxy 10.0.0.0/8 127.0.0.1:80 fe80::1%lo unix:/run/x; do
    run 2 serve --db "$db" --listen 127.0.0.1:0 --trusted-proxy "$wrong"
done

# on_record WANTED [CURL ARGUMENT...]: the address of the last check
on_record() {
    local want=$1
    shift
    check 200 '{"items":[{"md5":"00000001000000000000000000000004"}]}' "$@"
    is "the address on record, of $(head -c 100 <<<"$*")" "$(jq -r 'select(.kind == "check").from' "$db.audit" | tail -n 1)" "$want"
}
says() { on_record "$1" -H "X-Forwarded-For: $2"; } # ADDRESS HEADER

start
says 127.0.0.1 192.0.2.7 # nobody is trusted
stop
start --trusted-proxy 192.0.2.1
says 127.0.0.1 192.0.2.7 # somebody else is
stop

start --trusted-proxy 127.0.0.1
on_record 127.0.0.1
says 192.0.2.7 192.0.2.7
says 192.0.2.7 '203.0.113.9, 192.0.2.7'
says 192.0.2.7 $'forged, 203.0.113.9 ,\t192.0.2.7 \t'
says 2001:db8::7 2001:0DB8:0:0:0:0:0:7
on_record 192.0.2.7 -H 'X-Forwarded-For: 203.0.113.9' -H 'x-forwarded-for: 192.0.2.7' # two headers: the last
for wrong in ',' '192.0.2.7,' '192.0.2.7:80' '[2001:db8::7]' 'fe80::1%lo' 192.0.2 192.0.2.777 0300.0.2.7 localhost unknown \
    '192.0.2.7"},{"x":"' "192.0.2.7'; --" "$(printf '1%.0s' {1..5000})" "$(printf '%s' $'192.0.2.7\xff')"; do
    says 127.0.0.1 "$wrong"
done
for address in $(jq -r 'select(.from).from' "$db.audit" | sort -u); do
    [[ $address =~ ^[0-9a-f.:]+$|^unix$ ]] || fail "on record is $address"
done
stop

start --listen "unix:$work/socket" --trusted-proxy unix
url=http://herken
on_record unix --unix-socket socket
on_record 192.0.2.7 --unix-socket socket -H 'X-Forwarded-For: 192.0.2.7'
on_record unix --unix-socket socket -H 'X-Forwarded-For: unix'
stop
# A socket for both kinds of addresses has those of the older kind as ::ffff:ADDR.
if grep -qs . /proc/net/if_inet6 && [ "$(cat /proc/sys/net/ipv6/bindv6only)" = 0 ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key -out own.pem -days 2 -subj /CN=own >ssl.log 2>&1 || fail openssl
    for proxy in 127.0.0.1 ::ffff:127.0.0.1; do
        start --listen '[::]:0' --tls-cert own.pem --tls-key own.key --trusted-proxy $proxy
        url=https://127.0.0.1:${url##*:}
        on_record 127.0.0.1 -k
        on_record 192.0.2.7 -k -H 'X-Forwarded-For: 192.0.2.7'
        on_record 192.0.2.7 -k -H 'X-Forwarded-For: ::ffff:192.0.2.7'
        stop
    done
fi
run 0 audit verify --db "$db"
finish
