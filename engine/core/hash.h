/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hash.h - a hash as stores and checksums have it: 32 bytes, bit 255 first, as in its text. */
#ifndef HK_CORE_HASH_H
#define HK_CORE_HASH_H

#include "herken.h"

void hk__hash_to_bytes(uint8_t out[32], const hk_hash *hash);
void hk__hash_from_bytes(hk_hash *out, const uint8_t bytes[32]);

#endif
