#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# cmake --install: the command, the library with its header and pkg-config file, models and the man
# page are where they belong, and work from there, wherever that is.
. "$(dirname "$0")/lib.sh"
cmake --install "$BUILD" --prefix "$work/tree" >log 2>&1 || { tail -n 5 log; fail "it does not install"; finish; }
"$DRAW" 1 320 240 a.png

"$work/tree/bin/herken" hash --quiet a.png >hash || fail "the installed command does not hash"
[ -s tree/share/man/man1/herken.1 ] || fail "no man page"
[ -s tree/share/herken/models/pdq/model.json ] || fail "no model"
[ -x tree/share/herken/recipes/web-root.sh ] || fail "no recipes"
is "the model's checksum" "$("$work/tree/bin/herken" version --json | jq -r '.models[0].sha256')" "$(sha256sum tree/share/herken/models/pdq/model.json | cut -d' ' -f1)"

if [ -x "$BUILD/bin/herkend" ]; then
    "$work/tree/bin/herken" serve --help | grep -q /v1/check || fail "the installed command finds no herkend"
    [ -s tree/share/herken/herkend.service ] || fail "no unit of the server"
    [ -s tree/share/man/man7/herken-server.7 ] || fail "no page for who runs the server"
fi

mkdir pics
"$DRAW" 1 320 240 pics/1.png
"$DRAW" 2 320 240 pics/2.png
"$work/tree/bin/herken" bench recall --images pics --only jpeg-90 --quiet >recall || fail "the installed command finds no herken-edits"
grep -q 'jpeg-90 *1.00' recall || fail "the installed bench measures nothing"

[ -n "${SANITIZED:-}" ] && finish # a plain program cannot load a sanitized library
# The example of the README: hash a file through the library.
awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$SOURCE/README.md" >example.c
[ -s example.c ] || fail "the README has no example"
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find tree -name herken.pc)")
cc -Wall -Werror example.c $(pkg-config --cflags --libs herken) -Wl,-rpath,"$(pkg-config --variable=libdir herken)" -o example || { fail "the example does not compile"; finish; }
./example "$work/tree/libexec/herken/herken-worker" a.png >out || fail "the example does not run"
is "the hash by the library" "$(cut -c1-64 out)" "$(cut -c1-64 hash)"
finish
