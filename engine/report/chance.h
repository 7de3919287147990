/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * chance.h - large numbers and kinds of image in words, as sentences about chances have them. No
 * locale matters.
 */
#ifndef HK_REPORT_CHANCE_H
#define HK_REPORT_CHANCE_H

#include "herken.h"

/* Two digits, in words: 1.4 million, 850, 20 thousand; from 1,000 trillion on that. value >= 0.
 * Returns out. */
#define HK__ROUND_SIZE 32
const char *hk__round_words(char out[HK__ROUND_SIZE], double value);

/* "photo", "low-texture image", "graphic"; "image" out of range. Static. */
const char *hk__kind_words(hk_kind kind);

#endif
