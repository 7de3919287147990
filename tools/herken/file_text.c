/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file_text.c - see file_text.h. */
#include "file_text.h"

#include "output.h"

#include <stdlib.h>
#include <string.h>

static bool is_same_entry(const hk_match *a, const hk_match *b)
{
    return !strcmp(a->list, b->list) && !strcmp(a->entry, b->entry);
}

/* Whether the row of a digest, which come first, was of the same entry. */
static bool is_told(const hk_file *file, size_t match)
{
    const hk_match *all = file->matches;
    for (size_t i = 0; i < match && all[i].basis != HK_BASIS_PDQ; i++)
        if (is_same_entry(&all[i], &all[match]))
            return true;
    return false;
}

/* "md5 sha256": the digests that the file shares with the entry of this match. */
static void name_digests(char out[32], const hk_file *file, size_t match)
{
    const hk_match *all = file->matches;
    size_t length = 0;
    *out = '\0';
    for (size_t i = match; i < file->match_count && all[i].basis != HK_BASIS_PDQ; i++)
        if (is_same_entry(&all[i], &all[match]) && !strstr(out, hk_basis_name(all[i].basis)))
            length += (size_t)snprintf(out + length, 32 - length, "%s%s", length ? " " : "",
                                       hk_basis_name(all[i].basis));
}

/* A row for an entry, with all that it shares with the file. */
static void print_match(const hk_file *file, size_t index)
{
    const hk_match *match = &file->matches[index];
    char digests[32];
    char *entry = output_printable(match->entry);
    char *category = match->category ? output_printable(match->category) : NULL;
    name_digests(digests, file, index);
    if (match->basis == HK_BASIS_PDQ)
        printf("         %3u bits  %-10s  %s", match->distance,
               hk_orientation_name(match->orientation), entry ? entry : "?");
    else
        printf("         same %-15s  %s", digests, entry ? entry : "?");
    if (category)
        printf("  [%s]", category);
    char *list = output_printable(match->list);
    const bool by_exact = match->probe && !match->aligned && !strcmp(match->probe, "exact");
    char view[HK_VIEW_WORDS_SIZE];
    printf("  in %s%s%s%s%s\n", list ? list : "?", match->known_good ? "  (known good)" : "",
           match->inverted ? "  (colours inverted)" : "", by_exact ? "  (exact grid)" : "",
           hk_view_words(view, match));
    free(list);
    free(entry);
    free(category);
}

/* What known-good lists have to say of a file, in words; NULL: nothing. */
static const char *good_words(const hk_file *file)
{
    if (!file->conflict)
        return file->known_good ? "known good" : NULL;
    if (file->verdict == HK_VERDICT_NONE)
        return "CONFLICT: known good, but near a known image";
    return file->known_good ? "CONFLICT: in a known-good list too"
                            : "CONFLICT: near known-good material too";
}

/* The nearest of the known ones; NULL: there is none. */
static const hk_match *nearest_known(const hk_file *file)
{
    for (size_t i = 0; i < file->match_count; i++)
        if (file->matches[i].basis == HK_BASIS_PDQ && !file->matches[i].known_good)
            return &file->matches[i];
    return NULL;
}

/* Of a case, both may be anybody's words. */
static void print_reason(const hk_file *file)
{
    char *what = output_printable(file->verdict_reason ? file->verdict_reason
                                                       : hk_file_status_name(file->status));
    char *why = file->reason ? output_printable(file->reason) : NULL;
    printf("  (%s%s%s)", what ? what : "?", file->reason ? ": " : "", why ? why : "");
    free(what);
    free(why);
}

static bool is_hit(const hk_file *file)
{
    return file->verdict == HK_VERDICT_EXACT || file->verdict == HK_VERDICT_NEAR;
}

bool file_text_has(const hk_file *file)
{
    const bool failed = hk_file_status_class(file->status) == HK_CLASS_FAILED;
    const bool unsure = file->verdict == HK_VERDICT_NOT_CHECKED &&
                        hk_file_status_class(file->status) != HK_CLASS_SKIPPED;
    return is_hit(file) || unsure || failed || file->conflict;
}

bool file_text_print(const hk_file *file, bool all, uint64_t entries)
{
    const bool hit = is_hit(file);
    if (!all && !file_text_has(file))
        return true;
    const char *good = good_words(file);
    char *path = output_printable(file->path);
    printf("%-7s  %s",
           hit                                ? hk_verdict_name(file->verdict)
           : file->verdict == HK_VERDICT_NONE ? "none"
                                              : "not checked",
           path ? path : "?");
    if (file->verdict_reason || file->status != HK_FILE_OK)
        print_reason(file);
    if (good)
        printf("  (%s)", good);
    putchar('\n');
    free(path);
    for (size_t i = 0; i < file->match_count; i++)
        if (!is_told(file, i))
            print_match(file, i);
    const hk_match *nearest = file->verdict == HK_VERDICT_NEAR ? nearest_known(file) : NULL;
    char words[HK_CHANCE_WORDS_SIZE];
    char place[HK_PLACEMENT_WORDS_SIZE];
    if (nearest)
        printf("         %u bits%s%s: %s%s\n", nearest->distance,
               nearest->aligned ? " once aligned, " : "", hk_placement_words(place, nearest),
               hk_chance_words(words, nearest->aligned ? HK_KIND_PHOTO : file->fingerprint.kind,
                               nearest->chance, entries),
               nearest->chance_extrapolated ? " (extrapolated)" : "");
    return !ferror(stdout);
}
