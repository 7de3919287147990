/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stopwatch.h - times hashing one file against libjpeg-turbo's own decode, inside the worker.
 *
 * Ours (read, decode, grid, DCT, bits), the same with all three digests, and the floor (read,
 * libjpeg-turbo's full grey decode of JPEGs) take turns in one process, each from reading the
 * descriptor on. Where the time goes is taken from a round of its own, digests included, as clocks
 * inside the rows cost something; what they cost is measured and taken off.
 */
#ifndef HK_DECODE_STOPWATCH_H
#define HK_DECODE_STOPWATCH_H

#include "decode/content.h"
#include "decode/decoders.h"
#include "decode/wire.h"

/* Loads what timing needs before the sandbox is closed. */
hk_status hk__stopwatch_prepare(hk_error *err) HK_MUST_CHECK;

/* Fills the medians over `repeats` rounds (1..1000) and the picture of the last round. */
void hk__stopwatch(hk__timing *timing, hk__picture *picture, int fd, unsigned repeats,
                   const hk__limits *limits, hk__content *content, hk__canvas *canvas,
                   hk__digester *digester);

#endif
