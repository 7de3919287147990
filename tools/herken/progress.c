/* SPDX-License-Identifier: GPL-3.0-or-later */
/* progress.c - see progress.h. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR = 30 };
static const double line_seconds = 5, json_seconds = 1;
static const double stalled_seconds = 2; /* nothing done for so long: who knows what is left */

/* Of a case's run, what is going on while it does not read files; NULL: it reads files. */
static const char *phase_words(const hk_progress *now)
{
    if (!now->phase || !strcmp(now->phase, hk_case_state_name(HK_CASE_RUNNING)))
        return NULL;
    return !strcmp(now->phase, hk_case_state_name(HK_CASE_PLANNING)) ? "planning: files found"
                                                                     : "grouping what looks alike";
}

static void draw_phase(const hk_progress *now)
{
    fprintf(stderr, "\r\033[K%s  %llu", phase_words(now), (unsigned long long)now->found);
    if (now->done)
        fprintf(stderr, "  %.0f%% done", 100 * (double)now->done / (double)now->found);
    fflush(stderr);
}

/* "7 s left"; below 0: it cannot be known. */
static const char *left_words(char out[32], double left, const char *glue)
{
    *out = '\0';
    if (left >= 0)
        snprintf(out, 32, "%s%.0f s left", glue, left);
    return out;
}

static void draw_bar(const hk_progress *now, double rate, double left)
{
    char words[32];
    const double share = now->found ? (double)now->done / (double)now->found : 0;
    char bar[BAR + 1];
    for (int i = 0; i < BAR; i++)
        bar[i] = i < (int)(share * BAR) ? '#' : '.';
    bar[BAR] = '\0';
    fprintf(stderr, "\r\033[K[%s] %3.0f%%  %llu of %llu  %.0f/s%s%s", bar, share * 100,
            (unsigned long long)now->done, (unsigned long long)now->found, rate,
            left_words(words, left, "  "), now->failed ? "  " : "");
    if (now->failed)
        fprintf(stderr, "%llu failed", (unsigned long long)now->failed);
    fflush(stderr);
}

static void write_json(progress *p, const hk_progress *now, double rate, double left)
{
    char seconds[32] = "null";
    if (left >= 0)
        snprintf(seconds, sizeof seconds, "%.0f", left);
    fprintf(stderr,
            "{\"progress\":{%s%s%s\"done\":%llu,\"found\":%llu,\"failed\":%llu,"
            "\"per_second\":%.1f,\"seconds_left\":%s}}\n",
            now->phase ? "\"phase\":\"" : "", now->phase ? now->phase : "", now->phase ? "\"," : "",
            (unsigned long long)now->done, (unsigned long long)now->found,
            (unsigned long long)now->failed, rate, seconds);
    p->untold = false;
}

static void write_line(const progress *p, const hk_progress *now, double rate, double left)
{
    char words[32];
    left_words(words, left, ", ");
    if (phase_words(now))
        fprintf(stderr, "herken: %s: %llu\n", phase_words(now), (unsigned long long)now->found);
    else if (p->unit)
        fprintf(stderr, "herken: %llu of %llu %s%s\n", (unsigned long long)now->done,
                (unsigned long long)now->found, p->unit, words);
    else
        fprintf(stderr, "herken: %llu of %llu files, %llu failed, %.1f/s%s\n",
                (unsigned long long)now->done, (unsigned long long)now->found,
                (unsigned long long)now->failed, rate, words);
}

static double rate_of(const hk_progress *now)
{
    return now->seconds > 0 ? (double)(now->done - now->earlier) / now->seconds : 0;
}

/* Seconds; below 0 where nothing has been done yet, or not for some time: a large file is in hand.
 */
static double left_of(const progress *p, const hk_progress *now)
{
    const double rate = rate_of(now);
    if (now->done >= now->found)
        return 0;
    return rate > 0 && now->seconds - p->moved < stalled_seconds
               ? (double)(now->found - now->done) / rate
               : -1;
}

static void on_progress(void *context, const hk_progress *now)
{
    progress *p = context;
    const bool json = p->mode == CLI_PROGRESS_JSON;
    if (now->phase != p->phase) {
        progress_end(p);
        p->phase = now->phase;
        p->last = json ? -json_seconds : 0; /* scripts see it begin */
        p->moved = 0;
    } else if (now->done != p->now.done) {
        p->moved = now->seconds;
    }
    p->now = *now;
    p->untold = true;
    const double rate = rate_of(now), left = left_of(p, now);
    if (p->mode == CLI_PROGRESS_AUTO && p->terminal) {
        if (phase_words(now))
            draw_phase(now);
        else
            draw_bar(now, rate, left);
        p->drawn = true;
        return;
    }
    if (now->seconds - p->last < (json ? json_seconds : line_seconds))
        return;
    p->last = now->seconds;
    if (json)
        write_json(p, now, rate, left);
    else
        write_line(p, now, rate, left);
}

void progress_end(progress *p)
{
    if (p->untold && p->mode == CLI_PROGRESS_JSON)
        write_json(p, &p->now, rate_of(&p->now), left_of(p, &p->now));
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
