/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_batch.c - runs over files through the public header, with the real decode worker: the
 * account, the raster, the exact hash, threads, and every allocation of a whole run failing in
 * turn.
 */
#include "unit.h"

#include "plain_pdq.h"

#include "batch/walk.h"
#include "list/list.h"
#include "spectrum/spectrum.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vips/vips.h>

static char folder[] = "/tmp/herken-batch-XXXXXX";

static void path_in(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", folder, name);
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

static int make_folder(void **state)
{
    (void)state;
    char path[256];
    assert_non_null(mkdtemp(folder));
    draw("a.png", "photo_like", 400, 300);
    draw("b.jpg", "blocks", 300, 200);
    draw("c.png", "photo_like", 400, 300); /* the same bytes as a.png */
    path_in(path, "d.txt");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("no picture", file);
    return fclose(file);
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"a.png", "b.jpg", "c.png", "d.txt"};
    char path[256];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        path_in(path, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static hk_scan_options options(void)
{
    hk_scan_options with = HK_SCAN_OPTIONS_INIT;
    with.worker_path = WORKER;
    with.workers = 1;
    return with;
}

/* A whole run; counts what came. */
static hk_status run(hk_account *account, const hk_scan_options *with, hk_error *err)
{
    hk_scan *scan = NULL;
    const char *paths[] = {folder};
    const hk_file *file = NULL;
    hk_status status = hk_scan_open(&scan, paths, 1, with, err);
    while (!status && !(status = hk_scan_next(&file, scan, err)) && file)
        continue;
    if (!status)
        hk_scan_account(account, scan);
    hk_scan_free(scan);
    return status;
}

static void account_closes_and_order_is_by_name(void **state)
{
    (void)state;
    hk_error err;
    hk_account account;
    hk_scan *scan;
    const hk_file *file;
    const hk_scan_options with = options();
    const char *paths[] = {folder};
    static const char *const names[] = {"a.png", "b.jpg", "c.png", "d.txt"};
    assert_int_equal(hk_scan_open(&scan, paths, 1, &with, &err), HK_OK);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_int_equal(hk_scan_next(&file, scan, &err), HK_OK);
        assert_string_equal(file->path + strlen(folder) + 1, names[i]);
        assert_int_equal(file->hashed, i < 3);
        assert_null(file->raster);
    }
    assert_int_equal(hk_scan_next(&file, scan, &err), HK_OK);
    assert_null(file);
    assert_int_equal(hk_scan_next(&file, scan, &err), HK_OK); /* and stays at the end */
    assert_null(file);
    hk_scan_account(&account, scan);
    hk_scan_free(scan);
    assert_int_equal(account.found, 4);
    assert_int_equal(account.by_class[HK_CLASS_HASHED], 3);
    assert_int_equal(account.by_class[HK_CLASS_SKIPPED], 1);
    assert_int_equal(account.by_status[HK_FILE_NOT_AN_IMAGE], 1);
}

static void raster_comes_on_request_upright_and_small(void **state)
{
    (void)state;
    hk_error err;
    hk_scan *scan;
    const hk_file *file;
    hk_scan_options with = options();
    with.raster = true;
    char path[256];
    path_in(path, "a.png");
    const char *paths[] = {path};
    assert_int_equal(hk_scan_open(&scan, paths, 1, &with, &err), HK_OK);
    assert_int_equal(hk_scan_next(&file, scan, &err), HK_OK);
    assert_non_null(file->raster);
    assert_int_equal(file->raster_width, 256);
    assert_int_equal(file->raster_height, 192);

    /* The raster is a copy of the picture at another size: hashed, it is near. */
    hk_hasher *hasher;
    hk_fingerprint small;
    assert_int_equal(hk_hasher_new(&hasher, file->raster_width, file->raster_height, &err), HK_OK);
    for (uint32_t y = 0; y < file->raster_height; y++)
        assert_int_equal(
            hk_hasher_row_u8(hasher, file->raster + (size_t)y * file->raster_width, &err), HK_OK);
    assert_int_equal(hk_hasher_finish(&small, hasher, &err), HK_OK);
    hk_hasher_free(hasher);
    assert_true(hk_hash_distance(&small.hash[0], &file->fingerprint.hash[0]) <= 24);
    hk_scan_free(scan);
}

/* The oracle's own, of the pixels that draw() wrote. */
static hk_hash exact_hash_of(const char *pattern, int width, int height)
{
    const size_t size = (size_t)width * (size_t)height;
    uint8_t *pixels = malloc(size);
    double *luma = malloc(size * sizeof *luma), cells[HK__GRID_SIZE];
    float grid[HK__GRID_SIZE];
    hk_hash hash[HK_ORIENTATIONS];
    bool degenerate;
    assert_true(pixels && luma && pattern_draw(pixels, pattern, height, width));
    for (size_t i = 0; i < size; i++)
        luma[i] = pixels[i];
    plain_exact_grid(cells, luma, height, width);
    for (int i = 0; i < HK__GRID_SIZE; i++)
        grid[i] = (float)cells[i];
    assert_int_equal(hk__exact_hashes(hash, &degenerate, &hk__model_pdq, grid, NULL), HK_OK);
    assert_false(degenerate);
    free(pixels);
    free(luma);
    return hash[HK_ORIGINAL];
}

/* Beside the PDQ hash, which stays what it is; with the raster and without. */
static void exact_hash_comes_on_request(void **state)
{
    (void)state;
    hk_error err;
    hk_scan *scan;
    const hk_file *file;
    hk_fingerprint pdq = {0};
    char path[256], flat[256];
    path_in(path, "a.png");
    path_in(flat, "flat.png");
    draw("flat.png", "white", 200, 100);
    const char *paths[] = {path, path, flat}; /* the second by the canvas of the first */
    const hk_hash expected = exact_hash_of("photo_like", 400, 300);
    for (int round = 0; round < 4; round++) {
        hk_scan_options with = options();
        with.exact_hash = round % 2;
        with.raster = round / 2;
        assert_int_equal(hk_scan_open(&scan, paths, 3, &with, &err), HK_OK);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(hk_scan_next(&file, scan, &err), HK_OK);
            assert_true(file->hashed);
            assert_int_equal(file->has_exact_hash, with.exact_hash);
            assert_int_equal(file->raster != NULL, with.raster);
            if (!round)
                pdq = file->fingerprint;
            assert_memory_equal(file->fingerprint.hash, pdq.hash, sizeof pdq.hash);
            if (with.exact_hash)
                assert_true(hk_hash_distance(&file->exact_hash[HK_ORIGINAL], &expected) <= 2);
        }
        assert_int_equal(hk_scan_next(&file, scan, &err), HK_OK);
        assert_true(file->hashed); /* degenerate, which its flags say; a bare hash could not */
        assert_false(file->has_exact_hash);
        hk_scan_free(scan);
    }
    assert_true(hk_hash_distance(&expected, &pdq.hash[HK_ORIGINAL]) > 0); /* another hash it is */
    unlink(flat);
}

