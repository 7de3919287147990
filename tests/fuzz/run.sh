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
for target in decode archive reply manifest snapshot log feed_text feed_csv feed_tx feed_nsrl feed_vics; do
    corpus=build/fuzz/corpus-$target
    mkdir -p "$corpus"
    extra=()
    [ "$target" = decode ] && [ -n "$seeds" ] && extra=("$seeds")
    case $target in archive | snapshot | log) # these make their own
        mkdir -p "build/fuzz/seeds-$target"
        "build/fuzz/bin/fuzz_$target" --seeds "build/fuzz/seeds-$target"
        extra=("build/fuzz/seeds-$target") ;;
        manifest) extra=(tests/golden/report) ;;
        feed_*) extra=(tests/golden/feeds) ;;
    esac
    echo "== fuzz_$target for $seconds s"
    # The libraries keep what they allocate once; a leak per input would show as memory growth.
    ASAN_OPTIONS=detect_leaks=0 build/fuzz/bin/fuzz_$target -max_total_time="$seconds" -max_len=65536 \
        -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 "$corpus" "${extra[@]}" 2>&1 | tail -n 12
done
