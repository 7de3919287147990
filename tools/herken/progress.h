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
    const char *unit;  /* what is counted, of one job: "steps"; NULL: files */
    const char *phase; /* of the line before */
    double last;       /* when a line was last written, seconds into the run */
    hk_progress now;   /* the last that was told, */
    bool untold;       /* and not written */
    double moved;      /* when a file was last done, seconds into the phase */
    bool drawn;
} progress;

/* Hangs the progress on the scan's options; it must live as long as the scan. */
void progress_start(progress *p, cli_common *common);
/* Writes how far it came in the end, where lines are JSON. */
void progress_end(progress *p);
/* Wipes the bar, so that other lines can be written; it comes back by itself. */
void progress_hide(progress *p);

#endif
