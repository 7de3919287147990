/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_search.c - every engine through the doors of herken.h gives what measuring every distance
 * gives: any batch, bound, radius, number of threads, ids and population.
 */
#include "plain_search.h"
#include "unit.h"

#include "index/plan.h"
#include "index/view.h"

#include <limits.h>
#include <pthread.h>

static const char *const engines[] = {"auto", "flat", "mih"};
enum { ENGINES = COUNT_OF(engines), CENTRES = 40 };

/* Clusters with every distance in them, duplicates and strangers; queries near and far. */
static void populate(hk_hash *hashes, size_t count, hk_hash *queries, size_t query_count,
                     uint64_t seed)
{
    hk_hash centre[CENTRES];
    for (int c = 0; c < CENTRES; c++)
        centre[c] = random_hash(&seed);
    for (size_t i = 0; i < count; i++) {
        const uint64_t r = next_random(&seed);
        hashes[i] = r & 3        ? random_hash(&seed)
                    : i && r & 4 ? hashes[(r >> 8) % i]
                                 : at_distance(&centre[(r >> 8) % CENTRES], r >> 40 & 63, &seed);
    }
    for (size_t q = 0; q < query_count; q++) {
        const uint64_t r = next_random(&seed);
        queries[q] = r % 3 == 0 ? centre[(r >> 8) % CENTRES]
                     : count && r % 3 == 1
                         ? at_distance(&hashes[(r >> 8) % count], r >> 40 & 31, &seed)
                         : random_hash(&seed);
    }
}

static hk_index *make(const hk_index_source *source, const char *engine, unsigned threads,
                      unsigned max_distance)
{
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    options.engine = engine;
    options.threads = threads;
    options.max_distance = max_distance;
    hk_index *index;
    assert_int_equal(hk_index_build_from(&index, source, &options, NULL), HK_OK);
    assert_int_equal(hk_index_count(index), source->hash_count);
    return index;
}

static bool within_agrees(const hk_index *index, const hk_index_source *source,
                          const hk_hash *queries, size_t query_count, unsigned radius,
                          size_t max_hits)
{
    hk_hits hits = {UNTOUCHED, 77, true, true};
    assert_int_equal(hk_index_within(&hits, index, queries, query_count, radius, max_hits, NULL),
                     HK_OK);
    hk_hits expected = plain_within(source->hashes, source->hash_ids, source->hash_count, queries,
                                    query_count, radius, max_hits);
    const bool same = plain_equal(&hits, &expected);
    free(expected.hit);
    hk_hits_free(&hits);
    return same;
}

static bool nearest_agrees(const hk_index *index, const hk_index_source *source,
                           const hk_hash *queries, size_t query_count, size_t k)
{
    hk_hits hits;
    assert_int_equal(hk_index_nearest(&hits, index, queries, query_count, k, NULL), HK_OK);
    hk_hits expected = plain_within(source->hashes, source->hash_ids, source->hash_count, queries,
                                    query_count, HK_HASH_BITS, k);
    expected.truncated = false;
    const bool same = plain_equal(&hits, &expected);
    free(expected.hit);
    hk_hits_free(&hits);
    return same;
}

/* ---- every engine --------------------------------------------------------------------------- */

enum { FEW = 3000, MANY = 20000, QUERIES = 1000 };
static hk_hash few[FEW], many[MANY], plain_queries[QUERIES];
static const size_t bounds[] = {0, 1, 5, 100};

static void small_batches_agree_at_every_radius(void **state)
{
    (void)state;
    static const unsigned radii[] = {0, 1, 15, 31, 34, 35, 64, 65, 100, 256};
    const hk_index_source source = {.hashes = few, .hash_count = FEW};
    populate(few, FEW, plain_queries, QUERIES, 1);
    for (unsigned threads = 1; threads <= 4; threads++)
        for (size_t e = 0; e < ENGINES; e++) {
            hk_index *index = make(&source, engines[e], threads, threads * 13);
            for (size_t r = threads % 2; r < COUNT_OF(radii); r += 2)
                for (size_t batch = 1; batch <= 3; batch++)
                    for (size_t b = 0; b < COUNT_OF(bounds); b++)
                        assert_true(within_agrees(index, &source,
                                                  plain_queries + r * 7 + batch * 3 + b, batch,
                                                  radii[r], bounds[b]));
            hk_index_free(index);
        }
}

