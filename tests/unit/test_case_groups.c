/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_case_groups.c - which contents of a case form groups, against a plain search. */
#include "case_unit.h"

#include <math.h>

/* A photo of its own number, of so many pixels, with this hash in every orientation that is not
 * named otherwise. */
static hk_file photo(uint64_t n, const hk_hash *hash, uint32_t width)
{
    hk_file file = unit_case_photo(n);
    file.fingerprint.hash[0] = *hash;
    file.width = width;
    return file;
}

static hk_hash inverted(hk_hash hash)
{
    for (int w = 0; w < 4; w++)
        hash.word[w] = ~hash.word[w];
    return hash;
}

/* "path group leads distance" of what is grouped, in the order of groups. */
static void assert_groups(unit_case *u, const char *expected)
{
    char text[2048] = "";
    hk_case_reading *reading;
    const hk_case_file *got;
    unit_ok(hk_case_reading_open(&reading, u->c, HK_CASE_GROUPED, &unit_error));
    for (;;) {
        unit_ok(hk_case_reading_next(&got, reading, &unit_error));
        if (!got)
            break;
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s %llu%s %u\n", got->file.path,
                 (unsigned long long)got->group, got->leader ? "*" : "", got->group_distance);
    }
    hk_case_reading_close(reading);
    assert_string_equal(text, expected);
}

static void test_turned_and_inverted(void **state)
{
    (void)state;
    uint64_t seed = 1;
    unit_case u;
    unit_case_make(&u);
    const hk_file large = unit_case_photo(1);
    hk_file copy = photo(2, &large.fingerprint.hash[HK_ROTATE90], 320);
    unit_case_add(&u, "evidence/turned", &copy);
    hk_hash hash = inverted(large.fingerprint.hash[HK_FLIPY]);
    flip_bit(&hash, 7);
    flip_bit(&hash, 70);
    copy = photo(3, &hash, 320);
    unit_case_add(&u, "evidence/inverted", &copy);
    hash = at_distance(&large.fingerprint.hash[0], 30, &seed);
    copy = photo(4, &hash, 320);
    unit_case_add(&u, "evidence/near", &copy);
    hash = at_distance(&large.fingerprint.hash[0], 32, &seed);
    copy = photo(5, &hash, 320);
    unit_case_add(&u, "evidence/not near", &copy);
    unit_case_add(&u, "evidence/large", &large);
    unit_case_add(&u, "evidence/large too", &large);
    unit_case_finish(&u);
    assert_groups(&u, "evidence/large 1* 0\n"
                      "evidence/large too 1* 0\n"
                      "evidence/inverted 1 2\n"
                      "evidence/near 1 30\n"
                      "evidence/turned 1 0\n");
    int64_t turned;
    unit_ok(hk__sql_number(
        &turned, -1, u.c->db, &unit_error,
        "SELECT orientation * 2 + inverted FROM grouping g JOIN file f"
        " ON f.content = g.content WHERE path = x'65766964656e63652f696e766572746564'",
        ""));
    assert_int_equal(turned, HK_FLIPY * 2 + 1);
    unit_case_remove(&u);
}

/* Several orientations of the leader are near: the nearest says how it lies. */
static void test_the_nearest_counts(void **state)
{
    (void)state;
    uint64_t seed = 8;
    unit_case u;
    unit_case_make(&u);
    hk_file large = unit_case_photo(1);
    const hk_hash hash = healthy_hash(&seed);
    large.fingerprint.hash[HK_ORIGINAL] = at_distance(&hash, 20, &seed);
    large.fingerprint.hash[HK_ROTATE180] = at_distance(&hash, 10, &seed);
    large.fingerprint.hash[HK_FLIPX] = at_distance(&hash, 16, &seed);
    const hk_file small = photo(2, &hash, 320);
    unit_case_add(&u, "evidence/large", &large);
    unit_case_add(&u, "evidence/small", &small);
    unit_case_finish(&u);
    assert_groups(&u, "evidence/large 1* 0\nevidence/small 1 10\n");
    unit_case_remove(&u);
}

