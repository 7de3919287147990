#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Fuzzes each target for a time (default 60 s). Not part of the tests.
# usage: tests/fuzz/run.sh [SECONDS] [SEED-FOLDER]
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
seeds=${2:-}
tools/bootstrap.sh build fuzz
cmake --preset fuzz >/dev/null && cmake --build --preset fuzz
for target in decode bmp archive reply manifest audit request snapshot log feed_text feed_csv feed_tx feed_nsrl feed_vics; do
    corpus=build/fuzz/corpus-$target
    mkdir -p "$corpus"
    extra=()
    [ "$target" = decode ] && [ -n "$seeds" ] && extra=("$seeds")
    case $target in archive | snapshot | log) # these make their own
        mkdir -p "build/fuzz/seeds-$target"
        "build/fuzz/bin/fuzz_$target" --seeds "build/fuzz/seeds-$target"
        extra=("build/fuzz/seeds-$target") ;;
        manifest) extra=(tests/golden/report) ;;
        audit) # records without their chains, which the target adds
            mkdir -p build/fuzz/seeds-audit
            printf '\001{"n":1,"t":"2026-11-22T09:30:00.123456Z","kind":"begin","file":1,"log":"00"@\n{"n":2,"t":"2026-11-22T09:30:01.000000Z","kind":"stop"@\n' >build/fuzz/seeds-audit/two
            extra=(build/fuzz/seeds-audit) ;;
        request)
            mkdir -p build/fuzz/seeds-request
            printf '{"items":[{"ref":"a","pdq":["%064d","%064d"],"quality":50,"kind":"photo"},{"md5":"%032d","sha1":"%040d","sha256":"%064d"}]}' 1 2 3 4 5 >build/fuzz/seeds-request/check
            printf '{"match_id":"%032d","agree":false,"reason":"x"}' 1 >build/fuzz/seeds-request/feedback
            extra=(build/fuzz/seeds-request) ;;
        feed_*) extra=(tests/golden/feeds) ;;
    esac
    echo "== fuzz_$target for $seconds s"
    # The libraries keep what they allocate once; a leak per input would show as memory growth.
    ASAN_OPTIONS=detect_leaks=0 build/fuzz/bin/fuzz_$target -max_total_time="$seconds" -max_len=65536 \
        -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 "$corpus" "${extra[@]}" 2>&1 | tail -n 12
done
