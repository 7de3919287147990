#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# hash --digests gives what coreutils' md5sum, sha1sum and sha256sum give, whatever the size and the sort of file.
. "$(dirname "$0")/lib.sh"
mkdir in
for n in 1 54 55 56 57 63 64 65 119 120 127 128 129 4095 4096 4097 65535 65536 65537 \
    262143 262144 262145 524287 524288 524289 1048577 20000001; do
    head -c "$n" /dev/urandom >"in/b$n"
done
: >in/empty
truncate -s 40000000 in/zeros
"$DRAW" 1 300 200 in/a.png
"$DRAW" 1 2000 1500 in/large.jpg
# Bytes after the picture's end count too, up to the edges of the reader's chunks.
for n in 262144 262145 262207 262208 524287 524288 524289 3000001; do
    { cat in/a.png; head -c $((n - $(stat -c %s in/a.png))) /dev/urandom; } >"in/padded$n.png"
done
head -c 5000 in/large.jpg >in/cut.jpg

# check CODE ARGUMENT...: three digests of each file under in
check() {
    local code=$1 kind
    shift
    run "$code" hash --json --digests "$@" in
    is "files" "$(jq -s 'map(select(.path)) | length' out)" "$(find in -type f | wc -l)"
    for kind in md5 sha1 sha256; do
        jq -r --arg k $kind 'select(.path) | "\(.[$k])  \(.path)"' out | LC_ALL=C sort >got
        find in -type f -exec "${kind}sum" {} + | LC_ALL=C sort >want
        cmp -s got want || fail "$kind: $(diff got want | head -n 4)"
    done
}
check 0
check 0 --threads 3
check 3 --max-bytes 1000 # pictures that are not decoded
head -c 100 in/a.png | cmp -s - <(head -c 100 in/padded262144.png) || fail "the padded ones are no pictures"
run 0 hash --json in/padded262145.png
is "no digests unless asked" "$(field in/padded262145.png md5)" ""
finish