/* A is near B and B near C, but C not near A. */
static void test_chains_do_not_link(void **state)
{
    (void)state;
    unit_case u;
    unit_case_make(&u);
    uint64_t seed = 2;
    const hk_hash a = healthy_hash(&seed);
    hk_hash b = a, c;
    for (unsigned bit = 0; bit < 20; bit++)
        flip_bit(&b, bit);
    c = b;
    for (unsigned bit = 20; bit < 40; bit++)
        flip_bit(&c, bit);
    const hk_hash hash[] = {a, b, c};
    static const char *const path[] = {"evidence/a", "evidence/b", "evidence/c"};
    for (unsigned i = 0; i < 3; i++) {
        const hk_file file = photo(10 + i, &hash[i], 900 - i);
        unit_case_add(&u, path[i], &file);
    }
    unit_case_finish(&u);
    assert_groups(&u, "evidence/a 1* 0\nevidence/b 1 20\n");
    unit_case_remove(&u);
}

/* Who has the most pixels leads; of equal ones the lowest SHA-256, which unit_case_photo makes of
 * the number. */
static void test_who_leads(void **state)
{
    (void)state;
    uint64_t seed = 3;
    const hk_hash hash = healthy_hash(&seed), other = healthy_hash(&seed);
    unit_case u;
    unit_case_make(&u);
    hk_file file = photo(9, &hash, 640);
    unit_case_add(&u, "evidence/1", &file);
    file = photo(8, &hash, 640);
    unit_case_add(&u, "evidence/2", &file);
    file = photo(7, &hash, 100);
    unit_case_add(&u, "evidence/3", &file);
    file = photo(6, &other, 9000);
    unit_case_add(&u, "evidence/4", &file);
    file = photo(5, &other, 8000);
    unit_case_add(&u, "evidence/5", &file);
    unit_case_finish(&u);
    assert_groups(&u, "evidence/2 1* 0\nevidence/1 1 0\nevidence/3 1 0\n"
                      "evidence/4 2* 0\nevidence/5 2 0\n");
    unit_case_remove(&u);
}

static void test_who_takes_part(void **state)
{
    (void)state;
    char path[32];
    uint64_t seed = 4;
    const hk_hash hash = healthy_hash(&seed);
    unit_case u;
    unit_case_make(&u);
    hk_file kinds[] = {photo(0, &hash, 900), photo(1, &hash, 100), photo(2, &hash, 800),
                       photo(3, &hash, 801), photo(4, &hash, 802), photo(5, &hash, 803),
                       photo(6, &hash, 804), photo(7, &hash, 805), photo(8, &hash, 806)};
    kinds[0].status = HK_FILE_TRUNCATED; /* the largest, but does not lead */
    kinds[0].flags = HK_FLAG_TRUNCATED;
    kinds[0].verdict = HK_VERDICT_NOT_CHECKED;
    kinds[3].verdict = HK_VERDICT_NEAR;
    kinds[4].known_good = true;
    kinds[5].flags = HK_FLAG_DEGENERATE;
    kinds[6].flags = HK_FLAG_LOW_QUALITY;
    kinds[7].fingerprint.kind = HK_KIND_GRAPHIC;
    kinds[8].status = HK_FILE_NOT_AN_IMAGE;
    kinds[8].hashed = false;
    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        snprintf(path, sizeof path, "evidence/%u", i);
        unit_case_add(&u, path, &kinds[i]);
    }
    for (unsigned i = 100; i < 120; i++) { /* among so many, graphics have no radius */
        const hk_file file = unit_case_photo(i);
        snprintf(path, sizeof path, "evidence/%u", i);
        unit_case_add(&u, path, &file);
    }
    assert_int_equal(hk_radius(HK_KIND_GRAPHIC, HK_PROFILE_REVIEW, 20), -1);
    unit_case_finish(&u);
    assert_groups(&u, "evidence/2 1* 0\nevidence/0 1 0\nevidence/1 1 0\n");

    /* Two that are cut short are no group by themselves. */
    unit_case v;
    unit_case_make(&v);
    unit_case_add(&v, "evidence/0", &kinds[0]);
    kinds[1].status = HK_FILE_TRUNCATED;
    unit_case_add(&v, "evidence/1", &kinds[1]);
    unit_case_finish(&v);
    assert_groups(&v, "");
    unit_case_remove(&v);
    unit_case_remove(&u);
}

