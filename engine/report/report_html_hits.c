/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_html_hits.c - the hits: conflicts first, then exact, then near (report_page.h).
 *
 * The three are read from the case one after another, each twice if thumbnails are wanted: first to
 * say which files they are of, so that the workers read them while the rows are drawn.
 */
#include "report/report_page.h"
#include "report/thumbnails.h"

#include <math.h>
#include <string.h>

enum { MATCHES_MOST = 3 }; /* of a file, each a row */

typedef enum sort { CONFLICTS, EXACT, NEAR, SORTS } sort;

/* ---- which files --------------------------------------------------------------------------- */

static bool is_of(sort which, const hk_file *file)
{
    if (which == CONFLICTS)
        return file->conflict;
    return !file->conflict &&
           file->verdict == (which == EXACT ? HK_VERDICT_EXACT : HK_VERDICT_NEAR);
}

/* Calls with each file that is shown. */
static hk_status each(const hk__page *page, sort which, hk__thumbnails *thumbnails,
                      hk_status (*call)(const hk__page *page, hk__thumbnails *thumbnails,
                                        const hk_case_file *file, hk_error *err),
                      hk_error *err)
{
    hk_case_reading *reading;
    const hk_case_file *file;
    unsigned shown = 0;
    hk_status status = hk_case_reading_open(
        &reading, page->c, which == CONFLICTS ? HK_CASE_CONFLICTS : HK_CASE_HITS, err);
    if (status)
        return status;
    do {
        status = hk_case_reading_next(&file, reading, err);
        if (!status && file && is_of(which, &file->file)) {
            status = call(page, thumbnails, file, err);
            shown++;
        }
    } while (!status && file && shown < HK__HITS_MOST);
    hk_case_reading_close(reading);
    return status;
}

static hk_status want(const hk__page *page, hk__thumbnails *thumbnails, const hk_case_file *file,
                      hk_error *err)
{
    (void)page;
    return hk__thumbnails_want(thumbnails, file, err);
}

/* ---- one match ----------------------------------------------------------------------------- */

static bool is_same_entry(const hk_match *a, const hk_match *b)
{
    return !strcmp(a->list, b->list) && !strcmp(a->entry, b->entry);
}

/* Whether a row before, of a digest of the same entry, has said it. Digests come first. */
static bool is_told(const hk_file *file, size_t match)
{
    for (size_t i = 0; i < match && file->matches[i].basis != HK_BASIS_PDQ; i++)
        if (is_same_entry(&file->matches[i], &file->matches[match]))
            return true;
    return false;
}

static void draw_known_as(FILE *out, const hk_match *match)
{
    fputs("<td>", out);
    hk__draw_words(out, match->list);
    if (match->category) {
        fputs(" &middot; category ", out);
        hk__draw_words(out, match->category);
    }
    if (match->known_good)
        fputs(" <span class=\"mark good\">known good</span>", out);
    fputs("<br><span class=note>entry </span>", out);
    hk__draw_words(out, match->entry);
    fputs("</td>", out);
}

static void draw_digests(FILE *out, const hk_file *file, size_t match)
{
    const char *before = "<td>same bytes<br><span class=note>";
    for (int basis = HK_BASIS_MD5; basis < HK_BASIS_PDQ; basis++)
        for (size_t i = match; i < file->match_count; i++)
            if ((int)file->matches[i].basis == basis &&
                is_same_entry(&file->matches[i], &file->matches[match])) {
                fprintf(out, "%s%s", before, hk_basis_name((hk_basis)basis));
                before = ", ";
                break;
            }
    fputs("</span></td><td class=r>&ndash;</td><td>&ndash;</td>", out);
}

/* The entry's outline, dashed, and on it the picture, turned as it lies. In thousandths of the
 * picture's longer side. */