static void large_batches_agree(void **state)
{
    (void)state;
    static const unsigned radii[] = {0, 16, 31};
    const hk_index_source source = {.hashes = few, .hash_count = FEW};
    populate(few, FEW, plain_queries, QUERIES, 2);
    for (unsigned threads = 1; threads <= 4; threads++)
        for (size_t e = 0; e < ENGINES; e++) {
            hk_index *index = make(&source, engines[e], threads, 31);
            for (size_t r = 0; r < COUNT_OF(radii); r++) {
                const size_t bound = bounds[(threads + e + r) % COUNT_OF(bounds)];
                assert_true(within_agrees(index, &source, plain_queries, QUERIES, radii[r], bound));
                assert_true(
                    within_agrees(index, &source, plain_queries + 100, 64, radii[r] + 20, bound));
                if (r == 0)
                    assert_true(within_agrees(index, &source, plain_queries, threads, 256, bound));
            }
            hk_index_free(index);
        }
}

/* Of so many hashes the automatic engine asks its tables. */
static void tables_agree_at_every_level(void **state)
{
    (void)state;
    const hk_index_source source = {.hashes = many, .hash_count = MANY};
    populate(many, MANY, plain_queries, QUERIES, 3);
    for (int level = HK_SIMD_SCALAR; level <= HK_SIMD_AVX512; level++) {
        if (!hk__cpu_can((hk_simd)level))
            continue;
        assert_int_equal(hk_simd_use((hk_simd)level, NULL), HK_OK);
        for (size_t e = 0; e < ENGINES; e++)
            for (unsigned radius = 0; radius <= 31; radius += radius ? 16 : 15) {
                hk_index_info info;
                hk_index *index = make(&source, engines[e], 1 + (unsigned)level, radius);
                hk_index_describe(&info, index);
                assert_int_equal(info.tables != 0, e != 1);
                for (size_t b = 0; b < COUNT_OF(bounds); b++) {
                    assert_true(within_agrees(index, &source, plain_queries, 1, radius, bounds[b]));
                    assert_true(
                        within_agrees(index, &source, plain_queries + b, 70, radius, bounds[b]));
                    assert_true(
                        within_agrees(index, &source, plain_queries + b, 3, radius + 9, bounds[b]));
                }
                hk_index_free(index);
            }
    }
    assert_int_equal(hk_simd_use(HK_SIMD_BEST, NULL), HK_OK);
}

static void nearest_agrees_for_every_engine(void **state)
{
    (void)state;
    static const size_t ks[] = {1, 2, 10, 100, MANY - 1, MANY, MANY + 1};
    const hk_index_source source = {.hashes = many, .hash_count = MANY};
    populate(many, MANY, plain_queries, QUERIES, 4);
    for (size_t e = 0; e < ENGINES; e++) {
        hk_index *index = make(&source, engines[e], 2, 31);
        for (size_t k = 0; k < COUNT_OF(ks); k++)
            assert_true(nearest_agrees(index, &source, plain_queries + k * 5, 4, ks[k]));
        /* All of them have a copy in the index: the tables alone answer. */
        assert_true(nearest_agrees(index, &source, many + 50, 20, 1));
        hk_index_free(index);
    }
}

static void tiny_indexes_agree(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 18; count += count < 4 ? 1 : 5)
        for (size_t e = 0; e < ENGINES; e++) {
            const hk_index_source source = {.hashes = count ? few : NULL, .hash_count = count};
            populate(few, count, plain_queries, 20, count + 5);
            hk_index *index = make(&source, engines[e], 0, 31);
            for (unsigned radius = 0; radius <= 256; radius += 64)
                for (size_t batch = 0; batch <= 4; batch++)
                    assert_true(within_agrees(index, &source, plain_queries + radius / 64, batch,
                                              radius, batch));
            assert_true(nearest_agrees(index, &source, plain_queries, 2, 3));
            hk_index_free(index);
        }
}

/* ---- ids ------------------------------------------------------------------------------------ */

enum { CLOSE, FAR, EDGE, ONE_ID, ID_SORTS };

