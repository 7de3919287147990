/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * make_case.c - makes the finished case of a made-up run, or of one of its shards, for the tests of
 * `herken case`.
 *
 *      make_case FILE [SHARD SHARDS]
 *
 * Forty files: groups of near copies, files with the same bytes, hits, a member of an archive, a
 * name that is not UTF-8, a file that was not read.
 */
#include "case/case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 40 };

static void check(hk_status status, const hk_error *err)
{
    if (status) {
        fprintf(stderr, "make_case: %s\n", err->message);
        exit(1);
    }
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Pictures of one number modulo 8 below 3 look alike; of the others every one is its own. A hash
 * has as many ones as zeros, as those of pictures have. */
static hk_file picture(unsigned n)
{
    const unsigned alike = n % 8 < 3 ? n % 8 : n;
    uint64_t state = alike + 1;
    hk_file file = {.status = HK_FILE_OK,
                    .format = "jpeg",
                    .width = 640 + n,
                    .height = 480,
                    .exif_orientation = 1,
                    .hashed = true,
                    .verdict = HK_VERDICT_NONE,
                    .digests = {.present = HK_DIGEST_ALL}};
    for (int o = 0; o < HK_ORIENTATIONS; o++) {
        hk_hash *hash = &file.fingerprint.hash[o];
        for (int w = 0; w < 2; w++) {
            hash->word[w] = next_random(&state);
            hash->word[w + 2] = ~hash->word[w];
        }
    }
    file.fingerprint.hash[0].word[0] ^= alike == n ? 0 : UINT64_C(3) << n;
    file.fingerprint.quality = 100;
    state = n + 1000;
    for (size_t i = 0; i < sizeof file.digests.sha256; i++)
        file.digests.sha256[i] = (uint8_t)next_random(&state);
    memcpy(file.digests.md5, file.digests.sha256, sizeof file.digests.md5);
    memcpy(file.digests.sha1, file.digests.sha256 + 4, sizeof file.digests.sha1);
    return file;
}

static void begin(hk_case *c, const char *shard, const char *shards)
{
    hk_error err;
    const struct {
        const char *key, *value;
    } settings[] = {{"version", hk_version()},
                    {"model", hk_model(0)->checksum},
                    {"calibration", hk_model(0)->calibration_checksum},
                    {"profile", "review"},
                    {"hashes", "1400000"},
                    {"radius.photo", "39"},
                    {"radius.low_texture", "3"},
                    {"walked", "40"},
                    {"shard", shard},
                    {"shards", shards}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        check(hk__case_setting(c, settings[i].key, settings[i].value, settings[i].key, &err), &err);
    check(hk__case_add_input(c, "evidence", "/mnt/evidence", &err), &err);
    const hk_case_list list = {
        .name = "police",
        .source = "/lists/store.db",
        .revision = 7,
        .digest = "3132333435363738393031323334353637383930313233343536373839303132",
        .entries = 1400000};
    check(hk__case_add_list(c, &list, &err), &err);
}

static void add(hk_case *c, unsigned n)
{
    hk_error err;
    char path[64];
    int64_t content, file;
    const hk_match match = {.list = "police",
                            .entry = "entry",
                            .category = "1",
                            .basis = HK_BASIS_PDQ,
                            .probe = "plain",
                            .distance = 12,
                            .chance = 1e-8};
    snprintf(path, sizeof path, n == 9 ? "evidence/%02u \xff.jpg" : "evidence/%02u.jpg", n);
    const hk_file_status status = n == 12 ? HK_FILE_NO_ACCESS : HK_FILE_OK;
    check(hk__case_plan(c, 0, path, status, n == 12 ? "no right to read it" : NULL, &err), &err);
    if (n == 12)
        return;
    check(hk__sql_number(&file, 0, c->db, &err, "SELECT max(id) FROM file", ""), &err);
    hk_file got = picture(n == 16 ? 8 : n); /* one is a copy, byte for byte */
    if (n == 20) {
        got.verdict = HK_VERDICT_NEAR;
        got.matches = &match;
        got.match_count = 1;
    }
    check(hk__case_put_content(&content, c, &got, 1000, 0.0005, &err), &err);
    check(hk__case_settle(c, file, content, HK_FILE_OK, NULL, &err), &err);
    if (n != 30)
        return;
    got = picture(100);
    check(hk__case_put_content(&content, c, &got, 2000, 0.0005, &err), &err);
    check(hk__case_settle_member(c, file, 0, "in/side.jpg", content, HK_FILE_OK, NULL, &err), &err);
}

int main(int argc, char **argv)
{
    hk_error err;
    hk_case *c;
    int64_t session;
    if (argc != 2 && argc != 4) {
        fputs("usage: make_case FILE [SHARD SHARDS]\n", stderr);
        return 2;
    }
    const unsigned shard = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    const unsigned shards = argc > 2 ? (unsigned)atoi(argv[3]) : 1;
    check(hk__case_create(&c, argv[1], &err), &err);
    begin(c, argc > 2 ? argv[2] : "1", argc > 2 ? argv[3] : "1");
    const hk_case_session facts = {.started = 1000000000,
                                   .workers = 2,
                                   .machine = "Linux 6.1 x86_64 desk",
                                   .versions = "libvips 8.14\n"};
    check(hk__case_session_begin(&session, c, &facts, &err), &err);
    for (unsigned n = FILES; n--;)
        if (n % shards == shard - 1)
            add(c, n);
    check(hk__case_session_end(c, session, FILES / shards, &err), &err);
    check(hk__case_group(c, 1, NULL, NULL, &err), &err);
    check(hk__case_set_state(c, HK_CASE_FINISHED, &err), &err);
    check(hk__case_commit(c, &err), &err);
    hk_case_close(c);
    return 0;
}
