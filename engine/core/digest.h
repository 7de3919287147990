/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * digest.h - MD5, SHA-1 and SHA-256 of one stream of bytes, in one pass (OpenSSL EVP).
 *
 * MD5 and SHA-1 are here because lists of known material are exchanged in them; nothing relies on
 * them being hard to collide.
 */
#ifndef HK_CORE_DIGEST_H
#define HK_CORE_DIGEST_H

#include "herken.h"

typedef struct hk__digester hk__digester;

/* A reusable digester, owned by the caller. OpenSSL loads what it needs here, not later, so that
 * a sandbox may be closed afterwards. */
hk_status hk__digester_new(hk__digester **out, hk_error *err) HK_MUST_CHECK;
void hk__digester_free(hk__digester *digester);

/* Starts a stream for the digests in `which` (HK_DIGEST_*; 0: none, and adding costs nothing). */
hk_status hk__digester_start(hk__digester *digester, unsigned which, hk_error *err) HK_MUST_CHECK;
hk_status hk__digester_add(hk__digester *digester, const void *bytes, size_t count,
                           hk_error *err) HK_MUST_CHECK;
hk_status hk__digester_finish(hk_digests *out, hk__digester *digester, hk_error *err) HK_MUST_CHECK;

/* Bytes of a digest: 16, 20 or 32; 0 for HK_BASIS_PDQ. */
size_t hk__digest_size(hk_basis basis);
/* Writes 2 * count lowercase hex digits and a NUL. */
void hk__digest_hex(char *out, const uint8_t *bytes, size_t count);
/* The bytes of one digest inside the struct. */
const uint8_t *hk__digest_bytes(const hk_digests *digests, hk_basis basis);

#endif