/* Ids in any order, some of them shared. */
static void number(uint32_t *ids, size_t count, int sort, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        const uint64_t r = next_random(&seed);
        ids[i] = sort == CLOSE    ? (uint32_t)(r % count) + 4000000000u
                 : sort == ONE_ID ? UINT32_MAX
                 : sort == FAR    ? (uint32_t)r
                                  : (uint32_t)(r % 3 * UINT16_MAX);
    }
    if (sort == EDGE && count > 1) {
        ids[0] = UINT32_MAX;
        ids[1] = 0;
    }
}

static void ids_are_what_was_given(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 64, 65, FEW / 2};
    static uint32_t ids[FEW];
    for (size_t c = 0; c < COUNT_OF(counts); c++)
        for (int sort = 0; sort < ID_SORTS; sort++)
            for (size_t e = 0; e < ENGINES; e++) {
                const size_t n = counts[c];
                const hk_index_source source = {.hashes = few, .hash_ids = ids, .hash_count = n};
                populate(few, n, plain_queries, 30, c + 30);
                number(ids, n, sort, c + 40);
                hk_index *index = make(&source, engines[e], 1, 31);
                if (n > 64 && (sort == CLOSE || sort == FAR))
                    assert_int_equal(index->base->ids.full != NULL, sort == FAR);
                for (unsigned radius = 0; radius <= 100; radius = radius * 2 + 32)
                    for (size_t b = 0; b < COUNT_OF(bounds); b++)
                        assert_true(within_agrees(index, &source, plain_queries + radius / 32 * 3,
                                                  1 + b % 2, radius, bounds[b]));
                assert_true(nearest_agrees(index, &source, plain_queries, 5, n / 2 + 1));
                for (size_t i = 0; i < 40; i++) {
                    size_t first, end, shared = 0;
                    const uint32_t id = i % 4 ? ids[i % n] : (uint32_t)(i * 31);
                    for (size_t k = 0; k < n; k++)
                        shared += ids[k] == id;
                    assert_int_equal(hk__base_positions(&first, &end, index->base, id, NULL),
                                     HK_OK);
                    assert_int_equal(end - first, shared);
                    for (; first < end; first++) {
                        uint32_t there;
                        assert_int_equal(hk__base_id(&there, index->base, first, NULL), HK_OK);
                        assert_int_equal(there, id);
                    }
                }
                hk_index_free(index);
            }
}

/* Whether 16 bits above the first of a block are enough, at their very limit. */
static void close_ids_are_told_from_far_ones(void **state)
{
    (void)state;
    uint32_t ids[130] = {0};
    for (size_t at = 1; at < COUNT_OF(ids); at++) {
        for (size_t i = 0; i < COUNT_OF(ids); i++)
            ids[i] = i < at ? 5 : 5 + UINT16_MAX;
        assert_true(hk__ids_are_close(ids, COUNT_OF(ids)));
        for (size_t i = at; i < COUNT_OF(ids); i++)
            ids[i]++;
        /* A step at the first of a block is within none. */
        assert_int_equal(hk__ids_are_close(ids, COUNT_OF(ids)), at % HK__IDS_BLOCK == 0);
        assert_true(hk__ids_are_close(ids, at));
    }
    assert_true(hk__ids_are_close(NULL, 0));
}

/* ---- populations made to be slow ------------------------------------------------------------ */

enum { ADVERSE = 60000, RADIUS = 15 };
static hk_hash adverse[ADVERSE];
enum { ALL_ALIKE, HALF_ALIKE, MOSTLY_ALIKE, ALIKE_AND_STRANGERS, ADVERSE_SORTS };

static void populate_adverse(int sort, uint64_t seed)
{
    const hk_hash all = random_hash(&seed);
    const hk_hash differ = random_hash(&seed), never = {{0}};
    hk_hash rarely = random_hash(&seed);
    for (int w = 0; w < 4; w++)
        rarely.word[w] &= differ.word[w] & next_random(&seed);
    for (size_t i = 0; i < ADVERSE; i++) {
        const hk_hash mask = sort == HALF_ALIKE ? differ : sort == MOSTLY_ALIKE ? rarely : never;
        for (int w = 0; w < 4; w++)
            adverse[i].word[w] = all.word[w] ^ (next_random(&seed) & mask.word[w]);
        if (sort == ALIKE_AND_STRANGERS && i % 2 == 0)
            adverse[i] = random_hash(&seed);
    }
}

