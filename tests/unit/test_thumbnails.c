/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_thumbnails.c - small pictures in the page, made by the real worker from real files: nothing
 * by default, little when asked, and none of a file that is no longer what it was.
 */
#include "page_unit.h"

#include "plain_pdq.h"

#include "report/report.h"
#include "report/thumbnails.h"

#include <sys/stat.h>
#include <vips/vips.h>

/* ---- evidence ------------------------------------------------------------------------------ */

static char evidence[] = "/tmp/herken-thumbs-XXXXXX";

static void path_in(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", evidence, name);
}

static void draw(const char *name, const char *pattern, int width, int height)
{
    char path[256];
    uint8_t *pixels = malloc((size_t)width * (size_t)height);
    assert_true(pixels && pattern_draw(pixels, pattern, height, width));
    VipsImage *image = vips_image_new_from_memory(pixels, (size_t)width * (size_t)height, width,
                                                  height, 1, VIPS_FORMAT_UCHAR);
    path_in(path, name);
    assert_int_equal(vips_image_write_to_file(image, path, NULL), 0);
    g_object_unref(image);
    free(pixels);
}

static int make_evidence(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(evidence));
    draw("a.png", "photo_like", 400, 300);
    draw("b.png", "blocks", 300, 200);
    draw("c.png", "photo_like", 90, 120);
    draw("d.png", "blocks", 500, 20);
    return 0;
}

static int remove_evidence(void **state)
{
    (void)state;
    unit_store_remove_folder(evidence);
    return 0;
}

static hk_scan_options scan_options(void)
{
    hk_scan_options scan = HK_SCAN_OPTIONS_INIT;
    scan.worker_path = WORKER;
    scan.workers = 1;
    return scan;
}

/* The file of the case as a run would have found it. */
static hk_file scanned(const char *name)
{
    char path[256];
    hk_scan *scan;
    const hk_file *got;
    hk_scan_options options = scan_options();
    options.digests = HK_DIGEST_ALL;
    path_in(path, name);
    const char *paths[] = {path};
    unit_ok(hk_scan_open(&scan, paths, 1, &options, &unit_error));
    unit_ok(hk_scan_next(&got, scan, &unit_error));
    hk_file file = *got;
    assert_true(file.hashed);
    file.path = file.reason = NULL;
    file.format = "png";
    hk_scan_free(scan);
    return file;
}

/* Near hits of all four; the second also as a copy; and one inside an archive. */
static void make_case(unit_case *u)
{
    static const char *const names[] = {"a.png", "b.png", "c.png", "d.png"};
    char path[64];
    unit_case_make(u);
    unit_place(u, evidence);
    const hk_match match = unit_near("police", "ref", NULL, 3);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        hk_file file = scanned(names[i]);
        file.verdict = HK_VERDICT_NEAR;
        file.matches = &match;
        file.match_count = 1;
        snprintf(path, sizeof path, "evidence/%s", names[i]);
        unit_case_add(u, path, &file);
        if (i == 1)
            unit_case_add(u, "evidence/copy of b.png", &file);
    }
    int64_t content;
    hk_file inner = unit_case_photo(5);
    inner.verdict = HK_VERDICT_NEAR;
    inner.matches = &match;
    inner.match_count = 1;
    unit_ok(hk__case_put_content(&content, u->c, &inner, 9, 0, &unit_error));
    unit_ok(
        hk__case_settle_member(u->c, 1, 0, "inner.jpg", content, HK_FILE_OK, NULL, &unit_error));
    unit_night_finish(u);
}

static hk_status write_page(char **page, unit_case *u, hk_thumbnails thumbnails, hk_error *err)
{
    size_t size = 0;
    hk_report_options options = HK_REPORT_OPTIONS_INIT;
    options.thumbnails = thumbnails;
    options.scan = scan_options();
    *page = NULL;
    FILE *out = open_memstream(page, &size);
    assert_non_null(out);
    const hk_status status = hk__report_html(out, u->c, &options, err);
    assert_int_equal(fclose(out), 0);
    return status;
}

/* ---- pictures in the page ------------------------------------------------------------------ */