/* ---- against a plain search, whatever the order --------------------------------------------- */

enum { CONTENTS = 2400 };

/* Clusters of 1 to 90, some near each other, turned and inverted; sizes that are often equal. */
static void make_contents(hk_file file[CONTENTS])
{
    uint64_t seed = 5;
    hk_hash base[HK_ORIENTATIONS] = {{{0}}};
    unsigned left = 0;
    for (unsigned n = 0; n < CONTENTS; n++) {
        file[n] = unit_case_photo(next_random(&seed));
        hk_fingerprint *f = &file[n].fingerprint;
        if (!left) {
            left = n % 7 ? (unsigned)(next_random(&seed) % 5) : (unsigned)(next_random(&seed) % 90);
            memcpy(base, f->hash, sizeof base);
        } else {
            left--;
            const unsigned turn = (unsigned)(next_random(&seed) % (2 * HK_ORIENTATIONS));
            for (unsigned o = 0; o < HK_ORIENTATIONS; o++) {
                const hk_hash *from = &base[(o + turn) % HK_ORIENTATIONS];
                f->hash[o] = at_distance(from, (unsigned)(next_random(&seed) % 36), &seed);
                if (turn >= HK_ORIENTATIONS)
                    f->hash[o] = inverted(f->hash[o]);
            }
        }
        file[n].width = 100 + (uint32_t)(next_random(&seed) % 5) * 100;
        f->kind = next_random(&seed) % 20 ? HK_KIND_PHOTO : HK_KIND_LOW_TEXTURE;
        if (next_random(&seed) % 30 == 0)
            file[n].status = HK_FILE_TRUNCATED;
    }
}

static int by_lead(const void *a, const void *b)
{
    const hk_file *x = *(const hk_file *const *)a, *y = *(const hk_file *const *)b;
    if (x->width != y->width)
        return x->width < y->width ? 1 : -1;
    return memcmp(x->digests.sha256, y->digests.sha256, 32);
}

static unsigned nearest(const hk_file *leader, const hk_file *member)
{
    unsigned least = HK_HASH_BITS;
    for (int o = 0; o < HK_ORIENTATIONS; o++) {
        const unsigned d =
            hk_hash_distance(&leader->fingerprint.hash[o], &member->fingerprint.hash[0]);
        const unsigned flat = d < HK_HASH_BITS - d ? d : HK_HASH_BITS - d;
        least = flat < least ? flat : least;
    }
    return least;
}

static unsigned radius(hk_kind kind)
{
    const int r = hk_radius(kind, HK_PROFILE_REVIEW, CONTENTS);
    return r < 31 ? (unsigned)r : 31;
}

/* leader[], as positions in `order`; distance[] to it. */
static void plain_groups(unsigned leader[CONTENTS], unsigned distance[CONTENTS],
                         const hk_file *order[CONTENTS])
{
    bool taken[CONTENTS] = {false};
    for (unsigned a = 0; a < CONTENTS; a++)
        leader[a] = a;
    for (unsigned a = 0; a < CONTENTS; a++) {
        if (taken[a] || order[a]->status)
            continue;
        taken[a] = true;
        distance[a] = 0;
        for (unsigned b = 0; b < CONTENTS; b++) {
            const unsigned x = radius(order[a]->fingerprint.kind);
            const unsigned y = radius(order[b]->fingerprint.kind);
            const unsigned d = taken[b] ? HK_HASH_BITS : nearest(order[a], order[b]);
            if (d <= (x < y ? x : y)) {
                taken[b] = true;
                leader[b] = a;
                distance[b] = d;
            }
        }
    }
}

