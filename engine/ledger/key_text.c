/* SPDX-License-Identifier: GPL-3.0-or-later */
/* key_text.c - see key_text.h. */
#include "ledger/key_text.h"

#include "core/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

enum { SECRET = 32, SECRET_DIGITS = 52, SUM_DIGITS = 6, PREFIX = 3 };
static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
static const char sum_label[] = "herken key 1";

bool hk__sha256(uint8_t out[HK__SHA256_SIZE], const void *bytes, size_t count)
{
    return EVP_Digest(bytes, count, out, NULL, EVP_sha256(), NULL) == 1;
}

void hk__hex_text(char *out, const uint8_t *bytes, size_t count)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *out++ = hex[bytes[i] >> 4];
        *out++ = hex[bytes[i] & 15];
    }
    *out = '\0';
}

bool hk__hex_bytes(uint8_t *out, const char *text, size_t count)
{
    for (size_t i = 0; i < 2 * count; i++) {
        const char c = text[i];
        const int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (d < 0)
            return false;
        out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | d : d << 4);
    }
    return true;
}

/* The checksum's 30 bits, as digits. */
static bool sum_of(char out[SUM_DIGITS], const uint8_t secret[SECRET])
{
    uint8_t block[sizeof sum_label - 1 + SECRET], hash[HK__SHA256_SIZE];
    memcpy(block, sum_label, sizeof sum_label - 1);
    memcpy(block + sizeof sum_label - 1, secret, SECRET);
    const bool done = hk__sha256(hash, block, sizeof block);
    OPENSSL_cleanse(block, sizeof block);
    if (!done)
        return false;
    const uint32_t bits =
        (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
    for (int i = 0; i < SUM_DIGITS; i++)
        out[i] = digits[bits >> (27 - 5 * i) & 31];
    return true;
}

static void write_secret(char out[SECRET_DIGITS], const uint8_t secret[SECRET])
{
    for (unsigned i = 0; i < SECRET_DIGITS; i++) {
        const unsigned at = i * 5, byte = at / 8, next = byte + 1 < SECRET ? secret[byte + 1] : 0;
        out[i] = digits[((unsigned)secret[byte] << 8 | next) >> (11 - at % 8) & 31];
    }
}

/* False: a character that is no digit, or bits behind the last of the 256. */
static bool read_secret(uint8_t secret[SECRET], const char *text)
{
    uint32_t bits = 0;
    unsigned held = 0, done = 0;
    for (int i = 0; i < SECRET_DIGITS; i++) {
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit)
            return false;
        bits = bits << 5 | (uint32_t)(digit - digits);
        held += 5;
        if (held >= 8 && done < SECRET) {
            held -= 8;
            secret[done++] = (uint8_t)(bits >> held);
            bits &= (1u << held) - 1;
        }
    }
    return !bits;
}

hk_status hk__key_make(char text[HK_KEY_TEXT_SIZE], uint8_t hash[HK__SHA256_SIZE], hk_error *err)
{
    uint8_t secret[SECRET];
    char made[HK_KEY_TEXT_SIZE] = "hk_";
    if (RAND_priv_bytes(secret, sizeof secret) != 1)
        return hk__fail(err, HK_ERR_SYSTEM, "the machine gives no random numbers");
    write_secret(made + PREFIX, secret);
    const bool done =
        sum_of(made + PREFIX + SECRET_DIGITS, secret) && hk__sha256(hash, secret, sizeof secret);
    if (done)
        memcpy(text, made, sizeof made);
    OPENSSL_cleanse(secret, sizeof secret);
    OPENSSL_cleanse(made, sizeof made);
    return done ? HK_OK : hk__fail(err, HK_ERR_SYSTEM, "OpenSSL cannot make a SHA-256");
}

bool hk__key_hash(uint8_t hash[HK__SHA256_SIZE], const char *text, size_t length)
{
    uint8_t secret[SECRET];
    char sum[SUM_DIGITS];
    if (!text || length != HK_KEY_TEXT_SIZE - 1 || memcmp(text, "hk_", PREFIX))
        return false;
    const bool good = read_secret(secret, text + PREFIX) && sum_of(sum, secret) &&
                      !CRYPTO_memcmp(sum, text + PREFIX + SECRET_DIGITS, SUM_DIGITS) &&
                      hk__sha256(hash, secret, sizeof secret);
    OPENSSL_cleanse(secret, sizeof secret);
    return good;
}

hk_status hk__certificate_hash(uint8_t hash[HK__SHA256_SIZE], const char *path, hk_error *err)
{
    uint8_t made[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    FILE *file = fopen(path, "rbe");
    if (!file)
        return hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    const bool done = certificate && X509_digest(certificate, EVP_sha256(), made, &size) == 1;
    fclose(file);
    X509_free(certificate);
    if (!done || size != HK__SHA256_SIZE)
        return hk__fail(err, HK_ERR_FORMAT, "%s: holds no certificate (PEM)", path);
    memcpy(hash, made, HK__SHA256_SIZE);
    return HK_OK;
}