/* Whether the tables give up on a query with the patience that search.c has. */
static bool runs_out_of_patience(const hk_index *index, const hk_hash *query)
{
    const hk__mih *mih = &index->base->mih;
    hk__slot slots[HK__SLOTS_MAX];
    for (unsigned t = 0; t < mih->tables; t++)
        slots[t] = mih->table[t].slot;
    const double ns = hk__plan_mih_ns(slots, mih->tables, mih->count, RADIUS);
    const double scan_ns = hk__plan_flat_ns(mih->count, RADIUS, 1);
    assert_true(ns < scan_ns); /* so that search.c tries the tables */
    const hk__mih_query q = {*query, RADIUS, (uint64_t)(5 * (2 * ns + scan_ns / 3))};
    hk__mih_room *room = hk__mih_room_new();
    hk__sieve sieve;
    bool gave_up = false;
    hk__sieve_start(&sieve, RADIUS, 0);
    assert_int_equal(hk__mih_within(&sieve, &gave_up, mih, &q, room, NULL), HK_OK);
    hk__sieve_clear(&sieve);
    hk__free(room);
    return gave_up;
}

static void check_giving_up(void)
{
    for (int sort = 0; sort < ADVERSE_SORTS; sort++) {
        uint64_t seed = 60 + (uint64_t)sort;
        const hk_index_source source = {.hashes = adverse, .hash_count = ADVERSE};
        populate_adverse(sort, seed);
        hk_index *index = make(&source, "auto", 2, RADIUS);
        hk_hash query[48];
        for (size_t q = 0; q < COUNT_OF(query); q++)
            query[q] = q % 4 == 3 ? random_hash(&seed)
                                  : at_distance(&adverse[q * 7 + 1], (unsigned)q % 18, &seed);
        size_t given_up = 0;
        for (size_t q = 0; q < COUNT_OF(query); q++)
            given_up += runs_out_of_patience(index, &query[q]);
        assert_true(given_up < COUNT_OF(query));
        if (sort != HALF_ALIKE) /* its tables are slow, but not that slow */
            assert_true(given_up > 20);
        assert_int_equal(index->base->streak, 0);
        for (size_t q = 0; q < 12; q++) {
            assert_true(within_agrees(index, &source, &query[q], 1, RADIUS, bounds[q % 4]));
            if (q == 0 && sort != HALF_ALIKE) /* it did give up, and the next ones are scanned */
                assert_true(index->base->streak == 1 && index->base->wary == 2);
        }
        assert_true(within_agrees(index, &source, query, 5, RADIUS, 0));
        assert_true(within_agrees(index, &source, query, COUNT_OF(query), RADIUS, 3));
        /* Plain ones again, for long enough that the tables are tried anew. */
        for (size_t q = 0; q < COUNT_OF(query); q++)
            query[q] = random_hash(&seed);
        for (int turn = 0; turn < 2; turn++)
            assert_true(within_agrees(index, &source, query, COUNT_OF(query), RADIUS, 0));
        assert_int_equal(index->base->streak, 0);
        hk_index_free(index);
    }
}

static void searches_that_give_up_are_right(void **state)
{
    (void)state;
    assert_int_equal(hk_simd_use(HK_SIMD_SCALAR, NULL), HK_OK); /* another plan */
    check_giving_up();
    assert_int_equal(hk_simd_use(HK_SIMD_BEST, NULL), HK_OK);
    check_giving_up();
}

/* What the tables gave up on is scanned 64 queries at a time. */
static void many_searches_that_give_up_are_right(void **state)
{
    (void)state;
    uint64_t seed = 65;
    const hk_index_source source = {.hashes = adverse, .hash_count = ADVERSE};
    populate_adverse(MOSTLY_ALIKE, seed);
    hk_index *index = make(&source, "auto", 1, RADIUS);
    hk_hash query[131];
    for (size_t q = 0; q < COUNT_OF(query); q++)
        query[q] = at_distance(&adverse[q], 4, &seed);
    for (size_t count = 63; count <= COUNT_OF(query); count += count < 65 ? 1 : 33)
        assert_true(within_agrees(index, &source, query, count, RADIUS, 2));
    hk_index_free(index);
}

