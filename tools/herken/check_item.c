/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check_item.c - what a server is asked about a file.
 *
 * A server looks up the hashes that it is given and nothing else, so the eight orientations are all
 * sent, and their negatives: the 16 that a local look-up goes through. Of photos, those of the
 * exact grid follow. 32 hashes have a somewhat narrower radius than 16, so that false matches keep
 * within their budget; a copy of another size lies so much nearer by that grid that it is worth it.
 * Of other kinds a local look-up goes without that grid, too.
 *
 * A file of several views (frames, pages, backdrops) is one item with the hashes of all. Of more
 * views than an item has room for, the rest is not asked for, and then no hit proves nothing.
 */
#include "check_parts.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

enum { PROBES = 2 * HK_ORIENTATIONS, VIEWS_ASKED = HK_QUERY_HASHES_MOST / PROBES };

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

/* Of all views the plain hashes, then of photos among them those of the exact grid, as many as an
 * item holds. */
static json_t *probes_of(const hk_file *file)
{
    json_t *probes = json_array();
    for (size_t v = 0; v < file->view_count && v < VIEWS_ASKED; v++)
        put_probes(probes, file->views[v].fingerprint.hash);
    for (size_t v = 0; v < file->view_count; v++)
        if (file->views[v].has_exact_hash && file->views[v].fingerprint.kind == HK_KIND_PHOTO &&
            json_array_size(probes) + PROBES <= HK_QUERY_HASHES_MOST)
            put_probes(probes, file->views[v].exact_hash);
    return probes;
}

/* The least of all views. */
static int quality_of(const hk_file *file)
{
    int least = file->fingerprint.quality;
    for (size_t v = 0; v < file->view_count; v++)
        if (file->views[v].fingerprint.quality < least)
            least = file->views[v].fingerprint.quality;
    return least;
}

/* That of all views, or HK_NO_KIND. */
static int kind_of(const hk_file *file)
{
    for (size_t v = 0; v < file->view_count; v++)
        if (file->views[v].fingerprint.kind != file->fingerprint.kind)
            return HK_NO_KIND;
    return (int)file->fingerprint.kind;
}

static char *item_text(const hk_file *file)
{
    json_t *item = json_object();
    if (file->hashed) {
        const int kind = kind_of(file);
        json_object_set_new(item, "pdq", probes_of(file));
        json_object_set_new(item, "quality", json_integer(quality_of(file)));
        if (kind != HK_NO_KIND)
            json_object_set_new(item, "kind", json_string(hk_kind_name((hk_kind)kind)));
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
    const unsigned flags = file->flags;
    if (!file->hashed)
        return hk_file_status_name(file->status);
    if (file->view_count > VIEWS_ASKED)
        return "views_not_asked";
    for (size_t i = 0; i < sizeof uncertain / sizeof *uncertain; i++)
        if (flags & uncertain[i])
            return hk_flag_name((unsigned)__builtin_ctz(uncertain[i]));
    /* Of several kinds the server is told none, so it cannot say that one tells nothing. */
    if (kind_of(file) == HK_NO_KIND)
        for (size_t v = 0; v < file->view_count; v++)
            if (file->views[v].fingerprint.kind == HK_KIND_GRAPHIC)
                return hk_kind_name(HK_KIND_GRAPHIC);
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
