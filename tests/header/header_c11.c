/* SPDX-License-Identifier: GPL-3.0-or-later */
/* header_c11.c - herken.h alone, as strict C11, and every initialiser of it. */
#include "herken.h"

int main(void)
{
    hk_scan_options scan = HK_SCAN_OPTIONS_INIT;
    hk_match_options match = HK_MATCH_OPTIONS_INIT;
    hk_hash hash;
    hk_error err;
    if (scan.size != sizeof scan || match.size != sizeof match || scan.timeout_ms != 30000)
        return 1;
    return hk_hash_parse(&hash, "12", 2, &err) == HK_ERR_FORMAT && hk_model(0) ? 0 : 1;
}
