/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_html_run.c - what was searched with what, when and where; how to read the page
 * (report_page.h). */
#include "report/report_page.h"

#include "case/case.h"

#include <string.h>

/* ---- settings ------------------------------------------------------------------------------ */

static void draw_radius(const hk__page *page, hk_kind kind)
{
    const int radius = page->info.radius[kind];
    fprintf(page->out, "<dt>Radius, %s</dt><dd>", hk__kind_words(kind));
    if (radius < 0)
        fputs("none: the hash of such a picture tells too little, so only digests count",
              page->out);
    else
        fprintf(page->out, "%d of 256 bits, and less", radius);
    fputs("</dd>\n", page->out);
}

static void draw_expected(const hk__page *page)
{
    const double expected = page->account.expected_false_matches;
    fputs("<dt>False near matches to expect</dt><dd>", page->out);
    if (expected <= 0) {
        fputs("none", page->out);
    } else if (expected > 0.5) {
        fputs("about ", page->out);
        hk__draw_round(page->out, expected);
        fputs(" in this run, if none of the pictures were known", page->out);
    } else {
        fputs("one in about ", page->out);
        hk__draw_round(page->out, 1 / (expected < 1e-12 ? 1e-12 : expected));
        fputs(" runs like this, if none of the pictures were known", page->out);
    }
    fputs("</dd>\n", page->out);
}

static hk_status draw_settings(const hk__page *page, hk_error *err)
{
    hk_case_info info;
    FILE *out = page->out;
    const hk_status status = hk_case_describe(&info, page->c, err);
    if (status)
        return status;
    fputs("<h3>Settings</h3>\n<dl>\n<dt>Profile</dt><dd>", out);
    fputs(info.profile == HK_PROFILE_GATE
              ? "gate: at most one false match expected in 1,000,000 innocent pictures"
              : "review: at most one false match expected in 1,000 innocent pictures",
          out);
    if (info.max_distance >= 0)
        fprintf(out, "; but the radius was set by hand, to %d", info.max_distance);
    fputs("</dd>\n", out);
    for (int kind = 0; kind < HK__KINDS; kind++)
        draw_radius(page, (hk_kind)kind);
    draw_expected(page);
    fputs("<dt>Hashes of known images</dt><dd>", out);
    hk__draw_count(out, info.hashes);
    fputs("</dd>\n<dt>Run by</dt><dd>Herken ", out);
    hk__draw_words(out, info.version ? info.version : "of an unknown version");
    fprintf(out,
            "</dd>\n<dt>This page by</dt><dd>Herken %s</dd>\n<dt>Hash model</dt><dd>%s, its "
            "numbers have the SHA-256 <span class=hex>",
            hk_version(), hk_model(0)->id);
    hk__draw_words(out, info.model_checksum);
    fputs(
        "</span></dd>\n<dt>Chances</dt><dd>from the calibration with the SHA-256 <span class=hex>",
        out);
    hk__draw_words(out, info.calibration_checksum);
    fputs("</span></dd>\n</dl>\n", out);
    return HK_OK;
}

static hk_status draw_every_setting(const hk__page *page, hk_error *err)
{
    static const char *const columns[] = {"Setting", "Value", NULL};
    sqlite3_stmt *get;
    bool more = true;
    hk_status status =
        hk__sql_prepare(&get, page->c->db, err,
                        "SELECT key, value FROM setting WHERE key <> 'state' ORDER BY key LIMIT ?1",
                        "i", (int64_t)HK__FACTS_MOST);
    if (status)
        return status;
    fputs("<details><summary>Every setting, as the case has it</summary>\n", page->out);
    hk__table_begin(page, "By name", columns);
    while (!status && !(status = hk__sql_step(&more, get, err)) && more) {
        fputs("<tr><th scope=row>", page->out);
        hk__draw_words(page->out, (const char *)sqlite3_column_text(get, 0));
        fputs("</th><td>", page->out);
        hk__draw_words(page->out, (const char *)sqlite3_column_text(get, 1));
        fputs("</td></tr>\n", page->out);
    }
    hk__table_end(page);
    fputs("</details>\n", page->out);
    sqlite3_finalize(get);
    return status;
}

