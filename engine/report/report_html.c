/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_html.c - the HTML page: what it is, the verdict, the account; and its parts in order
 * (report_page.h). */
#include "report/report_page.h"

#include "case/case.h"
#include "core/error.h"
#include "core/mem.h"

#include <string.h>

/* ---- what parts are made of ---------------------------------------------------------------- */

void hk__part_begin(const hk__page *page, const char *id, const char *title)
{
    fprintf(page->out, "<section id=%s aria-labelledby=%s-h>\n<h2 id=%s-h>%s</h2>\n", id, id, id,
            title);
}

void hk__part_end(const hk__page *page)
{
    fputs("</section>\n", page->out);
}

void hk__table_begin(const hk__page *page, const char *caption, const char *const *columns)
{
    fprintf(page->out, "<table>\n<caption>%s</caption>\n<thead><tr>", caption);
    for (; *columns; columns++) {
        const bool number = **columns == '#';
        fprintf(page->out, "<th scope=col%s>%s</th>", number ? " class=r" : "", *columns + number);
    }
    fputs("</tr></thead>\n<tbody>\n", page->out);
}

void hk__table_end(const hk__page *page)
{
    fputs("</tbody>\n</table>\n", page->out);
}

void hk__tell_more(const hk__page *page, uint64_t all, uint64_t shown, const char *what)
{
    if (all <= shown)
        return;
    fputs("<p class=warn>Shown are ", page->out);
    hk__draw_count(page->out, shown);
    fputs(" of ", page->out);
    hk__draw_count(page->out, all);
    fprintf(page->out, " %s. The other ", what);
    hk__draw_count(page->out, all - shown);
    fputs(" are in the CSV and JSON Lines reports of this case, which leave nothing out.</p>\n",
          page->out);
}

/* ---- title and verdict --------------------------------------------------------------------- */

static void draw_title(const hk__page *page)
{
    const char *slash = strrchr(page->c->path, '/');
    hk__draw_words(page->out, page->options->title ? page->options->title
                              : slash              ? slash + 1
                                                   : page->c->path);
}

static void draw_head(const hk__page *page)
{
    FILE *out = page->out;
    fputs("<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
          "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src "
          "'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
          "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=color-scheme content=\"light dark\">\n"
          "<meta name=referrer content=no-referrer>\n"
          "<title>Herken: report of a run over evidence</title>\n<style>",
          out);
    fputs(hk__page_style, out);
    fputs("</style>\n</head>\n<body>\n<a class=skip href=#verdict>Skip to the verdict</a>\n"
          "<header>\n<h1>",
          out);
    draw_title(page);
    fputs("</h1>\n<p>Every file of the evidence was compared with lists of known images: its bytes "
          "by their digests, its picture by a perceptual hash. This page says what became of each, "
          "what matched, and what could not be checked. It shows names and numbers",
          out);
    fputs(page->options->thumbnails == HK_THUMBNAILS_NONE ? " and no picture. "
          : page->options->thumbnails == HK_THUMBNAILS_BLURRED
              ? "; small thumbnails, blurred beyond recognition, appear only where you open them. "
              : "; <strong>small grey thumbnails appear where you open them, and show what is in "
                "the pictures.</strong> ",
          out);
    fputs("It needs nothing from outside, and <a href=#reading>how to read it</a> stands at its "
          "end.</p>\n",
          out);
    if (page->info.shards > 1)
        fprintf(out,
                "<p class=warn><strong>This is part %u of %u of a run</strong>, which was split: "
                "the other files are in the other parts.</p>\n",
                page->info.shard, page->info.shards);
    fputs("</header>\n<main>\n", out);
}

static uint64_t hits_of(const hk_account *account)
{
    return account->by_verdict[HK_VERDICT_EXACT] + account->by_verdict[HK_VERDICT_NEAR];
}

