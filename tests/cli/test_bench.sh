#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken bench: search engines agree with the flat scan, or it says so; fields, data, exit codes.
. "$(dirname "$0")/lib.sh"
mkdir tmp
export TMPDIR=$work/tmp
small="--n 20k --queries 300 --json"
# engine NAME KEY: a value of the line about an engine
engine() { jq -r --arg e "$1" --arg k "$2" 'select(.engine == $e) | .[$k] | tostring' out; }

run 0 bench search $small --engine auto --engine mih --engine flat
is "order" "$(jq -r .engine out | tr '\n' ' ')" "auto mih flat "
for key in engine data n radius queries batch threads simd seed build_s open_ms us_per_query p99_us passes pass_queries exact hits hits_equal_flat bytes_per_hash tables; do
    jq -es --arg k $key 'all(.[]; has($k))' out >/dev/null || fail "no $key"
done
jq -es 'all(.[]; .hits_equal_flat and .exact and (has("recall") | not) and .hits > 50 and .n == 20000 and .queries == 300 and .us_per_query > 0 and .p99_us > 0 and .passes >= 3 and .bytes_per_hash >= 32)' out >/dev/null || fail "values: $(cat out)"
is "tables of flat" "$(engine flat tables)" 0
[ "$(engine mih tables)" -gt 0 ] || fail "mih has no tables"
is "the same hits" "$(jq .hits out | sort -u | wc -l)" 1
[ -z "$(ls -A tmp)" ] || fail "snapshots stay behind"
hits=$(engine flat hits)

# The data hang on the seed alone; batches and threads find the same.
run 0 bench search $small --batch 64 --threads 2 --engine mih
is "hits in batches" "$(engine mih hits)" "$hits"
is "whole batches" "$(engine mih pass_queries)" 256
run 0 bench search $small --seed 2 --engine flat
[ "$(engine flat hits)" != "$hits" ] || fail "another seed gives the same"
run 0 bench search $small --engine flat --engine flat # itself, unseen
is "engines named" "$(wc -l <out)" 2
run 0 bench search $small --no-check --engine mih
is "without a check" "$(engine mih hits_equal_flat)" null
is "hits of a pass" "$(engine mih hits)" "$hits"
run 0 bench search $small --max-hits 1 --radius 110
is "one hit each" "$(engine auto hits)" 300

# Every sort of data.
run 0 bench search $small --data adversarial --engine auto --engine flat
is "max_hits" "$(engine auto max_hits)" 100
[ "$(engine auto hits)" -gt 20000 ] || fail "hashes all alike: $(engine auto hits) hits"
is "equal" "$(engine auto hits_equal_flat)" true
run 0 bench search $small --data adversarial-half --engine auto --engine mih
is "equal, half of the bits alike" "$(jq -s 'all(.[]; .hits_equal_flat)' out)" true
run 0 bench search --n 1e4 --queries 100 --json --data realistic --engine mih --engine auto
is "equal, drawn pictures" "$(jq -s 'all(.[]; .hits_equal_flat and .hits > 20)' out)" true
printf 'hash,quality\n%s,100\n%s,90\n' "$(printf 'a%.0s' {1..64})" "$(printf '31c5%.0s' {1..16})" >two.csv
run 0 bench search --n 5000 --queries 100 --json --max-hits 10 --data realistic --distractors two.csv --engine mih
is "equal, of a file" "$(engine mih hits_equal_flat)" true

# For people.
run 0 bench search --n 10k --queries 100 --engine flat --engine mih
is "lines" "$(wc -l <out)" 4
grep -Eq '^mih .* yes .*x (faster|slower)$' out || fail "no ratio"

# Usage.
run 2 bench
run 2 bench nonsense
run 0 bench --help
run 0 bench search --help
run 0 bench hash --help
for wrong in '--engine nonsense' '--n 0' '--n 1.5' '--n 1e10' '--n -1' '--n 10X' '--n 0x10' '--n nan' '--n' \
    '--queries 0' '--batch 0' '--batch 1001' '--radius 257' '--data real' '--seed x' '--threads 0' '--max-hits -1' \
    '--distractors two.csv' 'a-file' '--data realistic --distractors /nonexistent' '--max-pixels 100'; do
    run 2 bench search $wrong
done
printf 'quality,hash\n' >wrong.csv
run 2 bench search --data realistic --distractors wrong.csv
printf 'hash\n%s\nabc\n' "$(printf 'a%.0s' {1..64})" >wrong.csv
run 2 bench search --data realistic --distractors wrong.csv
grep -q 'line 3' err || fail "the line is not named"
run 4 bench search --n 4e9
grep -q 'GB of memory' err || fail "memory is not named"
run 4 bench search $small --engine faiss:BFlat --faiss-module /nonexistent/herken-faiss.so
run 0 bench search $small --scratch /nonexistent # timed all the same
is "open_ms without a place to write" "$(engine auto open_ms)" null
grep -q 'not opened from a file' err || fail "it does not say why"

# An engine that loses a hit is found out. A sanitized program takes no preloading.
if [ -n "${DROP_HIT:-}" ] && [ -z "${SANITIZED:-}" ]; then
    faulty() { LD_PRELOAD=$DROP_HIT run "$@"; }
    faulty 4 bench search $small --engine auto --engine mih --engine flat
    is "mih found out" "$(engine mih hits_equal_flat)" false
    is "auto is not" "$(engine auto hits_equal_flat)" true
    grep -Eq 'mih differs from flat, at query [0-9]+ first: [0-9a-f]{64}$' err || fail "it does not say where"
    faulty 4 bench search --n 20k --queries 300 --batch 50 --engine mih
    grep -Eq '^mih .* NO ' out || fail "the table does not say it"
    MODE=early faulty 4 bench search $small --engine mih
    is "unsteady" "$(engine mih hits_equal_flat)" false
    grep -q 'mih does not always find the same' err || fail "it does not say that it is unsteady"
    faulty 0 bench search $small --no-check --engine mih
    MODE=approximate faulty 0 bench search $small --batch 100 --engine mih
    is "approximate" "$(engine mih exact) $(engine mih hits_equal_flat)" "false false"
    is "recall" "$(engine mih recall | cut -c1-3)" 0.9
fi
finish
