/* SPDX-License-Identifier: GPL-3.0-or-later */
/* checked.c - one checked file: from the pool's result to its verdict (checker.h). */
#include "batch/checker.h"
#include "core/error.h"
#include "core/mem.h"

#include <string.h>

void hk__checked_free(hk__checked *checked)
{
    if (!checked)
        return;
    hk__judgement_clear(&checked->judgement);
    hk__free(checked->member);
    hk__views_clear(&checked->views);
    hk__free(checked);
}

/* The views become the caller's, and the first one is what the file says of itself. */
static void keep_views(hk__checked *checked, hk__views *views)
{
    hk_file *file = &checked->file;
    hk__views_move(&checked->views, views);
    if (!checked->views.count)
        return;
    const hk_view *first = checked->views.view;
    file->views = first;
    file->view_count = checked->views.count;
    file->hashed = true;
    file->fingerprint = first->fingerprint;
    file->has_exact_hash = first->has_exact_hash;
    memcpy(file->exact_hash, first->exact_hash, sizeof file->exact_hash);
    file->raster = first->raster;
    file->raster_width = first->raster_width;
    file->raster_height = first->raster_height;
    for (size_t v = 0; v < file->view_count; v++)
        file->flags |= file->views[v].flags;
}

hk_status hk__checked_make(hk__checked **out, const hk__pool_result *result, hk_error *err)
{
    const hk__picture *picture = &result->reply->picture;
    hk_status status = HK_OK;
    hk__checked *checked = hk__alloc(1, sizeof *checked);
    if (!checked)
        return hk__fail_memory(err);
    hk_file *file = &checked->file;
    checked->tag = result->tag;
    checked->last = result->last;
    checked->number = result->member_number;
    checked->seen = picture->status == HK_FILE_DUPLICATE;
    checked->bytes = result->reply->size;
    checked->archive = hk__format_is_archive(picture->format);
    file->status = picture->status;
    file->format = hk__format_name(picture->format);
    file->width = picture->width;
    file->height = picture->height;
    file->exif_orientation = picture->exif_orientation;
    file->flags = picture->flags;
    file->digests = result->reply->digests;
    memcpy(checked->reason, picture->reason, sizeof checked->reason);
    file->reason = checked->reason[0] ? checked->reason : NULL;
    keep_views(checked, result->views);
    if (result->member) {
        checked->member = hk__strndup(result->member, strlen(result->member));
        status = checked->member ? HK_OK : hk__fail_memory(err);
    }
    if (status)
        hk__checked_free(checked);
    else
        *out = checked;
    return status;
}

hk_status hk__checked_judge(hk__checked *checked, hk__judge_room *room, const hk_matcher *matcher,
                            hk_error *err)
{
    hk_file *file = &checked->file;
    hk__view views[HK_VIEWS_MOST];
    for (size_t v = 0; v < file->view_count; v++) {
        const hk_view *view = &file->views[v];
        views[v] = (hk__view){.fingerprint = &view->fingerprint,
                              .exact = view->has_exact_hash ? view->exact_hash : NULL,
                              .raster = view->raster,
                              .raster_width = view->raster_width,
                              .raster_height = view->raster_height,
                              .frame = view->frame,
                              .backdrop = view->backdrop};
    }
    const hk__evidence evidence = {
        .status = checked->archive && file->digests.present ? HK_FILE_NOT_AN_IMAGE : file->status,
        .flags = file->flags,
        .views = views,
        .view_count = file->view_count,
        .digests = file->digests,
    };
    hk__judgement *judgement = &checked->judgement;
    const hk_status status = hk__judge(judgement, room, matcher, &evidence, err);
    if (status)
        return status;
    file->verdict = judgement->verdict;
    file->verdict_reason = judgement->reason;
    file->matches = judgement->matches;
    file->match_count = judgement->count;
    file->matches_truncated = judgement->truncated;
    file->known_good = judgement->known_good;
    file->conflict = judgement->conflict;
    checked->false_matches = judgement->false_matches;
    return HK_OK;
}

void hk__checked_drop_rasters(hk__checked *checked)
{
    hk__views_drop_rasters(&checked->views);
    checked->file.raster = NULL;
    checked->file.raster_width = checked->file.raster_height = 0;
}

hk_status hk__checked_unread(hk__checked **out, const hk_matcher *matcher, uint64_t tag,
                             hk_file_status file_status, const char *reason, hk_error *err)
{
    hk__checked *checked = hk__alloc(1, sizeof *checked);
    if (!checked)
        return hk__fail_memory(err);
    checked->tag = tag;
    checked->last = true;
    checked->file.status = file_status;
    checked->file.reason = reason;
    hk__judge_room unused = {0}; /* there is no picture */
    const hk_status status = matcher ? hk__checked_judge(checked, &unused, matcher, err) : HK_OK;
    hk__judge_room_clear(&unused);
    if (status)
        hk__checked_free(checked);
    else
        *out = checked;
    return status;
}
