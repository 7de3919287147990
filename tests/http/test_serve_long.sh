#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken serve with long requests: others are answered meanwhile, and a stop leaves none hanging.
. "$(dirname "$0")/serve.sh"

make_list list.csv 300 1
run 0 list create hot --db "$db"
bring hot list.csv
make_key acme --rate 0 --quota 0 --near 0
ask_long() { # LOG [stop]
    local address=${url#http://} log=$1
    shift
    python3 "$here/long.py" "${address%:*}" "${address##*:}" "$key" 00000001000000000000000000000004 "$@" >"$log" 2>&1
}

start --threads 1
ask_long said || { fail "answers are wrong"; cat said; }
[ "$(cat said)" -ge 300 ] || fail "only $(cat said) short requests were answered while 4 long ones were"

# What is there is answered, or refused for the stop; nothing hangs.
for seconds in 30 0; do
    : >stopped
    ask_long stopped stop &
    asker=$!
    for _ in $(seq 200); do grep -q sent stopped && break; sleep 0.02; done
    stop
    wait $asker || cat stopped
    good=$(tail -n 1 stopped | grep -oE '200|503|ended' | wc -l)
    [ $seconds = 0 ] || good=$(tail -n 1 stopped | grep -o 200 | wc -l)
    is "requests that a stop within $seconds s left in order" "$good" 4
    start --threads 1 --stop-timeout 0
done
stop
run 0 audit verify --db "$db"
finish
