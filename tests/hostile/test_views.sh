#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Files that show one picture here and another there. The policy (DECISIONS.md, "what is hashed of a
# file"): what a viewer shows is what is hashed, and where viewers differ every view is. Each pair is
# checked against that and, where there is one, against Chromium.
. "$(dirname "$0")/../cli/browser.sh"
. "$(dirname "$0")/../cli/lib.sh"
craft() { python3 "$SOURCE/tests/hostile/craft.py" "$@"; }
distance() { "$HERKEN" compare --json "$1" "$2" | jq .distance || true; }
# views PATH: frame, backdrop and hash of each view of the JSON line in out
views() { jq -r --arg p "$1" 'select(.path == $p) | .views // [{frame: 1, hash: .hash}] | .[] | "\(.frame) \(.backdrop // "black") \(.hash)"' out; }
# shows PATH "FRAME BACKDROP NAME"...: its views are these pictures, within 10 bits, and no others
shows() {
    local path=$1 frame backdrop hash d i=0
    shift
    is "views of $path" "$(views "$path" | wc -l)" $#
    while read -r frame backdrop hash; do
        i=$((i + 1))
        local wanted=(${!i-})
        is "view $i of $path" "$frame $backdrop" "${wanted[0]-} ${wanted[1]-}"
        d=$(distance "$hash" "${known[${wanted[2]-A}]}")
        [ "${d:-99}" -le 10 ] || fail "view $i of $path is $d bits from ${wanted[2]-}"
    done < <(views "$path")
}

declare -A known
i=0
for name in A B C D E; do
    "$DRAW" $((1 + 4 * i++)) 1280 1024 big.png
    vips resize big.png $name.png 0.25
    vips colourspace $name.png $name.pgm b-w
    vips jpegsave $name.png $name.jpg --Q 90
    vips jpegsave $name.png $name-progressive.jpg --Q 75 --interlace
