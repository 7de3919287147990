/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recall_strangers.c - how near different pictures come, and which pairs may be none; see recall.h.
 *
 * Every original is looked up among all other originals and all distractors. A pair of images
 * counts once for each kind: with the first as the query, and where the second is of another kind,
 * the other way round as well.
 *
 * A folder of photos holds copies of its own pictures more often than not, and a copy among the
 * strangers looks like a false match. So close pairs go into a file, a person writes into its last
 * column what they are, and the next run reads it back.
 */
#include "recall.h"

#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const judgements[] = {"", "same", "different", "unsure"};

/* ---- what was judged before ---------------------------------------------------------------- */

typedef struct verdict {
    char *a, *b; /* borrowed from the text of the file */
    recall_judgement judged;
} verdict;

typedef struct verdicts {
    char *text;      /* owned */
    verdict *sorted; /* owned */
    size_t count;
} verdicts;

static int by_names(const void *x, const void *y)
{
    const verdict *v = x, *w = y;
    const int order = strcmp(v->a, w->a);
    return order ? order : strcmp(v->b, w->b);
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t capacity = 0;
    /* No NUL in it: so this reads to its end. */
    if (file && getdelim(&text, &capacity, '\0', file) < 0 && !ferror(file))
        errno = ENODATA;
    else if (file && !feof(file))
        errno = EILSEQ;
    else if (file) {
        fclose(file);
        return text;
    }
    if (file)
        fclose(file);
    free(text);
    return NULL;
}

/* Cuts the next field out of a CSV text, in place. *last: it ends its line. */
static char *next_field(char **at, bool *last)
{
    char *field = *at, *to = *at, *p = *at;
    bool quoted = *p == '"';
    p += quoted;
    for (; *p && (quoted || !strchr(",\r\n", *p)); p++) {
        if (quoted && *p == '"' && p[1] != '"')
            quoted = false;
        else {
            p += quoted && *p == '"';
            *to++ = *p;
        }
    }
    *last = *p != ',';
    p += *p == '\r';
    *at = *p ? p + 1 : p;
    *to = '\0';
    return field;
}

enum { A, B, JUDGED, COLUMNS };

static int judgement_of(const char *text)
{
    for (int j = 0; j <= RECALL_UNSURE; j++)
        if (!strcmp(text, judgements[j]))
            return j;
    return -1;
}

/* One line; a header has the places of the columns taken from it. */
static int read_verdict(verdicts *v, char **at, size_t line, int place[COLUMNS], const char *path)
{
    static const char *const names[COLUMNS] = {"a", "b", "judged"};
    char *value[COLUMNS] = {NULL, NULL, NULL};
    bool last = false;
    for (int column = 0; !last; column++) {
        char *field = next_field(at, &last);
        if (line > 1 && column == 0 && last && !*field)
            return -1; /* an empty line, as editors leave them */
        for (int c = 0; c < COLUMNS; c++) {
            if (line == 1 && !strcmp(field, names[c]))
                place[c] = column;
            if (place[c] == column)
                value[c] = field;
        }
    }
    if (line == 1)
        return value[A] && value[B] && value[JUDGED]
                   ? -1
                   : cli_usage("%s: its first line does not name columns a, b and judged", path);
    if (!value[A] || !value[B] || !value[JUDGED])
        return cli_usage("%s: line %zu has too few fields", path, line);
    const int judged = judgement_of(value[JUDGED]);
    if (judged < 0)
        return cli_usage("%s: line %zu: judged is same, different, unsure or empty, not '%s'", path,
                         line, value[JUDGED]);
    v->sorted[v->count++] = (verdict){value[A], value[B], (recall_judgement)judged};
    return -1;
}

static int read_verdicts(verdicts *v, const char *path)
{
    size_t lines = 2, line = 0;
    int place[COLUMNS] = {-1, -1, -1}, code = -1;
    v->text = read_text(path);
    if (!v->text) {
        cli_say("cannot read %s: %s", path, strerror(errno));
        return CLI_USAGE;
    }
    for (const char *p = v->text; *p; p++)
        lines += *p == '\n';
    v->sorted = calloc(lines, sizeof *v->sorted);
    if (!v->sorted)
        return recall_no_memory();
    char *at = v->text;
    at += !strncmp(at, "\xef\xbb\xbf", 3) ? 3
                                          : 0; /* spreadsheets write a mark before the first name */
    while (code < 0 && *at)
        code = read_verdict(v, &at, ++line, place, path);
    qsort(v->sorted, v->count, sizeof *v->sorted, by_names);
    return code;
}

static recall_judgement look_up(const verdicts *v, char *a, char *b)
{
    const verdict one = {a, b, 0}, other = {b, a, 0};
    const verdict *found = NULL;
    if (v->count)
        found = bsearch(&one, v->sorted, v->count, sizeof one, by_names);
    if (v->count && !found)
        found = bsearch(&other, v->sorted, v->count, sizeof other, by_names);
    return found ? found->judged : RECALL_UNJUDGED;
}

/* ---- close pairs --------------------------------------------------------------------------- */

static bool keep_leak(recall_run *run, recall_leak *leak)
{
    if ((run->leak_count & (run->leak_count - 1)) == 0) {
        const size_t capacity = run->leak_count ? run->leak_count * 2 : 1;
        recall_leak *grown = realloc(run->leak, capacity * sizeof *grown);
        if (!grown)
            return false;
        run->leak = grown;
    }
    run->leak[run->leak_count++] = *leak;
    run->judged_pairs[leak->judged]++;
    return true;
}

