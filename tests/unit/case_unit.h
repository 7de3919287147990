/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * case_unit.h - cases for tests: a real file in a folder of its own, with made-up contents.
 */
#ifndef CASE_UNIT_H
#define CASE_UNIT_H

#include "store_unit.h"

#include "case/case.h"

typedef struct unit_case {
    char folder[32], path[64];
    hk_case *c; /* open for writing */
} unit_case;

static inline void unit_case_set(hk_case *c, const char *key, const char *value)
{
    unit_ok(hk__case_setting(c, key, value, key, &unit_error));
}

/* A case in planning at u->path, with one input and the lists "police" and "good". */
static inline void unit_case_begin(unit_case *u)
{
    unit_ok(hk__case_create(&u->c, u->path, &unit_error));
    unit_case_set(u->c, "version", hk_version());
    unit_case_set(u->c, "model", hk_model(0)->checksum);
    unit_case_set(u->c, "calibration", hk_model(0)->calibration_checksum);
    unit_case_set(u->c, "profile", "review");
    unit_case_set(u->c, "hashes", "1400000");
    unit_case_set(u->c, "radius.photo", "39");
    unit_case_set(u->c, "radius.low_texture", "3");
    unit_ok(hk__case_add_input(u->c, "evidence", "/mnt/evidence", &unit_error));
    hk_case_list list = {.name = "police",
                         .source = "/lists/store.db",
                         .revision = 7,
                         .digest =
                             "3132333435363738393031323334353637383930313233343536373839303132",
                         .entries = 1400000};
    unit_ok(hk__case_add_list(u->c, &list, &unit_error));
    list.name = "good";
    list.known_good = true;
    unit_ok(hk__case_add_list(u->c, &list, &unit_error));
    int64_t session;
    unit_ok(hk__case_session_begin(&session, u->c,
                                   &(hk_case_session){.started = 1000000000,
                                                      .workers = 2,
                                                      .machine = "Linux 6.1 x86_64 desk",
                                                      .versions = "libvips 8.14\n"},
                                   &unit_error));
}

/* The same in a folder of its own. */
static inline void unit_case_make(unit_case *u)
{
    strcpy(u->folder, "/tmp/herken-case-XXXXXX");
    assert_non_null(mkdtemp(u->folder));
    snprintf(u->path, sizeof u->path, "%s/night.case", u->folder);
    unit_case_begin(u);
}

/* The same beside another one, which is removed last. */
static inline void unit_case_make_beside(unit_case *u, const unit_case *other, const char *name)
{
    strcpy(u->folder, other->folder);
    snprintf(u->path, sizeof u->path, "%s/%.20s", u->folder, name);
    unit_case_begin(u);
}

/* Opens it anew, as another process would. */
static inline void unit_case_reopen(unit_case *u, hk_case_mode mode)
{
    hk_case_close(u->c);
    u->c = NULL;
    unit_ok(hk_case_open(&u->c, u->path, mode, &unit_error));
}

static inline void unit_case_remove(unit_case *u)
{
    hk_case_close(u->c);
    unit_store_remove_folder(u->folder);
}

/* What a scan would say of a healthy photo whose bytes and hash are of n alone; match nothing. */
static inline hk_file unit_case_photo(uint64_t n)
{
    uint64_t state = n;
    hk_file file = {.status = HK_FILE_OK,
                    .format = "jpeg",
                    .width = 640,
                    .height = 480,
                    .exif_orientation = 1,
                    .hashed = true,
                    .verdict = HK_VERDICT_NONE};
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        file.fingerprint.hash[o] = healthy_hash(&state);
    file.fingerprint.quality = 100;
    file.digests.present = HK_DIGEST_ALL;
    memcpy(file.digests.md5, &n, sizeof n);
    memcpy(file.digests.sha1, &n, sizeof n);
    memcpy(file.digests.sha256, &n, sizeof n);
    return file;
}

/* Plans a file of this path and settles it with this content; returns the content's number. */
static inline int64_t unit_case_add(unit_case *u, const char *path, const hk_file *file)
{
    int64_t content;
    unit_ok(hk__case_plan(u->c, 0, path, HK_FILE_OK, NULL, &unit_error));
    const int64_t number = sqlite3_last_insert_rowid(u->c->db);
    unit_ok(hk__case_put_content(&content, u->c, file, 1000, 0.0005, &unit_error));
    unit_ok(hk__case_settle(u->c, number, content, HK_FILE_OK, NULL, &unit_error));
    return content;
}

/* A file that could not be read. */
static inline void unit_case_add_failed(unit_case *u, const char *path, hk_file_status status,
                                        const char *reason)
{
    unit_ok(hk__case_plan(u->c, 0, path, status, reason, &unit_error));
}

/* Ends the run: groups what looks alike. */
static inline void unit_case_finish(unit_case *u)
{
    unit_ok(hk__case_group(u->c, 1, NULL, NULL, &unit_error));
    unit_ok(hk__case_session_end(u->c, 1, 0, &unit_error));
    unit_ok(hk__case_set_state(u->c, HK_CASE_FINISHED, &unit_error));
    unit_ok(hk__case_commit(u->c, &unit_error));
}

/* Everything that reading the case says of its files, in words; free it. Not what a number in the
 * case is: of contents, and of files. */
static inline char *unit_case_dump(hk_case *c, unsigned which)
{
    static char *text; /* static: what open_memstream keeps pointing to */
    static size_t size;
    hk_case_reading *reading;
    const hk_case_file *got;
    FILE *out = open_memstream(&text, &size);
    unit_ok(hk_case_reading_open(&reading, c, which, &unit_error));
    for (;;) {
        unit_ok(hk_case_reading_next(&got, reading, &unit_error));
        if (!got)
            break;
        const hk_file *f = &got->file;
        fprintf(out, "%s %s%s %s/%s %d %d/%d/%d", f->path, got->member ? "member " : "",
                hk_file_status_name(f->status), f->reason ? f->reason : "-",
                f->verdict_reason ? f->verdict_reason : "-", f->verdict, f->known_good, f->conflict,
                f->matches_truncated);
        if (f->duplicate_of)
            fprintf(out, " of %s", f->duplicate_of);
        if (got->read)
            fprintf(out, " %s %ux%u %u %x %llu bytes, %02x%02x", f->format ? f->format : "-",
                    f->width, f->height, f->exif_orientation, f->flags,
                    (unsigned long long)got->bytes, f->digests.sha256[0], f->digests.md5[1]);
        if (f->hashed)
            fprintf(out, " %016llx %d %d", (unsigned long long)f->fingerprint.hash[7].word[2],
                    f->fingerprint.quality, f->fingerprint.kind);
        for (size_t m = 0; m < f->match_count; m++)
            fprintf(out, " (%s %s %s %d %u %g)", f->matches[m].list, f->matches[m].entry,
                    f->matches[m].category ? f->matches[m].category : "-", f->matches[m].basis,
                    f->matches[m].distance, f->matches[m].chance);
        if (got->group)
            fprintf(out, " group %llu%s at %u", (unsigned long long)got->group,
                    got->leader ? " leads" : "", got->group_distance);
        if (got->decision)
            fprintf(out, " [%s by %s at %lld: %s, %s]", got->decision->category,
                    got->decision->actor, (long long)got->decision->at,
                    got->decision->reason ? got->decision->reason : "-",
                    got->decision->carried ? got->decision->carried : "-");
        fputc('\n', out);
    }
    hk_case_reading_close(reading);
    fclose(out);
    return text;
}

#endif
