/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_html_graphs.c - the distances of near hits, and the time line (report_page.h).
 *
 *      time line   session 1 ~~~~~~~~~~ | session 2 ~~~~~~~~   working time; | is a stop, cut out
 *
 * A run may have stood still for days: only the time in which a session worked is drawn, cut into
 * COLUMNS, and what was done between two ticks is spread evenly over the columns between them.
 */
#include "report/report_page.h"

#include "case/case.h"

#include <string.h>

enum { WIDTH = 900, LEFT = 64, RIGHT = 20, TOP = 34, HEIGHT = 190, BOTTOM = 46 };

/* Where an axis ends: 2, 4, 6, 8 or 10 and zeros, not below; from `least` on. */
static double round_up(double value, double least)
{
    for (double unit = least / 2;; unit *= 10)
        for (int times = 2; times <= 10; times += 2)
            if (unit * times >= value)
                return unit * times;
}

static void begin_graph(FILE *out, const char *title)
{
    fprintf(out,
            "<figure>\n<svg viewBox=\"0 0 %d %d\" role=img aria-labelledby=\"g-%c-t g-%c-d\">\n"
            "<title id=g-%c-t>%s</title>\n<desc id=g-%c-d>",
            WIDTH, TOP + HEIGHT + BOTTOM, *title, *title, *title, title, *title);
}

/* Lines at nothing, half and all of `most`, with their numbers. */
static void draw_scale(FILE *out, double most, const char *unit)
{
    for (int i = 0; i <= 2; i++) {
        const int y = TOP + HEIGHT - HEIGHT * i / 2;
        fprintf(out, "<path class=axis d=\"M%d %dH%d\"/><text x=%d y=%d text-anchor=end>", LEFT, y,
                WIDTH - RIGHT, LEFT - 8, y + 4);
        if (i && most < 2)
            fprintf(out, "%d.%d", (int)(most * i / 2), (int)(most * i * 5 + 0.5) % 10);
        else
            hk__draw_count(out, (uint64_t)(most * i / 2));
        fputs("</text>\n", out);
    }
    fprintf(out, "<text x=%d y=14>%s</text>\n", LEFT, unit);
}

/* ---- distances ----------------------------------------------------------------------------- */

typedef struct distances {
    uint64_t by[HK_HASH_BITS + 1], all, most;
    unsigned last; /* the axis ends here */
} distances;

static distances sum_distances(const hk__page *page)
{
    distances d = {.last = 10};
    for (unsigned bits = 0; bits <= HK_HASH_BITS; bits++) {
        for (int kind = 0; kind < HK__KINDS; kind++)
            d.by[bits] += page->survey->near_by_distance[kind][bits];
        d.all += d.by[bits];
        d.most = d.by[bits] > d.most ? d.by[bits] : d.most;
        d.last = d.by[bits] && bits > d.last ? bits : d.last;
    }
    for (int kind = 0; kind < HK__KINDS; kind++)
        if (page->info.radius[kind] > (int)d.last)
            d.last = (unsigned)page->info.radius[kind];
    return d;
}

static void draw_radii(const hk__page *page, double step)
{
    int row = 0;
    for (int kind = 0; kind < HK__KINDS; kind++) {
        const int radius = page->info.radius[kind];
        if (radius < 0)
            continue;
        const int x = LEFT + (int)((radius + 1) * step);
        const bool right = x > WIDTH / 2;
        fprintf(
            page->out,
            "<path class=radius d=\"M%d %dV%d\"/><text class=at x=%d y=%d%s>radius %d, %s</text>\n",
            x, TOP, TOP + HEIGHT, x + (right ? -6 : 6), TOP + 16 + 16 * row,
            right ? " text-anchor=end" : "", radius, hk__kind_words((hk_kind)kind));
        row++;
    }
}

static void draw_bars(FILE *out, const distances *d, double scale)
{
    const double step = (double)(WIDTH - LEFT - RIGHT) / (d->last + 1);
    for (unsigned bits = 0; bits <= d->last; bits++) {
        const int left = LEFT + (int)(bits * step), right = LEFT + (int)((bits + 1) * step);
        const int gap = right - left > 4 ? 1 : 0;
        int height = (int)((double)d->by[bits] / scale * HEIGHT + 0.5);
        height = d->by[bits] && height < 1 ? 1 : height; /* one hit shows beside a million */
        if (height)
            fprintf(out,
                    "<rect class=bar x=%d y=%d width=%d height=%d><title>%u bits: %llu</title>"
                    "</rect>\n",
                    left + gap, TOP + HEIGHT - height, right - left - 2 * gap, height, bits,
                    (unsigned long long)d->by[bits]);
        if (bits % (d->last > 60 ? 20 : 5) == 0)
            fprintf(out, "<text x=%d y=%d text-anchor=middle>%u</text>\n", (left + right) / 2,
                    TOP + HEIGHT + 18, bits);
    }
    fprintf(out, "<text x=%d y=%d text-anchor=end>distance, bits</text>\n</svg>\n</figure>\n",
            WIDTH - RIGHT, TOP + HEIGHT + 38);
}