static int digit_value(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

typedef struct bitmap {
    size_t size;
    unsigned width, height;
    uint8_t bytes[16384];
} bitmap;

/* The next data: URI after *at; false after the last. */
static bool next_bitmap(bitmap *out, const char **at)
{
    static const char head[] = "<details class=thumb><summary>";
    const char *found = strstr(*at, "data:image/bmp;base64,");
    if (!found)
        return false;
    assert_non_null(strstr(*at, head)); /* folded away */
    assert_true(strstr(*at, head) < found);
    found += strlen("data:image/bmp;base64,");
    out->size = 0;
    for (; digit_value(*found) >= 0; found += 4) {
        unsigned v = 0;
        int bytes = 3;
        for (int i = 0; i < 4; i++) {
            bytes -= found[i] == '=';
            v = v << 6 | (unsigned)(found[i] == '=' ? 0 : digit_value(found[i]));
        }
        for (int i = 0; i < bytes; i++)
            out->bytes[out->size++] = (uint8_t)(v >> (16 - 8 * i));
        assert_true(out->size < sizeof out->bytes - 3);
    }
    assert_int_equal(*found, '"');
    assert_memory_equal(out->bytes, "BM", 2);
    out->width = out->bytes[18];
    out->height = out->bytes[22];
    *at = found;
    return true;
}

static void test_smaller(void **state)
{
    (void)state;
    uint8_t grey[6 * 4], out[96 * 96];
    uint32_t width, height;
    for (unsigned i = 0; i < sizeof grey; i++)
        grey[i] = (uint8_t)(10 * i);
    hk__make_smaller(out, &width, &height, 3, grey, 6, 4);
    assert_int_equal(width, 3);
    assert_int_equal(height, 2);
    assert_int_equal(out[0], (0 + 10 + 60 + 70 + 2) / 4);
    assert_int_equal(out[5], (160 + 170 + 220 + 230 + 2) / 4);
    hk__make_smaller(out, &width, &height, 96, grey, 6, 4);
    assert_memory_equal(out, grey, sizeof grey);
    hk__make_smaller(out, &width, &height, 2, grey, 24, 1);
    assert_int_equal(width, 2);
    assert_int_equal(height, 1);
}

static void test_none(void **state)
{
    (void)state;
    unit_case u;
    char *page;
    make_case(&u);
    unit_ok(write_page(&page, &u, HK_THUMBNAILS_NONE, &unit_error));
    assert_null(strstr(page, "<img"));
    assert_null(strstr(page, "data:image"));
    assert_non_null(strstr(page, "and no picture."));
    free(page);
    unit_case_remove(&u);
}

static void test_blurred(void **state)
{
    (void)state;
    unit_case u;
    bitmap got;
    char *page;
    unsigned count = 0;
    make_case(&u);
    unit_ok(write_page(&page, &u, HK_THUMBNAILS_BLURRED, &unit_error));
    for (const char *at = page; next_bitmap(&got, &at); count++) {
        assert_true(got.width <= HK__BLURRED_SIDE && got.height <= HK__BLURRED_SIDE);
        assert_true(got.size <= 54 + 1024 + 64);
    }
    assert_int_equal(count, 4); /* none of the copy, none of the archive's member */
    assert_non_null(strstr(page, "No thumbnail: it lies in an archive."));
    assert_null(strstr(page, "<details class=thumb open"));
    free(page);
    unit_case_remove(&u);
}

static void test_grey(void **state)
{
    (void)state;
    static const unsigned sides[][2] = {{96, 72}, {96, 64}, {72, 96}, {96, 3}};
    unit_case u;
    bitmap got;
    char *page;
    unsigned count = 0;
    make_case(&u);
    unit_ok(write_page(&page, &u, HK_THUMBNAILS_GREY, &unit_error));
    for (const char *at = page; next_bitmap(&got, &at); count++) {
        assert_int_equal(got.width, sides[count][0]);
        assert_int_equal(got.height, sides[count][1]);
        VipsImage *image = vips_image_new_from_buffer(got.bytes, got.size, "", NULL);
        if (image) { /* some builds read no bitmaps */
            assert_int_equal(vips_image_get_width(image), got.width);
            g_object_unref(image);
        }
    }
    assert_int_equal(count, 4);
    assert_non_null(strstr(page, "show what is in the pictures."));
    free(page);
    unit_case_remove(&u);
}

/* ---- evidence that is not what it was ------------------------------------------------------- */

static void test_changed_evidence(void **state)
{
    (void)state;
    unit_case u;
    bitmap got;
    char *page, path[256];
    unsigned count = 0;
    make_case(&u);
    path_in(path, "a.png"); /* gone, and a folder in its place */
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    draw("a.png/z.png", "blocks", 64, 64);
    draw("b.png", "blocks", 301, 200); /* another picture */
    path_in(path, "c.png");
    unlink(path);
    unit_ok(write_page(&page, &u, HK_THUMBNAILS_GREY, &unit_error));
    for (const char *at = page; next_bitmap(&got, &at); count++)
        assert_int_equal(got.height, 3); /* d.png alone */
    assert_int_equal(count, 1);
    assert_non_null(strstr(page, "No thumbnail: no file stands in its place now."));
    assert_non_null(strstr(page, "No thumbnail: the file was changed after the run."));
    assert_non_null(strstr(page, "No thumbnail: it can no longer be read (vanished)."));
    free(page);
    path_in(path, "a.png/z.png");
    unlink(path);
    path_in(path, "a.png");
    rmdir(path);
    unit_case_remove(&u);
}

static void test_no_worker(void **state)
{
    (void)state;
    unit_case u;
    hk_error err;
    hk_report_options options = HK_REPORT_OPTIONS_INIT;
    draw("a.png", "photo_like", 400, 300);
    draw("b.png", "blocks", 300, 200);
    draw("c.png", "photo_like", 90, 120);
    make_case(&u);
    options.thumbnails = HK_THUMBNAILS_GREY;
    options.scan.worker_path = "/nonexistent/worker";
    FILE *out = fopen("/dev/null", "w");
    assert_non_null(out);
    assert_int_equal(hk__report_html(out, u.c, &options, &err), HK_ERR_SYSTEM);
    fclose(out);
    unit_case_remove(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smaller),          cmocka_unit_test(test_none),
        cmocka_unit_test(test_blurred),          cmocka_unit_test(test_grey),
        cmocka_unit_test(test_changed_evidence), cmocka_unit_test(test_no_worker),
    };
    if (VIPS_INIT("test_thumbnails"))
        return 1;
    const int failed = cmocka_run_group_tests(tests, make_evidence, remove_evidence);
    vips_shutdown();
    return failed;
}
