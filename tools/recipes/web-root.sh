#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A nightly walk over a web root: checks the files that are new or changed since the last walk, and
# those that were not clean then. Exit code as of `herken check`.
#
# usage: web-root.sh FOLDER
#   HERKEN_ASK       whom to ask: "--db /var/lib/herken/lists.db", or "--server URL --key-file F"
#   STATE_DIRECTORY  where it keeps what it must look at again (systemd sets it)
#
# A file is new by its change time, which no upload can set. The list may have grown since a file was
# checked: empty the state folder now and then, and after each import, to have all looked at.
set -euo pipefail
if [ $# != 1 ] || [ ! -d "$1" ]; then
    echo "usage: web-root.sh FOLDER" >&2
    exit 2
fi
: "${HERKEN_ASK:?}" "${STATE_DIRECTORY:?}"
read -ra ask <<<"$HERKEN_ASK"
folder=$(realpath "$1")
state=$STATE_DIRECTORY
begun=$(date +%s)
exec 9>"$state/lock"
flock -n 9 || { echo "web-root.sh: the last walk still goes on" >&2; exit 4; }

# Files, by NUL: those changed since the last walk began (with some overlap), and those left over.
since=$(cat "$state/last" 2>/dev/null || echo 1)
find "$folder" -type f -newerct "@$((since - 1))" -print0 >"$state/files"
if [ -s "$state/left" ]; then
    while IFS= read -rd '' file; do
        [ -f "$file" ] && printf '%s\0' "$file"
    done <"$state/left" >>"$state/files" || true
fi
code=0
if [ -s "$state/files" ]; then
    sort -zu "$state/files" >"$state/sorted"
    herken check "${ask[@]}" --quiet --json --files0-from "$state/sorted" >"$state/answers" || code=$?
    # Hits and what failed come again; what is no image need not, until it changes.
    case $code in
        0 | 1 | 3) ;;
        *) exit "$code" ;;
    esac
    jq -r 'select(.path and .verdict != "none" and (.status | IN("not_an_image", "too_small") | not) or (.path and (.verdict | IN("exact", "near")))) | .path_b64 // (.path | @base64)' "$state/answers" |
        while read -r path; do base64 -d <<<"$path"; printf '\0'; done >"$state/left.new"
    mv "$state/left.new" "$state/left"
    jq -r 'select(.path and .verdict != "none") | [.verdict, .status, .reason // "", .path] | @tsv' "$state/answers"
fi
echo "$begun" >"$state/last.new"
mv "$state/last.new" "$state/last"
exit "$code"