/* Paths say the position in the order. */
static void add_shuffled(unit_case *u, const hk_file *order[CONTENTS], uint64_t seed)
{
    unsigned turn[CONTENTS];
    char path[32];
    for (unsigned i = 0; i < CONTENTS; i++)
        turn[i] = i;
    for (unsigned i = CONTENTS; --i;) {
        const unsigned j = (unsigned)(next_random(&seed) % (i + 1)), swap = turn[i];
        turn[i] = turn[j];
        turn[j] = swap;
    }
    for (unsigned i = 0; i < CONTENTS; i++) {
        snprintf(path, sizeof path, "evidence/%04u", turn[i]);
        unit_case_add(u, path, order[turn[i]]);
    }
}

static void assert_as_plain(unit_case *u, const unsigned leader[CONTENTS],
                            const unsigned distance[CONTENTS])
{
    unsigned size[CONTENTS] = {0}, grouped = 0, seen = 0, last = 0, lead = 0;
    uint64_t group = 0;
    hk_case_reading *reading;
    const hk_case_file *got;
    for (unsigned i = 0; i < CONTENTS; i++)
        size[leader[i]]++;
    for (unsigned i = 0; i < CONTENTS; i++)
        grouped += size[leader[i]] > 1;
    unit_ok(hk_case_reading_open(&reading, u->c, HK_CASE_GROUPED, &unit_error));
    for (;; seen++) {
        unit_ok(hk_case_reading_next(&got, reading, &unit_error));
        if (!got)
            break;
        const unsigned i = (unsigned)atoi(strrchr(got->file.path, '/') + 1);
        assert_true(got->leader == (leader[i] == i));
        assert_int_equal(got->group_distance, distance[i]);
        if (got->leader) { /* the largest first, equal ones by their leaders */
            assert_int_equal(got->group, group + 1);
            assert_true(!group || size[i] < last || (size[i] == last && lead < i));
            last = size[i];
            lead = i;
            group = got->group;
        }
        assert_int_equal(got->group, group);
        assert_int_equal(leader[i], lead);
    }
    assert_int_equal(seen, grouped);
    hk_case_reading_close(reading);
}

static void test_as_a_plain_search(void **state)
{
    (void)state;
    static hk_file file[CONTENTS];
    static const hk_file *order[CONTENTS];
    static unsigned leader[CONTENTS], distance[CONTENTS];
    make_contents(file);
    for (unsigned i = 0; i < CONTENTS; i++)
        order[i] = &file[i];
    qsort(order, CONTENTS, sizeof *order, by_lead);
    plain_groups(leader, distance, order);
    for (uint64_t seed = 1; seed <= 2; seed++) {
        unit_case u;
        unit_case_make(&u);
        add_shuffled(&u, order, seed);
        unit_case_finish(&u);
        assert_as_plain(&u, leader, distance);
        unit_ok(hk__case_group(u.c, 2, NULL, NULL, &unit_error)); /* again, with threads */
        assert_as_plain(&u, leader, distance);
        unit_case_remove(&u);
    }
}

/* A crowd that no block holds: more near one leader than a search gives at once. */
static void count_calls(void *context, uint64_t done, uint64_t total)
{
    uint64_t *last = context;
    assert_true(done >= *last && done <= total);
    *last = done;
}

