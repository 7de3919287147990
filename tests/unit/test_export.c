/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_export.c - a list written into a file: the same bytes for the same revision whatever came
 * later, what comes back when it is read again, and nothing half-written where it cannot be.
 */
#include "store_world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { ENTRIES = 3000 };
static const unsigned active = 1u << HK_ENTRY_ACTIVE;

typedef struct shop {
    unit_store s;
    char out[96];
    uint64_t revision; /* at which all entries were active */
} shop;

static void make_entry(hk_entry *entry, char id[16], unsigned i)
{
    *entry = unit_entry(i);
    snprintf(id, 16, "case, \"%u\"", i);
    entry->id = i % 3 ? id : NULL;
    entry->category = i % 4 ? "1" : NULL;
    entry->quality = i % 5 ? 90 : HK_NO_QUALITY;
}

static void open_shop(shop *p)
{
    hk_entry *entries = calloc(ENTRIES, sizeof *entries);
    char(*ids)[16] = calloc(ENTRIES, sizeof *ids);
    for (unsigned i = 0; i < ENTRIES; i++)
        make_entry(&entries[i], ids[i], i + 1);
    unit_store_make(&p->s);
    snprintf(p->out, sizeof p->out, "%s/out", p->s.folder);
    unit_create(p->s.store, "known", false, false);
    unit_import(p->s.store, "known", "ann", entries, ENTRIES, false);
    p->revision = unit_approve(p->s.store, "known", "bob").number;
    free(entries);
    free(ids);
}

static void close_shop(shop *p)
{
    unit_store_remove(&p->s);
}

