/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_survey.c - see report_survey.h. */
#include "report/report_survey.h"

#include "core/error.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

const hk_match *hk__nearest_known(const hk_file *file)
{
    for (size_t m = 0; m < file->match_count; m++)
        if (file->matches[m].basis == HK_BASIS_PDQ && !file->matches[m].known_good)
            return &file->matches[m];
    return NULL;
}

/* Whether kept words are these; of long ones what is shown. */
static bool is_kept(const hk__kept_words *kept, const hk__kept_words *other)
{
    if (!kept->text || !other->text)
        return kept->text == other->text;
    return kept->left_out == other->left_out && !strcmp(kept->text, other->text);
}

/* ---- categories ---------------------------------------------------------------------------- */

/* The tally of these words, a new one where there is room; else NULL. */
static hk_status find_tally(hk__tally **out, hk__tallies *tallies, const char *list,
                            const char *category, hk_error *err)
{
    hk__tally wanted = {0};
    hk_status status = hk__keep_words(&wanted.list, list, err);
    if (!status)
        status = hk__keep_words(&wanted.category, category, err);
    *out = NULL;
    for (size_t i = 0; !status && !*out && i < tallies->count; i++) {
        hk__tally *tally = &tallies->tally[(tallies->found + i) % tallies->count];
        if (is_kept(&tally->category, &wanted.category) && is_kept(&tally->list, &wanted.list))
            *out = tally;
    }
    if (!status && !*out && tallies->count < HK__TALLIES_MOST) {
        *out = &tallies->tally[tallies->count++];
        **out = wanted;
    } else {
        hk__kept_words_free(&wanted.list);
        hk__kept_words_free(&wanted.category);
    }
    if (*out)
        tallies->found = (size_t)(*out - tallies->tally);
    return status;
}

/* Counts a file once, for the first of its matches in this list and category. */
static hk_status count_match(hk__survey *s, const hk_match *match, bool new_content, hk_error *err)
{
    hk__tally *tally;
    hk_status status = find_tally(&tally, &s->lists, match->list, match->category, err);
    if (status)
        return status;
    if (!tally) {
        s->lists.left_out++;
    } else if (tally->last != s->files) {
        tally->last = s->files;
        tally->known_good = match->known_good;
        tally->exact += match->basis != HK_BASIS_PDQ;
        tally->near += match->basis == HK_BASIS_PDQ;
        tally->contents += new_content;
    }
    return HK_OK;
}

static hk_status count_decision(hk__survey *s, const hk_decision *decision, bool new_content,
                                hk_error *err)
{
    hk__tally *tally;
    hk_status status = find_tally(&tally, &s->decisions, NULL, decision->category, err);
    if (!status && tally) {
        tally->exact++;
        tally->contents += new_content;
    } else if (!status) {
        s->decisions.left_out++;
    }
    return status;
}

static int compare_kept(const hk__kept_words *a, const hk__kept_words *b)
{
    return strcmp(a->text ? a->text : "", b->text ? b->text : "");
}

/* Known before known good, by list; the most files first. */
static int compare_tallies(const void *left, const void *right)
{
    const hk__tally *a = left, *b = right;
    int order = a->known_good - b->known_good;
    if (!order)
        order = compare_kept(&a->list, &b->list);
    if (!order)
        order =
            (a->exact + a->near < b->exact + b->near) - (a->exact + a->near > b->exact + b->near);
    return order ? order : compare_kept(&a->category, &b->category);
}

/* ---- statuses and reasons ------------------------------------------------------------------ */

static hk_status add_sample(hk__sample *sample, const char *path, const char *words, hk_error *err)
{
    hk_status status = HK_OK;
    sample->files++;
    if (sample->rows == HK__SAMPLES_MOST)
        return HK_OK;
    if (!sample->row) {
        sample->row = hk__alloc(HK__SAMPLES_MOST, sizeof *sample->row);
        if (!sample->row)
            return hk__fail_memory(err);
    }
    struct hk__sampled *row = &sample->row[sample->rows++];
    status = hk__keep_words(&row->path, path, err);
    return status ? status : hk__keep_words(&row->words, words, err);
}

static hk_status add_uncertain(hk__survey *s, const hk_file *file, hk_error *err)
{
    hk__kept_words key;
    hk_status status =
        hk__keep_words(&key, file->verdict_reason ? file->verdict_reason : "no reason given", err);
    if (status)
        return status;
    size_t i = 0;
    while (i < s->reasons && !is_kept(&s->uncertain[i].key, &key))
        i++;
    s->uncertain_files++;
    if (i == s->reasons && i < HK__REASONS_MOST) {
        s->uncertain[s->reasons++].key = key;
        key.text = NULL;
    }
    hk__kept_words_free(&key);
    if (i < HK__REASONS_MOST)
        return add_sample(&s->uncertain[i], file->path, file->reason, err);
    s->uncertain_unsorted++;
    return HK_OK;
}

/* ---- all files ----------------------------------------------------------------------------- */

