/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_html_groups.c - look-alikes among the unknown, and what people decided (report_page.h). */
#include "report/report_page.h"
#include "report/thumbnails.h"

#include <string.h>

/* ---- groups -------------------------------------------------------------------------------- */

/* Where the drawing is. */
typedef struct place {
    uint64_t group, shown; /* its members, so far */
} place;

static void draw_decision(FILE *out, const hk_decision *decision)
{
    hk__draw_words(out, decision->category);
    fputs(" <span class=note>by ", out);
    hk__draw_words(out, decision->actor);
    fputs("</span>", out);
}

static void draw_summary(const hk__page *page, const hk_case_file *leader)
{
    FILE *out = page->out;
    const hk__group_size *size = &page->survey->groups[leader->group - 1];
    fprintf(out, "<details class=group id=group-%llu><summary>Group %llu: ",
            (unsigned long long)leader->group, (unsigned long long)leader->group);
    hk__draw_counted(out, size->contents, "picture", "pictures");
    if (size->files != size->contents) {
        fputs(" in ", out);
        hk__draw_counted(out, size->files, "file", "files");
    }
    fputs(", like ", out);
    hk__draw_path(out, leader->file.path);
    fputs(" <span class=note>&middot; ", out);
    if (!size->decided) {
        fputs("nothing decided", out);
    } else {
        hk__draw_count(out, size->decided);
        fputs(" of ", out);
        hk__draw_count(out, size->contents);
        fputs(" decided", out);
    }
    fputs("</span></summary>\n", out);
}

static void end_group(const hk__page *page, const place *at)
{
    if (!at->group)
        return;
    fputs("</tbody>\n</table>\n", page->out);
    const uint64_t files = page->survey->groups[at->group - 1].files;
    hk__tell_more(page, files, at->shown, "files of this group");
    fputs("</details>\n", page->out);
}

static hk_status draw_member(const hk__page *page, place *at, hk__thumbnails *thumbnails,
                             const hk_case_file *file, hk_error *err)
{
    static const char *const columns[] = {"File", "#Picture", "#Distance, bits", "Decided", NULL};
    FILE *out = page->out;
    if (file->group != at->group) {
        end_group(page, at);
        *at = (place){.group = file->group};
        draw_summary(page, file);
        const hk_status status =
            file->leader ? hk__thumbnails_draw(out, thumbnails, file, err) : HK_OK;
        if (status)
            return status;
        hk__table_begin(page, "The leader first, then by path", columns);
    }
    if (at->shown == HK__MEMBERS_MOST)
        return HK_OK;
    at->shown++;
    fputs("<tr><th scope=row>", out);
    hk__draw_path(out, file->file.path);
    fprintf(out, "%s</th><td class=r>%u &times; %u</td><td class=r>%u</td><td>",
            file->leader ? " <span class=note>leader</span>" : "", file->file.width,
            file->file.height, file->group_distance);
    if (file->decision)
        draw_decision(out, file->decision);
    fputs("</td></tr>\n", out);
    return HK_OK;
}

/* Goes through the groups that are shown; thumbnails are wanted first and drawn then. */
static hk_status each(const hk__page *page, hk__thumbnails *thumbnails, bool drawing, hk_error *err)
{
    hk_case_reading *reading;
    const hk_case_file *file;
    place at = {0};
    hk_status status = hk_case_reading_open(&reading, page->c, HK_CASE_GROUPED, err);
    if (status)
        return status;
    for (;;) {
        status = hk_case_reading_next(&file, reading, err);
        if (status || !file || file->group > HK__GROUPS_MOST)
            break;
        if (drawing)
            status = draw_member(page, &at, thumbnails, file, err);
        else if (file->group != at.group && file->leader)
            status = hk__thumbnails_want(thumbnails, file, err);
        if (status)
            break;
        at.group = file->group;
    }
    if (drawing && !status)
        end_group(page, &at);
    hk_case_reading_close(reading);
    return status;
}

