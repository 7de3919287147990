/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * key_text.h - a key as it is handed out, and as it is kept.
 *
 *      hk_ | 52 letters and digits: 256 random bits | 6: 30 bits of a checksum
 *
 * The letters are Crockford's base 32 in lower case (no i, l, o, u): a double click selects a key,
 * and a scanner for leaked secrets finds it. The checksum tells a mistyped key from an unknown one
 * without a look-up, and says nothing about the key: 30 bits of a hash of 256.
 *
 * What is kept is the plain SHA-256 of the random bits. A slow hash (scrypt, Argon2) makes guessing
 * dear where people choose the secret; nobody guesses 256 random bits, at whatever speed, and a
 * slow hash on each request would be a door for those who want to keep the server busy.
 */
#ifndef HK_LEDGER_KEY_TEXT_H
#define HK_LEDGER_KEY_TEXT_H

#include "herken.h"

#define HK__SHA256_SIZE 32

/* A new key: its text, and what is kept of it. */
hk_status hk__key_make(char text[HK_KEY_TEXT_SIZE], uint8_t hash[HK__SHA256_SIZE],
                       hk_error *err) HK_MUST_CHECK;

/* What is kept of the key with this text. False: it is no key's text. */
bool hk__key_hash(uint8_t hash[HK__SHA256_SIZE], const char *text, size_t length);

/* The SHA-256 of the certificate in a PEM file, over its DER. HK_ERR_IO, HK_ERR_FORMAT. */
hk_status hk__certificate_hash(uint8_t hash[HK__SHA256_SIZE], const char *path,
                               hk_error *err) HK_MUST_CHECK;

/* SHA-256 of some bytes. False where OpenSSL cannot. */
bool hk__sha256(uint8_t out[HK__SHA256_SIZE], const void *bytes, size_t count);

/* 2 * count lowercase hex digits and a NUL; and back, false where there are other characters. */
void hk__hex_text(char *out, const uint8_t *bytes, size_t count);
bool hk__hex_bytes(uint8_t *out, const char *text, size_t count);

#endif
