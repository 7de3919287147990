#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken bench hash: its numbers hang together, in JSON and in the table; every file is counted once.
. "$(dirname "$0")/lib.sh"
mkdir pictures pictures/sub
for i in 1 2 3; do "$DRAW" $i 480 320 pictures/s$i.png; done
"$DRAW" 1 600 500 pictures/a.jpg # on the edge
"$DRAW" 1 700 500 pictures/sub/b.jpg
"$DRAW" 1 1200 900 pictures/c.jpg
"$DRAW" 1 2600 2000 pictures/d.jpg
"$DRAW" 1 4200 4000 pictures/e.jpg

run 0 bench hash --json --repeats 5 pictures
is "one line" "$(wc -l <out)" 1
is "classes" "$(jq -c '[.classes[] | [.class, .format, .files]]' out)" \
    '[["to 0.3 MP","jpeg",1],["to 0.3 MP","png",3],["to 1 MP","jpeg",1],["to 4 MP","jpeg",1],["to 16 MP","jpeg",1],["above","jpeg",1]]'
is "counted" "$(jq -c '[.files, .failed, .jpeg_files, ([.classes[].files] | add), ([.classes[] | .jpeg_files // 0] | add)]' out)" '[8,0,5,8,5]'
is "keys" "$(jq -c '.classes[1] | keys' out)" \
    '["class","digests_on_top","files","format","images_per_s","ms_mean","ms_mean_of","ms_mean_with_digests","ms_median","ms_p95"]'
is "parts" "$(jq -c '.ms_mean_of | keys_unsorted' out)" '["read","digest","decode","grid","dct","bits"]'

# What follows from one figure to another is exact.
near='def near($a; $b): ($a - $b) / $b | fabs < 1e-9;'
is "sums" "$(jq "$near"' . as $o |
    near([.classes[] | .ms_mean * .files] | add; .ms_mean * .files) and
    near([.classes[] | .ms_mean_with_digests * .files] | add; .ms_mean_with_digests * .files) and
    all((.ms_mean_of | keys[]) as $k | near([$o.classes[] | .ms_mean_of[$k] * .files] | add; $o.ms_mean_of[$k] * $o.files); .) and
    all(., .classes[]; near(1000 / .images_per_s; .ms_mean) and near(1 + .digests_on_top; .ms_mean_with_digests / .ms_mean) and
        .ms_median <= .ms_p95 and .ms_mean > 0 and all(.ms_mean_of[]; . >= 0))' out)" true
# Times themselves may be off while the machine has other work: a few attempts, each with more rounds. With digests
# whole and parts are the same; the floor is of the same order; a large picture is mostly decoding.
times='all(., .classes[]; ([.ms_mean_of[]] | add) / .ms_mean_with_digests | . > 0.7 and . < 1.4) and
    all(., .classes[]; all(.ms_mean_of[]; . > 0) and .digests_on_top > 0) and
    all(., (.classes[] | select(.format == "jpeg")); .floor_ratio > 0.7 and .floor_ratio < 3) and
    (.classes[] | select(.class == "above") | .ms_mean > 2 * .ms_mean_of.grid and .ms_mean_of.decode > .ms_mean_of.dct)'
for repeats in 9 15 25 45 75; do
    jq -e "$times" out >/dev/null && break
    run 0 bench hash --json --repeats $repeats pictures
done
jq -e "$times" out >/dev/null ||
    fail "the parts are not the whole: $(jq -c '[., .classes[] | ([.ms_mean_of[]] | add) / .ms_mean_with_digests]' out)"
is "no paths" "$(grep -c "pictures\|$work" out || true)" 0

# What cannot be timed is said and not counted.
echo text >pictures/note.txt
: >pictures/empty.jpg
head -c 400 pictures/a.jpg >pictures/cut.jpg
run 3 bench hash --json --repeats 1 pictures
is "failed" "$(jq -c '[.files, .failed]' out)" '[8,3]'
run 3 bench hash --json --repeats 1 pictures/note.txt
is "nothing timed" "$(jq -c '[.files, .failed, .classes, has("ms_mean")]' out)" '[0,1,[],false]'

# For people: the same rows.
run 3 bench hash --repeats 1 pictures
is "rows" "$(grep -Ec '^(to [0-9.]+ MP|above) ' out)" 6
is "files of all" "$(awk '$1 == "all" { print $2 }' out)" 8
grep -q '^3 files gave no hash and are not counted; herken hash says why$' out || fail "failures are not named"
# 64x64, 24 bits
{ printf 'BM\0\0\0\0\0\0\0\0\066\0\0\0\050\0\0\0\100\0\0\0\100\0\0\0\1\0\030\0'; head -c 24 /dev/zero; head -c 12288 pictures/d.jpg; } >one.bmp
run 0 bench hash --json --repeats 1 --allow-format bmp one.bmp
is "a format that must be named" "$(jq -c '[.files, .classes[0].format]' out)" '[1,"bmp"]'
run 0 bench hash
is "without files" "$(grep -c '^hash step alone' out)" 2

run 0 bench hash --help
for wrong in '--repeats 0' '--repeats 1001' '--repeats x' '--nonsense'; do run 2 bench hash $wrong pictures; done
run 3 bench hash /nonexistent
finish
