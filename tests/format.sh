#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every C and C++ file is formatted as .clang-format says.
set -euo pipefail
cd "$(dirname "$0")/.."
find engine tools tests '(' -name '*.[ch]' -o -name '*.cpp' ')' -print0 | xargs -0 clang-format --dry-run -Werror
