/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * page_unit.h - a night's case for tests of reports: some six hundred made-up files with hits of
 * every sort, groups, decisions, failures of every sort, and two sessions with a stop between.
 */
#ifndef PAGE_UNIT_H
#define PAGE_UNIT_H

#include "case_unit.h"

/* The evidence's place, for the case's input "evidence". */
static inline void unit_place(unit_case *u, const char *absolute)
{
    sqlite3_stmt *set;
    unit_ok(hk__sql_prepare(&set, u->c->db, &unit_error, "UPDATE input SET absolute = ?1", ""));
    sqlite3_bind_blob(set, 1, absolute, (int)strlen(absolute), SQLITE_STATIC);
    unit_ok(hk__sql_done(set, &unit_error));
    sqlite3_finalize(set);
}

static inline void unit_sql(unit_case *u, const char *sql)
{
    unit_ok(hk__sql_run(u->c->db, sql, &unit_error));
}

static inline hk_match unit_near(const char *list, const char *entry, const char *category,
                                 unsigned distance)
{
    hk_match match = {.list = list,
                      .entry = entry,
                      .category = category,
                      .basis = HK_BASIS_PDQ,
                      .probe = "plain",
                      .distance = distance};
    match.chance =
        hk_false_match_chance(HK_KIND_PHOTO, distance, 1400000, &match.chance_extrapolated);
    return match;
}

static inline hk_match unit_same(const char *list, const char *entry, const char *category,
                                 hk_basis basis)
{
    return (hk_match){.list = list,
                      .entry = entry,
                      .category = category,
                      .basis = basis,
                      .known_good = !strcmp(list, "good")};
}

static inline int64_t unit_add_matched(unit_case *u, const char *path, uint64_t n,
                                       hk_verdict verdict, const hk_match *matches, size_t count)
{
    hk_file file = unit_case_photo(n);
    file.verdict = verdict;
    file.matches = matches;
    file.match_count = count;
    bool known = false;
    for (size_t m = 0; m < count; m++) {
        file.known_good |= matches[m].known_good && matches[m].basis != HK_BASIS_PDQ;
        known |= !matches[m].known_good;
    }
    file.conflict = known && file.known_good;
    return unit_case_add(u, path, &file);
}

/* A content that is no healthy photo. */
static inline void unit_add_other(unit_case *u, const char *path, uint64_t n, hk_file_status status,
                                  const char *format, const char *reason, const char *why)
{
    hk_file file = unit_case_photo(n);
    file.status = status;
    file.format = format;
    file.reason = reason;
    file.hashed = hk_file_status_class(status) == HK_CLASS_HASHED;
    file.verdict = why ? HK_VERDICT_NOT_CHECKED : HK_VERDICT_NONE;
    file.verdict_reason = why;
    unit_case_add(u, path, &file);
}

static inline void unit_night_hits(unit_case *u)
{
    char path[128], entry[64];
    uint64_t state = 7;
    for (unsigned i = 0; i < 46; i++) {
        snprintf(path, sizeof path, "evidence/laptop/Users/k/Pictures/collection/%03u.jpg", i);
        snprintf(entry, sizeof entry, "ref-%06u", 41000 + 37 * i);
        const char *category = i % 3 ? "1" : "2";
        if (i % 2) {
            const unsigned distance =
                (unsigned)(next_random(&state) % 9 + (i % 5 ? 0 : next_random(&state) % 30));
            hk_match match = unit_near(i % 7 ? "police" : "icse", entry, category, distance);
            match.orientation = i % 4 == 1 ? HK_ORIGINAL : (hk_orientation)(i % HK_ORIENTATIONS);
            match.inverted = i == 21;
            unit_add_matched(u, path, 1000 + i, HK_VERDICT_NEAR, &match, 1);
        } else {
            const hk_match matches[] = {unit_same("police", entry, category, HK_BASIS_MD5),
                                        unit_same("police", entry, category, HK_BASIS_SHA1),
                                        unit_near("police", entry, category, 0),
                                        unit_near("icse", "series 12 / 4", category, 4)};
            unit_add_matched(u, path, 1000 + i, HK_VERDICT_EXACT, matches, i % 4 ? 4 : 3);
        }
    }
    for (unsigned i = 0; i < 9; i++) {
        snprintf(path, sizeof path, "evidence/phone/DCIM/.thumbnails/%u.jpg", 1603900 + 11 * i);
        const hk_match match = unit_near("police", "ref-041037", "1", 6 + 3 * i);
        unit_add_matched(u, path, 1100 + i, HK_VERDICT_NEAR, &match, 1);
    }
    const hk_match film = unit_same("icse", "film 88", NULL, HK_BASIS_SHA1);
    hk_file file = unit_case_photo(1200);
    file.status = HK_FILE_NOT_AN_IMAGE;
    file.format = NULL;
    file.width = file.height = 0;
    file.hashed = false;
    file.verdict = HK_VERDICT_EXACT;
    file.matches = &film;
    file.match_count = 1;
    unit_case_add(u, "evidence/usb/video.mp4", &file);
    unit_add_matched(u, "evidence/usb/copy of 002.jpg", 1002, HK_VERDICT_EXACT, NULL, 0);
}