static void draw_verdict(const hk__page *page)
{
    FILE *out = page->out;
    const hk_account *a = &page->account;
    const uint64_t hits = hits_of(a), open = a->by_verdict[HK_VERDICT_NOT_CHECKED];
    fprintf(out, "<div class=\"verdict %s\" id=verdict tabindex=-1>\n<p>",
            hits                   ? "hits"
            : open || a->conflicts ? "open"
                                   : "none");
    if (hits) {
        hk__draw_count(out, hits);
        fputs(" of ", out);
        hk__draw_counted(out, a->found, "file", "files");
        fprintf(out, " %s known material: ", hits == 1 ? "matches" : "match");
        hk__draw_count(out, a->by_verdict[HK_VERDICT_EXACT]);
        fputs(" by the same bytes, ", out);
        hk__draw_count(out, a->by_verdict[HK_VERDICT_NEAR]);
        fputs(" by nearly the same picture.", out);
    } else if (a->found == open) {
        fputs(a->found ? "None of the files could be checked: this is no finding."
                       : "There were no files: this is no finding.",
              out);
    } else {
        fputs(open ? "No match among the " : "No match: of ", out);
        hk__draw_counted(out, a->found - open, "file", "files");
        fputs(open ? " that could be checked." : " every one was checked.", out);
    }
    fputs("</p>\n<p>", out);
    if (open) {
        hk__draw_counted(out, open, "file was", "files were");
        fputs(
            " <a href=#unchecked>not checked</a>: nothing is said of them, least of all that they "
            "are clean. ",
            out);
    } else {
        fputs("No file was left unchecked. ", out);
    }
    if (a->conflicts) {
        hk__draw_counted(out, a->conflicts, "file is", "files are");
        fputs(" in <a href=#hits>conflict</a>: held by lists of known and of known-good material "
              "alike, and a person must decide. ",
              out);
    }
    if (page->info.groups) {
        fputs(page->info.groups == 1 ? "There is " : "There are ", out);
        hk__draw_counted(out, page->info.groups, "group", "groups");
        fputs(" of look-alikes <a href=#groups>among the unknown</a>.", out);
    }
    fputs("</p>\n</div>\n", out);
}

/* ---- contents ------------------------------------------------------------------------------ */

static void draw_entry(const hk__page *page, const char *id, const char *words, uint64_t count,
                       bool counted)
{
    fprintf(page->out, "<li><a href=#%s>%s</a>", id, words);
    if (counted) {
        fputs(" <span class=n>", page->out);
        hk__draw_count(page->out, count);
        fputs("</span>", page->out);
    }
    fputs("</li>\n", page->out);
}

static void draw_contents(const hk__page *page)
{
    const hk_account *a = &page->account;
    fputs("<nav aria-label=Contents>\n<ul>\n", page->out);
    draw_entry(page, "account", "The account", a->found, true);
    draw_entry(page, "lists", "Hits by list and category", page->survey->lists.count, true);
    draw_entry(page, "folders", "Folders by density of hits", page->folders_with_hits, true);
    draw_entry(page, "hits", "Hits and conflicts",
               page->survey->conflicts + page->survey->exact + page->survey->near, true);
    draw_entry(page, "groups", "Look-alikes among the unknown", page->info.groups, true);
    draw_entry(page, "decisions", "Decisions", page->info.decisions, true);
    draw_entry(page, "unchecked", "Read, but not checked", page->survey->uncertain_files, true);
    draw_entry(page, "failed", "Failed", a->by_class[HK_CLASS_FAILED], true);
    draw_entry(page, "skipped", "Skipped", a->by_class[HK_CLASS_SKIPPED], true);
    draw_entry(page, "distances", "Distances of near hits", 0, false);
    draw_entry(page, "time", "Time line of the run", 0, false);
    draw_entry(page, "run", "What was searched with what", 0, false);
    draw_entry(page, "reading", "How to read this page", 0, false);
    fputs("</ul>\n</nav>\n", page->out);
}

/* ---- the account --------------------------------------------------------------------------- */

static void draw_row(const hk__page *page, const char *name, uint64_t files, uint64_t of,
                     const char *means)
{
    fprintf(page->out, "<tr><th scope=row>%s</th><td class=r>", name);
    hk__draw_count(page->out, files);
    fputs("</td><td class=r>", page->out);
    hk__draw_share(page->out, files, of);
    fprintf(page->out, "</td><td>%s</td></tr>\n", means);
}