/* Everything in a file; owned. */
static char *content(size_t *size, const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void assert_same_files(const char *a, const char *b)
{
    size_t size_a, size_b;
    char *bytes_a = content(&size_a, a), *bytes_b = content(&size_b, b);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(bytes_a, bytes_b, size_a);
    free(bytes_a);
    free(bytes_b);
}

/* Files in the folder whose names begin so. */
static int files_like(const shop *p, const char *name)
{
    int count = 0;
    DIR *folder = opendir(p->s.folder);
    for (struct dirent *file; (file = readdir(folder));)
        count += !strncmp(file->d_name, name, strlen(name));
    closedir(folder);
    return count;
}

static hk_status export_to(shop *p, const char *path, hk_error *err)
{
    uint64_t written = 77, left_out = 77;
    const hk_status status = hk_store_export(&written, &left_out, p->s.store, "known", p->revision,
                                             active, "text", path, err);
    if (status) {
        assert_int_equal(written, 77);
        assert_int_equal(left_out, 77);
    } else {
        assert_int_equal(written, ENTRIES);
        assert_int_equal(left_out, 0);
    }
    return status;
}

static void assert_export_fails(shop *p, const char *path, hk_status expected, const char *words)
{
    FAILS(export_to(p, path, &err), expected, words);
}

/* ---- what is written ----------------------------------------------------------------------- */

static void export_as(shop *p, const char *format, uint64_t revision, const char *path)
{
    uint64_t written, left_out;
    unit_ok(hk_store_export(&written, &left_out, p->s.store, "known", revision, active, format,
                            path, &unit_error));
    assert_int_equal(written + left_out, ENTRIES);
    assert_true(written > 0);
}

static void test_same_bytes(void **state)
{
    (void)state;
    shop p;
    int formats = 0;
    char before[112], after[112];
    open_shop(&p);
    const hk_format *format;
    for (unsigned i = 0; (format = hk_format_get(i)); i++)
        if (format->writes) {
            snprintf(before, sizeof before, "%s-%s", p.out, format->name);
            export_as(&p, format->name, 0, before);
            formats++;
        }
    assert_true(formats > 0);
    world w = {.s = p.s};
    for (uint32_t n = 2; n < 50; n += 7)
        world_retract(&w, "known", n);
    hk_entry more[] = {unit_entry(ENTRIES + 1), unit_entry(2)};
    more[1].id = "case, \"2\"";
    more[1].category = "2";
    unit_import(p.s.store, "known", "ann", more, 2, true); /* the rest is withdrawn */
    unit_approve(p.s.store, "known", "bob");
    for (unsigned i = 0; (format = hk_format_get(i)); i++)
        if (format->writes) {
            snprintf(before, sizeof before, "%s-%s", p.out, format->name);
            snprintf(after, sizeof after, "%s-again", p.out);
            export_as(&p, format->name, p.revision, after);
            assert_same_files(before, after);
        }
    close_shop(&p);
}

/* Every format that is read too can read what it wrote; CSV says all there is to say, so that
 * nothing changes. */
static void test_comes_back(void **state)
{
    (void)state;
    shop p;
    open_shop(&p);
    const hk_format *format;
    for (unsigned i = 0; (format = hk_format_get(i)); i++) {
        hk_import *import;
        hk_import_summary summary;
        hk_import_options options = HK_IMPORT_OPTIONS_INIT;
        options.act = world_act;
        options.format = format->name;
        if (!format->writes || !format->reads)
            continue;
        export_as(&p, format->name, p.revision, p.out);
        unit_ok(hk_import_open(&import, p.s.store, "known", &options, &unit_error));
        unit_ok(hk_import_file(import, p.out, &unit_error));
        unit_ok(hk_import_finish(&summary, import, &unit_error));
        hk_import_free(import);
        assert_int_equal(summary.bad_lines, 0);
        assert_int_equal(summary.withdrawn, 0);
        assert_int_equal(summary.added + summary.replaced + summary.unchanged, ENTRIES);
        if (!strcmp(format->name, "csv"))
            assert_int_equal(summary.unchanged, ENTRIES);
        if (summary.revision) { /* each format against the list as it was exported */
            hk_revision revision;
            unit_ok(hk_store_rollback(&revision, p.s.store, "known", p.revision, &world_act,
                                      &unit_error));
        }
    }
    close_shop(&p);
}

static void test_states(void **state)
{
    (void)state;
    shop p;
    uint64_t written, left_out;
    hk_entry photodna = HK_ENTRY_INIT;
    open_shop(&p);
    unit_ok(hk_store_export(&written, &left_out, p.s.store, "known", 0, 1u << HK_ENTRY_WITHDRAWN,
                            "text", p.out, &unit_error));
    assert_int_equal(written, 0);
    world w = {.s = p.s};
    world_retract(&w, "known", 5);
    unit_ok(hk_store_export(&written, &left_out, p.s.store, "known", 0, 1u << HK_ENTRY_WITHDRAWN,
                            "text", p.out, &unit_error));
    assert_int_equal(written, 1);
    photodna.has_photodna = true; /* the plain list has no column for it */
    unit_import(p.s.store, "known", "ann", &photodna, 1, false);
    unit_ok(hk_store_export(&written, &left_out, p.s.store, "known", 0, 1u << HK_ENTRY_PROPOSED,
                            "text", p.out, &unit_error));
    assert_int_equal(written, 0);
    assert_int_equal(left_out, 1);
    close_shop(&p);
}

/* ---- where it is written ------------------------------------------------------------------- */

static mode_t mode_of(const char *path)
{
    struct stat about;
    assert_int_equal(lstat(path, &about), 0);
    return about.st_mode;
}

static void test_places(void **state)
{
    (void)state;
    shop p;
    char link[112], whole[112], pipe[112];
    open_shop(&p);
    snprintf(link, sizeof link, "%s-link", p.out);
    snprintf(whole, sizeof whole, "%s-whole", p.out);
    snprintf(pipe, sizeof pipe, "%s-pipe", p.out);
    assert_int_equal(chmod(p.s.path, 0644), 0);
    unit_ok(export_to(&p, whole, &unit_error));
    assert_int_equal(mode_of(whole) & 07777, 0600);
    const int fd = open(p.out, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "old", 3), 3);
    close(fd);
    assert_int_equal(chmod(p.out, 0640), 0); /* what its owner has made it stays */
    assert_int_equal(symlink(p.out, link), 0);
    unit_ok(export_to(&p, link, &unit_error));
    assert_true(S_ISLNK(mode_of(link)));
    assert_int_equal(mode_of(p.out) & 07777, 0640);
    assert_same_files(p.out, whole);

    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_export_fails(&p, pipe, HK_ERR_USAGE, "- is standard output");
    assert_export_fails(&p, p.s.folder, HK_ERR_USAGE, "is no file");
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink(p.s.path, link), 0);
    assert_export_fails(&p, link, HK_ERR_USAGE, "is what is to be written from");
    assert_export_fails(&p, "/nowhere/at/all", HK_ERR_IO, "cannot be made");
    unit_ok(export_to(&p, whole, &unit_error)); /* the store is as it was */
    close_shop(&p);
}

