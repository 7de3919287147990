/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_html_rest.c - what was not checked, what failed, what was skipped, and why
 * (report_page.h). */
#include "report/report_page.h"

/* Lists up to this long are unfolded from the start. */
enum { OPEN_UP_TO = 12 };

static const char *status_means(hk_file_status status)
{
    static const char *const means[HK_FILE_STATUSES] = {
        [HK_FILE_NOT_AN_IMAGE] = "no picture by its content; films, texts, programs: their digests "
                                 "were looked up",
        [HK_FILE_TOO_SMALL] = "a picture under 5 pixels, of which no hash can be made",
        [HK_FILE_EXCLUDED] =
            "no file to read: a link inside a folder, a device, or left out by the "
            "settings",
        [HK_FILE_UNSUPPORTED] = "a picture of a kind that cannot be decoded here",
        [HK_FILE_UNREADABLE] = "damaged, so that no picture came out of it",
        [HK_FILE_TOO_LARGE] = "more than the limits of the run allow",
        [HK_FILE_NO_ACCESS] = "the system refused to open it",
        [HK_FILE_VANISHED] =
            "it was there when the folders were walked, and no longer when its turn "
            "came",
        [HK_FILE_CHANGED] = "it changed while it was read",
        [HK_FILE_CRASHED] = "the program that decodes broke down over it, inside its sandbox",
        [HK_FILE_TIMED_OUT] = "it took longer than one file may",
        [HK_FILE_OUT_OF_MEMORY] = "it took more memory than one file may",
    };
    return means[status] ? means[status] : "";
}

/* A list that folds, under `name`, or under the sample's own key. */
static void draw_sample(const hk__page *page, const hk__sample *sample, const char *name,
                        const char *means)
{
    static const char *const columns[] = {"File", "In words", NULL};
    FILE *out = page->out;
    fprintf(out, "<details class=group%s><summary><h3>%s",
            sample->files <= OPEN_UP_TO ? " open" : "", name ? name : "");
    hk__draw_kept_words(out, &sample->key);
    fputs(" &middot; ", out);
    hk__draw_counted(out, sample->files, "file", "files");
    fprintf(out, *means ? "</h3> <span class=note>%s</span></summary>\n" : "</h3>%s</summary>\n",
            means);
    hk__table_begin(page, "Files by path", columns);
    for (size_t i = 0; i < sample->rows; i++) {
        fputs("<tr><th scope=row class=file>", out);
        hk__draw_kept_path(out, &sample->row[i].path);
        fputs("</th><td>", out);
        hk__draw_kept_words(out, &sample->row[i].words);
        fputs("</td></tr>\n", out);
    }
    hk__table_end(page);
    hk__tell_more(page, sample->files, sample->rows, "files of this sort");
    fputs("</details>\n", out);
}

/* Each status by itself: what few have must not hide behind what many have. */
static void draw_class(const hk__page *page, hk_file_class class)
{
    for (int s = 0; s < HK_FILE_STATUSES; s++)
        if (hk_file_status_class((hk_file_status)s) == class && page->survey->by_status[s].files)
            draw_sample(page, &page->survey->by_status[s], hk_file_status_name((hk_file_status)s),
                        status_means((hk_file_status)s));
}

hk_status hk__part_failed(const hk__page *page, hk_error *err)
{
    (void)err;
    hk__part_begin(page, "failed", "Failed");
    if (!page->account.by_class[HK_CLASS_FAILED])
        fputs("<p>Every file could be read and decoded, or was no picture.</p>\n", page->out);
    else
        fputs("<p>These gave no hash. Where the bytes could be read, their digests were looked up, "
              "and a hit by digest is among the hits. All others are not checked: whether they are "
              "known nobody can say from this run.</p>\n",
              page->out);
    draw_class(page, HK_CLASS_FAILED);
    hk__part_end(page);
    return HK_OK;
}

hk_status hk__part_skipped(const hk__page *page, hk_error *err)
{
    (void)err;
    hk__part_begin(page, "skipped", "Skipped");
    if (!page->account.by_class[HK_CLASS_SKIPPED])
        fputs("<p>No file was skipped.</p>\n", page->out);
    draw_class(page, HK_CLASS_SKIPPED);
    hk__part_end(page);
    return HK_OK;
}

hk_status hk__part_unchecked(const hk__page *page, hk_error *err)
{
    (void)err;
    FILE *out = page->out;
    const hk__survey *s = page->survey;
    hk__part_begin(page, "unchecked", "Read, but not checked");
    if (!s->uncertain_files) {
        fputs("<p>Whatever was hashed or skipped has a verdict. Files that <a "
              "href=#failed>failed</a> "
              "have none.</p>\n",
              out);
        hk__part_end(page);
        return HK_OK;
    }
    fputs(
        "<p>These were hashed or skipped, and yet there is no verdict: nothing matched, but their "
        "hash or their digests could not have told. Files that <a href=#failed>failed</a> come "
        "after them.</p>\n",
        out);
    for (size_t i = 0; i < s->reasons; i++)
        draw_sample(page, &s->uncertain[i], NULL, "");
    if (s->uncertain_unsorted) {
        fputs("<p class=warn>", out);
        hk__draw_counted(out, s->uncertain_unsorted, "file", "files");
        fputs(" of further reasons are in the CSV and JSON Lines reports alone.</p>\n", out);
    }
    hk__part_end(page);
    return HK_OK;
}
