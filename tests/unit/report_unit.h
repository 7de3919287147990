/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_unit.h - a case with all that reports must cope with: hits by digest and by hash,
 * duplicates, failures, groups, decisions, members of archives, and names meant to do harm.
 */
#ifndef REPORT_UNIT_H
#define REPORT_UNIT_H

#include "case_unit.h"

#include <sys/resource.h>

/* What is put into it, in any order: content number n at a path; 0: it could not be read. */
static const struct {
    uint64_t n;
    const char *path;
} unit_report_files[] = {
    {1, "evidence/near.jpg"},
    {1, "evidence/again/near.jpg"},
    {2, "evidence/both.png"},
    {3, "evidence/note, \"quoted\".txt"},
    {4, "evidence/group-a.jpg"},
    {5, "evidence/group-b.jpg"},
    {6, "evidence/good.jpg"},
    {7, "evidence/bomb.webp"},
    {8, "=cmd|' /C calc'!A0"},
    {8, "evidence/x;=HYPERLINK(1).jpg"},
    {8, "evidence/- dash -1.jpg"},
    {8, "evidence/new\nline\t\x1b[31m.jpg"},
    {8, "evidence/\xff\xfe not UTF-8 \xc3.jpg"},
    {8, "evidence/</script><script>alert(1)</script>.jpg"},
    {8, "evidence/turned \xe2\x80\xaegpj.exe"},
    {8, "evidence/wide,\xef\xbc\x9d"
        "1.jpg"},
    {8, "evidence/back\\slash.jpg"},
    {0, "evidence/gone"},
};
enum { UNIT_REPORT_FILES = sizeof unit_report_files / sizeof *unit_report_files };

/* What a scan would say of content n. */
static inline hk_file unit_report_content(uint64_t n)
{
    static hk_match near[2], digest[2], good[2];
    hk_file file = unit_case_photo(n);
    const hk_match hash = {.list = "police",
                           .entry = "entry, \xff",
                           .category = "2",
                           .basis = HK_BASIS_PDQ,
                           .probe = "plain",
                           .distance = 14,
                           .orientation = HK_FLIPY,
                           .chance = 1.25e-9,
                           .chance_extrapolated = true};
    const hk_match md5 = {
        .list = "police", .entry = "@SUM(1)", .category = "A2", .basis = HK_BASIS_MD5};
    if (n == 1 || n == 2) {
        near[0] = hash;
        near[1] = hash;
        near[1].entry = "another";
        near[1].distance = 20;
        near[1].inverted = true;
        near[1].probe = "outframe";
        near[1].aligned = true;
        near[1].before = 40;
        near[1].placement = (hk_placement){.0312f, .0894f, 0, .0231f, 0};
        near[1].category = NULL;
        file.matches = near;
        file.match_count = 2;
        file.matches_truncated = n == 2;
        file.verdict = HK_VERDICT_NEAR;
    }
    if (n == 2) {
        digest[0] = (hk_match){
            .list = "good", .entry = "holiday", .basis = HK_BASIS_SHA1, .known_good = true};
        digest[1] = hash;
        file.matches = digest;
        file.verdict = HK_VERDICT_NONE;
        file.known_good = file.conflict = true;
    }
    if (n == 3) {
        file.status = HK_FILE_NOT_AN_IMAGE;
        file.reason = "no known image format";
        file.format = NULL;
        file.width = file.height = 0;
        file.hashed = false;
        file.verdict = HK_VERDICT_EXACT;
        good[0] = md5;
        file.matches = good;
        file.match_count = 1;
    }
    if (n == 6) {
        static hk_match known;
        known = (hk_match){
            .list = "good", .entry = "holiday", .basis = HK_BASIS_MD5, .known_good = true};
        file.matches = &known;
        file.match_count = 1;
        file.known_good = true;
        file.flags = HK_FLAG_ANIMATED | HK_FLAG_LOW_QUALITY;
    }
    if (n == 7) {
        file.status = HK_FILE_CRASHED;
        file.reason = "the decoder \x1b[31mcrashed"; /* of a case that somebody made */
        file.format = "webp";
        file.hashed = false;
        file.verdict = HK_VERDICT_NOT_CHECKED;
        file.verdict_reason = "crashed";
    }
    return file;
}

