#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Bad input: each has a named status, the run goes on, the account closes.
. "$(dirname "$0")/../cli/lib.sh"

mkdir d
"$DRAW" 1 480 320 d/ok.jpg
: >d/empty.jpg
echo '<html><body>404</body></html>' >d/page.jpg
head -c $(($(stat -c %s d/ok.jpg) / 2)) d/ok.jpg >d/half.jpg
head -c 200 d/ok.jpg >d/header-only.jpg
cp d/ok.jpg "d/with space 'quote' \"double\".jpg"
cp d/ok.jpg $'d/new\nline.jpg'
cp d/ok.jpg $'d/invalid\xff\xfeutf8.jpg'
cp d/ok.jpg $'d/esc\e[31mred.jpg'
mkfifo d/fifo.jpg
ln -s ok.jpg d/link.jpg
ln -s . d/loop
"$DRAW" 1 64 4 d/small.png
mkdir d/sub; cp d/ok.jpg d/sub/deep.jpg
run 3 hash --json d /dev/null /dev/zero missing.jpg
closes; no_zero_hash
status d/ok.jpg ok
status d/empty.jpg not_an_image
status d/page.jpg not_an_image
status d/half.jpg truncated
status d/header-only.jpg unreadable
status "d/with space 'quote' \"double\".jpg" ok
status $'d/new\nline.jpg' ok
status 'd/invalid\xff\xfeutf8.jpg' ok
is "path_b64" "$(field 'd/invalid\xff\xfeutf8.jpg' path_b64 | base64 -d | xxd -p)" "$(printf 'd/invalid\xff\xfeutf8.jpg' | xxd -p)"
status d/fifo.jpg excluded
status d/link.jpg excluded
status d/loop excluded
status d/small.png too_small
status d/sub/deep.jpg ok
status /dev/null excluded
status /dev/zero excluded
status missing.jpg vanished
[ -z "$(field d/half.jpg hash)" ] && fail "half a JPEG has no hash"
jq -es 'any(.path == "d/half.jpg" and (.flags | index("truncated") != null))' out >/dev/null || fail "not flagged truncated"
for f in d/empty.jpg d/page.jpg d/header-only.jpg d/small.png missing.jpg; do is "hash of $f" "$(field $f hash)" ""; done
# A named link is followed; a text output never carries an escape of a name.
run 0 hash --json d/link.jpg
run 3 hash d
grep -q $'\e' out err && fail "a file name reached the terminal raw"

# Paths of 4,096 bytes and more.
( long=$(printf 'x%.0s' $(seq 200))
  for _ in $(seq 24); do mkdir "$long"; cd "$long"; done; cp "$work/d/ok.jpg" . )
run 0 hash --json x*
is "a path of 4,800 bytes" "$(jq -r 'select(.path) | "\(.status) \((.path | length) > 4096)"' out)" "ok true"
rm -rf x*
run 3 hash --json "$(printf 'y%.0s' $(seq 5000))"
closes
run 3 hash --json '' # no path is not this folder
status '' vanished

# Limits, from the header.
run 3 hash --json --max-pixels 1000 d/ok.jpg
status d/ok.jpg too_large
run 3 hash --json --max-bytes 1000 --digests d/ok.jpg
status d/ok.jpg too_large
is "its digest all the same" "$(field d/ok.jpg sha256)" "$(sha256sum d/ok.jpg | cut -d' ' -f1)"
"$BOMB" 30000 30000 bomb.png
[ "$(stat -c %s bomb.png)" -lt 4000000 ] || fail "the bomb is no bomb"
start=$(date +%s)
run 3 hash --json bomb.png
status bomb.png too_large
[ $(($(date +%s) - start)) -le 3 ] || fail "the bomb took long"
"$BOMB" 16000 16000 big.png # within the limit: decoded row by row
run 0 hash --json big.png

# A decoder that must hold the whole picture holds it in memory: there is no disc in the sandbox.
vips black flat.v 8000 4500 && vips copy flat.v 'large.webp[lossless,effort=0]'
run 0 hash --json large.webp
status large.webp ok

# No access (root sees everything, so as nobody where that can be had).
mkdir closed; cp d/ok.jpg closed; cp d/ok.jpg private.jpg; chmod 000 closed private.jpg
if [ "$(id -u)" != 0 ]; then
    run 3 hash --json closed private.jpg d/ok.jpg
    status closed no_access; status private.jpg no_access; status d/ok.jpg ok
elif chmod 755 "$work" && nobody="setpriv --reuid 65534 --regid 65534 --clear-groups" && ! $nobody "$HERKEN" --help >/dev/null 2>&1; then
    echo "not tested: no access (nobody may not run the command from here)"
else
    chmod -R a+rX d
    code=0
    $nobody "$HERKEN" hash --json closed private.jpg d/ok.jpg >out 2>err || code=$?
    is "exit code without access" "$code" 3
    status closed no_access; status private.jpg no_access; status d/ok.jpg ok
fi
closes

# A file that changes while it is read: a large one, growing all the time.
head -c 200000000 /dev/zero >grows.bin
( for _ in $(seq 400); do echo x >>grows.bin; sleep 0.005; done ) &
writer=$!
run 3 hash --json --digests grows.bin
kill "$writer" 2>/dev/null || true
wait "$writer" 2>/dev/null || true
status grows.bin changed
finish