/* Of a search that is begun anew nothing is left but what it was told. */
static void sieves_forget_their_hits_only(void **state)
{
    (void)state;
    static const uint32_t gone[] = {3, 9};
    hk__sieve sieve;
    hk__sieve_start(&sieve, 50, 2);
    sieve.gone = gone;
    sieve.gone_count = COUNT_OF(gone);
    for (int turn = 0; turn < 2; turn++) {
        for (uint32_t i = 0; i < 5000; i++)
            assert_int_equal(hk__sieve_offer(&sieve, (hk_hit){0, i, 40 - i % 20}, NULL), HK_OK);
        assert_true(sieve.dropped && sieve.radius < 50 && sieve.count < 2000);
        hk__sieve_restart(&sieve, 50);
        assert_true(!sieve.dropped && sieve.count == 0 && sieve.radius == 50);
    }
    for (uint32_t i = 0; i < 12; i += 3)
        assert_int_equal(hk__sieve_offer(&sieve, (hk_hit){0, i, 20 - i}, NULL), HK_OK);
    hk__sieve_finish(&sieve);
    assert_int_equal(sieve.count, 2);
    assert_false(sieve.dropped);
    assert_true(sieve.hit[0].item == 6 && sieve.hit[1].item == 0);
    hk__sieve_clear(&sieve);
}

static void the_nearest_of_equal_hashes_are_the_first(void **state)
{
    (void)state;
    populate_adverse(ALL_ALIKE, 70);
    const hk_index_source source = {.hashes = adverse, .hash_count = ADVERSE};
    for (size_t e = 0; e < ENGINES; e++) {
        hk_index *index = make(&source, engines[e], 1, RADIUS);
        for (size_t k = 1; k < 10000; k = k * 9 + 1)
            assert_true(nearest_agrees(index, &source, adverse, 2, k));
        hk_index_free(index);
    }
}

/* ---- many threads on one index -------------------------------------------------------------- */

enum { POOL = 24, SEARCHERS = 4, ROUNDS = 60, BOUND = 20 };

typedef struct searcher {
    const hk_index *index;
    const hk_hash *query; /* [POOL] */
    const hk_hits *answer;
    uint64_t seed;
    bool right;
} searcher;

static void *search_often(void *context)
{
    searcher *s = context;
    s->right = true;
    for (int round = 0; round < ROUNDS && s->right; round++) {
        const size_t from = next_random(&s->seed) % POOL;
        const size_t count = 1 + next_random(&s->seed) % (POOL - from);
        hk_hits hits;
        if (hk_index_within(&hits, s->index, s->query + from, count, RADIUS, BOUND, NULL)) {
            s->right = false;
            break;
        }
        size_t at = 0;
        for (size_t q = 0; q < count && s->right; q++)
            for (size_t k = 0; k < s->answer[from + q].count && s->right; k++, at++)
                s->right = at < hits.count && hits.hit[at].query == q &&
                           hits.hit[at].item == s->answer[from + q].hit[k].item &&
                           hits.hit[at].distance == s->answer[from + q].hit[k].distance;
        s->right = s->right && at == hits.count;
        hk_hits_free(&hits);
    }
    return NULL;
}

static void threads_that_share_an_index_are_right(void **state)
{
    (void)state;
    uint64_t seed = 80;
    populate_adverse(ALIKE_AND_STRANGERS, seed);
    const hk_index_source source = {.hashes = adverse, .hash_count = ADVERSE};
    for (unsigned threads = 1; threads <= 2; threads++) {
        hk_index *index = make(&source, "auto", threads, RADIUS);
        hk_hash query[POOL];
        hk_hits answer[POOL];
        pthread_t thread[SEARCHERS];
        searcher searchers[SEARCHERS];
        for (size_t q = 0; q < POOL; q++) { /* of those alike, of others, of nobody */
            query[q] = q % 3 == 2 ? random_hash(&seed)
                                  : at_distance(&adverse[q % 3 + 2 * q], (unsigned)q % 17, &seed);
            answer[q] = plain_within(adverse, NULL, ADVERSE, &query[q], 1, RADIUS, BOUND);
        }
        for (int s = 0; s < SEARCHERS; s++) {
            searchers[s] = (searcher){index, query, answer, seed + (uint64_t)s, false};
            assert_int_equal(pthread_create(&thread[s], NULL, search_often, &searchers[s]), 0);
        }
        for (int s = 0; s < SEARCHERS; s++) {
            pthread_join(thread[s], NULL);
            assert_true(searchers[s].right);
        }
        for (size_t q = 0; q < POOL; q++)
            free(answer[q].hit);
        hk_index_free(index);
    }
}