/* Puts the files in, the i-th (start + i * step) mod count, and finishes. */
static inline void unit_report_make(unit_case *u, size_t start, size_t step)
{
    int64_t content[16] = {0};
    char sql[512];
    unit_case_make(u);
    for (size_t i = 0; i < UNIT_REPORT_FILES; i++) {
        const size_t f = (start + i * step) % UNIT_REPORT_FILES;
        const uint64_t n = unit_report_files[f].n;
        const hk_file file = unit_report_content(n);
        if (n)
            content[n] = unit_case_add(u, unit_report_files[f].path, &file);
        else
            unit_case_add_failed(u, unit_report_files[f].path, HK_FILE_VANISHED,
                                 "no such file or folder");
    }
    const hk_file member = unit_report_content(9);
    unit_ok(hk__case_plan(u->c, 0, "evidence/a.zip", HK_FILE_OK, NULL, &unit_error));
    const int64_t archive = sqlite3_last_insert_rowid(u->c->db);
    unit_ok(hk__case_put_content(&content[9], u->c, &member, 77, 0.0005, &unit_error));
    unit_ok(hk__case_settle_member(u->c, archive, 0, "inner/photo.jpg", content[9], HK_FILE_OK,
                                   NULL, &unit_error));
    hk_file zip = unit_report_content(3);
    memset(zip.digests.sha256, 0x5a, 32);
    zip.verdict = HK_VERDICT_NONE;
    zip.match_count = 0;
    unit_ok(hk__case_put_content(&content[10], u->c, &zip, 500, 0, &unit_error));
    unit_ok(hk__case_settle(u->c, archive, content[10], HK_FILE_OK, NULL, &unit_error));
    snprintf(sql, sizeof sql,
             "INSERT INTO grouping VALUES(%lld, 1, %lld, 0, 0, 0), (%lld, 1, %lld, 9, 5, 0);"
             "INSERT INTO decision VALUES(NULL, %lld, '1', 'anna', 1000000700, 'seen', NULL),"
             " (NULL, %lld, 'holiday', '=bert', 1000000800, NULL, 'old.case')",
             (long long)content[4], (long long)content[4], (long long)content[5],
             (long long)content[4], (long long)content[4], (long long)content[5]);
    unit_case_finish(u); /* which groups, and these are too far apart */
    unit_ok(hk__sql_run(u->c->db, sql, &unit_error));
    unit_ok(hk__sql_run(u->c->db, "UPDATE session SET ended = 1000000600", &unit_error));
    unit_ok(hk__case_commit(u->c, &unit_error));
}

/* Everything in a file, with a NUL behind it; owned. */
static inline char *unit_content(size_t *size, const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = calloc(*size + 1, 1);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static inline void unit_overwrite(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

/* Replaces every `from` of a text, which is owned and given back, or another. */
static inline char *unit_swap(char *text, const char *from, const char *to)
{
    for (char *p; (p = strstr(text, from));) {
        char *swapped = NULL;
        assert_true(asprintf(&swapped, "%.*s%s%s", (int)(p - text), text, to, p + strlen(from)) >=
                    0);
        free(text);
        text = swapped;
    }
    return text;
}

/* The first line in which they differ is in the failure's message. */
static inline void unit_same_text(const char *got, const char *wanted)
{
    size_t line = 0;
    while (*got && *got == *wanted) {
        const size_t a = strcspn(got, "\n"), b = strcspn(wanted, "\n");
        line++;
        if (a != b || memcmp(got, wanted, a) != 0)
            break;
        got += a + (got[a] == '\n');
        wanted += b + (wanted[b] == '\n');
    }
    if (*got || *wanted) {
        print_error("line %zu is\n%.*s\nand not\n%.*s\n", line, (int)strcspn(got, "\n"), got,
                    (int)strcspn(wanted, "\n"), wanted);
        fail();
    }
}

/* Compares a text, in which what the build says of itself is taken out, with a golden file. */
static inline void unit_golden(char *text, const char *name)
{
    size_t size;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", GOLDEN, name);
    char *wanted = unit_content(&size, path);
    text = unit_swap(text, hk_version(), "VERSION");
    text = unit_swap(text, hk_model(0)->checksum, "MODEL");
    text = unit_swap(text, hk_model(0)->calibration_checksum, "CALIBRATION");
    unit_same_text(text, wanted);
    free(wanted);
    free(text);
}

/* Files in a folder, without what SQLite has beside a case that is open. */
static inline int unit_files_in(const char *folder)
{
    int count = 0;
    DIR *open = opendir(folder);
    for (struct dirent *entry; (entry = readdir(open));)
        count += entry->d_name[0] != '.' && !strstr(entry->d_name, "-journal");
    closedir(open);
    return count;
}

#define FAILS(call, expected, words)                                                               \
    do {                                                                                           \
        hk_error err = {0};                                                                        \
        assert_int_equal(call, expected);                                                          \
        if (!strstr(err.message, words))                                                           \
            print_error("%s: %s\n", #call, err.message);                                           \
        assert_non_null(strstr(err.message, words));                                               \
    } while (0)

#endif
