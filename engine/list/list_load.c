/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list_load.c - a list for matching from a file of any format (hk_list_load, herken.h). */
#include "core/digest.h"
#include "feed/feed.h"
#include "list/list.h"

static hk_status take_item(void *context, const hk__feed_item *item, hk_error *err)
{
    return item->withdraw ? HK_OK : hk__list_add(context, &item->entry, item->line, err);
}

static hk_status take_bad(void *context, size_t line, const char *reason, hk_error *err)
{
    return hk__list_add_bad(context, line, false, reason, err);
}

hk_status hk_list_load(hk_list **out, const char *path, const char *name, hk_error *err)
{
    hk_list *list;
    hk_status status = hk__list_new(&list, name, err);
    if (status)
        return status;
    hk_digests digests;
    const hk__sink sink = {
        .item = take_item, .bad = take_bad, .context = list, .raw = true, .digests = &digests};
    status = hk__feed_read(path, NULL, &sink, err);
    if (status) {
        hk_list_free(list);
        return status;
    }
    hk__digest_hex(list->digest, digests.sha256, sizeof digests.sha256);
    *out = list;
    return HK_OK;
}