static inline void unit_night_conflicts(unit_case *u)
{
    const hk_match both[] = {unit_near("police", "ref-090001", "1", 11),
                             unit_same("good", "wallpaper 14", NULL, HK_BASIS_SHA256)};
    unit_add_matched(u, "evidence/laptop/Windows/Web/Wallpaper/img14.jpg", 1300, HK_VERDICT_NONE,
                     both, 2);
    const hk_match digests[] = {unit_same("police", "ref-090002", NULL, HK_BASIS_MD5),
                                unit_same("good", "icon set", "browser", HK_BASIS_MD5)};
    unit_add_matched(u, "evidence/laptop/Program Files/app/icons.png", 1301, HK_VERDICT_EXACT,
                     digests, 2);
    char path[128];
    const hk_match good = unit_same("good", "windows 10", "system", HK_BASIS_SHA1);
    for (unsigned i = 0; i < 40; i++) {
        snprintf(path, sizeof path, "evidence/laptop/Windows/Web/Screen/img%u.jpg", 100 + i);
        unit_add_matched(u, path, 1400 + i, HK_VERDICT_NONE, &good, 1);
    }
}

/* Unknown photos, of which some look alike: groups of 14, 7, 3 and 2. */
static inline void unit_night_unknown(unit_case *u)
{
    static const unsigned sizes[] = {14, 7, 3, 2};
    char path[128], sql[256];
    unsigned group = 0, in_group = 0;
    int64_t leader = 0;
    for (unsigned i = 0; i < 300; i++) {
        snprintf(path, sizeof path, "evidence/phone/DCIM/100APPLE/IMG_%04u.JPG", i);
        const int64_t content = unit_add_matched(u, path, 2000 + i, HK_VERDICT_NONE, NULL, 0);
        if (group == COUNT_OF(sizes))
            continue;
        leader = in_group ? leader : content;
        snprintf(sql, sizeof sql, "INSERT INTO grouping VALUES(%lld, %u, %lld, %u, 0, 0)",
                 (long long)content, group + 1, (long long)leader,
                 in_group ? 3 + in_group % 20 : 0);
        unit_sql(u, sql);
        if (group == 1)
            unit_sql(u, "INSERT INTO decision(content, category, actor, at, reason) VALUES("
                        "(SELECT max(id) FROM content), 'harmless', 'M. Jansen', 1000120000,"
                        " 'holiday')");
        if (++in_group == sizes[group]) {
            group++;
            in_group = 0;
        }
    }
    unit_sql(u, "INSERT INTO decision(content, category, actor, at, carried) VALUES("
                "(SELECT max(id) FROM content), 'family', 'R. de Wit', 999120000, 'spring.case')");
    for (unsigned i = 0; i < 80; i++) { /* copies */
        snprintf(path, sizeof path, "evidence/laptop/backup of phone/IMG_%04u.JPG", i);
        unit_add_matched(u, path, 2000 + i, HK_VERDICT_NONE, NULL, 0);
    }
}