static void draw_classes(const hk__page *page)
{
    static const char *const columns[] = {"Class", "#Files", "#Share", "What it means", NULL};
    const hk_account *a = &page->account;
    const uint64_t *by = a->by_class;
    FILE *out = page->out;
    hk__table_begin(page, "Each file that was found is in one class", columns);
    draw_row(page, "hashed", by[HK_CLASS_HASHED], a->found,
             "a picture that was decoded; its digests and its hash were looked up");
    draw_row(page, "duplicate", by[HK_CLASS_DUPLICATE], a->found,
             "has the bytes of a file that was hashed, and shares its verdict");
    draw_row(page, "skipped", by[HK_CLASS_SKIPPED], a->found,
             "no picture to hash, or excluded; its digests were looked up if it was read");
    draw_row(page, "failed", by[HK_CLASS_FAILED], a->found,
             "could not be read or decoded, for the <a href=#failed>reasons given</a>; its digests "
             "were looked up if it was read");
    fputs("</tbody>\n<tfoot><tr><th scope=row>found</th><td class=r>", out);
    hk__draw_count(out, a->found);
    fputs("</td><td class=r></td><td>", out);
    const uint64_t sum =
        by[HK_CLASS_HASHED] + by[HK_CLASS_DUPLICATE] + by[HK_CLASS_SKIPPED] + by[HK_CLASS_FAILED];
    fputs(sum == a->found ? "The account closes: " : "The account does not close: ", out);
    hk__draw_count(out, a->found);
    fputs(sum == a->found ? " = " : " &ne; ", out);
    for (int i = 0; i < HK_CLASSES; i++) {
        fputs(i ? " + " : "", out);
        hk__draw_count(out, by[i]);
    }
    fputs("</td></tr></tfoot>\n</table>\n", out);
    if (sum != a->found)
        fputs("<p class=warn><strong>Files are missing from the account: do not rely on this "
              "report.</strong></p>\n",
              out);
}

static void draw_verdicts(const hk__page *page)
{
    static const char *const columns[] = {"Verdict", "#Files", "#Share", "What it means", NULL};
    const hk_account *a = &page->account;
    hk__table_begin(page, "Each file that was found has one verdict", columns);
    draw_row(page, "<b class=exact>exact</b>", a->by_verdict[HK_VERDICT_EXACT], a->found,
             "a digest of its bytes is in a list of known images: the same bytes");
    draw_row(page, "<b class=near>near</b>", a->by_verdict[HK_VERDICT_NEAR], a->found,
             "its picture is so like a listed one that chance hardly explains it; to be looked at");
    draw_row(page, "none", a->by_verdict[HK_VERDICT_NONE], a->found,
             "it was checked against every list, and nothing known matches");
    draw_row(page, "not checked", a->by_verdict[HK_VERDICT_NOT_CHECKED], a->found,
             "no verdict can be given; never to be counted as clean");
    hk__table_end(page);
    if (a->known_good) {
        fputs("<p>", page->out);
        hk__draw_counted(page->out, a->known_good, "file is", "files are");
        fputs(" byte for byte in a list of known-good material. Known-good files stay in the "
              "account and in all "
              "reports, and are marked there.</p>\n",
              page->out);
    }
}

static hk_status part_account(const hk__page *page, hk_error *err)
{
    (void)err;
    hk__part_begin(page, "account", "The account");
    draw_classes(page);
    draw_verdicts(page);
    hk__part_end(page);
    return HK_OK;
}

/* ---- the page ------------------------------------------------------------------------------ */

static hk_status gather(hk__page *page, hk_error *err)
{
    hk_status status = hk_case_describe(&page->info, page->c, err);
    if (status)
        return status;
    page->info.version = page->info.model_checksum = page->info.calibration_checksum = NULL;
    status = hk_case_account(&page->account, page->c, err);
    if (!status)
        status = hk__survey_new(&page->survey, page->c, err);
    if (!status)
        status = hk__folders_end(&page->folders, &page->folder_count, &page->folders_with_hits,
                                 &page->folders_all, page->survey->folders, err);
    return status;
}

hk_status hk__report_html(FILE *out, hk_case *c, const hk_report_options *options, hk_error *err)
{
    static hk__part_fn *const parts[] = {part_account,       hk__part_lists,  hk__part_folders,
                                         hk__part_hits,      hk__part_groups, hk__part_decisions,
                                         hk__part_unchecked, hk__part_failed, hk__part_skipped,
                                         hk__part_distances, hk__part_time,   hk__part_run,
                                         hk__part_reading};
    const hk_report_options defaults = HK_REPORT_OPTIONS_INIT;
    hk__page page = {.out = out, .c = c, .options = options ? options : &defaults};
    hk_status status = gather(&page, err);
    if (!status) {
        draw_head(&page);
        draw_verdict(&page);
        draw_contents(&page);
    }
    for (size_t i = 0; !status && i < sizeof parts / sizeof *parts; i++)
        status = parts[i](&page, err);
    if (!status)
        fputs("</main>\n</body>\n</html>\n", out);
    hk__survey_free(page.survey);
    return status;
}
