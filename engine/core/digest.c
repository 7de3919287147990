/* SPDX-License-Identifier: GPL-3.0-or-later */
/* digest.c - see digest.h. */
#include "core/digest.h"

#include "core/error.h"
#include "core/mem.h"

#include <openssl/evp.h>

enum { DIGESTS = HK_BASIS_PDQ };

struct hk__digester {
    EVP_MD *md[DIGESTS];
    EVP_MD_CTX *context[DIGESTS];
    unsigned which;
};

size_t hk__digest_size(hk_basis basis)
{
    static const size_t sizes[] = {16, 20, 32};
    return (unsigned)basis < DIGESTS ? sizes[basis] : 0;
}

const uint8_t *hk__digest_bytes(const hk_digests *digests, hk_basis basis)
{
    switch (basis) {
    case HK_BASIS_MD5:
        return digests->md5;
    case HK_BASIS_SHA1:
        return digests->sha1;
    case HK_BASIS_SHA256:
        return digests->sha256;
    default:
        return NULL;
    }
}

hk_status hk__digester_new(hk__digester **out, hk_error *err)
{
    static const char *const names[DIGESTS] = {"MD5", "SHA1", "SHA256"};
    hk__digester *digester = hk__alloc(1, sizeof *digester);
    if (!digester)
        return hk__fail_memory(err);
    for (int i = 0; i < DIGESTS; i++) {
        digester->md[i] = EVP_MD_fetch(NULL, names[i], NULL);
        digester->context[i] = EVP_MD_CTX_new();
        if (!digester->md[i] || !digester->context[i] ||
            !EVP_DigestInit_ex(digester->context[i], digester->md[i], NULL)) {
            hk__digester_free(digester);
            return hk__fail(err, HK_ERR_SYSTEM, "OpenSSL has no %s here", names[i]);
        }
    }
    *out = digester;
    return HK_OK;
}

void hk__digester_free(hk__digester *digester)
{
    if (!digester)
        return;
    for (int i = 0; i < DIGESTS; i++) {
        EVP_MD_CTX_free(digester->context[i]);
        EVP_MD_free(digester->md[i]);
    }
    hk__free(digester);
}

static hk_status failed(hk_error *err)
{
    return hk__fail(err, HK_ERR_SYSTEM, "OpenSSL failed to compute a digest");
}

hk_status hk__digester_start(hk__digester *digester, unsigned which, hk_error *err)
{
    digester->which = which;
    for (int i = 0; i < DIGESTS; i++)
        if (which >> i & 1 && !EVP_DigestInit_ex(digester->context[i], digester->md[i], NULL))
            return failed(err);
    return HK_OK;
}

hk_status hk__digester_add(hk__digester *digester, const void *bytes, size_t count, hk_error *err)
{
    for (int i = 0; i < DIGESTS; i++)
        if (digester->which >> i & 1 && !EVP_DigestUpdate(digester->context[i], bytes, count))
            return failed(err);
    return HK_OK;
}

hk_status hk__digester_finish(hk_digests *out, hk__digester *digester, hk_error *err)
{
    hk_digests result = {.present = digester->which};
    uint8_t *const places[DIGESTS] = {result.md5, result.sha1, result.sha256};
    for (int i = 0; i < DIGESTS; i++)
        if (digester->which >> i & 1 && !EVP_DigestFinal_ex(digester->context[i], places[i], NULL))
            return failed(err);
    *out = result;
    return HK_OK;
}

const char *hk_basis_name(hk_basis basis)
{
    static const char *const names[] = {"md5", "sha1", "sha256", "pdq"};
    return (unsigned)basis < 4 ? names[basis] : NULL;
}

void hk__digest_hex(char *out, const uint8_t *bytes, size_t count)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = hex[bytes[i] >> 4];
        out[2 * i + 1] = hex[bytes[i] & 15];
    }
    out[2 * count] = '\0';
}