/* ---- what an index says of itself, and what it refuses --------------------------------------- */

static void an_index_describes_itself(void **state)
{
    (void)state;
    static uint8_t digests[10 * 32];
    static const uint32_t digest_ids[10] = {0};
    const hk_index_source source = {.hashes = many,
                                    .hash_count = MANY,
                                    .digests = {digests, digests, digests},
                                    .digest_ids = {digest_ids, digest_ids, digest_ids},
                                    .digest_count = {10, 0, 3}};
    populate(many, MANY, plain_queries, 0, 90);
    for (size_t e = 0; e < ENGINES; e++) {
        hk_index *index = make(&source, engines[e], 1, 31);
        hk_index_info info;
        memset(&info, 0xff, sizeof info);
        hk_index_describe(&info, index);
        assert_string_equal(info.engine, engines[e]);
        assert_int_equal(info.hashes, MANY);
        assert_int_equal(info.digests[HK_BASIS_MD5], 10);
        assert_int_equal(info.digests[HK_BASIS_SHA1], 0);
        assert_int_equal(info.digests[HK_BASIS_SHA256], 3);
        assert_false(info.mapped);
        assert_int_equal(info.added, 0);
        assert_int_equal(info.removed, 0);
        const size_t values = 10 * (16 + 4) + 3 * (32 + 4);
        if (e == 1) {
            assert_int_equal(info.tables, 0);
            assert_int_equal(info.group_bits, 0);
            assert_int_equal(info.tag_bits, 0);
            assert_int_equal(info.bytes, MANY * sizeof(hk_hash) + values);
        } else {
            assert_in_range(info.tables, HK__SLOTS_MIN, HK__SLOTS_MAX);
            assert_in_range(info.group_bits, 1, HK__GROUP_BITS_MAX);
            assert_int_equal(info.tag_bits, 16);
            assert_int_equal(info.bytes,
                             MANY * sizeof(hk_hash) + values + hk__mih_bytes(&index->base->mih));
        }
        hk_index_free(index);
    }
    /* No options are those of the INIT. */
    hk_index *index;
    hk_index_info info;
    assert_int_equal(hk_index_build_from(&index, &source, NULL, NULL), HK_OK);
    hk_index_describe(&info, index);
    assert_string_equal(info.engine, "auto");
    hk_index_free(index);
}

/* bytes_per_hash is kept to: -1 is for no ids. */
static void check_memory(int first_sort, int last_sort)
{
    static uint32_t ids[MANY];
    populate(many, MANY, plain_queries, 0, 91);
    for (int sort = first_sort; sort <= last_sort; sort++) {
        hk_index_options options = HK_INDEX_OPTIONS_INIT;
        const hk_index_source source = {
            .hashes = many, .hash_ids = sort < 0 ? NULL : ids, .hash_count = MANY};
        if (sort >= 0)
            number(ids, MANY, sort, 92);
        for (unsigned bytes = 1; bytes < 160; bytes += 3) {
            hk_index *index;
            hk_index_info info;
            options.bytes_per_hash = bytes;
            assert_int_equal(hk_index_build_from(&index, &source, &options, NULL), HK_OK);
            hk_index_describe(&info, index);
            if (info.tables && info.bytes > (uint64_t)bytes * MANY)
                print_error("ids of sort %d: %u bytes a hash, %u tables, %.2f\n", sort, bytes,
                            info.tables, (double)info.bytes / MANY);
            assert_true(!info.tables || info.bytes <= (uint64_t)bytes * MANY);
            assert_true(bytes > 70 || !info.tables);
            hk_index_free(index);
        }
    }
}

static void memory_keeps_to_its_bound(void **state)
{
    (void)state;
    check_memory(-1, CLOSE);
}