/* ---- inputs, lists, sessions --------------------------------------------------------------- */

static hk_status draw_inputs(const hk__page *page, hk_error *err)
{
    static const char *const columns[] = {"As it was named", "Where that was", NULL};
    hk_status status = HK_OK;
    fputs("<h3>Evidence</h3>\n", page->out);
    hk__table_begin(page, "Files and folders that were searched, opened for reading only", columns);
    for (size_t i = 0; !status && i < page->info.inputs && i < HK__FACTS_MOST; i++) {
        hk_case_input input;
        status = hk_case_input_get(&input, page->c, i, err);
        if (status)
            break;
        fputs("<tr><th scope=row>", page->out);
        hk__draw_path(page->out, input.given);
        fputs("</th><td>", page->out);
        hk__draw_path(page->out, input.absolute);
        fputs("</td></tr>\n", page->out);
    }
    hk__table_end(page);
    if (page->info.inputs > HK__FACTS_MOST)
        fprintf(page->out, "<p class=warn>Shown are %d of %zu.</p>\n", HK__FACTS_MOST,
                page->info.inputs);
    return status;
}

static void draw_list(FILE *out, const hk_case_list *list)
{
    fputs("<tr><th scope=row>", out);
    hk__draw_words(out, list->name);
    fputs(list->known_good ? "</th><td><span class=\"mark good\">known good</span></td><td>"
                           : "</th><td>known</td><td>",
          out);
    hk__draw_path(out, list->source);
    fputs("</td><td class=r>", out);
    if (list->revision)
        hk__draw_count(out, list->revision);
    else
        fputs("a file", out);
    fputs("</td><td class=r>", out);
    hk__draw_count(out, list->entries);
    fputs("</td><td class=hex>", out);
    hk__draw_words(out, list->digest);
    fputs("</td></tr>\n", out);
}

static hk_status draw_lists(const hk__page *page, hk_error *err)
{
    static const char *const columns[] = {"List",     "Sort",   "From", "#Revision",
                                          "#Entries", "Digest", NULL};
    hk_status status = HK_OK;
    fputs("<h3>Lists</h3>\n", page->out);
    hk__table_begin(page,
                    "Lists that were searched, each as it was: the digest tells it from any "
                    "other state of it",
                    columns);
    for (size_t i = 0; !status && i < page->info.lists && i < HK__FACTS_MOST; i++) {
        hk_case_list list;
        status = hk_case_list_get(&list, page->c, i, err);
        if (!status)
            draw_list(page->out, &list);
    }
    hk__table_end(page);
    if (page->info.lists > HK__FACTS_MOST)
        fprintf(page->out, "<p class=warn>Shown are %d of %zu.</p>\n", HK__FACTS_MOST,
                page->info.lists);
    return status;
}

static void draw_session(FILE *out, size_t index, const hk_case_session *session)
{
    fprintf(out, "<tr><th scope=row class=r>%zu</th><td>", index + 1);
    hk__draw_time(out, session->started);
    fputs("</td><td>", out);
    if (session->ended)
        hk__draw_time(out, session->ended);
    else
        fputs("interrupted", out);
    fputs("</td><td class=r>", out);
    hk__draw_count(out, session->done);
    fprintf(out, "</td><td class=r>%u</td><td>", session->workers);
    hk__draw_words(out, session->machine);
    fputs("<details><summary>Versions</summary><pre>", out);
    for (const char *line = session->versions; line && *line;) {
        char text[200];
        const size_t length = strcspn(line, "\n");
        snprintf(text, sizeof text, "%.*s", (int)(length < 199 ? length : 199), line);
        hk__draw_words(out, text);
        fputc('\n', out);
        line += length + (line[length] == '\n');
    }
    fputs("</pre></details></td></tr>\n", out);
}

