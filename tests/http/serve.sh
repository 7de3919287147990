# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the tests of the server. start, stop and ask work with one server at a time, on a port
# of its own choice; it is ended by its pid, whatever happens.
. "$(dirname "$0")/../cli/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
db=$work/s.db
pid= url= key=
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true; chmod -R u+rwX "$work" 2>/dev/null; rm -rf "$work"' EXIT

# make_list FILE COUNT SEED: random hashes with MD5s that are SEED and the number of their line
make_list() {
    python3 - "$@" <<'END'
import random, sys
name, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random.seed(seed)
with open(name, 'w') as out:
    out.write('pdq,md5,entry,category\n')
    for i in range(count):
        bits = [1] * 128 + [0] * 128
        random.shuffle(bits)
        out.write('%064x,%08x%024x,E%d-%d,cat%d\n' % (int(''.join(map(str, bits)), 2), seed, i, seed, i, i % 3))
END
}
# bring LIST FILE: imports and approves
bring() {
    run 0 list import "$1" "$2" --db "$db" --quiet
    run 0 list approve "$1" --db "$db" --quiet
}
# start ARGUMENT...: a server on a free port, or where an argument says
start() {
    local where=(--listen 127.0.0.1:0) a
    for a in "$@"; do [ "$a" != --listen ] || where=(); done
    : >log
    "$HERKEN" serve --db "$db" --max-distance 31 --poll 100 "${where[@]}" "$@" 2>>log &
    pid=$!
    for _ in $(seq 200); do
        ! grep -q 'listening on' log || break
        kill -0 $pid 2>/dev/null || break
        sleep 0.02
    done
    url=$(sed -n 's/.*listening on \([^,]*\),.*/\1/p' log)
    [ -n "$url" ] || { fail "the server does not start"; cat log; finish; }
}
# stop [SIGNAL [CODE]]
stop() {
    local got=0
    kill "-${1:-TERM}" "$pid"
    wait "$pid" 2>/dev/null || got=$?
    pid=
    is "exit code of the server" "$got" "${2:-0}"
}
# ask STATUS PATH [CURL ARGUMENT...]: with the key; the body of the answer in out, its headers in head
ask() {
    local want=$1 path=$2 got
    shift 2
    got=$(curl -sS -m 20 -o out -D head -w '%{http_code}' ${key:+-H "Authorization: Bearer $key"} "$@" "$url$path" 2>err) || got=none
    [ "$got" = "$want" ] || { fail "status $got, not $want: $path $*"; head -c 300 out err; }
}
# check STATUS BODY [CURL ARGUMENT...]
check() {
    local want=$1 body=$2
    shift 2
    ask "$want" /v1/check -H 'Content-Type: application/json' --data-binary "$body" "$@"
}
code() { is "the code of $1" "$(jq -r .error.code out)" "$2"; }
value() { jq -r "$1 | tostring" out; }
make_key() { # NAME [ARGUMENT...]
    run 0 key create "$@" --db "$db" --json --quiet
    key=$(jq -r .key out)
}
pdq_of() { sed -n "$(($2 + 2))p" "$1" | cut -d, -f1; } # FILE NUMBER