/* A picture whose right half is the mirror image of its left half. */
static void draw_symmetric(const char *name, int side)
{
    char path[256];
    uint8_t *pixels = malloc((size_t)side * (size_t)side);
    assert_true(pixels && pattern_draw(pixels, "photo_like", side, side));
    for (int y = 0; y < side; y++)
        for (int x = side / 2; x < side; x++)
            pixels[y * side + x] = pixels[y * side + side - 1 - x];
    VipsImage *image = vips_image_new_from_memory(pixels, (size_t)side * (size_t)side, side, side,
                                                  1, VIPS_FORMAT_UCHAR);
    path_in(path, name);
    assert_int_equal(vips_image_write_to_file(image, path, NULL), 0);
    g_object_unref(image);
    free(pixels);
}

/* A matcher has the exact grid hashed by itself, where it looks hashes up; of a symmetric picture
 * that hash is degenerate, though the plain one is not, and is left out. */
static void matching_probes_by_the_exact_grid(void **state)
{
    (void)state;
    hk_error err;
    hk_scan *scan;
    const hk_file *file;
    char path[256], symmetric[256];
    path_in(path, "a.png");
    path_in(symmetric, "symmetric.png");
    draw_symmetric("symmetric.png", 200);
    const char *paths[] = {path, symmetric};
    const hk_hash exact = exact_hash_of("photo_like", 400, 300);
    for (int hashes = 0; hashes < 2; hashes++) {
        hk_list *list;
        hk_matcher *matcher;
        hk_entry entry = HK_ENTRY_INIT;
        entry.has_hash = hashes;
        entry.hash = exact; /* whatever is nearer to it than PDQ is found by the probe */
        entry.digests.present = HK_DIGEST_MD5;
        entry.digests.md5[0] = 1;
        assert_int_equal(hk__list_new(&list, "known", &err), HK_OK);
        assert_int_equal(hk__list_add(list, &entry, 1, &err), HK_OK);
        const hk_list *const lists[] = {list};
        assert_int_equal(hk_matcher_new(&matcher, lists, 1, NULL, &err), HK_OK);
        hk_scan_options with = options();
        with.matcher = matcher;
        assert_int_equal(hk_scan_open(&scan, paths, 2, &with, &err), HK_OK);
        assert_int_equal(hk_scan_next(&file, scan, &err), HK_OK);
        assert_int_equal(file->has_exact_hash, hashes);
        assert_int_equal(file->match_count, hashes);
        if (hashes) {
            assert_string_equal(file->matches[0].probe, "exact");
            assert_true(file->matches[0].distance <= 2);
        }
        assert_int_equal(hk_scan_next(&file, scan, &err), HK_OK);
        assert_true(file->hashed && !(file->flags & HK_FLAG_DEGENERATE));
        assert_false(file->has_exact_hash);
        hk_scan_free(scan);
        hk_matcher_free(matcher);
        hk_list_free(list);
    }
    unlink(symmetric);
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    hk_error err;
    hk_account account;
    hk_scan_options with = options();
    with.size = 3;
    assert_int_equal(run(&account, &with, &err), HK_ERR_USAGE);
    with = options();
    with.timeout_ms = 0;
    assert_int_equal(run(&account, &with, &err), HK_ERR_USAGE);
    with = options();
    with.workers = 5000;
    assert_int_equal(run(&account, &with, &err), HK_ERR_USAGE);
    with = options();
    with.worker_memory = 1;
    assert_int_equal(run(&account, &with, &err), HK_ERR_USAGE);
    with = options();
    with.worker_path = "/nonexistent";
    assert_int_equal(run(&account, &with, &err), HK_ERR_SYSTEM);
    assert_non_null(strstr(err.message, "/nonexistent"));
}

