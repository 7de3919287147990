#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds the preset `check` (release, warnings as errors) and runs its tests.
#
# usage: tests/run.sh [CTEST OPTION...]      for instance -R golden, -L unit, -V
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/bootstrap.sh build test

cmake --preset check
cmake --build --preset check

[ -d ../shared ] || echo "No ../shared beside this checkout: tests with the label \`shared\` skip themselves."

status=0
ctest --preset check -j 2 "$@" || status=$?
if [ $status = 0 ]; then
  echo "tests/run.sh: passed in $SECONDS s"
else
  echo "tests/run.sh: FAILED (ctest: $status) after $SECONDS s"
fi
exit $status
