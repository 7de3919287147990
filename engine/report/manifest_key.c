/* SPDX-License-Identifier: GPL-3.0-or-later */
/* manifest_key.c - Ed25519 keys in PEM files, through OpenSSL (manifest.h). */
#include "core/error.h"
#include "core/mem.h"
#include "report/manifest.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

enum { KEY_MOST = 1 << 16 };

struct hk__key {
    EVP_PKEY *key;
};

/* Asked for the password of an encrypted key: there is nobody to ask. */
static int refuse_password(char *out, int size, int writing, void *asked)
{
    (void)out;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static hk_status read_key(EVP_PKEY **out, const char *path, const char *text, size_t length,
                          bool private_half, hk_error *err)
{
    bool asked = false;
    BIO *bio = BIO_new_mem_buf(text, (int)length);
    if (!bio)
        return hk__fail_memory(err);
    EVP_PKEY *key = private_half ? PEM_read_bio_PrivateKey(bio, NULL, refuse_password, &asked)
                                 : PEM_read_bio_PUBKEY(bio, NULL, refuse_password, &asked);
    BIO_free(bio);
    ERR_clear_error();
    if (asked)
        return hk__fail(err, HK_ERR_USAGE,
                        "%s: the key is encrypted; decrypt it for as long as it is needed: openssl "
                        "pkey -in KEY.pem -out PLAIN.pem",
                        path);
    if (!key && private_half)
        return hk__fail(err, HK_ERR_USAGE,
                        "%s: holds no private key in PEM; make one: openssl genpkey -algorithm "
                        "ed25519 -out KEY.pem",
                        path);
    if (!key)
        return hk__fail(err, HK_ERR_USAGE,
                        "%s: holds no public key in PEM; take it from the private one: openssl "
                        "pkey -in KEY.pem -pubout -out PUB.pem",
                        path);
    if (!EVP_PKEY_is_a(key, "ED25519")) {
        EVP_PKEY_free(key);
        return hk__fail(err, HK_ERR_USAGE, "%s: is a key, but none of Ed25519", path);
    }
    *out = key;
    return HK_OK;
}

hk_status hk__key_open(hk__key **out, const char *path, bool private_half, hk_error *err)
{
    char *text;
    size_t length;
    hk_status status = hk__file_read(&text, &length, path, KEY_MOST, err);
    if (status)
        return status;
    hk__key *key = hk__alloc(1, sizeof *key);
    status =
        key ? read_key(&key->key, path, text, length, private_half, err) : hk__fail_memory(err);
    OPENSSL_cleanse(text, length);
    hk__free(text);
    if (status)
        hk__key_close(key);
    else
        *out = key;
    return status;
}

void hk__key_close(hk__key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->key);
    hk__free(key);
}

hk_status hk__key_sign(uint8_t out[HK__SIGNATURE_SIZE], hk__key *key, const void *bytes,
                       size_t count, hk_error *err)
{
    size_t size = HK__SIGNATURE_SIZE;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context)
        return hk__fail_memory(err);
    const bool done = EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) == 1 &&
                      EVP_DigestSign(context, out, &size, bytes, count) == 1 &&
                      size == HK__SIGNATURE_SIZE;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return done ? HK_OK : hk__fail(err, HK_ERR_SYSTEM, "OpenSSL failed to sign");
}

hk_status hk__key_check(bool *good, hk__key *key, const uint8_t signature[HK__SIGNATURE_SIZE],
                        const void *bytes, size_t count, hk_error *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context)
        return hk__fail_memory(err);
    const bool ready = EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->key) == 1;
    if (ready)
        *good = EVP_DigestVerify(context, signature, HK__SIGNATURE_SIZE, bytes, count) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return ready ? HK_OK : hk__fail(err, HK_ERR_SYSTEM, "OpenSSL cannot check signatures here");
}