static void test_one_crowd(void **state)
{
    (void)state;
    enum { CROWD = 6000 };
    char path[32];
    uint64_t seed = 6, done = 0;
    const hk_hash hash = healthy_hash(&seed);
    unit_case u;
    unit_case_make(&u);
    for (unsigned i = 0; i < CROWD; i++) {
        const hk_hash near = at_distance(&hash, i % 12, &seed);
        const hk_file file = photo(i + 1, i ? &near : &hash, i ? 640 : 900);
        snprintf(path, sizeof path, "evidence/%04u", i);
        unit_case_add(&u, path, &file);
    }
    unit_ok(hk__case_group(u.c, 1, count_calls, &done, &unit_error));
    assert_int_equal(done, CROWD);
    int64_t count;
    unit_ok(hk__sql_number(&count, 0, u.c->db, &unit_error,
                           "SELECT count(*) FROM grouping WHERE number = 1 AND leader = 1", ""));
    assert_int_equal(count, CROWD);
    unit_case_remove(&u);
}

/* Real hashes: whichever of a picture and its mirror image is the larger leads the other. */
static void hash_waves(hk_file *file, uint32_t width, uint32_t height, bool mirrored)
{
    hk_hasher *hasher;
    float *row = malloc(width * sizeof *row);
    unit_ok(hk_hasher_new(&hasher, width, height, &unit_error));
    for (uint32_t y = 0; y < height; y++) {
        const double v = (double)y / height;
        for (uint32_t x = 0; x < width; x++) {
            const double u = (mirrored ? (double)(width - 1 - x) : (double)x) / width;
            row[x] = (float)(127 + 40 * sin(9 * u + 31 * v * v) + 40 * sin(23 * u * v + 3) +
                             30 * cos(40 * u * u - 17 * v));
        }
        unit_ok(hk_hasher_row_f32(hasher, row, &unit_error));
    }
    unit_ok(hk_hasher_finish(&file->fingerprint, hasher, &unit_error));
    file->fingerprint.kind = HK_KIND_PHOTO;
    file->width = width;
    file->height = height;
    hk_hasher_free(hasher);
    free(row);
}

static void test_mirror_images(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        hk_file plain = unit_case_photo(1), mirror = unit_case_photo(2);
        unit_case u;
        hash_waves(&plain, which ? 320 : 240, which ? 256 : 192, false);
        hash_waves(&mirror, which ? 240 : 320, which ? 192 : 256, true);
        unit_case_make(&u);
        unit_case_add(&u, "evidence/mirror", &mirror);
        unit_case_add(&u, "evidence/plain", &plain);
        unit_case_finish(&u);
        hk_case_info info;
        unit_ok(hk_case_describe(&info, u.c, &unit_error));
        assert_int_equal(info.groups, 1);
        unit_case_remove(&u);
    }
}

/* What was grouped before is replaced, or stands where grouping fails. */
static void test_without_memory(void **state)
{
    (void)state;
    uint64_t seed = 7;
    const hk_hash hash = healthy_hash(&seed);
    unit_case u;
    unit_case_make(&u);
    hk_file file = photo(1, &hash, 640);
    unit_case_add(&u, "evidence/1", &file);
    file = photo(2, &hash, 640);
    unit_case_add(&u, "evidence/2", &file);
    unit_case_finish(&u);
    hk_case_info info;
    FAIL_EVERY_ALLOCATION(
        hk__case_group(u.c, 1, NULL, NULL, NULL),
        (unit_check(hk_case_describe(&info, u.c, &unit_error), __FILE__, __LINE__),
         info.groups == 1));
    unit_ok(hk__sql_run(u.c->db, "DELETE FROM file; DELETE FROM content", &unit_error));
    unit_ok(hk__case_group(u.c, 1, NULL, NULL, &unit_error));
    unit_ok(hk_case_describe(&info, u.c, &unit_error));
    assert_int_equal(info.groups, 0);
    unit_case_remove(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turned_and_inverted), cmocka_unit_test(test_the_nearest_counts),
        cmocka_unit_test(test_chains_do_not_link),  cmocka_unit_test(test_who_leads),
        cmocka_unit_test(test_who_takes_part),      cmocka_unit_test(test_as_a_plain_search),
        cmocka_unit_test(test_one_crowd),           cmocka_unit_test(test_mirror_images),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