done
rm big.png
run 0 hash --json ./*.png
for name in A B C D E; do known[$name]=$(field ./$name.png hash); done
for a in A B C D E; do for b in A B C D E; do
    [ $a = $b ] || [ "$(distance "${known[$a]}" "${known[$b]}")" -gt 60 ] || fail "$a and $b are too alike for this test"
done; done
# Pictures as seen on something: the halves of the ghost.
vips linear A.pgm A-dark.png 0.5 0 --uchar
vips linear B.pgm B-light.png 0.5 128 --uchar
is "the ghost's halves are as their pictures" "$("$HERKEN" hash A-dark.png B-light.png | wc -l)" 2

echo "-- frames and pages: first, middle and last; all; the first alone"
for n in 5 2 1; do
    pictures=(A B C D E)
    vips arrayjoin "$(printf '%s.png ' "${pictures[@]:0:n}")" all.png --across 1
    vips gifsave all.png $n.gif --page-height 256
    vips webpsave all.png $n.webp --page-height 256
    vips tiffsave all.png $n.tif --page-height 256
    vips heifsave all.png $n.heic --page-height 256
    vips heifsave all.png $n.avif --page-height 256 --compression av1
done
animated=()
for f in gif webp tif heic avif; do animated+=("5.$f"); done
run 0 hash --json "${animated[@]}" 2.* 1.*
for f in "${animated[@]}"; do shows $f "1 black A" "3 black C" "5 black E"; is "$f" "$(field $f status) $(field $f flags)" 'ok ["animated"]'; done
for f in 2.*; do shows "$f" "1 black A" "2 black B"; done
for f in 1.*; do shows "$f" "1 black A"; is "views are not said of $f" "$(field "$f" views)" ""; done
run 0 hash --json --frames-of all "${animated[@]}"
for f in "${animated[@]}"; do shows $f "1 black A" "2 black B" "3 black C" "4 black D" "5 black E"; done
for f in heic avif; do craft primary primary.$f 5.$f 7; done
run 0 hash --json primary.*
for f in primary.*; do shows $f "4 black D" "1 black A" "3 black C" "5 black E"; done
run 0 hash --json --frames-of first "${animated[@]}"
for f in "${animated[@]}"; do shows $f "1 black A"; is "$f" "$(field $f flags)" '["animated"]'; done
run 2 hash --frames-of last 5.gif

echo "-- a decoy as the first frame is found by the frame behind it, which the match names"
printf '%s\n' "${known[E]}" >E.txt
run 1 match --json --list E.txt "${animated[@]}"
for f in "${animated[@]}"; do
    is "$f" "$(jq -r --arg p $f 'select(.path == $p) | "\(.verdict) \(.matches[0].view)"' out)" 'near {"frame":5}'
done
run 0 match --frames-of first --accept-uncertain --list E.txt "${animated[@]}"
run 1 match --list E.txt 5.gif
grep -q '(frame 5)' out || fail "the text does not name the frame"
run 1 match --case a.case --list E.txt --quiet --json 5.gif
run 0 report --json a.case
is "the case keeps the view" "$(jq -c 'select(.path) | .matches[0].view' out)" '{"frame":5}'

echo "-- more frames than views: evenly spread, and said"
vips replicate A.png many.png 1 40
vips gifsave many.png still.gif --page-height 256
for i in $(seq 90); do printf '%s.png ' "$(printf 'ABCDE' | cut -c $((i % 5 + 1)))"; done >names
vips arrayjoin "$(cat names)" many.png --across 1
vips tiffsave many.png many.tif --page-height 256
run 0 hash --json --frames-of all still.gif many.tif
shows still.gif "1 black A"
is "of 90 pages" "$(field many.tif reason)" "64 of 90 frames are hashed"
is "pictures in them" "$(views many.tif | wc -l)" 5
craft mixed-pages mixed.tif 70
run 0 hash --json --frames-of all mixed.tif
is "alpha on later pages" "$(field mixed.tif reason)" "64 views are hashed, and it has more"
is "views of it" "$(views mixed.tif | wc -l)" 64

echo "-- frames behind what there is time for were wanted, and not looked at"
craft slow-gif slow.gif 32 50000 240
run 0 hash --json slow.gif A.png
is "a large GIF" "$(field slow.gif status) $(field slow.gif reason)" "truncated only the first 200 of 240 frames are looked at"
run 0 hash --json --frames-of first slow.gif

echo "-- a frame that is broken makes the file truncated, and the others are hashed all the same"
head -c $(($(stat -c %s 5.gif) * 7 / 10)) 5.gif >cut.gif
head -c $(($(stat -c %s 5.webp) * 7 / 10)) 5.webp >cut.webp
vips tiffsave 5.gif[n=-1] deflated.tif --compression deflate --page-height 256
craft break-page broken.tif deflated.tif 2
craft break-directory lost.tif 5.tif 2
head -c -1 5.gif >no-trailer.gif
run 3 hash --json cut.gif cut.webp broken.tif lost.tif no-trailer.gif
is "a cut WebP" "$(field cut.webp status)" unreadable
is "a GIF that lacks its last byte" "$(field no-trailer.gif status)" ok
for f in cut.gif broken.tif lost.tif; do is "$f" "$(field $f status)" truncated; done
is "pages behind a broken directory" "$(field lost.tif reason)" "it has more pages than can be read"
shows lost.tif "1 black A" "2 black B"
shows broken.tif "1 black A" "5 black E"
field broken.tif reason | grep -q '^frame 3 of 5: ' || fail "broken.tif does not name the frame: $(field broken.tif reason)"
craft shrink-page small.tif deflated.tif 0 4
craft break-page small-1.tif small.tif 1
for n in 2 3 4; do craft break-page small-$n.tif small-$((n - 1)).tif $n; done
vips crop A.png dot.png 0 0 1 1
vips arrayjoin "dot.png dot.png" dots.png --across 1
vips gifsave dots.png dots.gif --page-height 1
run 0 hash --json small.tif dots.gif
is "a small page before others" "$(field small.tif status)" ok
is "small pages alone" "$(field dots.gif status)" too_small
run 3 hash --json small-4.tif
is "a small page, and none of the others decoded" "$(field small-4.tif status)" unreadable
run 1 match --json --list E.txt broken.tif
is "and a hit is a hit" "$(field broken.tif verdict)" near
printf '%s\n' "${known[D]}" >D.txt
run 3 match --json --list D.txt broken.tif || true
is "but no hit proves nothing" "$(field broken.tif verdict) $(field broken.tif reason)" "not_checked truncated"

echo "-- what shows through: on black and on white"
craft ghost ghost.png A.pgm B.pgm
vips webpsave ghost.png ghost.webp --lossless
vips tiffsave ghost.png ghost.tif
vips bandjoin_const A.png opaque.png 255
run 0 hash --json ghost.png ghost.webp ghost.tif opaque.png
for f in png webp tif; do shows ghost.$f "1 black A" "1 white B"; done
shows opaque.png "1 black A"
printf '%s\n' "${known[B]}" >B.txt
run 1 match --json --list B.txt ghost.png
is "the ghost" "$(jq -c 'select(.path) | [.verdict, .matches[0].view]' out)" '["near",{"frame":1,"backdrop":"white"}]'
run 1 match --list B.txt ghost.png
grep -q '(frame 1, on white)' out || fail "the text does not name the backdrop"

echo "-- animations that our decoders show one picture of say so"
craft apng decoy.png A.png B.png C.png
craft still-apng still.png A.png
craft two-words two-words.png A.png B.png
craft sequence sequence.avif 1.avif
vips resize A.png full.png 2 --vscale 1.875
vips gifsave full.png full.gif # 640x480, which nsgif takes for a mistake
craft larger-later tiny.gif full.gif 1
craft larger-later corner.gif full.gif 100
run 3 match --json --list E.txt tiny.gif
is "a GIF whose first frame is too small" "$(field tiny.gif status) $(field tiny.gif verdict)" "unreadable not_checked"
run 0 hash --json decoy.png still.png two-words.png sequence.avif corner.gif full.gif
is "an animated PNG" "$(field decoy.png status) $(field decoy.png flags)" 'truncated ["truncated","animated"]'
is "a GIF's frame that is larger than the first" "$(field corner.gif status) $(field full.gif status)" "truncated ok"
is "one of two minds, which Chromium plays" "$(field two-words.png status)" truncated
is "one whose frame is its picture" "$(field still.png status)" ok
is "an image sequence" "$(field sequence.avif status)" truncated
shows decoy.png "1 black A"
run 0 hash --json --frames-of first decoy.png
is "it was not asked for" "$(field decoy.png status)" ok

echo "-- what no viewer shows: what follows the end, a second JPEG, a thumbnail, XMP's orientation"
craft append trailing.png A.png B.png
craft append trailing.jpg A.jpg B.jpg
craft append trailing.gif 1.gif 2.gif
craft thumbnail thumbnail.jpg A.jpg B.jpg
craft xmp xmp.jpg A.jpg 6
run 0 hash --json trailing.* thumbnail.jpg xmp.jpg
for f in trailing.png trailing.jpg trailing.gif thumbnail.jpg xmp.jpg; do shows $f "1 black A"; done

echo "-- orientation: the first EXIF block that has one counts, wherever it stands"
craft exif turned.jpg A.jpg 6
vips autorot turned.jpg turned-shown.png
craft two-exif two.jpg A.jpg 6 1
craft two-exif two-back.jpg A.jpg 1 6
craft xmp-exif second.jpg A.jpg 1 6
craft exif-xmp first.jpg A.jpg 6 1
run 0 hash --json turned-shown.png turned.jpg two.jpg two-back.jpg second.jpg first.jpg
known[T]=$(field turned-shown.png hash)
for f in turned two second first; do shows $f.jpg "1 black T"; done
shows two-back.jpg "1 black A"

echo "-- progressive scans of two pictures: what a full decode shows"
craft splice spliced.jpg A-progressive.jpg B-progressive.jpg
vips jpegload spliced.jpg spliced-shown.png
run 0 hash --json spliced.jpg spliced-shown.png
known[S]=$(field spliced-shown.png hash)
shows spliced.jpg "1 black S"
d=$(distance "${known[S]}" "${known[A]}")
echo "   $d bits from the picture of its first scan"

echo "-- formats that must be named"
craft bmp A.bmp A.pgm
vips jp2ksave A.png A.jp2 2>/dev/null || rm -f A.jp2
vips jxlsave A.png A.jxl 2>/dev/null || rm -f A.jxl
named=(A.bmp)
for f in A.jp2 A.jxl; do [ ! -s $f ] || named+=($f); done
run 3 hash --json "${named[@]}"
for f in "${named[@]}"; do is "$f" "$(field $f status) $(field $f reason)" "unsupported ${f#A.} images are decoded with --allow-format ${f#A.} only"; done
run 0 hash --json --allow-format bmp,jxl --allow-format jp2 "${named[@]}"
for f in "${named[@]}"; do shows $f "1 black A"; done
run 3 hash --json --allow-format jxl A.bmp
run 2 hash --allow-format gif A.bmp

echo "-- what Chromium shows, within 10 bits"
if ! command -v chromium chromium-browser google-chrome >/dev/null; then
    echo "   no Chromium here: not compared"
    finish
fi
browser_start
cat >page.html <<'EOF'
<script>
async function show(url, backdrop) {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const pen = canvas.getContext("2d");
    pen.fillStyle = backdrop;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0);
    return canvas.toDataURL("image/jpeg", 0.9);
}
</script>
EOF
browser_open "$work/page.html"
compared=0
# shown PATH BACKDROP MEDIA-TYPE: what the browser paints of it is the view that we hash
shown() {
    local hash d
    js "show('data:$3;base64,$(base64 -w 0 "$1")', '$2')"
    jq -r . <<<"$value" | cut -d, -f2 | base64 -d >shown.jpg
    hash=$("$HERKEN" hash --json shown.jpg | jq -r 'select(.path).hash')
    run 0 hash --json --allow-format bmp "$1"
    d=$(distance "$hash" "$(views "$1" | awk -v b="$2" '$1 == 1 && ($2 == b || n == 0) { n = 1; h = $3 } END { print h }')")
    compared=$((compared + 1))
    [ "${d:-99}" -le 10 ] || fail "$1 on $2: Chromium shows something $d bits away"
}
for f in trailing.jpg thumbnail.jpg xmp.jpg turned.jpg two.jpg two-back.jpg second.jpg first.jpg spliced.jpg; do shown $f black image/jpeg; done
for f in trailing.png opaque.png; do shown $f black image/png; done
for backdrop in black white; do shown ghost.png $backdrop image/png; shown ghost.webp $backdrop image/webp; done
shown 5.gif black image/gif
shown 5.webp black image/webp
shown 5.avif black image/avif
shown A.bmp black image/bmp
echo "   $compared views compared"
finish