static void draw_distance_table(const hk__page *page, const distances *d)
{
    static const char *const columns[] = {"#Distance, bits", "#Photos", "#Low-texture images",
                                          "#Graphics", NULL};
    fputs("<details><summary>The same as numbers</summary>\n", page->out);
    hk__table_begin(page, "Near hits by distance and kind of picture", columns);
    for (unsigned bits = 0; bits <= HK_HASH_BITS; bits++) {
        if (!d->by[bits])
            continue;
        fprintf(page->out, "<tr><th scope=row class=r>%u</th>", bits);
        for (int kind = 0; kind < HK__KINDS; kind++) {
            fputs("<td class=r>", page->out);
            hk__draw_count(page->out, page->survey->near_by_distance[kind][bits]);
            fputs("</td>", page->out);
        }
        fputs("</tr>\n", page->out);
    }
    hk__table_end(page);
    fputs("</details>\n", page->out);
}

hk_status hk__part_distances(const hk__page *page, hk_error *err)
{
    (void)err;
    FILE *out = page->out;
    const distances d = sum_distances(page);
    hk__part_begin(page, "distances", "Distances of near hits");
    if (!d.all) {
        fputs("<p>There are no near hits.</p>\n", out);
        hk__part_end(page);
        return HK_OK;
    }
    fputs("<p>Of each near hit the distance to the nearest listed picture. Copies pile up at the "
          "left; "
          "what lies close to the radius of its kind deserves a second look.</p>\n",
          out);
    const double scale = round_up((double)d.most, 2);
    begin_graph(out, "Distances of near hits");
    fputs("Bars for each distance, from 0 to ", out);
    fprintf(out, "%u bits; ", d.last);
    hk__draw_counted(out, d.all, "file", "files");
    fputs(" in all. The same numbers are in the table that follows.</desc>\n", out);
    draw_scale(out, scale, "files");
    draw_radii(page, (double)(WIDTH - LEFT - RIGHT) / (d.last + 1));
    draw_bars(out, &d, scale);
    draw_distance_table(page, &d);
    hk__part_end(page);
    return HK_OK;
}

/* ---- time ---------------------------------------------------------------------------------- */

enum { COLUMNS = 240, SESSIONS_MOST = 64 };

typedef struct session {
    int64_t started, last; /* seconds; last: its end, or its last tick */
    double from;           /* seconds of work before it */
    bool ended;
} session;

typedef struct time_line {
    session session[SESSIONS_MOST];
    size_t count;
    double work; /* seconds, of all sessions */
    double done[COLUMNS], failed[COLUMNS];
    bool drawing;             /* the second time through the ticks */
    hk__case_tick_row before; /* the tick before, of this session */
    bool has_before;
} time_line;

static hk_status read_sessions(time_line *line, const hk__page *page, hk_error *err)
{
    hk_status status = HK_OK;
    line->count = page->info.sessions < SESSIONS_MOST ? page->info.sessions : SESSIONS_MOST;
    for (size_t i = 0; !status && i < line->count; i++) {
        hk_case_session facts;
        status = hk_case_session_get(&facts, page->c, i, err);
        if (!status)
            line->session[i] =
                (session){.started = facts.started,
                          .last = facts.ended > facts.started ? facts.ended : facts.started,
                          .ended = facts.ended != 0};
    }
    return status;
}

/* Adds what was done from one moment of work to another to the columns between. */
static void spread(double *columns, double from, double to, double done, double work)
{
    const double width = work / COLUMNS;
    int column = (int)(from / width);
    for (; column < COLUMNS && column * width < to; column++) {
        const double left = column * width > from ? column * width : from;
        const double right = (column + 1) * width < to ? (column + 1) * width : to;
        if (right > left)
            columns[column] += done * (right - left) / (to - from);
    }
}

/* No run does more between two ticks; a case may be anybody's work. */
static double growth(uint64_t before, uint64_t now)
{
    const uint64_t most = UINT64_C(1000000000000);
    return now <= before ? 0 : now - before < most ? (double)(now - before) : (double)most;
}

static void on_tick(void *context, const hk__case_tick_row *tick)
{
    time_line *line = context;
    if (tick->session >= line->count)
        return;
    session *s = &line->session[tick->session];
    if (!line->drawing) {
        if (!s->ended && tick->at > s->last)
            s->last = tick->at;
        return;
    }
    if (!line->has_before || line->before.session != tick->session)
        line->before = (hk__case_tick_row){.session = tick->session, .at = s->started};
    const hk__case_tick_row *before = &line->before;
    if (tick->at > before->at && tick->at <= s->last && before->at >= s->started) {
        const double from = s->from + (double)(before->at - s->started);
        const double to = s->from + (double)(tick->at - s->started);
        spread(line->done, from, to, growth(before->done, tick->done), line->work);
        spread(line->failed, from, to, growth(before->failed, tick->failed), line->work);
    }
    line->before = *tick;
    line->has_before = true;
}

