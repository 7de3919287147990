#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Holds the brackets of the design: which room of the engine may include which, that the command
# and the server see the engine through herken.h alone, and that file names are unique.
# usage: tests/arrows.sh [SOURCE-FOLDER]      (the tests give it a copy with a planted fault)
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

declare -A may=(
    [core]=""
    [spectrum]="core"
    [decode]="core spectrum"
    [hamming]="core"
    [index]="core hamming"
    [feed]="core"
    [list]="core index feed"
    [align]="core spectrum"
    [match]="core align index list spectrum"
    [case]="core index feed list"
    [batch]="core decode list match case"
    [report]="core feed list case batch"
    [ledger]="core list"
)
bad=0
say() { echo "arrows: $*"; bad=1; }

for folder in engine/*/; do
    room=$(basename "$folder")
    [ "$room" = include ] && continue
    [ -n "${may[$room]+known}" ] || { say "engine/$room is no room of the design"; continue; }
    while IFS=: read -r file include; do
        target=${include%%/*}
        case $include in
            herken.h | model_*.h) continue ;;
            */*) ;;
            *) say "$file includes \"$include\" without its room"; continue ;;
        esac
        [[ " $room ${may[$room]} " == *" $target "* ]] || say "$file includes \"$include\": $room may see [${may[$room]}]"
    done < <(grep -rHoP '^\s*#\s*include\s+"\K[^"]+' --include='*.[ch]' --include='*.cpp' "$folder" || true)
done

while IFS=: read -r file include; do
    [ "$include" = herken.h ] || [ -e "tools/herken/$include" ] || say "$file includes \"$include\": the command sees herken.h alone"
done < <(grep -rHoP '^\s*#\s*include\s+"\K[^"]+' --include='*.[ch]' tools/herken || true)

while IFS=: read -r file include; do
    [ "$include" = herken.h ] || [ -e "tools/herkend/$include" ] || say "$file includes \"$include\": the server sees herken.h alone"
done < <(grep -rHoP '^\s*#\s*include\s+"\K[^"]+' --include='*.[ch]' tools/herkend || true)

twins=$(find engine tools tests '(' -name '*.[ch]' -o -name '*.cpp' ')' -printf '%f\n' | sort | uniq -d)
[ -z "$twins" ] || say "file names used twice:" $twins

[ "$bad" = 0 ] && echo "arrows: every include keeps to its bracket"
exit "$bad"
