/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_report_many.c - reports of a hundred thousand files: every one of them, and memory that does
 * not grow with them.
 */
#include "report_unit.h"

#include <malloc.h>

/* SQLite's cache of pages, of 64 MB, is what grows. */
enum { FILES = 100000, MOST_KB = 80 << 10 };

/* A line of what the system says of this process; 0: it does not. */
static long status_kb(const char *name)
{
    char line[128];
    long kb = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name)))
            kb = atol(line + strlen(name));
    if (file)
        fclose(file);
    return kb;
}

/* Memory at its peak counts from now on. */
static long forget_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    malloc_trim(0);
    if (file) {
        fputs("5", file);
        fclose(file);
    }
    return status_kb("VmRSS:");
}

static void assert_bounded(long before)
{
    const long more = status_kb("VmHWM:") - before;
    print_message("%ld kB more\n", more);
#ifndef __SANITIZE_ADDRESS__ /* it keeps what is freed */
    assert_true(more <= MOST_KB);
#else
    (void)more;
#endif
}

static size_t count(const char *path, const char *what)
{
    size_t found = 0, kept = 0;
    static char chunk[1 << 16];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    for (size_t n; (n = fread(chunk + kept, 1, sizeof chunk - 1 - kept, file)) > 0;) {
        const size_t all = kept + n, length = strlen(what);
        chunk[all] = '\0';
        for (const char *p = chunk; (p = strstr(p, what)); p += length)
            found++;
        kept = length - 1; /* it may lie across */
        memmove(chunk, chunk + all - kept, kept);
    }
    fclose(file);
    return found;
}

static void test_many(void **state)
{
    (void)state;
    static const struct {
        hk_report_format format;
        const char *a_file;
    } all[] = {{HK_REPORT_CSV, ",ok,none,"},
               {HK_REPORT_JSONL, "{\"path\":\""},
               {HK_REPORT_VICS, "\"MediaID\":"}};
    char path[96], name[64];
    unit_case u;
    unit_case_make(&u);
    hk_file file = unit_case_photo(1);
    for (uint64_t i = 0; i < FILES; i++) {
        memcpy(file.digests.md5, &i, sizeof i);
        memcpy(file.digests.sha1, &i, sizeof i);
        memcpy(file.digests.sha256, &i, sizeof i);
        file.fingerprint.hash[0].word[0] = i;
        snprintf(name, sizeof name, "evidence/%03u/%06u.jpg", (unsigned)(i * 7919 % 997),
                 (unsigned)i);
        unit_case_add(&u, name, &file);
    }
    unit_case_finish(&u);
    hk_case_close(u.c);
    unit_ok(hk_case_open(&u.c, u.path, HK_CASE_READ, &unit_error));
    snprintf(path, sizeof path, "%s/out", u.folder);
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        const long before = forget_peak();
        unit_ok(hk_report_write(u.c, all[i].format, path, NULL, &unit_error));
        assert_bounded(before);
        assert_int_equal(count(path, all[i].a_file), FILES);
    }
    unit_case_remove(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