hk_status hk__part_groups(const hk__page *page, hk_error *err)
{
    hk__thumbnails *thumbnails;
    FILE *out = page->out;
    hk__part_begin(page, "groups", "Look-alikes among the unknown");
    if (!page->info.groups) {
        fputs("<p>No two pictures without a match look alike.</p>\n", out);
        hk__part_end(page);
        return HK_OK;
    }
    fputs(
        "<p>Pictures that match no list, grouped by likeness: whoever has looked at one of a group "
        "has an idea of the others. The leader is the largest picture, and distances are to it. "
        "A likeness is a hint and no finding. The largest groups come first.</p>\n",
        out);
    hk_status status = hk__thumbnails_new(&thumbnails, page->c, page->options, err);
    if (status)
        return status;
    if (thumbnails)
        status = each(page, thumbnails, false, err);
    if (!status)
        status = each(page, thumbnails, true, err);
    hk__thumbnails_free(thumbnails);
    hk__tell_more(page, page->info.groups, HK__GROUPS_MOST, "groups");
    hk__part_end(page);
    return status;
}

/* ---- decisions ----------------------------------------------------------------------------- */

static void draw_categories(const hk__page *page)
{
    static const char *const columns[] = {"Category", "#Files", "#Different ones", NULL};
    const hk__tallies *decisions = &page->survey->decisions;
    hk__table_begin(page, "What was decided", columns);
    for (size_t i = 0; i < decisions->count; i++) {
        fputs("<tr><th scope=row>", page->out);
        hk__draw_kept_words(page->out, &decisions->tally[i].category);
        fputs("</th><td class=r>", page->out);
        hk__draw_count(page->out, decisions->tally[i].exact);
        fputs("</td><td class=r>", page->out);
        hk__draw_count(page->out, decisions->tally[i].contents);
        fputs("</td></tr>\n", page->out);
    }
    hk__table_end(page);
    if (decisions->left_out) {
        fputs("<p class=warn>", page->out);
        hk__draw_counted(page->out, decisions->left_out, "file", "files");
        fputs(" of further categories are in the CSV and JSON Lines reports alone.</p>\n",
              page->out);
    }
}

static void draw_decided(const hk__page *page, const hk_case_file *file)
{
    FILE *out = page->out;
    const hk_decision *decision = file->decision;
    fputs("<tr><th scope=row>", out);
    hk__draw_path(out, file->file.path);
    if (file->group > HK__GROUPS_MOST)
        fprintf(out, " <span class=note>group %llu</span>", (unsigned long long)file->group);
    else if (file->group)
        fprintf(out, " <a class=note href=#group-%u>group %u</a>", (unsigned)file->group,
                (unsigned)file->group);
    fputs("</th><td>", out);
    hk__draw_words(out, decision->category);
    fputs("</td><td>", out);
    hk__draw_words(out, decision->actor);
    fputs("</td><td>", out);
    hk__draw_time(out, decision->at);
    fputs("</td><td>", out);
    hk__draw_words(out, decision->reason);
    if (decision->carried) {
        fputs(decision->reason ? "<br>" : "", out);
        fputs("<span class=note>carried over from ", out);
        hk__draw_words(out, decision->carried);
        fputs("</span>", out);
    }
    fputs("</td></tr>\n", out);
}

hk_status hk__part_decisions(const hk__page *page, hk_error *err)
{
    static const char *const columns[] = {"File", "Category", "By", "When", "Why", NULL};
    hk_case_reading *reading;
    const hk_case_file *file = NULL;
    unsigned shown = 0;
    hk__part_begin(page, "decisions", "Decisions");
    if (!page->info.decisions) {
        fputs("<p>Nobody has decided anything in this case.</p>\n", page->out);
        hk__part_end(page);
        return HK_OK;
    }
    draw_categories(page);
    hk_status status =
        hk_case_reading_open(&reading, page->c, HK_CASE_DECIDED | HK_CASE_FIRSTS, err);
    if (status)
        return status;
    hk__table_begin(page, "Each different file once, by path", columns);
    do {
        status = hk_case_reading_next(&file, reading, err);
        if (!status && file && file->decision) {
            draw_decided(page, file);
            shown++;
        }
    } while (!status && file && shown < HK__DECISIONS_MOST);
    hk__table_end(page);
    hk__tell_more(page, page->info.decisions, shown, "decisions");
    hk__part_end(page);
    hk_case_reading_close(reading);
    return status;
}
