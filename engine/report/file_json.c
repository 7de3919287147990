/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file_json.c - hk_file_json and its like (herken.h), and what other outputs take from them. */
#include "report/file_json.h"

#include "core/digest.h"

#include <math.h>

/* Which of the file's views it was found by; not said of the first. */
static void put_view(hk__object *object, const hk_match *match)
{
    hk__object o;
    hk__object_begin(&o);
    hk__put_number(&o, "frame", match->frame);
    if (match->backdrop != HK_BACKDROP_BLACK)
        hk__put_text(&o, "backdrop", hk_backdrop_name(match->backdrop));
    hk__put_object(object, "view", &o);
}

static void put_place(hk__object *o, const char *key, float value, double unit)
{
    hk__put_real(o, key, round((double)value / unit) * unit + 0.0); /* no negative zero */
}

static void put_margins(hk__object *o, const hk_placement *at, float sign)
{
    put_place(o, "left", sign * at->left, 1e-4);
    put_place(o, "top", sign * at->top, 1e-4);
    put_place(o, "right", sign * at->right, 1e-4);
    put_place(o, "bottom", sign * at->bottom, 1e-4);
}

static void put_placement(hk__object *object, const hk_placement *placement)
{
    hk__object o;
    hk__object_begin(&o);
    put_margins(&o, placement, 1);
    put_place(&o, "angle", placement->angle, 1e-2);
    hk__put_object(object, "placement", &o);
}

/* The entry's frame that was hit; margins as shares of its picture, how far the frame's edges lie
 * within it. A frame of a newer version has none. */
static void put_cut(hk__object *object, const hk_match *match)
{
    hk_placement at;
    hk__object o;
    hk__object_begin(&o);
    hk__put_number(&o, "number", match->cut);
    if (hk_cut_placement(&at, match->cut))
        put_margins(&o, &at, -1);
    hk__put_object(object, "entry_frame", &o);
}

static void put_match(hk__object *object, json_t *matches, const hk_match *match)
{
    hk__object o;
    hk__object_begin(&o);
    hk__put_exact(&o, "list", match->list);
    hk__put_exact(&o, "entry", match->entry);
    hk__put_exact(&o, "category", match->category);
    hk__put_text(&o, "basis", hk_basis_name(match->basis));
    if (match->basis == HK_BASIS_PDQ) {
        hk__put_number(&o, "distance", match->distance);
        hk__put_text(&o, "orientation", hk_orientation_name(match->orientation));
        hk__put_text(&o, "probe", match->probe);
        hk__put_true(&o, "inverted", match->inverted);
        hk__put_true(&o, "aligned", match->aligned);
        if (match->aligned) {
            hk__put_number(&o, "before", match->before);
            put_placement(&o, &match->placement);
        }
        if (match->view)
            put_view(&o, match);
        if (match->cut)
            put_cut(&o, match);
        hk__put_real(&o, "chance", match->chance);
        hk__put_true(&o, "chance_extrapolated", match->chance_extrapolated);
    }
    hk__put_true(&o, "known_good", match->known_good);
    hk__append_object(object, matches, &o);
}

static void put_flags(hk__object *object, unsigned flags)
{
    json_t *array = json_array();
    for (unsigned i = 0; i < HK_FLAG_COUNT; i++)
        if (flags >> i & 1 && json_array_append_new(array, json_string(hk_flag_name(i))))
            object->status = HK_ERR_NO_MEMORY;
    hk__put_json(object, "flags", array);
}

static void put_hash(hk__object *o, const hk_fingerprint *fingerprint)
{
    char hash[HK_HASH_TEXT_SIZE];
    hk_hash_format(hash, &fingerprint->hash[HK_ORIGINAL]);
    hk__put_text(o, "hash", hash);
    hk__put_number(o, "quality", (uint64_t)fingerprint->quality);
    hk__put_text(o, "kind", hk_kind_name(fingerprint->kind));
}

/* What was looked up, where that is more than one picture. */
static void put_views(hk__object *object, const hk_file *file)
{
    json_t *views = json_array();
    for (size_t v = 0; v < file->view_count; v++) {
        const hk_view *view = &file->views[v];
        hk__object o;
        hk__object_begin(&o);
        hk__put_number(&o, "frame", view->frame);
        if (view->backdrop != HK_BACKDROP_BLACK)
            hk__put_text(&o, "backdrop", hk_backdrop_name(view->backdrop));
        put_hash(&o, &view->fingerprint);
        put_flags(&o, view->flags);
        hk__append_object(object, views, &o);
    }
    hk__put_json(object, "views", views);
}

