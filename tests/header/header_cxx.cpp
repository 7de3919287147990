// SPDX-License-Identifier: GPL-3.0-or-later
// header_cxx.cpp - herken.h compiles and links from C++.
#include "herken.h"

int main()
{
    hk_scan_options scan = HK_SCAN_OPTIONS_INIT;
    hk_match_options match = HK_MATCH_OPTIONS_INIT;
    return hk_version()[0] == '0' && scan.size && match.size ? 0 : 1;
}
