/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * value.h - the values of an entry as feeds write them: hashes and digests in hex, PhotoDNA, dates.
 *
 * A reader takes `length` bytes of text and says whether they are what they should be, whole;
 * otherwise its output is untouched. Texts need not end with a NUL.
 */
#ifndef HK_FEED_VALUE_H
#define HK_FEED_VALUE_H

#include "herken.h"

#include <stdio.h>

enum {
    HK__PHOTODNA_BASE64 = HK_PHOTODNA_SIZE / 3 * 4,
    HK__DATE_SIZE = sizeof "2026-11-22T10:00:00Z"
};

/* Length of the run of hex digits at the start. */
size_t hk__hex_run(const char *text, size_t length);
/* Whether it is a value rather than a name: as many hex digits as a hash or digest has. */
bool hk__is_value(const char *text, size_t length);

/* 2 * count hex digits of either case. */
bool hk__read_hex(uint8_t *out, size_t count, const char *text, size_t length);
bool hk__read_hash(hk_hash *out, const char *text, size_t length);
/* Adds the digest to those that are there. */
bool hk__read_digest(hk_digests *out, hk_basis basis, const char *text, size_t length);
/* 64 hex digits of which nothing says what they are: a PDQ hash unless its one-bits are too far
 * from 128, and a SHA-256 unless no digest would have so few or many. */
bool hk__read_either(hk_entry *out, const char *text, size_t length);
/* 192 characters of base64 or 288 hex digits. */
bool hk__read_photodna(uint8_t out[HK_PHOTODNA_SIZE], const char *text, size_t length);
/* A whole number from 0 to 100. */
bool hk__read_quality(int *out, const char *text, size_t length);
/* Seconds since 1970 UTC, of the years 1 to 9999: 2026-11-22, 2026-11-22T10:00[:00[.000]][Z|+01:00]
 * (UTC where it names no zone), or the /Date(milliseconds)/ of Microsoft's JSON. */
bool hk__read_date(int64_t *out, const char *text, size_t length);

/* Digits in lowercase, or uppercase, and a NUL; returns out. */
char *hk__hex(char *out, const uint8_t *bytes, size_t count, bool upper);
char *hk__photodna_text(char out[HK__PHOTODNA_BASE64 + 1], const uint8_t *photodna);
/* "" where there is no date, or none of the years 1 to 9999. */
char *hk__date_text(char out[HK__DATE_SIZE], int64_t date);

#endif