static inline void unit_night_rest(unit_case *u)
{
    char path[128];
    for (unsigned i = 0; i < 130; i++) {
        snprintf(path, sizeof path, "evidence/laptop/Users/k/Documents/letter %u.docx", i);
        unit_add_other(u, path, 3000 + i, HK_FILE_NOT_AN_IMAGE, NULL, NULL, NULL);
    }
    for (int s = HK_FILE_UNSUPPORTED; s < HK_FILE_STATUSES; s++) {
        snprintf(path, sizeof path, "evidence/laptop/lost+found/#%d", 20 + s);
        if (s == HK_FILE_NO_ACCESS || s == HK_FILE_VANISHED || s == HK_FILE_CHANGED)
            unit_case_add_failed(u, path, (hk_file_status)s, "the system says no");
        else
            unit_add_other(u, path, 3200 + (unsigned)s, (hk_file_status)s, "tiff",
                           "directory entry 3 lies outside the file", "failed");
    }
    for (unsigned i = 0; i < 25; i++) {
        snprintf(path, sizeof path, "evidence/phone/cache/part-%02u", i);
        unit_add_other(u, path, 3300 + i, HK_FILE_UNREADABLE, "jpeg",
                       "ends before the first row of the picture", "unreadable");
    }
    for (unsigned i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "evidence/phone/cache/cut-%u.jpg", i);
        unit_add_other(u, path, 3400 + i, HK_FILE_TRUNCATED, "jpeg",
                       "the last 212 rows are missing", "truncated");
        snprintf(path, sizeof path, "evidence/phone/cache/blank-%u.png", i);
        unit_add_other(u, path, 3500 + i, HK_FILE_OK, "png", NULL, "degenerate");
    }
    unit_add_other(u, "evidence/phone/dot.gif", 3600, HK_FILE_TOO_SMALL, "gif", "1 x 1 pixels",
                   NULL);
    unit_case_add_failed(u, "evidence/laptop/dev/null", HK_FILE_EXCLUDED, "no regular file");
    unit_ok(hk__case_plan(u->c, 0, "evidence/usb/old.zip", HK_FILE_OK, NULL, &unit_error));
    const int64_t archive = sqlite3_last_insert_rowid(u->c->db);
    int64_t content;
    const hk_match match = unit_near("police", "ref-041074", "2", 2);
    hk_file inner = unit_case_photo(3700);
    inner.verdict = HK_VERDICT_NEAR;
    inner.matches = &match;
    inner.match_count = 1;
    unit_ok(hk__case_put_content(&content, u->c, &inner, 88000, 0.0005, &unit_error));
    unit_ok(hk__case_settle_member(u->c, archive, 0, "inner/photo.jpg", content, HK_FILE_OK, NULL,
                                   &unit_error));
    hk_file zip = unit_case_photo(3701);
    zip.status = HK_FILE_NOT_AN_IMAGE;
    zip.hashed = false;
    unit_ok(hk__case_put_content(&content, u->c, &zip, 90000, 0, &unit_error));
    unit_ok(hk__case_settle(u->c, archive, content, HK_FILE_OK, NULL, &unit_error));
}

/* Two sessions: three hours, killed; ten hours of nothing; five hours. */
static inline void unit_night_sessions(unit_case *u)
{
    static const int64_t starts[] = {1000000000, 1000046800}, minutes[] = {192, 310};
    uint64_t state = 5;
    char sql[256];
    for (int s = 0; s < 2; s++) {
        int64_t done = 0, failed = 0, number = s + 1;
        if (s)
            unit_ok(hk__case_session_begin(&number, u->c,
                                           &(hk_case_session){.started = starts[s],
                                                              .workers = 16,
                                                              .machine = "Linux 6.1 x86_64 desk",
                                                              .versions = "libvips 8.14\nlibpng "
                                                                          "1.6.39\n"},
                                           &unit_error));
        for (int64_t m = 1; m <= minutes[s]; m++) {
            done += 1100 + (int64_t)(next_random(&state) % 300) + (m > 60 && m < 100 ? -700 : 0);
            failed += m % 23 == 0;
            snprintf(sql, sizeof sql, "INSERT INTO tick VALUES(%lld, %lld, %lld, %lld)",
                     (long long)number, (long long)(starts[s] + 60 * m), (long long)done,
                     (long long)failed);
            unit_sql(u, sql);
        }
        snprintf(sql, sizeof sql, "UPDATE session SET done = %lld WHERE id = %lld", (long long)done,
                 (long long)number);
        unit_sql(u, sql);
    }
}

/* Ends the run; sessions end at a fixed time. */
static inline void unit_night_finish(unit_case *u)
{
    unit_sql(u, "UPDATE session SET ended = started + 18600"
                " WHERE id = (SELECT max(id) FROM session)");
    unit_ok(hk__case_set_state(u->c, HK_CASE_FINISHED, &unit_error));
    unit_ok(hk__case_commit(u->c, &unit_error));
}

static inline void unit_night_make(unit_case *u)
{
    unit_case_make(u);
    const hk_case_list list = {
        .name = "icse",
        .source = "/lists/icse.csv",
        .digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        .entries = 322118};
    unit_ok(hk__case_add_list(u->c, &list, &unit_error));
    unit_case_set(u->c, "radius.graphic", "12");
    unit_case_set(u->c, "timeout_ms", "30000");
    unit_night_hits(u);
    unit_night_conflicts(u);
    unit_night_unknown(u);
    unit_night_rest(u);
    unit_night_sessions(u);
    unit_night_finish(u);
}

#endif
