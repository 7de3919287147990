#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Shows what herken does, on real photos: builds it, hashes half of the photos as the known ones,
# makes edited copies of those, hides them among the other half, and looks for them.
#
# usage: tools/quickstart.sh [FOLDER]
#   FOLDER   photos of your own: looked through with its subfolders, at most 24 are used, none is
#            changed. Without it: photographs from the Debian package mate-backgrounds.
#
# Exit code 0 if it worked (also where some copies were missed: the table says which), 1 if not,
# 2 for wrong usage or a folder without photos.
set -euo pipefail
export LC_ALL=C.UTF-8

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
default_folder=/usr/share/backgrounds/mate/nature
most=24                      # photos used: enough to see, few enough for a table and two minutes
work=$top/build/quickstart   # everything made here; the photos themselves are only read

say() { printf '%s\n' "$*"; }
fail() { printf 'quickstart: %s\n' "$2" >&2; exit "$1"; }

case ${1-} in
  -h | --help) sed -n '4,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
esac
[ $# -le 1 ] || fail 2 "one folder at most; see tools/quickstart.sh --help"
own=${1+yes}
folder=${1-$default_folder}
if [ -n "$own" ]; then
  [ -d "$folder" ] || fail 2 "no folder '$folder'"
  folder=$(cd -- "$folder" && pwd -P)
  [[ $folder/ != "$work"/* ]] || fail 2 "$work is made anew each time: name another folder"
fi

# --- packages and the program ---------------------------------------------------------------------

"$top/tools/bootstrap.sh" build "$([ -n "$own" ] && echo edits || echo photos)"
[ -d "$folder" ] || fail 2 "no photographs in $folder; name a folder of your own photos"

build=$top/build/release
herken=$build/bin/herken
log=$top/build/quickstart-build.log
mkdir -p "$top/build"
build_herken() {
  cd "$top" || return
  # The first time without the tests: they need packages of their own. Later ninja sees to it.
  [ -e "$build/build.ninja" ] || cmake --preset release -DBUILD_TESTING=OFF || return
  cmake --build --preset release --target herken-command
}
[ -x "$herken" ] || say "Building herken (the output goes to build/quickstart-build.log) ..."
if ! (build_herken) >"$log" 2>&1 </dev/null; then
  cat "$log" >&2
  fail 1 "herken could not be built; what the build said stands above"
fi

# --- the photos -----------------------------------------------------------------------------------

# By name, to leave other files alone; sorted by byte, so that every run takes the same ones.
pictures=()
for ending in jpg jpeg jpe jfif png webp heic heif avif tif tiff gif; do
  pictures+=(-o -iname "*.$ending")
done
mapfile -d '' -t all < <(cd -- "$folder" && LC_ALL=C find . -type f \( "${pictures[@]:1}" \) \
  -printf '%P\0' 2>/dev/null | LC_ALL=C sort -z)

# Not what an earlier run made; and a list has one entry a line, so a name with a line break cannot
# stand in it.
named=() unlisted=0
for photo in "${all[@]}"; do
  [[ $folder/$photo != "$work"/* ]] || continue
  if [[ $photo == *[[:cntrl:]]* ]]; then unlisted=$((unlisted + 1)); else named+=("$photo"); fi
done
[ ${#named[@]} -gt 0 ] || fail 2 "no photos in $folder (jpeg, png, webp, heic, avif, tiff or gif)"

# More than we use: every so many-th, spread over the folder.
chosen=()
take=$((${#named[@]} < most ? ${#named[@]} : most))
for ((i = 0; i < take; i++)); do
  chosen+=("${named[i * ${#named[@]} / take]}")
done

rm -rf -- "$work"
mkdir -p "$work/look" "$work/tmp"
cd "$work"

# Hashes the photos named on stdin, from inside their folder: so entries are called as they are.
hash_photos() { (cd -- "$folder" && "$herken" hash --progress none --files0-from - "$@"); }

status=0
printf '%s\0' "${chosen[@]}" | hash_photos --json --digests >chosen.jsonl 2>herken.log || status=$?
if [ $status != 0 ] && [ $status != 3 ]; then
  cat herken.log >&2
  fail 1 "herken hash: exit code $status"
fi

# What cannot be read, is cut off, flat, or the same file twice proves nothing here.
jq -s 'map(select(has("path"))) as $all | [range($all | length) as $i | $all[$i]
  | if .status == "ok" and (.sha256 as $sum | any($all[:$i][]; .sha256 == $sum))
    then .status = "the same bytes as another"
    elif .status == "ok" and (.flags | index("degenerate"))
    then .status = "degenerate: its hash says nothing" else . end
  | {path, status}]' chosen.jsonl >photos.json
mapfile -t statuses < <(jq -r '.[].status' photos.json)
usable=() unusable=()
for i in "${!chosen[@]}"; do
  if [ "${statuses[i]-}" = ok ]; then
    usable+=("${chosen[i]}")
  else
    unusable+=("${chosen[i]} (${statuses[i]-no answer})")
  fi
done
jq 'map(select(.status == "ok") | .path)' photos.json >names.json

say "Photos in $folder: ${#named[@]}, used: ${#usable[@]}"
[ ${#named[@]} -le $most ] || say "  (at most $most are used here, spread evenly over the folder)"
[ $unlisted = 0 ] || say "  left out: $unlisted with a control character in the name"
for photo in "${unusable[@]}"; do
  printf '  left out: %s\n' "$photo"
done
[ ${#usable[@]} -gt 0 ] || fail 2 "none of these photos can be used"

half=$(((${#usable[@]} + 1) / 2))
known=("${usable[@]:0:half}")
strangers=("${usable[@]:half}")

# --- the list of known photos ---------------------------------------------------------------------

printf '%s\0' "${known[@]}" | hash_photos --format pdq >known.pdq 2>herken.log || {
  cat herken.log >&2
  fail 1 "herken hash --format pdq failed"
}

# --- the folder to look through -------------------------------------------------------------------

kinds=(resized quality40 mirrored rotated cropped captioned png webp)
for kind in "${kinds[@]}" strangers damaged; do
  mkdir "look/$kind"
done

# A tame name for a copy: its number, by which the table knows it again, and what it is called.
stem_of() {
  local name=${2##*/}
  name=${name%.*}
  printf '%02d-%s' "$1" "$(printf '%s' "${name:0:32}" | LC_ALL=C tr -c 'A-Za-z0-9._-' '_')"
}

# All edited copies of one photo. An edit that fails leaves no file, which the table shows.
make_copies() {
  local photo=$1 stem=$2 base=tmp/$2.v text=tmp/$2-text.v width height
  local words='<span foreground="white" background="black"> Look what I found! </span>'
  vips autorot "$photo" "$base" || return 0
  width=$(vipsheader -f width "$base")
  height=$(vipsheader -f height "$base")
  vips resize "$base" "look/resized/$stem.jpg[Q=90]" 0.5
  vips copy "$base" "look/quality40/$stem.jpg[Q=40]"
  vips flip "$base" "look/mirrored/$stem.jpg[Q=90]" horizontal
  vips rot "$base" "look/rotated/$stem.jpg[Q=90]" d90
  vips extract_area "$base" "look/cropped/$stem.jpg[Q=90]" $((width / 100)) $((height / 100)) \
    $((width - 2 * (width / 100))) $((height - 2 * (height / 100)))
  vips text "$text" "$words" --rgba --font "DejaVu Sans Bold" \
    --width $((width * 6 / 10)) --height $((height / 8)) &&
    vips composite2 "$base" "$text" "look/captioned/$stem.jpg[Q=90]" over \
      --x $((width / 5)) --y $((height * 8 / 10))
  vips copy "$base" "look/png/$stem.png[compression=3]"
  vips copy "$base" "look/webp/$stem.webp[Q=80]"
  rm -f "$base" "$text"
}
export -f make_copies

say "Making $((half * ${#kinds[@]})) edited copies of ${#known[@]} known photos ..."
for i in "${!known[@]}"; do
  printf '%s\0%s\0' "$folder/${known[i]}" "$(stem_of $((i + 1)) "${known[i]}")"
done | VIPS_CONCURRENCY=1 xargs -0 -n 2 -P 2 bash -c 'make_copies "$@"' _ 2>edits.log || true

for i in "${!strangers[@]}"; do
  name=${strangers[i]}
  cp -- "$folder/$name" "look/strangers/$(stem_of $((half + i + 1)) "$name").${name##*.}"
done

# Half of a JPEG, as a broken download leaves it, and a file that is no image.
first=(look/quality40/*)
[ ! -f "${first[0]}" ] ||
  head -c $(($(stat -c %s "${first[0]}") / 2)) "${first[0]}" >look/damaged/truncated.jpg
echo "Not a photo at all." >look/damaged/notes.txt
rm -rf tmp

# --- the search -----------------------------------------------------------------------------------

say "Looking through them, ${#strangers[@]} other photos and 2 odd files ..."
say
status=0
"$herken" match --progress none --list known.pdq --json look >result.jsonl 2>herken.log || status=$?
case $status in
  0 | 1 | 3) ;;
  *) cat herken.log >&2; fail 1 "herken match: exit code $status" ;;
esac

cat >table.jq <<'JQ'
def pad(n): . + (" " * (n - length) // "");
def fit(n): gsub("[[:cntrl:]]"; "?")
  | if length > n then .[:n - 14] + "..." + .[-11:] else . end
  | pad(n);
def right(n): tostring | (" " * (n - length) // "") + .;
def number: .path | split("/")[-1] | .[:2] | tonumber;
def kind: .path | split("/")[1];
# A list gives blanks at the ends of a name back without them.
def trim: sub("^[ \t]+"; "") | sub("[ \t]+$"; "");
def count(f): map(select(f)) | length;
def hit: .verdict == "near" or .verdict == "exact";
def bits: if .basis == "pdq" then .distance else 0 end;
def line(copy; said; entry; bits; turned):
  "  " + (copy | fit($wide)) + "  " + (said | pad(11)) + "  " + (entry | fit($wide)) + "  "
  + (bits | right(4)) + "  " + turned | sub(" +$"; "");
def remark(copy; said; why):
  "  " + (copy | fit($wide)) + "  " + (said | pad(11))
  + "  " + why | sub(" +$"; "");

($names[0]) as $names
| (map(select(has("path")))) as $files
| (last.account.radius.photo // 0) as $radius
| [{id: "resized", text: "resized to 50 %"},
   {id: "quality40", text: "saved again as JPEG of quality 40"},
   {id: "mirrored", text: "mirrored"},
   {id: "rotated", text: "rotated by 90 degrees"},
   {id: "cropped", text: "cropped: 1 % cut off at every edge"},
   {id: "captioned", text: "captioned: words drawn on it"},
   {id: "png", text: "converted to PNG"},
   {id: "webp", text: "converted to WebP"}] as $kinds

# Every copy that should be there, with what was said of it.
| [$kinds[] as $k | range($known) as $i
   | ($files | map(select(kind == $k.id and number == $i + 1)) | first) as $f
   | {kind: $k.id, name: $names[$i], file: $f, made: ($f != null)}
   | if .made and ($f | hit) then
       (first($f.matches[] | select((.entry | trim) == ($names[$i] | trim))) // null) as $right
       | .found = ($right != null) | .match = ($right // $f.matches[0])
     else .found = false end] as $copies

| "EDITED COPIES",
  line("copy of"; "verdict"; "entry of the list"; "bits"; "orientation"),
  ($kinds[] as $k | "", $k.text, ($copies[] | select(.kind == $k.id)
   | if .match then line(.name; if .found then .file.verdict else "WRONG" end; .match.entry;
                         .match | bits; .match.orientation // "")
     elif .made | not then remark(.name; "-"; "this copy could not be made")
     else remark(.name; "MISSED"; [.file | .verdict, .reason, .detail | values] | join(": ")) end)),

  "", "OTHER PHOTOS, NOT ON THE LIST",
  ([$files[] | select(kind == "strangers")] as $strangers
   | ($strangers[] | $names[number - 1] as $name
      | if hit then line($name; "ACCUSED"; .matches[0].entry; .matches[0] | bits;
                         .matches[0].orientation // "")
        else remark($name; .verdict; .reason // "") end),
     if $strangers == [] then "  none: there was but one photo"
     else ($strangers | count(hit)) as $n | "",
       if $n == 0 then "  None of the \($strangers | length) was accused."
       else "  \($n) of \($strangers | length) WRONGLY ACCUSED, unless it does show what"
            + " a known photo shows: look at it."
       end
     end),

  "", "DAMAGED, AND NO IMAGE",
  ($files[] | select(kind == "damaged")
   | "  " + (.path | split("/")[-1] | fit($wide)) + "  " + .verdict + ", status " + .status
     + if .detail then " (" + .detail + ")" else "" end),
  "  A file without a verdict is never counted as clean.",

  "", "IN SHORT",
  ($kinds[] as $k | [$copies[] | select(.kind == $k.id and .made)] as $of
   | [$of[] | select(.found) | .match | bits] as $bits
   | "  " + ($k.text | fit(36)) + "found \($bits | length | right(2)) of \($of | length)"
     + if $bits == [] then ""
       else ", " + ($bits | [min, max] | unique | map(tostring) | join(" to ")) + " bits off" end
     + if ($bits | length) < ($of | length) then "   MISSED \(($of | length) - ($bits | length))"
       else "" end),
  ([$copies[] | select(.made and (.found | not))] as $missed
   | [$missed[] | select(.file.verdict == "none")] as $far
   | (if $far == [] then empty
      elif all($far[]; .kind == "cropped" or .kind == "captioned") then
        "  A hash of the whole picture moves when the picture is cropped or written on. Copies\n"
        + "  beyond the radius (\($radius) of its 256 bits, for so short a list) are missed, as here;\n"
        + "  a wider one would find more of them, and accuse strangers too."
      else
        "  A copy is missed where it lies further from its photo than \($radius) of the hash's 256 bits."
      end),
     ([$missed[] | select(.file.verdict == "not_checked")] | length) as $unsure
   | if $unsure == 0 then empty
     else "  \($unsure) of the missed could not be checked; the table says why." end),

  "", "ACCOUNT",
  (.[] | select(has("account")) | .account
   | "  \(.found) files found = \(.hashed) hashed + \(.duplicate) duplicate"
     + " + \(.skipped) skipped + \(.failed) failed",
     "  \(.exact) exact, \(.near) near, \(.none) none, \(.not_checked) not checked",
     "  false matches to expect, by chance, in a run like this: at most \(.expected_false_matches
      | if . > 0 then "1 in \(1 / . | round) such runs" else "none" end)")
JQ
wide=$(jq '[(map(length) | max), 17] | max | if . > 36 then 36 else . end' names.json)
jq -s -r --slurpfile names names.json --argjson known "$half" --argjson wide "$wide" \
  -f table.jq result.jsonl

say
say "This took $SECONDS s. The copies are in build/quickstart/look, the answers beside it."
made=$(find look -type f -not -path 'look/strangers/*' -not -path 'look/damaged/*' | wc -l)
[ "$made" = $((half * ${#kinds[@]})) ] ||
  say "Why some copies could not be made: build/quickstart/edits.log"
if [ $status != 1 ]; then
  cat herken.log >&2
  fail 1 "herken match ended with exit code $status: not one of the copies was found"
fi
say
say "NEXT, with photos of your own: a list of those you know, then look for copies of them."
printf '  %q hash --format pdq FOLDER_OF_KNOWN_PHOTOS > known.pdq\n' "$herken"
printf '  %q match --list known.pdq FOLDER_TO_SEARCH\n' "$herken"
say "Its exit code: 1 for a match, 0 if all was checked without one, 3 if not all could be checked."
