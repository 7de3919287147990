#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs the Debian 12 packages that are missing, and does nothing where none is.
#
# usage: tools/bootstrap.sh GROUP...
#   build    compiler, build tools and the libraries herken stands on
#   edits    tools/quickstart.sh: what makes edited copies and reads JSON
#   photos   the same, and a package of free photographs
#   faiss    the FAISS search module, an extra that is built where these are found
#   test     tests/run.sh: what the tests stand on
#   browser  the tests of the HTML report in a real browser, which are skipped without one
#   proxies  the tests of the recipes with a real nginx and HAProxy, which are skipped without
#   fuzz     tests/fuzz/run.sh: clang and its runtime
#   bench    benchmarks/*.sh: what draws their figures
set -euo pipefail

build=(gcc libc6-dev cmake ninja-build pkg-config libvips-dev libarchive-dev libjpeg62-turbo-dev
       libssl-dev libxxhash-dev libjansson-dev libsqlite3-dev libseccomp-dev libmicrohttpd-dev libgnutls28-dev
       libcurl4-openssl-dev scdoc)
edits=(libvips-tools fonts-dejavu-core jq)
photos=("${edits[@]}" mate-backgrounds)
faiss=(g++ libfaiss-dev libblas-dev liblapack-dev)
test=("${faiss[@]}" libcmocka-dev libpng-dev libvips-tools fonts-dejavu-core jq openssl procps xxd clang-format
      curl python3 shellcheck)
browser=(chromium fonts-dejavu-core)
proxies=(nginx-light fcgiwrap haproxy)
fuzz=(clang libclang-rt-14-dev)
bench=("${faiss[@]}" gnuplot-nox fonts-dejavu-core jq bc curl)

say() { printf 'bootstrap: %s\n' "$*" >&2; }

[ $# -gt 0 ] || { sed -n '4,15s/^# \{0,1\}//p' "$0"; exit 2; }
wanted=()
for group in "$@"; do
  case $group in
    build) wanted+=("${build[@]}") ;;
    edits) wanted+=("${edits[@]}") ;;
    photos) wanted+=("${photos[@]}") ;;
    faiss) wanted+=("${faiss[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    browser) wanted+=("${browser[@]}") ;;
    proxies) wanted+=("${proxies[@]}") ;;
    fuzz) wanted+=("${fuzz[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    *) say "no group '$group': build, edits, photos, faiss, test, browser, proxies, fuzz or bench"; exit 2 ;;
  esac
done

# On other systems the packages have other names: leave it to the build to say what it lacks.
if ! command -v dpkg-query >/dev/null; then
  say "not a Debian system; on Debian 12 these packages are needed: ${wanted[*]}"
  exit 0
fi

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || true
  [ "$status" = installed ] || [[ " ${missing[*]} " == *" $package "* ]] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    say "packages are missing, and installing them takes root or sudo. As root:"
    say "  apt-get update && apt-get install --no-install-recommends ${missing[*]}"
    exit 1
  fi
  as_root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q "$@" </dev/null >"$log" 2>&1 && return
  cat "$log" >&2
  say "apt-get $1 failed; what it said stands above"
  exit 1
}
say "installing ${missing[*]} (with what they need; some minutes the first time)"
apt update
apt install -y --no-install-recommends "${missing[@]}"
