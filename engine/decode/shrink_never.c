/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shrink_never.c - in place of shrink.c, with a libjpeg that it does not know; see shrink.h. */
#include "decode/shrink.h"

void hk__shrink_prepare(void)
{
}

bool hk__shrink_can(const struct jpeg_decompress_struct *jpeg)
{
    (void)jpeg;
    return false;
}

void hk__shrink_ask(struct jpeg_decompress_struct *jpeg)
{
    (void)jpeg;
}

bool hk__shrink_start(hk__shrink *shrink, struct jpeg_decompress_struct *jpeg)
{
    (void)shrink, (void)jpeg;
    return false;
}

const float *hk__shrink_row(const hk__shrink *shrink, uint32_t row)
{
    (void)row;
    return shrink->line;
}

void hk__shrink_clear(hk__shrink *shrink)
{
    (void)shrink;
}
