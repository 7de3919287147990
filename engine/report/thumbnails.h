/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * thumbnails.h - small grey pictures of files of a case, for the page, if its maker asks.
 *
 *      want, want, ... --scan in the sandbox--> small grey raster --smaller--> data: URI in the
 * page
 *
 * The evidence is read again, in the workers, which decode; here only their raster of grey bytes is
 * looked at. A file that is no longer what it was (its SHA-256) has no thumbnail, and the page says
 * so. Members of archives have none, and of equal files the first one has it for all.
 */
#ifndef HK_REPORT_THUMBNAILS_H
#define HK_REPORT_THUMBNAILS_H

#include "report/report.h"

enum { HK__THUMBNAILS_MOST = 1000, HK__THUMBNAIL_SIDE = 96, HK__BLURRED_SIDE = 8 };

typedef struct hk__thumbnails hk__thumbnails;

/* For one part of the page; *out = NULL where the options ask for none. options are borrowed. */
hk_status hk__thumbnails_new(hk__thumbnails **out, hk_case *c, const hk_report_options *options,
                             hk_error *err) HK_MUST_CHECK;
void hk__thumbnails_free(hk__thumbnails *thumbnails);

/* First all files that the part shows, in its order; then they are drawn in the same order. NULL
 * does nothing. */
hk_status hk__thumbnails_want(hk__thumbnails *thumbnails, const hk_case_file *file,
                              hk_error *err) HK_MUST_CHECK;
/* Draws it folded away, or the reason why there is none. HK_ERR_SYSTEM: no workers. */
hk_status hk__thumbnails_draw(FILE *out, hk__thumbnails *thumbnails, const hk_case_file *file,
                              hk_error *err) HK_MUST_CHECK;

/* Makes of a grey picture (row-major, sides 1..65535) a smaller one, each pixel the mean of those
 * it stands for, whose longer side is at most `side`. out: [side * side]. */
void hk__make_smaller(uint8_t *out, uint32_t *out_width, uint32_t *out_height, unsigned side,
                      const uint8_t *grey, uint32_t width, uint32_t height);

#endif