/* Whether this content was not met before. */
static hk_status meet(bool *first, hk__survey *s, uint64_t content, hk_error *err)
{
    *first = false;
    if (!content)
        return HK_OK;
    if (content / 8 >= s->seen_bytes) {
        const size_t bytes = (size_t)(content / 8 + 1) * 2;
        uint8_t *grown = hk__realloc(s->seen, bytes, 1);
        if (!grown)
            return hk__fail_memory(err);
        memset(grown + s->seen_bytes, 0, bytes - s->seen_bytes);
        s->seen = grown;
        s->seen_bytes = bytes;
    }
    const uint8_t bit = (uint8_t)(1u << content % 8);
    *first = !(s->seen[content / 8] & bit);
    s->seen[content / 8] |= bit;
    return HK_OK;
}

static void count_verdict(hk__survey *s, const hk_file *file)
{
    s->conflicts += file->conflict;
    s->exact += !file->conflict && file->verdict == HK_VERDICT_EXACT;
    s->near += !file->conflict && file->verdict == HK_VERDICT_NEAR;
    const hk_match *nearest = file->verdict == HK_VERDICT_NEAR ? hk__nearest_known(file) : NULL;
    if (nearest)
        s->near_by_distance[file->fingerprint.kind][nearest->distance]++;
}

static void count_group(hk__survey *s, const hk_case_file *of, bool new_content)
{
    if (!of->group || of->group > HK__GROUPS_MOST)
        return;
    hk__group_size *size = &s->groups[of->group - 1];
    size->files++;
    size->contents += new_content;
    size->decided += new_content && of->decision;
}

static hk_status count_file(hk__survey *s, const hk_case_file *of, hk_error *err)
{
    bool new_content;
    const hk_file *file = &of->file;
    const hk_file_class class = hk_file_status_class(file->status);
    s->files++;
    count_verdict(s, file);
    hk_status status = meet(&new_content, s, of->content, err);
    if (!status)
        status = hk__folders_add(s->folders, file->path, file->verdict, err);
    for (size_t m = 0; !status && m < file->match_count; m++)
        status = count_match(s, &file->matches[m], new_content, err);
    if (!status && of->decision)
        status = count_decision(s, of->decision, new_content, err);
    if (!status && (class == HK_CLASS_FAILED || class == HK_CLASS_SKIPPED))
        status = add_sample(&s->by_status[file->status], file->path, file->reason, err);
    if (!status && class != HK_CLASS_FAILED && file->verdict == HK_VERDICT_NOT_CHECKED)
        status = add_uncertain(s, file, err);
    if (!status)
        count_group(s, of, new_content);
    return status;
}

static hk_status fill(hk__survey *s, hk_case *c, hk_error *err)
{
    hk_case_reading *reading;
    const hk_case_file *file;
    s->lists.tally = hk__alloc(HK__TALLIES_MOST, sizeof *s->lists.tally);
    s->decisions.tally = hk__alloc(HK__TALLIES_MOST, sizeof *s->decisions.tally);
    if (!s->lists.tally || !s->decisions.tally)
        return hk__fail_memory(err);
    hk_status status = hk__folders_new(&s->folders, err);
    if (!status)
        status = hk_case_reading_open(&reading, c, 0, err);
    if (status)
        return status;
    do {
        status = hk_case_reading_next(&file, reading, err);
        if (!status && file)
            status = count_file(s, file, err);
    } while (!status && file);
    hk_case_reading_close(reading);
    qsort(s->lists.tally, s->lists.count, sizeof *s->lists.tally, compare_tallies);
    qsort(s->decisions.tally, s->decisions.count, sizeof *s->decisions.tally, compare_tallies);
    return status;
}

hk_status hk__survey_new(hk__survey **out, hk_case *c, hk_error *err)
{
    hk__survey *s = hk__alloc(1, sizeof *s);
    if (!s)
        return hk__fail_memory(err);
    const hk_status status = fill(s, c, err);
    if (status)
        hk__survey_free(s);
    else
        *out = s;
    return status;
}

static void free_tallies(hk__tallies *tallies)
{
    for (size_t i = 0; i < tallies->count; i++) {
        hk__kept_words_free(&tallies->tally[i].list);
        hk__kept_words_free(&tallies->tally[i].category);
    }
    hk__free(tallies->tally);
}

static void free_sample(hk__sample *sample)
{
    for (size_t i = 0; i < sample->rows; i++) {
        hk__kept_words_free(&sample->row[i].path);
        hk__kept_words_free(&sample->row[i].words);
    }
    hk__free(sample->row);
    hk__kept_words_free(&sample->key);
}

void hk__survey_free(hk__survey *s)
{
    if (!s)
        return;
    free_tallies(&s->lists);
    free_tallies(&s->decisions);
    for (size_t i = 0; i < HK_FILE_STATUSES; i++)
        free_sample(&s->by_status[i]);
    for (size_t i = 0; i < HK__REASONS_MOST; i++)
        free_sample(&s->uncertain[i]);
    hk__folders_free(s->folders);
    hk__free(s->seen);
    hk__free(s);
}