static void a_scan_can_be_left_in_the_middle(void **state)
{
    (void)state;
    hk_error err;
    hk_scan *scan;
    const hk_file *file;
    const hk_scan_options with = options();
    const char *paths[] = {folder, folder, folder};
    assert_int_equal(hk_scan_open(&scan, paths, 3, &with, &err), HK_OK);
    assert_int_equal(hk_scan_next(&file, scan, &err), HK_OK);
    hk_scan_free(scan); /* with jobs in hand; the sanitizer watches */
    hk_scan_free(NULL);
}

static void every_allocation_of_a_run_may_fail(void **state)
{
    (void)state;
    hk_error err;
    hk_account account = {0};
    const hk_scan_options with = options();
    FAIL_EVERY_ALLOCATION(run(&account, &with, &err), account.found == 0);
    assert_int_equal(account.found, 4);
}

/* What was a file when it was found, and was not read, is never out of scope: that would look
 * clean. */
static void what_took_the_place_of_a_file_is_changed(void **state)
{
    (void)state;
    char path[256];
    path_in(path, "e.jpg");
    for (int i = 0; i < 3; i++) {
        hk_file_status status = HK_FILE_OK;
        const char *reason = NULL;
        assert_int_equal(i == 0   ? symlink("a.png", path)
                         : i == 1 ? mkfifo(path, 0600)
                                  : mkdir(path, 0700),
                         0);
        const hk__planned planned = {.path = path};
        assert_int_equal(hk__plan_open(&status, &reason, &planned), -1);
        assert_int_equal(status, HK_FILE_CHANGED);
        assert_non_null(strstr(reason, "when it was found"));
        assert_int_equal(remove(path), 0);
    }
}

static void no_descriptor_is_left_open(void **state)
{
    (void)state;
    hk_error err;
    hk_account account;
    const hk_scan_options with = options();
    const int before = dup(0);
    close(before);
    for (int i = 0; i < 3; i++)
        assert_int_equal(run(&account, &with, &err), HK_OK);
    const int after = dup(0);
    close(after);
    assert_int_equal(after, before);
}

static void *scan_in_thread(void *result)
{
    hk_error err;
    hk_account account;
    const hk_scan_options with = options();
    *(int *)result = run(&account, &with, &err) || account.found != 4;
    return NULL;
}

static void scans_run_side_by_side_in_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    int wrong[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, scan_in_thread, &wrong[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(wrong[i], 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(account_closes_and_order_is_by_name),
        cmocka_unit_test(raster_comes_on_request_upright_and_small),
        cmocka_unit_test(exact_hash_comes_on_request),
        cmocka_unit_test(matching_probes_by_the_exact_grid),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(a_scan_can_be_left_in_the_middle),
        cmocka_unit_test(every_allocation_of_a_run_may_fail),
        cmocka_unit_test(what_took_the_place_of_a_file_is_changed),
        cmocka_unit_test(no_descriptor_is_left_open),
        cmocka_unit_test(scans_run_side_by_side_in_threads),
    };
    (void)argc;
    if (VIPS_INIT(argv[0]))
        return 1;
    return cmocka_run_group_tests_name("batch", tests, make_folder, remove_folder);
}