static void put_file(hk__object *o, const hk_file *file)
{
    json_t *matches = json_array();
    hk__put_exact(o, "path", file->path);
    hk__put_text(o, "status", hk_file_status_name(file->status));
    hk__put_text(o, "verdict", hk_verdict_name(file->verdict));
    hk__put_text(o, "reason", file->verdict_reason);
    hk__put_true(o, "known_good", file->known_good);
    hk__put_true(o, "conflict", file->conflict);
    hk__put_text(o, "detail", file->reason);
    hk__put_exact(o, "duplicate_of", file->duplicate_of);
    for (size_t i = 0; i < file->match_count; i++)
        put_match(o, matches, &file->matches[i]);
    hk__put_json(o, "matches", matches);
    hk__put_true(o, "matches_truncated", file->matches_truncated);
    if (file->view_count > 1)
        put_views(o, file);
}

/* ---- what a case knows besides ------------------------------------------------------------- */

static void put_picture(hk__object *o, const hk_file *file)
{
    hk__put_text(o, "format", file->format);
    if (file->width) {
        hk__put_number(o, "width", file->width);
        hk__put_number(o, "height", file->height);
    }
    if (file->hashed)
        put_hash(o, &file->fingerprint);
    if (file->hashed || file->flags)
        put_flags(o, file->flags);
}

static void put_decision(hk__object *object, const hk_decision *decision)
{
    hk__object o;
    hk__object_begin(&o);
    hk__put_exact(&o, "category", decision->category);
    hk__put_exact(&o, "by", decision->actor);
    hk__put_exact(&o, "reason", decision->reason);
    hk__put_time(&o, "at", decision->at);
    hk__put_exact(&o, "carried", decision->carried);
    hk__put_object(object, "decision", &o);
}

static void put_case_file(hk__object *o, const hk_case_file *file)
{
    put_file(o, &file->file);
    hk__put_true(o, "member", file->member);
    if (file->read)
        hk__put_number(o, "bytes", file->bytes);
    put_picture(o, &file->file);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        if (file->file.digests.present >> basis & 1)
            hk__put_hex(o, hk_basis_name((hk_basis)basis),
                        hk__digest_bytes(&file->file.digests, (hk_basis)basis),
                        hk__digest_size((hk_basis)basis));
    if (file->group) {
        hk__put_number(o, "group", file->group);
        hk__put_true(o, "leader", file->leader);
        hk__put_number(o, "group_distance", file->group_distance);
    }
    if (file->decision)
        put_decision(o, file->decision);
}

hk_status hk_file_json(char **out, const hk_file *file, hk_error *err)
{
    hk__object object;
    hk__object_begin(&object);
    put_file(&object, file);
    return hk__object_text(out, &object, err);
}

hk_status hk_case_file_json(char **out, const hk_case_file *file, hk_error *err)
{
    hk__object object;
    hk__object_begin(&object);
    put_case_file(&object, file);
    return hk__object_text(out, &object, err);
}

/* ---- accounts ------------------------------------------------------------------------------ */

void hk__put_account(hk__object *o, const hk_account *account, bool verdicts)
{
    static const char *const classes[HK_CLASSES] = {"hashed", "duplicate", "skipped", "failed"};
    static const hk_verdict order[] = {HK_VERDICT_EXACT, HK_VERDICT_NEAR, HK_VERDICT_NONE,
                                       HK_VERDICT_NOT_CHECKED};
    hk__object statuses;
    hk__put_number(o, "found", account->found);
    for (int c = 0; c < HK_CLASSES; c++)
        hk__put_number(o, classes[c], account->by_class[c]);
    for (size_t v = 0; verdicts && v < sizeof order / sizeof *order; v++)
        hk__put_number(o, hk_verdict_name(order[v]), account->by_verdict[order[v]]);
    if (verdicts) {
        hk__put_number(o, "known_good", account->known_good);
        hk__put_number(o, "conflict", account->conflicts);
        hk__put_real(o, "expected_false_matches", account->expected_false_matches);
    }
    hk__object_begin(&statuses);
    for (int s = 0; s < HK_FILE_STATUSES; s++)
        if (account->by_status[s])
            hk__put_number(&statuses, hk_file_status_name((hk_file_status)s),
                           account->by_status[s]);
    hk__put_object(o, "statuses", &statuses);
}

static void put_radii(hk__object *object, const char *key, const int radius[3])
{
    hk__object radii;
    hk__object_begin(&radii);
    for (int kind = 0; hk_kind_name((hk_kind)kind); kind++)
        if (radius[kind] >= 0)
            hk__put_number(&radii, hk_kind_name((hk_kind)kind), (uint64_t)radius[kind]);
    hk__put_object(object, key, &radii);
}

void hk__put_radii(hk__object *object, const hk_case_info *info)
{
    put_radii(object, "radius", info->radius);
    put_radii(object, "exact_radius", info->exact_radius);
    put_radii(object, "aligned_radius", info->aligned_radius);
    hk__put_text(object, "probes", hk_probes_name(info->probes));
}

hk_status hk_account_json(char **out, const hk_account *account, bool verdicts, hk_error *err)
{
    hk__object whole, fields;
    hk__object_begin(&whole);
    hk__object_begin(&fields);
    hk__put_account(&fields, account, verdicts);
    hk__put_object(&whole, "account", &fields);
    return hk__object_text(out, &whole, err);
}