/* Small radii want few wide slots, whose groups may come out finer than was asked for. */
static void memory_keeps_to_its_bound_at_every_radius(void **state)
{
    (void)state;
    static const size_t sizes[] = {2000, 8000, 32000};
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        uint64_t seed = s;
        hk_hash *hashes = malloc(sizes[s] * sizeof *hashes);
        for (size_t i = 0; i < sizes[s]; i++)
            hashes[i] = random_hash(&seed);
        for (unsigned radius = 0; radius <= 64; radius += 4) {
            hk_index *index;
            hk_index_info info;
            hk_index_options options = HK_INDEX_OPTIONS_INIT;
            options.max_distance = radius;
            assert_int_equal(hk_index_build(&index, hashes, sizes[s], &options, NULL), HK_OK);
            hk_index_describe(&info, index);
            assert_true(info.bytes <= 128 * sizes[s]);
            hk_index_free(index);
        }
        free(hashes);
    }
}

/* Ids far apart take four bytes each. */
static void memory_keeps_to_its_bound_whatever_the_ids(void **state)
{
    (void)state;
    check_memory(FAR, ONE_ID);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"",      " ",       "Auto",  "flat ", "mihx",
                                        "faiss", "fais:BF", "auto ", "FLAT",  "mih:8"};
    hk_index *index = UNTOUCHED;
    hk_error err;
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        options.engine = names[i];
        assert_int_equal(hk_index_build(&index, few, 10, &options, &err), HK_ERR_USAGE);
        assert_non_null(strstr(err.message, names[i]));
        assert_int_equal(hk_index_build(&index, few, 10, &options, NULL), HK_ERR_USAGE);
    }
    options = (hk_index_options)HK_INDEX_OPTIONS_INIT;
    options.max_distance = 257;
    assert_int_equal(hk_index_build(&index, few, 10, &options, &err), HK_ERR_USAGE);
    options = (hk_index_options)HK_INDEX_OPTIONS_INIT;
    options.size--;
    assert_int_equal(hk_index_build(&index, few, 10, &options, &err), HK_ERR_USAGE);
    options = (hk_index_options){0};
    assert_int_equal(hk_index_build(&index, few, 10, &options, &err), HK_ERR_USAGE);
    /* More than positions can say; nothing is read. */
    assert_int_equal(hk_index_build(&index, UNTOUCHED, (size_t)UINT32_MAX + 1, NULL, &err),
                     HK_ERR_LIMIT);
    assert_ptr_equal(index, UNTOUCHED);
}

static void wrong_questions_are_refused(void **state)
{
    (void)state;
    hk_hits hits = {UNTOUCHED, 77, true, true};
    hk_error err;
    hk_index *index;
    populate(few, 100, plain_queries, 2, 93);
    assert_int_equal(hk_index_build(&index, few, 100, NULL, NULL), HK_OK);
    assert_int_equal(hk_index_within(&hits, index, few, 1, 257, 0, &err), HK_ERR_USAGE);
    assert_int_equal(hk_index_within(&hits, index, few, 1, UINT_MAX, 0, &err), HK_ERR_USAGE);
    assert_int_equal(hk_index_nearest(&hits, index, few, 1, 0, &err), HK_ERR_USAGE);
    assert_int_equal(hk_index_within(&hits, index, UNTOUCHED, (size_t)UINT32_MAX + 1, 0, 0, &err),
                     HK_ERR_LIMIT);
    assert_int_equal(hk_index_nearest(&hits, index, UNTOUCHED, (size_t)UINT32_MAX + 1, 1, &err),
                     HK_ERR_LIMIT);
    assert_ptr_equal(hits.hit, UNTOUCHED);
    hk_index_free(index);
}

/* ---- allocations ---------------------------------------------------------------------------- */

static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    enum { COUNT = 9000 };
    static uint32_t ids[COUNT];
    static uint8_t digests[50 * 32];
    static const uint32_t digest_ids[50] = {0};
    const hk_index_source source = {.hashes = many,
                                    .hash_ids = ids,
                                    .hash_count = COUNT,
                                    .digests = {digests, digests, digests},
                                    .digest_ids = {digest_ids, digest_ids, digest_ids},
                                    .digest_count = {50, 50, 50}};
    populate(many, COUNT, plain_queries, 80, 94);
    for (int sort = CLOSE; sort <= FAR; sort++)
        for (size_t e = 0; e < ENGINES; e++) {
            hk_index_options options = HK_INDEX_OPTIONS_INIT;
            options.engine = engines[e];
            options.threads = 1 + 2 * (unsigned)sort;
            number(ids, COUNT, sort, 95);
            hk_index *index = UNTOUCHED;
            FAIL_EVERY_ALLOCATION(hk_index_build_from(&index, &source, &options, NULL),
                                  index == UNTOUCHED);
            for (size_t count = 1; count <= 80; count += 79) {
                hk_hits hits = {UNTOUCHED, 77, true, true};
                FAIL_EVERY_ALLOCATION(
                    hk_index_within(&hits, index, plain_queries, count, 20, 7, NULL),
                    hits.hit == UNTOUCHED && hits.count == 77 && hits.truncated);
                hk_hits expected = plain_within(many, ids, COUNT, plain_queries, count, 20, 7);
                assert_true(plain_equal(&hits, &expected));
                free(expected.hit);
                hk_hits_free(&hits);
            }
            hk_hits hits = {UNTOUCHED, 77, true, true};
            FAIL_EVERY_ALLOCATION(hk_index_nearest(&hits, index, plain_queries, 3, 4, NULL),
                                  hits.hit == UNTOUCHED && hits.count == 77 && hits.truncated);
            hk_hits_free(&hits);
            hk_index_free(index);
        }
}

