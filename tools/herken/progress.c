/* SPDX-License-Identifier: GPL-3.0-or-later */
/* progress.c - see progress.h. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR = 30 };
static const double line_seconds = 5, json_seconds = 1;

static void draw_bar(const hk_progress *now, double left)
{
    const double share = now->found ? (double)now->done / (double)now->found : 0;
    char bar[BAR + 1];
    for (int i = 0; i < BAR; i++)
        bar[i] = i < (int)(share * BAR) ? '#' : '.';
    bar[BAR] = '\0';
    fprintf(stderr, "\r\033[K[%s] %3.0f%%  %llu of %llu  %.0f/s  %.0f s left%s", bar, share * 100,
            (unsigned long long)now->done, (unsigned long long)now->found,
            now->seconds > 0 ? (double)now->done / now->seconds : 0, left, now->failed ? "  " : "");
    if (now->failed)
        fprintf(stderr, "%llu failed", (unsigned long long)now->failed);
    fflush(stderr);
}

static void on_progress(void *context, const hk_progress *now)
{
    progress *p = context;
    const double rate = now->seconds > 0 ? (double)now->done / now->seconds : 0;
    const double left = rate > 0 ? (double)(now->found - now->done) / rate : 0;
    if (p->mode == CLI_PROGRESS_AUTO && p->terminal) {
        draw_bar(now, left);
        p->drawn = true;
        return;
    }
    if (now->seconds - p->last < (p->mode == CLI_PROGRESS_JSON ? json_seconds : line_seconds))
        return;
    p->last = now->seconds;
    if (p->mode == CLI_PROGRESS_JSON)
        fprintf(stderr,
                "{\"progress\":{\"done\":%llu,\"found\":%llu,\"failed\":%llu,\"per_second\":%.1f,"
                "\"seconds_left\":%.0f}}\n",
                (unsigned long long)now->done, (unsigned long long)now->found,
                (unsigned long long)now->failed, rate, left);
    else if (p->unit)
        fprintf(stderr, "herken: %llu of %llu %s, %.0f s left\n", (unsigned long long)now->done,
                (unsigned long long)now->found, p->unit, left);
    else
        fprintf(stderr, "herken: %llu of %llu files, %llu failed, %.1f/s, %.0f s left\n",
                (unsigned long long)now->done, (unsigned long long)now->found,
                (unsigned long long)now->failed, rate, left);
}

void progress_start(progress *p, cli_common *common)
{
    memset(p, 0, sizeof *p);
    p->mode = common->progress;
    p->terminal = isatty(STDERR_FILENO);
    /* JSON that was asked for is data; --quiet turns off talk. */
    if (p->mode == CLI_PROGRESS_NONE || (common->quiet && p->mode != CLI_PROGRESS_JSON))
        return;
    common->scan.on_progress = on_progress;
    common->scan.context = p;
}

void progress_hide(progress *p)
{
    if (!p->drawn)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    p->drawn = false;
}
