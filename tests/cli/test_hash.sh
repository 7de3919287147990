#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# herken hash: outputs, formats, orientation, options, exit codes.
. "$(dirname "$0")/lib.sh"

"$DRAW" 1 480 320 a.png
for to in 'b.jpg[Q=90]' 'p.jpg[Q=90,interlace]' 'i.png[interlace]' 'w.webp[Q=90]' 'l.webp[lossless]' 'g.gif' 't.tif' 'z.tif[compression=lzw,tile]' 'h.heic[Q=80]' 'v.avif[Q=80]'; do
    vips copy a.png "$to"
done
cp b.jpg wrong.png

run 0 hash --json --orientations --digests *.png *.jpg *.webp *.gif *.tif *.heic *.avif
closes
reference=$(field a.png hash)
is "length of the hash" "${#reference}" 64
for file in *.png *.jpg *.webp *.gif *.tif *.heic *.avif; do
    status "$file" ok
    got=$(field "$file" hash)
    "$HERKEN" compare --json "$reference" "$got" >cmp || true
    [ "$(jq .distance cmp)" -le 10 ] || fail "$file is $(jq .distance cmp) bits from its original"
done
is "format of a JPEG called png" "$(field wrong.png format)" jpeg
is width "$(field a.png width)" 480
is model "$(field a.png model)" pdq
is "sha256 of a.png" "$(field a.png sha256)" "$(sha256sum a.png | cut -d' ' -f1)"
is "md5 of h.heic" "$(field h.heic md5)" "$(md5sum h.heic | cut -d' ' -f1)"
is "sha1 of g.gif" "$(field g.gif sha1)" "$(sha1sum g.gif | cut -d' ' -f1)"

# The orientations of one decode are those of the turned files, within the steps of whole pixels.
vips rot a.png r90.png d90; vips rot a.png r180.png d180; vips flip a.png mirror.png horizontal
for pair in r90.png:rotate270 r180.png:rotate180 mirror.png:flipy; do
    turned=$("$HERKEN" hash --quiet "${pair%%:*}" | cut -c1-64)
    ours=$(jq -r --arg o "${pair##*:}" 'select(.path == "a.png") | .orientations[$o]' out)
    "$HERKEN" compare --json "$turned" "$ours" >cmp || true
    [ "$(jq .distance cmp)" -le 16 ] || fail "${pair}: $(jq .distance cmp) bits"
done

# The exact grid gives a second hash, on request, and moves nothing else. A picture and its copy of
# another size lie nearer by it.
vips thumbnail a.png small.png 180 --height 180 --size force
"$DRAW" 1 300 200 half.png; vips flip half.png flipped.png horizontal
vips join half.png flipped.png mirrored.png horizontal
run 0 hash --json a.png small.png
is "exact hash unasked for" "$(field a.png exact_hash)" ""
run 0 hash --json --exact-grid a.png small.png mirrored.png
closes
is "length of the exact hash" "$(field a.png exact_hash | tr -d '\n' | wc -c)" 64
is "PDQ hash beside the exact one" "$(field a.png hash)" "$reference"
is "exact hash of a symmetric picture" "$(field mirrored.png exact_hash)" ""
status mirrored.png ok
upright=$(field a.png exact_hash)
for kind in hash exact_hash; do
    "$HERKEN" compare --json "$(field a.png $kind)" "$(field small.png $kind)" >$kind.cmp || true
done
[ "$(jq .distance exact_hash.cmp)" -lt "$(jq .distance hash.cmp)" ] ||
    fail "exact $(jq .distance exact_hash.cmp) bits, PDQ $(jq .distance hash.cmp)"

# EXIF orientation is applied and recorded: all eight views hash to exactly the upright picture's.
vips copy a.png base.jpg[Q=95]
for o in 1 2 3 4 5 6 7 8; do
    # the stored picture is the upright one turned the other way, losslessly from the same pixels
    case $o in
        1) vips copy a.png s.png ;; 2) vips flip a.png s.png horizontal ;;
        3) vips rot a.png s.png d180 ;; 4) vips flip a.png s.png vertical ;;
        5) vips rot a.png r.png d90; vips flip r.png s.png horizontal ;;
        6) vips rot a.png s.png d270 ;;
        7) vips rot a.png r.png d270; vips flip r.png s.png horizontal ;;
        8) vips rot a.png s.png d90 ;;
    esac
    vips copy s.png "exif$o.tif"
    vipsedit --orientation="$o" "exif$o.tif" 2>/dev/null || true
    python=$(printf 'Exif\\0\\0MM\\0*\\0\\0\\0\\x08\\0\\x01\\x01\\x12\\0\\x03\\0\\0\\0\\x01\\0\\x0%d\\0\\0\\0\\0\\0\\0' "$o")
    vips copy s.png "s.jpg[Q=100,strip]"
    { head -c 2 s.jpg; printf '\xff\xe1\x00\x22'; printf "$python"; tail -c +3 s.jpg; } >"exif$o.jpg"
