/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check_item.c - what a server is asked about a file.
 *
 * A server looks up the hashes that it is given and nothing else, so the eight orientations are all
 * sent, and their negatives: the 16 that a local look-up goes through. Of photos, those of the
 * exact grid follow. 32 hashes have a somewhat narrower radius than 16, so that false matches keep
 * within their budget; a copy of another size lies so much nearer by that grid that it is worth it.
 * Of other kinds a local look-up goes without that grid, too.
 */
#include "check_parts.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

/* The one that counts as the image's own comes first: quality and degeneracy are judged by it. */
static void put_probes(json_t *probes, const hk_hash turned[HK_ORIENTATIONS])
{
    char text[HK_HASH_TEXT_SIZE];
    for (int inverted = 0; inverted < 2; inverted++)
        for (int o = 0; o < HK_ORIENTATIONS; o++) {
            hk_hash hash = turned[o];
            for (int w = 0; inverted && w < 4; w++)
                hash.word[w] = ~hash.word[w];
            hk_hash_format(text, &hash);
            json_array_append_new(probes, json_string(text));
        }
}

static char *item_text(const hk_file *file)
{
    json_t *item = json_object();
    if (file->hashed) {
        json_t *probes = json_array();
        put_probes(probes, file->fingerprint.hash);
        if (file->has_exact_hash && file->fingerprint.kind == HK_KIND_PHOTO)
            put_probes(probes, file->exact_hash);
        json_object_set_new(item, "pdq", probes);
        json_object_set_new(item, "quality", json_integer(file->fingerprint.quality));
        json_object_set_new(item, "kind", json_string(hk_kind_name(file->fingerprint.kind)));
    }
    output_digests(item, &file->digests);
    char *text = json_dumps(item, JSON_COMPACT);
    json_decref(item);
    return text;
}

/* By the rules of a local look-up; but what is no image is not clean here. */
static const char *otherwise_of(const hk_file *file)
{
    static const unsigned uncertain[] = {HK_FLAG_TRUNCATED, HK_FLAG_DEGENERATE,
                                         HK_FLAG_LOW_QUALITY};
    const unsigned flags = file->flags | (file->hashed ? file->fingerprint.flags : 0);
    if (!file->hashed)
        return hk_file_status_name(file->status);
    for (size_t i = 0; i < sizeof uncertain / sizeof *uncertain; i++)
        if (flags & uncertain[i])
            return hk_flag_name((unsigned)__builtin_ctz(uncertain[i]));
    return NULL;
}

hk_status check_subject_make(check_subject *out, const hk_file *file)
{
    const bool askable = file->hashed || file->digests.present;
    check_subject made = {.path = strdup(file->path),
                          .status = file->status,
                          .detail = file->reason ? strdup(file->reason) : NULL,
                          .otherwise = otherwise_of(file),
                          .item = askable ? item_text(file) : NULL};
    if (!made.path || (file->reason && !made.detail) || (askable && !made.item)) {
        check_subject_clear(&made);
        return HK_ERR_NO_MEMORY;
    }
    *out = made;
    return HK_OK;
}

void check_subject_clear(check_subject *subject)
{
    free(subject->path);
    free(subject->detail);
    free(subject->item);
    *subject = (check_subject){0};
}
