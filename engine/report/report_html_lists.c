/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_html_lists.c - hits by list and category, and by folder (report_page.h). */
#include "report/report_page.h"

static void draw_number(const hk__page *page, uint64_t number)
{
    fputs("<td class=r>", page->out);
    hk__draw_count(page->out, number);
    fputs("</td>", page->out);
}

static void draw_tally(const hk__page *page, const hk__tally *tally)
{
    FILE *out = page->out;
    fputs("<tr><th scope=row>", out);
    hk__draw_kept_words(out, &tally->list);
    if (tally->known_good)
        fputs(" <span class=\"mark good\">known good</span>", out);
    fputs("</th><td>", out);
    if (tally->category.text)
        hk__draw_kept_words(out, &tally->category);
    else
        fputs("<span class=note>none given</span>", out);
    fputs("</td>", out);
    draw_number(page, tally->exact);
    draw_number(page, tally->near);
    draw_number(page, tally->contents);
    fputs("</tr>\n", out);
}

hk_status hk__part_lists(const hk__page *page, hk_error *err)
{
    static const char *const columns[] = {
        "List", "Category", "#By the same bytes", "#By nearly the same picture", "#Different ones",
        NULL};
    (void)err;
    const hk__tallies *lists = &page->survey->lists;
    hk__part_begin(page, "lists", "Hits by list and category");
    if (!lists->count) {
        fputs("<p>No list holds anything that was found.</p>\n", page->out);
        hk__part_end(page);
        return HK_OK;
    }
    fputs("<p>A file that several lists or categories hold counts in each of them. The last column "
          "counts equal files once. What is near known-good material proves nothing, and makes no "
          "verdict.</p>\n",
          page->out);
    hk__table_begin(page, "Files that match, by list and category", columns);
    for (size_t i = 0; i < lists->count; i++)
        draw_tally(page, &lists->tally[i]);
    hk__table_end(page);
    if (lists->left_out) {
        fputs("<p class=warn>There are more categories than this page has room for: ", page->out);
        hk__draw_counted(page->out, lists->left_out, "match", "matches");
        fputs(" in others are in the CSV and JSON Lines reports alone.</p>\n", page->out);
    }
    hk__part_end(page);
    return HK_OK;
}

/* ---- folders ------------------------------------------------------------------------------- */

static void draw_folder(const hk__page *page, const hk__folder *folder)
{
    FILE *out = page->out;
    const uint64_t hits = folder->exact + folder->near;
    fputs("<tr><th scope=row>", out);
    if (folder->path.text && *folder->path.text)
        hk__draw_kept_path(out, &folder->path);
    else
        fputs("files that were named by themselves", out);
    fputs("</th>", out);
    draw_number(page, hits);
    draw_number(page, folder->exact);
    draw_number(page, folder->near);
    draw_number(page, folder->files);
    fputs("<td class=r>", out);
    hk__draw_share(out, hits, folder->files);
    fputs("</td><td class=r>", out);
    hk__draw_share(out, (uint64_t)(folder->borne_out * 1000000), 1000000);
    fputs("</td></tr>\n", out);
}

hk_status hk__part_folders(const hk__page *page, hk_error *err)
{
    static const char *const columns[] = {"Folder", "#Hits",  "#Exact",    "#Near",
                                          "#Files", "#Share", "#At least", NULL};
    (void)err;
    FILE *out = page->out;
    hk__part_begin(page, "folders", "Folders by density of hits");
    if (!page->folder_count) {
        fputs("<p>No folder has a hit.</p>\n", out);
        hk__part_end(page);
        return HK_OK;
    }
    fputs("<p>Of ", out);
    hk__draw_counted(out, page->folders_all, "folder with files in it",
                     "folders with files in them");
    fprintf(out, ", ");
    hk__draw_count(out, page->folders_with_hits);
    fputs(page->folders_with_hits == 1 ? " has hits" : " have hits", out);
    fputs(". A file counts in the folder it lies in, not in those above; an archive is a folder. "
          "Few files prove little: the order is by the share that the numbers bear out at least "
          "(lower end of its 95 % interval), so that 1 of 1 does not stand above 90 of 100.</p>\n",
          out);
    hk__table_begin(page, "The densest first", columns);
    for (size_t i = 0; i < page->folder_count; i++)
        draw_folder(page, &page->folders[i]);
    hk__table_end(page);
    hk__tell_more(page, page->folders_with_hits, page->folder_count, "folders with hits");
    hk__part_end(page);
    return HK_OK;
}
