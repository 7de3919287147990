# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the tests of the command. HERKEN and DRAW name the programs; $work is a folder of the
# test's own, gone afterwards.
set -euo pipefail
: "${HERKEN:?}" "${DRAW:?}"
work=$(mktemp -d)
trap 'chmod -R u+rwX "$work" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"
failures=0
fail() { echo "FAIL: $*"; failures=$((failures + 1)); }
finish() { [ "$failures" = 0 ] && echo "all as it should be"; exit $((failures > 0)); }

# run CODE ARGUMENT...: runs the command, checks the exit code; output in out and err.
run() {
    local want=$1 got=0
    shift
    "$HERKEN" "$@" >out 2>err || got=$?
    [ "$got" = "$want" ] || { fail "exit $got, not $want: herken $*"; tail -n 3 err; head -n 3 out; }
}
# is WHAT GOT WANTED
is() { [ "$2" = "$3" ] || fail "$1: '$2', not '$3'"; }
# field PATH KEY: a value of the JSON line about a path; empty if there is none.
field() { jq -r --arg p "$1" --arg k "$2" 'select(.path == $p) | .[$k] // empty | tostring' out; }
# status PATH WANTED
status() { is "status of $1" "$(field "$1" status)" "$2"; }
# closes: the account of out adds up and has a line per file, of each status as many as it says
closes() {
    jq -es '(map(select(.account)) | length == 1) and
        (last.account as $a | $a.found == $a.hashed + $a.duplicate + $a.skipped + $a.failed and
         $a.found == (map(select(.path)) | length) and
         $a.found == ([$a.statuses[]] | add // 0) and
         (map(select(.path)) | group_by(.status) | map({key: .[0].status, value: length}) | from_entries) == $a.statuses)' out >/dev/null || { fail "the account does not close"; tail -n 1 out; }
}
# no_zero_hash: the all-zero hash is given only for whole pictures that are flat or symmetric, and
# then it is flagged
no_zero_hash() {
    jq -es 'all(.[]; (.hash // "1" | test("^0+$") | not) or (.status == "ok" and (.flags | index("degenerate") != null)))' out >/dev/null ||
        fail "an all-zero hash of what was not decoded"
}
