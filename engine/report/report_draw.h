/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_draw.h - what the page is drawn with: other people's words, numbers, times, chances.
 *
 * Whatever does not stand in our own source goes through hk__draw_words: names of files are chosen
 * by suspects, and the case itself may be anybody's work. It never goes into an attribute.
 *
 * Numbers are written digit by digit: the page is the same under every locale.
 */
#ifndef HK_REPORT_REPORT_DRAW_H
#define HK_REPORT_REPORT_DRAW_H

#include "report/chance.h"

#include <stdio.h>

/* Words as the page shows them: marks of HTML escaped; control characters, bytes that are not
 * UTF-8, and what cannot be seen or changes the order of letters (bidi, zero width) as \xNN and
 * \uNNNN, marked; a backslash doubled, so that those cannot be feigned; isolated from the letters
 * around; of long words the beginning and the end, and how much is left out between. NULL: nothing.
 */
void hk__draw_words(FILE *out, const char *words);
/* The same as a path: breaks come after a slash first. */
void hk__draw_path(FILE *out, const char *path);

/* Words that are kept for later, no longer than they are shown. */
typedef struct hk__kept_words {
    char *text; /* owned; NULL: none */
    size_t head, left_out;
} hk__kept_words;
/* words NULL: none. HK_ERR_NO_MEMORY. */
hk_status hk__keep_words(hk__kept_words *out, const char *words, hk_error *err) HK_MUST_CHECK;
void hk__kept_words_free(hk__kept_words *kept);
void hk__draw_kept_path(FILE *out, const hk__kept_words *kept);
void hk__draw_kept_words(FILE *out, const hk__kept_words *kept);

/* 1,234,567 */
void hk__draw_count(FILE *out, uint64_t count);
/* "1 file", "1,234 files": one and many are ours. */
void hk__draw_counted(FILE *out, uint64_t count, const char *one, const char *many);
/* 640 bytes, 1.2 MB */
void hk__draw_bytes(FILE *out, uint64_t bytes);
/* 12.3 %; part <= whole. */
void hk__draw_share(FILE *out, uint64_t part, uint64_t whole);
/* 2026-11-22 21:04:10 UTC */
void hk__draw_time(FILE *out, int64_t at);
/* 40 s, 12 min, 9 h 20 min, 3 days 2 h */
void hk__draw_span(FILE *out, uint64_t seconds);
/* Two digits, in words: 1.4 million. */
void hk__draw_round(FILE *out, double value);
/* "once in 20 million look-ups" */
void hk__draw_chance(FILE *out, double chance);
/* hex */
void hk__draw_hex(FILE *out, const uint8_t *bytes, size_t count);

/* "mirrored left to right" and so on: what was done to the file, seen from the listed picture */
const char *hk__orientation_words(hk_orientation orientation);

#endif