static void draw_placement(FILE *out, const hk_file *file, const hk_match *match)
{
    enum { SIDE = 1000, MARGIN = 40 };
    const hk_placement *p = &match->placement;
    char words[HK_PLACEMENT_WORDS_SIZE];
    double w = SIDE, h = SIDE;
    if (file->width && file->height) {
        const bool lies = file->width > file->height;
        const bool on_its_side = file->exif_orientation >= 5;
        const double shape =
            lies ? (double)file->height / file->width : (double)file->width / file->height;
        *(lies != on_its_side ? &h : &w) = SIDE * (shape < .1 ? .1 : shape);
    }
    const double left = -(double)p->left * w, top = -(double)p->top * h;
    const double across = (1 + (double)p->left + (double)p->right) * w;
    const double down = (1 + (double)p->top + (double)p->bottom) * h;
    const double from_x = fmin(left, 0) - MARGIN, from_y = fmin(top, 0) - MARGIN;
    const double to_x = fmax(left + across, w) + MARGIN, to_y = fmax(top + down, h) + MARGIN;
    hk_placement_words(words, match);
    fprintf(out,
            "<br><svg class=place role=img viewBox=\"%.0f %.0f %.0f %.0f\" width=%.0f height=%.0f>"
            "<title>%s</title><rect class=entry x=%.0f y=%.0f width=%.0f height=%.0f />"
            "<rect class=query width=%.0f height=%.0f transform=\"rotate(%.2f %.0f %.0f)\"/></svg>",
            from_x, from_y, to_x - from_x, to_y - from_y, (to_x - from_x) * .07,
            (to_y - from_y) * .07, words, left, top, across, down, w, h, (double)p->angle, w / 2,
            h / 2);
    fprintf(out, "<br><span class=note>once aligned: %s</span>", words);
}

static void draw_near(FILE *out, const hk_file *file, const hk_match *match)
{
    fprintf(out, "<td>%s%s<br><span class=note>%s, probe ",
            hk__orientation_words(match->orientation), match->inverted ? ", colours inverted" : "",
            hk_orientation_name(match->orientation));
    hk__draw_words(out, match->probe);
    char view[HK_VIEW_WORDS_SIZE];
    fprintf(out, "%s%s</span>", match->inverted ? ", inverted" : "", hk_view_words(view, match));
    if (match->aligned)
        draw_placement(out, file, match);
    fprintf(out, "</td><td class=r>%u</td><td>", match->distance);
    hk__draw_chance(out, match->chance);
    fprintf(out, "<br><span class=note>an unrelated %s%s</span></td>",
            hk__kind_words(match->aligned ? HK_KIND_PHOTO : file->fingerprint.kind),
            match->chance_extrapolated ? "; extrapolated" : "");
}

/* ---- one file ------------------------------------------------------------------------------ */

static void draw_marks(FILE *out, const hk_file *file)
{
    if (file->conflict)
        fputs("<span class=\"mark conflict\">conflict</span>", out);
    if (file->verdict == HK_VERDICT_EXACT)
        fputs("<span class=\"mark exact\">exact</span>", out);
    if (file->verdict == HK_VERDICT_NEAR)
        fputs("<span class=\"mark near\">near</span>", out);
    if (file->known_good)
        fputs("<span class=\"mark good\">known good</span>", out);
}

static void draw_facts(FILE *out, const hk_case_file *of)
{
    const hk_file *file = &of->file;
    fputs("<p class=note>", out);
    if (file->format) {
        hk__draw_words(out, file->format);
        fputs(", ", out);
    }
    if (file->width)
        fprintf(out, "%u &times; %u, ", file->width, file->height);
    hk__draw_bytes(out, of->bytes);
    if (file->status != HK_FILE_OK && file->status != HK_FILE_DUPLICATE)
        fprintf(out, ", %s", hk_file_status_name(file->status));
    fputs(", SHA-256 <span class=hex>", out);
    hk__draw_hex(out, file->digests.sha256, sizeof file->digests.sha256);
    fputs("</span></p>", out);
    if (file->duplicate_of) {
        fputs("<p class=note>the same bytes as ", out);
        hk__draw_path(out, file->duplicate_of);
        fputs("</p>", out);
    }
    if (of->decision) {
        fputs("<p class=note>decided: ", out);
        hk__draw_words(out, of->decision->category);
        fputs(", by ", out);
        hk__draw_words(out, of->decision->actor);
        fputs("</p>", out);
    }
}

