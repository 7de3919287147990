/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report.h - from a finished case to what people and programs read.
 *
 *      case --reading--> report_csv.c     one row a file
 *                        report_jsonl.c   one object a file, the account last
 *                        report_vics.c    a Project VIC 2.0 case, one Media object a content
 *                        report_html.c    one page for people: it draws (report_draw.c), and asks
 *                                         the evidence for thumbnails only if told to
 *      outputs ------->  manifest.c       what was done with what, and the SHA-256 of each output
 *
 * A writer writes to a stream that report.c opened, beside the report's place, and never says that
 * it could not: report.c asks the stream in the end. CSV, JSON Lines and VICS hold nothing that
 * depends on time, order of work or machine.
 */
#ifndef HK_REPORT_REPORT_H
#define HK_REPORT_REPORT_H

#include "herken.h"

#include "core/draft.h"

#include <stdio.h>

/* Of a finished case. Errors are those of reading it. */
typedef hk_status hk__report_fn(FILE *out, hk_case *c, const hk_report_options *options,
                                hk_error *err);
hk__report_fn hk__report_csv;
hk__report_fn hk__report_jsonl;
hk__report_fn hk__report_vics;
hk__report_fn hk__report_html;

/* The match that speaks for a file: of a known image the best; where there is none, that which
 * makes the file known good; else NULL. */
const hk_match *hk__best_match(const hk_file *file);

/* HK_ERR_USAGE: the run is not finished. */
hk_status hk__report_finished(hk_case *c, hk_error *err) HK_MUST_CHECK;

/* Starts a draft for an output of the case at path + suffix, links followed, which only its owner
 * may read unless a file that is there says otherwise. HK_ERR_USAGE: there lies something that is
 * no file, or the case, or it is where the evidence lies. To be freed in any case. */
hk_status hk__report_draft(hk__draft *out, hk_case *c, const char *path, const char *suffix,
                           hk_error *err) HK_MUST_CHECK;
/* Puts it on the disk, and into its place. */
hk_status hk__report_place(hk__draft *draft, hk_error *err) HK_MUST_CHECK;

#endif