static hk_status draw_sessions(const hk__page *page, hk_error *err)
{
    static const char *const columns[] = {"#Session", "Started", "Ended", "#Files done",
                                          "#Workers", "Machine", NULL};
    hk_status status = HK_OK;
    fputs("<h3>Sessions</h3>\n", page->out);
    hk__table_begin(page, "Each start of the run; one that was interrupted went on in the next",
                    columns);
    for (size_t i = 0; !status && i < page->info.sessions && i < HK__FACTS_MOST; i++) {
        hk_case_session session;
        status = hk_case_session_get(&session, page->c, i, err);
        if (!status)
            draw_session(page->out, i, &session);
    }
    hk__table_end(page);
    if (page->info.sessions > HK__FACTS_MOST)
        fprintf(page->out, "<p class=warn>Shown are %d of %zu.</p>\n", HK__FACTS_MOST,
                page->info.sessions);
    return status;
}

hk_status hk__part_run(const hk__page *page, hk_error *err)
{
    hk__part_begin(page, "run", "What was searched with what");
    hk_status status = draw_inputs(page, err);
    if (!status)
        status = draw_lists(page, err);
    if (!status)
        status = draw_settings(page, err);
    if (!status)
        status = draw_every_setting(page, err);
    if (!status)
        status = draw_sessions(page, err);
    hk__part_end(page);
    return status;
}

/* ---- how to read it ------------------------------------------------------------------------ */

static const char reading[] =
    "<h3>What was compared</h3>\n"
    "<p>Of each file three digests were taken (MD5, SHA-1, SHA-256), numbers that follow from its "
    "bytes. Two files with the same SHA-256 are the same file. Of each picture a perceptual hash "
    "(PDQ, 256 bits) was made as well, which follows from how the picture looks at large: it "
    "hardly "
    "changes when the picture is made smaller, compressed again, turned or mirrored. The distance "
    "of "
    "two pictures is the number of bits in which their hashes differ, from 0 to 256; unrelated "
    "pictures are about 128 apart.</p>\n"
    "<h3>What a near hit is worth</h3>\n"
    "<p>Near is near enough if it lies within the radius of its kind of picture. The radius "
    "follows "
    "from the length of the lists and from how many false matches the profile allows; the chance "
    "beside each hit says how often an unrelated picture would come as close. It says nothing of "
    "related pictures: two photos of one scene, or two pages of one book, may be near without "
    "being "
    "copies. So a near hit is a reason to look, and what counts is what the person saw.</p>\n"
    "<h3>What the absence of a hit is worth</h3>\n"
    "<p><em>None</em> says that the lists named on this page, in the state named, hold neither the "
    "bytes nor a near picture. It does not say that a file is harmless. <em>Not checked</em> says "
    "nothing at all.</p>\n"
    "<h3>How words are shown</h3>\n"
    "<p>Names of files are other people&#39;s words. What could not be seen, or would change the "
    "order "
    "of letters, stands here as a number: <code>\\x1b</code> for a byte, <code>\\u202e</code> for "
    "a "
    "character, both coloured; a backslash stands doubled. Of long names the middle is left out. "
    "<code>archive.zip!/inner/photo.jpg</code> is a file inside an archive. All names are whole in "
    "the CSV and JSON Lines reports.</p>\n"
    "<h3>Whether it is genuine</h3>\n"
    "<p>The manifest that belongs to this case has the SHA-256 of the case and of each report, and "
    "may "
    "be signed: <code>herken report --verify MANIFEST</code> checks them. Apart from the times of "
    "the "
    "sessions, a second run over the same evidence with the same lists makes the same page.</p>\n";

hk_status hk__part_reading(const hk__page *page, hk_error *err)
{
    (void)err;
    hk__part_begin(page, "reading", "How to read this page");
    fputs(reading, page->out);
    hk__part_end(page);
    return HK_OK;
}