static hk_status draw_hit(const hk__page *page, hk__thumbnails *thumbnails, const hk_case_file *of,
                          hk_error *err)
{
    FILE *out = page->out;
    const hk_file *file = &of->file;
    size_t rows = 0, shown = 0;
    for (size_t m = 0; m < file->match_count; m++)
        rows += !is_told(file, m);
    fprintf(out, "<tbody>\n<tr><th scope=row class=file rowspan=%zu>",
            rows > MATCHES_MOST ? (size_t)MATCHES_MOST + 1
            : rows              ? rows
                                : 1);
    hk__draw_path(out, file->path);
    fputs("<br>", out);
    draw_marks(out, file);
    draw_facts(out, of);
    const hk_status status = hk__thumbnails_draw(out, thumbnails, of, err);
    if (status)
        return status;
    fputs("</th>", out);
    for (size_t m = 0; m < file->match_count && shown < MATCHES_MOST; m++) {
        const hk_match *match = &file->matches[m];
        if (is_told(file, m))
            continue;
        fputs(shown++ ? "<tr>" : "", out);
        draw_known_as(out, match);
        if (match->basis == HK_BASIS_PDQ)
            draw_near(out, file, match);
        else
            draw_digests(out, file, m);
        fputs("</tr>\n", out);
    }
    if (!rows)
        fputs("<td colspan=4>the case says of no list why</td></tr>\n", out);
    if (rows > MATCHES_MOST) {
        fputs("<tr><td colspan=4 class=note>and ", out);
        hk__draw_counted(out, rows - MATCHES_MOST, "more match", "more matches");
        fprintf(out, ", farther off%s</td></tr>\n",
                file->matches_truncated ? "; there were more than the run was to keep" : "");
    }
    fputs("</tbody>\n", out);
    return HK_OK;
}

/* ---- the part ------------------------------------------------------------------------------ */

static const struct {
    const char *title, *words, *caption, *what;
} texts[SORTS] = {
    {"Conflicts: for a person to decide",
     "A list of known material and a list of known-good material both hold these. Which of them is "
     "right no program can say.",
     "Files in conflict, by path", "files in conflict"},
    {"Exact: the same bytes",
     "A digest of the file is in a list of known images. No two files have the same by accident. "
     "Whoever makes both files on purpose can give them the same MD5 or SHA-1, but not the same "
     "SHA-256, which stands beside each.",
     "Exact hits, by path", "exact hits"},
    {"Near: nearly the same picture",
     "The perceptual hash of the file lies close to a listed one: a copy that was made smaller, "
     "compressed, turned, mirrored, or changed a little. Somebody has to look at each.",
     "Near hits, by path", "near hits"},
};

static void explain_chance(const hk__page *page)
{
    fputs(
        "<p>Distance counts the bits of 256 in which the hashes differ. The chance is that of an "
        "accident: <q>once in 20 million look-ups</q> says that an unrelated picture of that kind "
        "comes this close to any of the list of ",
        page->out);
    hk__draw_round(page->out, (double)page->info.hashes);
    fputs(" that was searched, in whatever orientation, once in 20 million look-ups. Extrapolated: "
          "closer than could be measured, so a model of the rarest cases says it.</p>\n",
          page->out);
}

static hk_status draw_sort(const hk__page *page, sort which, uint64_t files, hk_error *err)
{
    static const char *const columns[] = {
        "File", "Known as", "How it lies", "#Distance", "Chance, if unrelated", NULL};
    hk__thumbnails *thumbnails;
    fprintf(page->out, "<h3 id=hits-%d>%s</h3>\n<p>%s</p>\n", (int)which, texts[which].title,
            texts[which].words);
    if (which == NEAR)
        explain_chance(page);
    hk_status status = hk__thumbnails_new(&thumbnails, page->c, page->options, err);
    if (status)
        return status;
    if (thumbnails)
        status = each(page, which, thumbnails, want, err);
    if (!status) {
        hk__table_begin(page, texts[which].caption, columns);
        fputs("</tbody>\n", page->out); /* each file is a body of its own */
        status = each(page, which, thumbnails, draw_hit, err);
        fputs("</table>\n", page->out);
    }
    hk__thumbnails_free(thumbnails);
    hk__tell_more(page, files, HK__HITS_MOST, texts[which].what);
    return status;
}

hk_status hk__part_hits(const hk__page *page, hk_error *err)
{
    const uint64_t files[SORTS] = {page->survey->conflicts, page->survey->exact,
                                   page->survey->near};
    hk_status status = HK_OK;
    hk__part_begin(page, "hits", "Hits and conflicts");
    if (!files[CONFLICTS] && !files[EXACT] && !files[NEAR])
        fputs("<p>Nothing that was checked matches a list of known images.</p>\n", page->out);
    for (sort which = CONFLICTS; !status && which < SORTS; which++)
        if (files[which])
            status = draw_sort(page, which, files[which], err);
    hk__part_end(page);
    return status;
}
