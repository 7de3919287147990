/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check_answer.c - reading a server's answer, which may be anything.
 *
 * An answer that is not of the form, names a ref that was not asked or one twice, is thrown away as
 * a whole: it may be another's. A ref that is missing, or whose verdict nobody knows, costs that
 * item alone.
 */
#include "check_parts.h"

#include <stdio.h>
#include <string.h>

enum { MOST_CATEGORIES = 64, LONGEST_CATEGORY = 256 };

void check_answer_clear(check_answer *answer)
{
    json_decref(answer->categories);
    *answer = (check_answer){0};
}

/* A word of ours or the server's: for machines, so nothing but these. False: it is none. */
static bool take_word(char *out, size_t size, const json_t *value)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const char *text = json_string_value(value);
    if (!text || !*text || strlen(text) >= size || text[strspn(text, allowed)])
        return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

/* Those that can be shown; what is none is left out, since the verdict stands by itself. */
static json_t *take_categories(const json_t *value)
{
    json_t *taken = NULL;
    for (size_t i = 0; i < json_array_size(value) && i < MOST_CATEGORIES; i++) {
        const char *text = json_string_value(json_array_get(value, i));
        bool plain = text && *text && strlen(text) <= LONGEST_CATEGORY;
        for (const char *p = text; plain && *p; p++)
            plain = (unsigned char)*p >= ' ' && *p != 127;
        if (plain && !taken)
            taken = json_array();
        if (plain)
            json_array_append_new(taken, json_string(text));
    }
    return taken;
}

static void take(check_answer *out, const json_t *result)
{
    const char *verdict = json_string_value(json_object_get(result, "verdict"));
    const json_t *reason = json_object_get(result, "reason");
    *out = (check_answer){.asked = true};
    int v = 0;
    while (v < HK_VERDICTS && (!verdict || strcmp(verdict, hk_verdict_name((hk_verdict)v))))
        v++;
    if (v == HK_VERDICTS) {
        out->asked = false;
        snprintf(out->reason, sizeof out->reason, "bad_answer");
        return;
    }
    out->verdict = (hk_verdict)v;
    if (v == HK_VERDICT_NOT_CHECKED && !take_word(out->reason, sizeof out->reason, reason))
        snprintf(out->reason, sizeof out->reason, "server");
    take_word(out->match_id, sizeof out->match_id, json_object_get(result, "match_id"));
    out->categories = take_categories(json_object_get(result, "categories"));
}

/* Which of the refs it is; count: none. They end in their number. */
static size_t place_of(const char *ref, const char (*refs)[CHECK_REF_SIZE], size_t count)
{
    size_t i = 0;
    while (i < count && strcmp(ref, refs[i]))
        i++;
    return i;
}

/* Which result answers which ref; NULL: none. False: none of it can be relied on. */
static bool assign(const json_t **found, const json_t *results, const char (*refs)[CHECK_REF_SIZE],
                   size_t count, char words[CHECK_WORDS_SIZE])
{
    size_t guess = 0; /* answers mostly come in the order of the questions */
    for (size_t r = 0; r < json_array_size(results); r++, guess++) {
        const json_t *result = json_array_get(results, r);
        const char *ref = json_string_value(json_object_get(result, "ref"));
        if (!ref) {
            snprintf(words, CHECK_WORDS_SIZE, "a result without its ref");
            return false;
        }
        if (guess >= count || strcmp(ref, refs[guess]))
            guess = place_of(ref, refs, count);
        if (guess == count || found[guess]) {
            snprintf(words, CHECK_WORDS_SIZE,
                     guess == count ? "a result for what was not asked"
                                    : "two results for one item");
            return false;
        }
        found[guess] = result;
    }
    return true;
}

bool check_answers_read(check_answer *answers, const char (*refs)[CHECK_REF_SIZE], size_t count,
                        const char *body, size_t length, char words[CHECK_WORDS_SIZE])
{
    const json_t *found[CHECK_BATCH] = {0};
    json_t *root = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *results = json_object_get(root, "results");
    const json_t *revision = json_object_get(root, "revision");
    bool good = false;
    if (!root)
        snprintf(words, CHECK_WORDS_SIZE, "it is no JSON");
    else if (!json_is_array(results) || (!json_is_integer(revision) && !json_is_string(revision)))
        snprintf(words, CHECK_WORDS_SIZE, "it has no results, or no revision");
    else if (count <= CHECK_BATCH)
        good = assign(found, results, refs, count, words);
    for (size_t i = 0; good && i < count; i++)
        if (found[i])
            take(&answers[i], found[i]);
    json_decref(root);
    return good;
}
