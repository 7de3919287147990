/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_request.c - any bytes as the body of a request: it is read, or refused with a status, a word
 * and a message that is fit for JSON; what was read is in its ranges.
 */
#include "request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

enum { ITEMS_MOST = 4 };

#define MUST(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static void look_at_refusal(const refusal *why)
{
    MUST(why->status == 400 || why->status == 413 || why->status == 503);
    MUST(why->code && *why->code && *why->message);
    for (const char *p = why->message; *p; p++)
        MUST(*p >= 0x20 && *p < 0x7f);
}

static void look_at_item(const hk_query *query, const check_item *item)
{
    uint64_t sum = 0;
    MUST(query->hash_count || query->digests.present);
    MUST(query->hash_count <= HK_QUERY_HASHES_MOST && query->digests.present <= HK_DIGEST_ALL);
    MUST(query->quality >= HK_NO_QUALITY && query->quality <= 100);
    MUST(query->kind == HK_NO_KIND || hk_kind_name((hk_kind)query->kind));
    MUST(!item->ref || strlen(item->ref) <= 256);
    for (size_t h = 0; h < query->hash_count; h++)
        sum += query->hashes[h].word[0] ^ query->hashes[h].word[3];
    volatile uint64_t read = sum;
    (void)read;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    check_request check;
    feedback_request feedback;
    refusal why = {0};
    if (request_read_check(&check, &why, (const char *)bytes, count, ITEMS_MOST)) {
        MUST(check.count && check.count <= ITEMS_MOST);
        for (size_t i = 0; i < check.count; i++)
            look_at_item(&check.queries[i], &check.items[i]);
        request_clear_check(&check);
    } else {
        look_at_refusal(&why);
    }
    why = (refusal){0};
    if (request_read_feedback(&feedback, &why, (const char *)bytes, count)) {
        MUST(feedback.match_id && (feedback.agree || (feedback.reason && *feedback.reason)));
        request_clear_feedback(&feedback);
    } else {
        look_at_refusal(&why);
    }
    return 0;
}