/* Which view of the query lies nearest. */
static void find_view(recall_leak *leak, const recall_print *query, const hk_hash *entry)
{
    leak->distance = HK_HASH_BITS;
    for (int o = 0; o < HK_ORIENTATIONS; o++) {
        const unsigned plain = hk_hash_distance(&query->hash[o], entry);
        const bool inverted = HK_HASH_BITS - plain < plain;
        const unsigned distance = inverted ? HK_HASH_BITS - plain : plain;
        if (distance < leak->distance) {
            leak->distance = distance;
            leak->orientation = (hk_orientation)o;
            leak->inverted = inverted;
        }
    }
}

/* What is known of a close pair; `second` is SIZE_MAX for an entry of a list. */
static int judge(recall_run *run, const verdicts *v, const recall_picture *query, size_t second,
                 const hk_hash *entry, unsigned aligned, recall_judgement *judged)
{
    char text[HK_HASH_TEXT_SIZE];
    hk_hash_format(text, entry);
    recall_leak leak = {.a = strdup(query->name),
                        .b = strdup(second == SIZE_MAX ? text : run->picture[second].name),
                        .b_is_original = second < run->original_count,
                        .aligned = aligned};
    if (leak.a && leak.b) {
        find_view(&leak, &query->print, entry);
        *judged = leak.judged = look_up(v, leak.a, leak.b);
        if (keep_leak(run, &leak))
            return -1;
    }
    free(leak.a);
    free(leak.b);
    return recall_no_memory();
}

/* ---- pairs --------------------------------------------------------------------------------- */

/* Distances by every method, of picture `query` to an entry: a picture, or a hash of the list. */
static void measure(unsigned out[], const recall_run *run, size_t query, size_t entry,
                    const recall_near *near)
{
    const recall_print *print = &run->picture[query].print;
    for (size_t m = 0; m < run->method_count; m++)
        out[m] = recall_distance(&run->method[m], run->reach, print, near,
                                 entry < run->picture_count ? &run->picture[entry].print : NULL);
}

static unsigned nearest_aligned(const recall_near *near)
{
    unsigned least = HK_HASH_BITS;
    for (int set = 0; set < HK_PROBES_SETS; set++)
        least = near->aligned[set] < least ? near->aligned[set] : least;
    return least;
}

/* `second` counts on from the pictures to the entries of the list. */
static int compare(recall_run *run, const verdicts *v, size_t first, size_t second,
                   unsigned distance[])
{
    const bool listed = second >= run->picture_count;
    const recall_print *query = &run->picture[first].print;
    const recall_print *other = listed ? NULL : &run->picture[second].print;
    const hk_hash *entry = listed ? &run->entry[second - run->picture_count] : other->hash;
    recall_judgement judged = RECALL_DIFFERENT;
    recall_near near;
    recall_near_take(&near, query, entry);
    recall_align_look_up(near.aligned, run, first, second);
    const unsigned aligned = nearest_aligned(&near);
    if (near.plain <= RECALL_LEAK_DISTANCE || aligned <= RECALL_LEAK_ALIGNED) {
        const int code = judge(run, v, &run->picture[first], listed ? SIZE_MAX : second, entry,
                               aligned, &judged);
        if (code >= 0 || judged == RECALL_SAME)
            return code;
    }
    measure(distance, run, first, second, &near);
    for (size_t m = 0; m < run->method_count; m++) {
        run->strangers.kind[m][query->kind][distance[m]]++;
        run->strangers.once[m][query->kind][distance[m]]++;
        if (judged == RECALL_DIFFERENT)
            run->strangers.clean[m][distance[m]]++;
    }
    if (!other || other->kind == query->kind)
        return -1;
    recall_near_take(&near, other, &query->hash[HK_ORIGINAL]);
    recall_align_look_up(near.aligned, run, second, first);
    measure(distance, run, second, first, &near);
    for (size_t m = 0; m < run->method_count; m++)
        run->strangers.kind[m][other->kind][distance[m]]++;
    return -1;
}

int recall_compare_strangers(recall_run *run)
{
    recall_strangers *s = &run->strangers;
    verdicts v = {0};
    unsigned *distance = calloc(run->method_count, sizeof *distance);
    s->kind = calloc(run->method_count, sizeof *s->kind);
    s->once = calloc(run->method_count, sizeof *s->once);
    s->clean = calloc(run->method_count, sizeof *s->clean);
    int code = distance && s->kind && s->once && s->clean ? -1 : recall_no_memory();
    if (code < 0 && run->judged)
        code = read_verdicts(&v, run->judged);
    if (code < 0)
        code = recall_align_strangers(run);
    const size_t all = run->picture_count + run->entry_count;
    for (size_t i = 0; code < 0 && i < run->original_count; i++) {
        for (size_t j = i + 1; code < 0 && j < all; j++)
            code = compare(run, &v, i, j, distance);
        if (code < 0 && recall_stopped())
            code = CLI_SYSTEM;
    }
    free(distance);
    free(v.text);
    free(v.sorted);
    return code;
}

void recall_write_leaks(FILE *file, const recall_run *run)
{
    fputs("a,b,b_is,distance,orientation,inverted,aligned,judged\n", file);
    for (size_t i = 0; i < run->leak_count; i++) {
        const recall_leak *leak = &run->leak[i];
        output_csv_field(file, leak->a);
        fputc(',', file);
        output_csv_field(file, leak->b);
        fprintf(file, ",%s,%u,%s,%s,", leak->b_is_original ? "original" : "distractor",
                leak->distance, hk_orientation_name(leak->orientation),
                leak->inverted ? "yes" : "no");
        if (leak->aligned < HK_HASH_BITS)
            fprintf(file, "%u", leak->aligned);
        fprintf(file, ",%s\n", judgements[leak->judged]);
    }
}
