/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ids.c - see ids.h. */
#include "index/ids.h"

bool hk__ids_are_close(const uint32_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] - ids[i & ~(size_t)(HK__IDS_BLOCK - 1)] > UINT16_MAX)
            return false;
    return true;
}