/* Runs the export with stdout on a file of its own. */
static hk_status export_to_stdout(shop *p, const char *file, hk_error *err)
{
    fflush(stdout);
    const int kept = dup(STDOUT_FILENO), fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(kept >= 0 && fd >= 0);
    assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    const hk_status status = export_to(p, "-", err);
    assert_int_equal(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
    close(kept);
    close(fd);
    return status;
}

static void test_stdout(void **state)
{
    (void)state;
    shop p;
    char whole[112];
    open_shop(&p);
    snprintf(whole, sizeof whole, "%s-whole", p.out);
    unit_ok(export_to(&p, whole, &unit_error));
    unit_ok(export_to_stdout(&p, p.out, &unit_error));
    assert_same_files(p.out, whole);
    FAILS(export_to_stdout(&p, "/dev/full", &err), HK_ERR_IO, "standard output: cannot be written");
    assert_int_equal(printf("%s", ""), 0); /* stdout itself is as it was */
    assert_int_equal(ferror(stdout), 0);
    close_shop(&p);
}

/* ---- when it cannot be --------------------------------------------------------------------- */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk(void **state)
{
    (void)state;
    shop p;
    char whole[112];
    size_t size;
    open_shop(&p);
    snprintf(whole, sizeof whole, "%s-whole", p.out);
    unit_ok(export_to(&p, whole, &unit_error));
    free(content(&size, whole));
    assert_true(size > 100000);
    signal(SIGXFSZ, SIG_IGN);
    /* In the middle, and in the last bytes, which are written when it is closed. */
    const size_t full[] = {0, 70000, size - 1};
    for (size_t i = 0; i < COUNT_OF(full); i++) {
        hk_error err = {0};
        limit_files(full[i]);
        const hk_status fresh = export_to(&p, p.out, &err), over = export_to(&p, whole, NULL);
        limit_files(RLIM_INFINITY);
        assert_int_equal(fresh, HK_ERR_IO);
        assert_int_equal(over, HK_ERR_IO);
        assert_non_null(strstr(err.message, "cannot be written"));
        assert_int_equal(files_like(&p, "out"), 1); /* whole, as it was, and nothing beside it */
    }
    limit_files(size);
    unit_ok(export_to(&p, p.out, &unit_error)); /* just enough */
    limit_files(RLIM_INFINITY);
    signal(SIGXFSZ, SIG_DFL);
    assert_same_files(p.out, whole);
    close_shop(&p);
}

static void test_wrong_words(void **state)
{
    (void)state;
    shop p;
    uint64_t n;
    open_shop(&p);
    FAILS(hk_store_export(&n, &n, p.s.store, "known", 0, active, "exe", p.out, &err), HK_ERR_USAGE,
          "no format is called exe; to be written there are: ");
    FAILS(hk_store_export(&n, &n, p.s.store, "known", 0, active, NULL, p.out, &err), HK_ERR_USAGE,
          "to be written there are: ");
    const hk_format *format;
    for (unsigned i = 0; (format = hk_format_get(i)); i++)
        if (!format->writes)
            FAILS(hk_store_export(&n, &n, p.s.store, "known", 0, active, format->name, p.out, &err),
                  HK_ERR_USAGE, "can only be read; to be written there are: ");
    FAILS(hk_store_export(&n, &n, p.s.store, "none", 0, active, "text", p.out, &err), HK_ERR_USAGE,
          "there are: known");
    FAILS(hk_store_export(&n, &n, p.s.store, "known", 9, active, "text", p.out, &err), HK_ERR_USAGE,
          "the newest of the store is 3");
    unit_ok(hk__sql_run(p.s.store->db, "UPDATE entry SET state = 9 WHERE id = 2000", &unit_error));
    FAILS(hk_store_export(&n, &n, p.s.store, "known", 0, active, "text", p.out, &err),
          HK_ERR_FORMAT, "damaged");
    assert_int_equal(files_like(&p, "out"), 0);
    close_shop(&p);
}

static void test_without_memory(void **state)
{
    (void)state;
    shop p;
    open_shop(&p);
    FAIL_EVERY_ALLOCATION(export_to(&p, p.out, NULL), files_like(&p, "out") == 0);
    assert_int_equal(files_like(&p, "out"), 1);
    close_shop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes),  cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_states),      cmocka_unit_test(test_places),
        cmocka_unit_test(test_stdout),      cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_wrong_words), cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