/* ---- planted faults: the comparison can fail ------------------------------------------------ */

static void planted_faults_are_found(void **state)
{
    (void)state;
    static uint32_t ids[FEW];
    populate(few, FEW, plain_queries, 60, 96);
    number(ids, FEW, CLOSE, 97);
    const hk_index_source source = {.hashes = few, .hash_ids = ids, .hash_count = FEW};
    for (size_t e = 0; e < ENGINES; e++) {
        hk_index *index = make(&source, engines[e], 1, 31);
        assert_true(within_agrees(index, &source, plain_queries, 60, 31, 0));
        hk_hits hits = plain_within(few, ids, FEW, plain_queries, 60, 31, 0);
        assert_true(hits.count > 60);
        /* One bit of one hash that is found; its id; another radius; another bound. */
        const uint32_t found = hits.hit[hits.count / 2].item;
        free(hits.hit);
        size_t at = 0;
        while (ids[at] != found)
            at++;
        for (size_t i = 0; i < FEW; i++)
            if (ids[i] == found)
                flip_bit(&few[i], 99);
        assert_false(within_agrees(index, &source, plain_queries, 60, 31, 0));
        for (size_t i = 0; i < FEW; i++)
            if (ids[i] == found)
                flip_bit(&few[i], 99);
        ids[at]++;
        assert_false(within_agrees(index, &source, plain_queries, 60, 256, 0));
        ids[at]--;
        hk_hits wide, narrow, bounded;
        assert_int_equal(hk_index_within(&wide, index, plain_queries, 60, 31, 0, NULL), HK_OK);
        assert_int_equal(hk_index_within(&narrow, index, plain_queries, 60, 30, 0, NULL), HK_OK);
        assert_int_equal(hk_index_within(&bounded, index, plain_queries, 60, 31, 4, NULL), HK_OK);
        assert_false(plain_equal(&wide, &narrow));
        assert_false(plain_equal(&wide, &bounded));
        assert_true(bounded.truncated && !wide.truncated);
        hk_hits_free(&wide);
        hk_hits_free(&narrow);
        hk_hits_free(&bounded);
        hk_index_free(index);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_batches_agree_at_every_radius),
        cmocka_unit_test(large_batches_agree),
        cmocka_unit_test(tables_agree_at_every_level),
        cmocka_unit_test(nearest_agrees_for_every_engine),
        cmocka_unit_test(tiny_indexes_agree),
        cmocka_unit_test(ids_are_what_was_given),
        cmocka_unit_test(close_ids_are_told_from_far_ones),
        cmocka_unit_test(searches_that_give_up_are_right),
        cmocka_unit_test(many_searches_that_give_up_are_right),
        cmocka_unit_test(sieves_forget_their_hits_only),
        cmocka_unit_test(the_nearest_of_equal_hashes_are_the_first),
        cmocka_unit_test(threads_that_share_an_index_are_right),
        cmocka_unit_test(an_index_describes_itself),
        cmocka_unit_test(memory_keeps_to_its_bound),
        cmocka_unit_test(memory_keeps_to_its_bound_at_every_radius),
        cmocka_unit_test(memory_keeps_to_its_bound_whatever_the_ids),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(wrong_questions_are_refused),
        cmocka_unit_test(every_failing_allocation_is_survived),
        cmocka_unit_test(planted_faults_are_found),
    };
    return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