static hk_status fill_line(time_line *line, const hk__page *page, hk_error *err)
{
    hk_status status = read_sessions(line, page, err);
    if (!status)
        status = hk__case_ticks(page->c, on_tick, line, err);
    if (status)
        return status;
    for (size_t i = 0; i < line->count; i++) {
        line->session[i].from = line->work;
        line->work += (double)(line->session[i].last - line->session[i].started);
    }
    line->drawing = true;
    return line->work > 0 ? hk__case_ticks(page->c, on_tick, line, err) : HK_OK;
}

static int x_of(const time_line *line, double work)
{
    return LEFT + (int)(work / line->work * (WIDTH - LEFT - RIGHT));
}

static void draw_area(FILE *out, const time_line *line, double scale)
{
    const double width = line->work / COLUMNS;
    fprintf(out, "<path class=area d=\"M%d %d", LEFT, TOP + HEIGHT);
    for (int i = 0; i < COLUMNS; i++)
        fprintf(out, "V%dH%d", TOP + HEIGHT - (int)(line->done[i] / width / scale * HEIGHT + 0.5),
                x_of(line, (i + 1) * width));
    fprintf(out, "V%dZ\"/>\n", TOP + HEIGHT);
    for (int i = 0; i < COLUMNS; i++)
        if (line->failed[i] > 0)
            fprintf(out, "<rect class=bad x=%d y=%d width=3 height=\"6\"/>\n",
                    x_of(line, i * width), TOP + HEIGHT + 2);
}

static void draw_stops(FILE *out, const time_line *line)
{
    for (size_t i = 0; i + 1 < line->count; i++) {
        const int x = x_of(line, line->session[i + 1].from);
        const int64_t gap = line->session[i + 1].started - line->session[i].last;
        fprintf(out, "<path class=stop d=\"M%d %dV%d\"/>", x, TOP - 14, TOP + HEIGHT + 4);
        if (line->count > 6)
            continue; /* the table of sessions has them */
        fprintf(out, "<text class=stopped x=%d y=%d text-anchor=middle>%s", x, TOP - 20,
                line->session[i].ended ? "stopped " : "interrupted ");
        hk__draw_span(out, gap > 0 ? (uint64_t)gap : 0);
        fputs("</text>\n", out);
    }
}

static void draw_line(const hk__page *page, const time_line *line)
{
    FILE *out = page->out;
    double most = 0;
    for (int i = 0; i < COLUMNS; i++)
        most = line->done[i] * COLUMNS / line->work > most ? line->done[i] * COLUMNS / line->work
                                                           : most;
    const double scale = round_up(most, 0.2);
    begin_graph(out, "Time line of the run");
    fputs("Files done per second, over ", out);
    hk__draw_span(out, (uint64_t)line->work);
    fputs(" of work in ", out);
    hk__draw_counted(out, line->count, "session", "sessions");
    fputs(". Dashed lines are stops, which are cut out; marks under the axis are failures. The "
          "sessions are in a table below.</desc>\n",
          out);
    draw_scale(out, scale, "files per second");
    draw_area(out, line, scale);
    draw_stops(out, line);
    fprintf(out, "<text x=%d y=%d>", LEFT, TOP + HEIGHT + 26);
    hk__draw_time(out, line->session[0].started);
    fprintf(out, "</text>\n<text x=%d y=%d text-anchor=end>", WIDTH - RIGHT, TOP + HEIGHT + 26);
    hk__draw_time(out, line->session[line->count - 1].last);
    fputs("</text>\n</svg>\n</figure>\n", out);
}

hk_status hk__part_time(const hk__page *page, hk_error *err)
{
    time_line line = {0};
    const hk_status status = fill_line(&line, page, err);
    if (status)
        return status;
    hk__part_begin(page, "time", "Time line of the run");
    if (line.work > 0) {
        fputs("<p>Files done per second while the run worked. ", page->out);
        if (line.count > 1)
            fputs(
                "Dashed lines are stops, and the time the run stood still is cut out: it went on "
                "each time from where it had stopped, and what it came to does not depend on it. ",
                page->out);
        fputs("Red marks under the axis are files that failed.</p>\n", page->out);
        draw_line(page, &line);
    } else {
        fputs("<p>The run was over within a second.</p>\n", page->out);
    }
    if (page->info.sessions > SESSIONS_MOST)
        fprintf(page->out, "<p class=warn>Drawn are the first %d of %zu sessions.</p>\n",
                SESSIONS_MOST, page->info.sessions);
    hk__part_end(page);
    return HK_OK;
}
