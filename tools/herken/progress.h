/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * progress.h - how far a run is, on stderr: a bar on a terminal, a line every few seconds
 * elsewhere, or JSON Lines.
 */
#ifndef HERKEN_PROGRESS_H
#define HERKEN_PROGRESS_H

#include "cli.h"

typedef struct progress {
    cli_progress mode;
    bool quiet, terminal;
    const char *unit; /* what is counted, of one job: "steps"; NULL: files */
    double last;      /* when a line was last written, seconds into the run */
    bool drawn;
} progress;

/* Hangs the progress on the scan's options; it must live as long as the scan. */
void progress_start(progress *p, cli_common *common);
/* Wipes the bar, so that other lines can be written; it comes back by itself. */
void progress_hide(progress *p);

#endif
