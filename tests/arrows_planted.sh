#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# arrows.sh must object to an arrow that points the wrong way, and to each of the other faults.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
objects_to() { # FILE LINE
    rm -rf "$work/tree" && mkdir -p "$work/tree"
    cp -r "$here/engine" "$here/tools" "$here/tests" "$work/tree/"
    mkdir -p "$(dirname "$work/tree/$1")"
    echo "$2" >>"$work/tree/$1"
    if "$here/tests/arrows.sh" "$work/tree" >/dev/null; then
        echo "arrows.sh did not see: $2 in $1"
        exit 1
    fi
}
objects_to engine/core/mem.c '#include "spectrum/spectrum.h"'
objects_to engine/batch/scan.c '#include "index/sieve.h"'
objects_to tools/herken/main.c '#include "core/mem.h"'
objects_to tools/herkend/check.c '#include "match/match.h"'
objects_to engine/attic/old.c '#include "core/mem.h"'
objects_to engine/list/mem.c '/* a second mem.c */'
echo "arrows.sh sees planted faults"