done
run 0 hash --json --exact-grid exif?.jpg
for o in 1 2 3 4 5 6 7 8; do
    is "orientation recorded of exif$o.jpg" "$(field exif$o.jpg exif_orientation)" "$o"
    "$HERKEN" compare --json "$(field exif$o.jpg hash)" "$reference" >cmp || true
    [ "$(jq .distance cmp)" -le 4 ] || fail "exif$o.jpg: $(jq .distance cmp) bits from upright"
    "$HERKEN" compare --json "$(field exif$o.jpg exact_hash)" "$upright" >cmp || true
    [ "$(jq .distance cmp)" -le 4 ] || fail "exif$o.jpg: $(jq .distance cmp) bits from upright, exact"
done

# Other layouts.
run 0 hash --quiet --format pdq a.png
is "pdq line" "$(cat out)" "$reference,$("$HERKEN" hash --json a.png | jq -r 'select(.path).quality'),a.png"
run 0 hash --quiet --format csv a.png
is "csv lines" "$(wc -l <out)" 2
is "csv header" "$(head -n 1 out | cut -d, -f1-2)" path,status
run 0 hash --quiet a.png
is "text starts with the hash" "$(cut -c1-64 out)" "$reference"

# Order is the input's, whatever the workers do; several paths, files0.
run 0 hash --json --threads 4 v.avif b.jpg a.png w.webp
is "order" "$(jq -r 'select(.path).path' out | tr '\n' ' ')" "v.avif b.jpg a.png w.webp "
run 0 hash --json --files0-from - < <(printf 'a.png\0b.jpg\0')
is "files0" "$(jq -r 'select(.path).path' out | tr '\n' ' ')" "a.png b.jpg "

run 2 hash --json --files0-from . # a folder has no paths to read
run 2 hash --json --files0-from /nonexistent a.png

# The kernels agree to the bit; the scalar ones run everywhere.
HERKEN_SIMD=scalar "$HERKEN" hash --quiet a.png b.jpg >first || fail "no scalar kernels"
for simd in avx2 avx512; do
    if HERKEN_SIMD=$simd "$HERKEN" hash --quiet a.png b.jpg >one 2>/dev/null; then
        cmp -s one first || fail "$simd gives other hashes"
    fi
done

# Usage.
run 2 hash
run 2 hash --no-such-option a.png
run 2 hash --threads 0 a.png
run 2 hash --timeout 9999 a.png
run 2 hash --format xml a.png
run 2 nonsense
run 2
run 0 --help
run 0 hash --help
HERKEN_SIMD=mmx run 2 hash a.png
run 2 hash $'--no-\e[31mred' a.png
grep -q $'\e' err && fail "an argument reached the terminal raw"
mkdir nothing
run 0 hash nothing
grep -q 'no files found' err || fail "an empty folder goes by without a word"

# The process's own limits: lower ones are lived with, by opening fewer files at a time; no room at
# all is the system's failure.
(ulimit -n 64; ulimit -t 600; run 0 hash --json a.png b.jpg; exit $failures) || fail "with lower limits"
(ulimit -n 12; run 0 hash --json --threads 16 a.png b.jpg w.webp t.tif g.gif h.heic; exit $failures) || fail "with room for few files"
(ulimit -n 7; run 4 hash --json --threads 16 a.png b.jpg w.webp t.tif g.gif h.heic; exit $failures) || fail "without room for files"
# Whoever started us may ignore SIGCHLD; a terminal's signals are not for the workers.
(trap '' CHLD; run 0 hash --json a.png; exit $failures) || fail "with SIGCHLD ignored"
run 4 hash --worker /nonexistent a.png
grep -q 'cannot start the decode worker' err || fail "the missing worker is not named"
run 4 hash --worker /bin/true a.png
if [ -e /dev/full ]; then
    code=0; "$HERKEN" hash --quiet a.png >/dev/full 2>err || code=$?
    is "exit code with a full disk" "$code" 4
fi
finish
