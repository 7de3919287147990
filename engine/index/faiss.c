/* SPDX-License-Identifier: GPL-3.0-or-later */
/* faiss.c - see faiss.h. */
#include "index/faiss.h"

#include "core/error.h"
#include "core/mem.h"
#include "index/faiss_spec.h"
#include "index/summed.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

enum {
    SLICE = 16,      /* queries at once: at radius 256 each takes 24 bytes for every hash */
    NEAREST_K = 100, /* of an index without search within a radius */
};

/* nflip is a field of FAISS' index that its searches read. Whoever needs another value waits until
 * the searches with the present one are over; newcomers queue behind at `turn`, so that no radius
 * starves. */
typedef struct gate {
    pthread_mutex_t turn;
    pthread_rwlock_t searching;
    int nflip; /* under turn */
} gate;

struct hk__faiss {
    void *library;
    const hk__faiss_calls *calls;
    struct FaissIndexBinary_H *index;
    hk__faiss_spec spec;
    size_t count;
    gate *gate; /* of a BHash; NULL otherwise */
};

static hk_status faiss_failed(const hk__faiss *faiss, hk_status status, const char *what,
                              hk_error *err)
{
    const char *words = faiss->calls->last_error();
    if (strstr(words, "bad_alloc"))
        return hk__fail_memory(err);
    return hk__fail(err, status, "%s: %s", what, words);
}

/* ---- the module ---------------------------------------------------------------------------- */

static hk_status open_module(hk__faiss *faiss, const char *path, hk_error *err)
{
    if (!path)
        path = HK__FAISS_MODULE;
    /* Stays loaded: OpenMP and C++ leave things behind in threads. */
    faiss->library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!faiss->library) {
        const char *why = dlerror();
        return hk__fail(err, HK_ERR_SYSTEM,
                        "FAISS is not there: %s. Its module is built and installed with Herken "
                        "where libfaiss-dev and g++ are installed: tools/bootstrap.sh faiss",
                        why ? why : path);
    }
    faiss->calls = dlsym(faiss->library, HK__FAISS_MODULE_SYMBOL);
    if (!faiss->calls || faiss->calls->version != HK__FAISS_MODULE_VERSION)
        return hk__fail(err, HK_ERR_SYSTEM,
                        "%s: is not the FAISS module of this version of Herken; install both "
                        "from one build",
                        path);
    return HK_OK;
}

static hk_status make_gate(hk__faiss *faiss, hk_error *err)
{
    const hk__faiss_kind kind = faiss->spec.shape.kind;
    if (kind != HK__FAISS_HASH && kind != HK__FAISS_MULTI_HASH)
        return HK_OK;
    faiss->gate = hk__alloc(1, sizeof *faiss->gate);
    if (!faiss->gate)
        return hk__fail_memory(err);
    faiss->gate->nflip = -1;
    pthread_mutex_init(&faiss->gate->turn, NULL); /* with defaults, neither can fail */
    pthread_rwlock_init(&faiss->gate->searching, NULL);
    return HK_OK;
}

/* An index without its FAISS half. */
static hk_status start(hk__faiss **out, const char *module, const char *spec, hk_error *err)
{
    hk__faiss_spec wanted;
    hk_status status = hk__faiss_spec_parse(&wanted, spec, err);
    if (status)
        return status;
    hk__faiss *faiss = hk__alloc(1, sizeof *faiss);
    if (!faiss)
        return hk__fail_memory(err);
    faiss->spec = wanted;
    status = make_gate(faiss, err);
    if (!status)
        status = open_module(faiss, module, err);
    if (status) {
        hk__faiss_free(faiss);
        return status;
    }
    *out = faiss;
    return HK_OK;
}

void hk__faiss_free(hk__faiss *faiss)
{
    if (!faiss)
        return;
    if (faiss->index)
        faiss->calls->release(faiss->index);
    if (faiss->library)
        dlclose(faiss->library);
    if (faiss->gate) {
        pthread_rwlock_destroy(&faiss->gate->searching);
        pthread_mutex_destroy(&faiss->gate->turn);
        hk__free(faiss->gate);
    }
    hk__free(faiss);
}

/* ---- making -------------------------------------------------------------------------------- */

static hk_status check_count(const hk__faiss_shape *shape, size_t count, hk_error *err)
{
    const size_t most = shape->kind == HK__FAISS_HNSW ? INT32_MAX : UINT32_MAX;
    if (count > most)
        return hk__fail(err, HK_ERR_LIMIT, "this FAISS index holds at most %zu hashes", most);
    if (count < (size_t)shape->lists)
        return hk__fail(err, HK_ERR_USAGE,
                        "BIVF%d needs at least as many hashes as lists, and there are %zu: write "
                        "a smaller number, or BFlat",
                        shape->lists, count);
    return HK_OK;
}

/* Its place in memory is final, and what the user said of the search is known to FAISS. */
static hk_status settle(hk__faiss *faiss, hk_error *err)
{
    const int64_t count = faiss->calls->count(faiss->index);
    if (count < 0 || count > UINT32_MAX)
        return hk__fail(err, HK_ERR_LIMIT, "a FAISS index holds at most %u hashes", UINT32_MAX);
    faiss->count = (size_t)count;
    if (faiss->spec.shape.lists == 0)
        return HK_OK;
    if (faiss->spec.nprobe < 0)
        faiss->spec.nprobe = 1; /* FAISS' own; that of a loaded file may be another */
    if (faiss->calls->set_nprobe(faiss->index, faiss->spec.nprobe))
        return faiss_failed(faiss, HK_ERR_SYSTEM, "FAISS could not set nprobe", err);
    return HK_OK;
}

hk_status hk__faiss_build(hk__faiss **out, const char *module, const char *spec,
                          const hk_hash *hashes, size_t count, hk_error *err)
{
    hk__faiss *faiss = NULL;
    hk_status status = start(&faiss, module, spec, err);
    if (status)
        return status;
    char factory[HK__FAISS_FACTORY_SIZE];
    hk__faiss_factory(factory, &faiss->spec.shape);
    status = check_count(&faiss->spec.shape, count, err);
    if (!status && (faiss->calls->make(&faiss->index, factory) ||
                    faiss->calls->fill(faiss->index, (int64_t)count, hashes)))
        status = faiss_failed(faiss, HK_ERR_SYSTEM, "FAISS could not build the index", err);
    if (!status)
        status = settle(faiss, err);
    if (status) {
        hk__faiss_free(faiss);
        return status;
    }
    *out = faiss;
    return HK_OK;
}

static hk_status fill_file(const void *context, FILE *stream, hk_error *err)
{
    const hk__faiss *faiss = context;
    if (faiss->calls->write(faiss->index, stream))
        return faiss_failed(faiss, HK_ERR_IO, "FAISS could not write the index", err);
    return HK_OK;
}

hk_status hk__faiss_save(const hk__faiss *faiss, const char *path, const char *like, hk_error *err)
{
    return hk__summed_write(path, like, fill_file, faiss, err);
}

/* Lets FAISS read the bytes, and sees that they are the index that was asked for. */
static hk_status read_index(hk__faiss *faiss, uint8_t *bytes, size_t size, const char *path,
                            hk_error *err)
{
    FILE *stream = size ? fmemopen(bytes, size, "r") : NULL;
    if (!stream)
        return size ? hk__fail_memory(err) : hk__fail(err, HK_ERR_FORMAT, "%s: is empty", path);
    hk__faiss_shape shape;
    const int bad =
        faiss->calls->read(&faiss->index, stream) || faiss->calls->shape(&shape, faiss->index);
    fclose(stream);
    if (bad)
        return faiss_failed(faiss, HK_ERR_FORMAT, path, err);
    char holds[HK__FAISS_FACTORY_SIZE], wanted[HK__FAISS_FACTORY_SIZE];
    hk__faiss_factory(holds, &shape);
    hk__faiss_factory(wanted, &faiss->spec.shape);
    if (strcmp(holds, wanted) != 0)
        return hk__fail(err, HK_ERR_USAGE, "%s: holds a %s, not a %s", path, holds, wanted);
    return settle(faiss, err);
}

hk_status hk__faiss_load(hk__faiss **out, const char *module, const char *spec, const char *path,
                         hk_error *err)
{
    hk__faiss *faiss = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    hk_status status = start(&faiss, module, spec, err);
    if (status)
        return status;
    status = hk__summed_read(&bytes, &size, path, err);
    if (!status)
        status = read_index(faiss, bytes, size, path, err);
    hk__free(bytes);
    if (status) {
        hk__faiss_free(faiss);
        return status;
    }
    *out = faiss;
    return HK_OK;
}

size_t hk__faiss_count(const hk__faiss *faiss)
{
    return faiss->count;
}

size_t hk__faiss_bytes(const hk__faiss *faiss)
{
    return sizeof *faiss + faiss->calls->bytes(faiss->index);
}

bool hk__faiss_is_exact(const hk__faiss *faiss, unsigned max_distance)
{
    return hk__faiss_spec_is_exact(&faiss->spec, max_distance);
}

bool hk__faiss_reaches(const hk__faiss *faiss, unsigned max_distance)
{
    const hk__faiss_kind kind = faiss->spec.shape.kind;
    return kind != HK__FAISS_HASH && kind != HK__FAISS_MULTI_HASH &&
           hk__faiss_is_exact(faiss, max_distance);
}

/* ---- searching ----------------------------------------------------------------------------- */

/* Begins a search with `nflip` bits to change; gate_leave ends it. */
static int gate_enter(const hk__faiss *faiss, int nflip)
{
    gate *at = faiss->gate;
    int code = 0;
    pthread_mutex_lock(&at->turn);
    if (at->nflip != nflip) {
        pthread_rwlock_wrlock(&at->searching);
        code = faiss->calls->set_nflip(faiss->index, nflip);
        at->nflip = nflip;
        pthread_rwlock_unlock(&at->searching);
    }
    pthread_rwlock_rdlock(&at->searching);
    pthread_mutex_unlock(&at->turn);
    return code;
}

static void gate_leave(const hk__faiss *faiss)
{
    pthread_rwlock_unlock(&faiss->gate->searching);
}

/* The queries q..q + count of a search. */
typedef struct slice {
    hk__sieve *sieves;       /* of query 0 */
    hk_hash hash[SLICE + 1]; /* one more than queries: FAISS reads beyond the last */
    size_t q, count;
    unsigned max_distance;
} slice;

static hk_status offer(const slice *of, const hk__faiss *faiss, size_t i, int64_t label,
                       unsigned distance, hk_error *err)
{
    if (label < 0 || (size_t)label >= faiss->count)
        return hk__fail(err, HK_ERR_FORMAT,
                        "the FAISS index numbers its hashes in a way of its own: make it anew");
    const hk_hit hit = {(uint32_t)(of->q + i), (uint32_t)label, distance};
    return hk__sieve_offer(&of->sieves[of->q + i], hit, err);
}

static hk_status search_range(const slice *of, const hk__faiss *faiss,
                              struct FaissRangeSearchResult_H *found, hk_error *err)
{
    const int64_t count = (int64_t)of->count;
    const uint8_t *queries = (const uint8_t *)of->hash;
    const int radius = (int)of->max_distance + 1; /* FAISS means distances below it */
    int bad = 0;
    if (faiss->gate) {
        const int nflip = faiss->spec.nflip >= 0
                              ? faiss->spec.nflip
                              : hk__faiss_complete_nflip(&faiss->spec.shape, of->max_distance);
        bad = gate_enter(faiss, nflip) ||
              faiss->calls->range_search(faiss->index, count, queries, radius, found);
        gate_leave(faiss);
    } else {
        bad = faiss->calls->range_search(faiss->index, count, queries, radius, found);
    }
    if (bad)
        return faiss_failed(faiss, HK_ERR_SYSTEM, "FAISS could not search", err);
    size_t *lims;
    int64_t *labels;
    float *distances;
    faiss->calls->range_lims(found, &lims);
    faiss->calls->range_labels(found, &labels, &distances);
    for (size_t i = 0; i < of->count; i++)
        for (size_t n = lims[i]; n < lims[i + 1]; n++) {
            hk_status status = offer(of, faiss, i, labels[n], (unsigned)distances[n], err);
            if (status)
                return status;
        }
    return HK_OK;
}

/* For indexes without search within a radius: the k nearest, cut at it. */
static hk_status search_nearest(const slice *of, const hk__faiss *faiss, size_t k, hk_error *err)
{
    hk_status status = HK_OK;
    int32_t *distances = hk__alloc(of->count * k, sizeof *distances);
    int64_t *labels = hk__alloc(of->count * k, sizeof *labels);
    if (!distances || !labels)
        status = hk__fail_memory(err);
    else if (faiss->calls->search(faiss->index, (int64_t)of->count, (const uint8_t *)of->hash,
                                  (int64_t)k, distances, labels))
        status = faiss_failed(faiss, HK_ERR_SYSTEM, "FAISS could not search", err);
    for (size_t n = 0; !status && n < of->count * k; n++)
        if (labels[n] != -1 && distances[n] <= (int32_t)of->max_distance)
            status = offer(of, faiss, n / k, labels[n], (unsigned)distances[n], err);
    hk__free(labels);
    hk__free(distances);
    return status;
}

static hk_status search_slice(const slice *of, const hk__faiss *faiss, size_t k, hk_error *err)
{
    if (faiss->spec.shape.kind == HK__FAISS_HNSW)
        return search_nearest(of, faiss, k, err);
    struct FaissRangeSearchResult_H *found;
    if (faiss->calls->range_new(&found, (int64_t)of->count))
        return faiss_failed(faiss, HK_ERR_SYSTEM, "FAISS could not search", err);
    const hk_status status = search_range(of, faiss, found, err);
    faiss->calls->range_free(found);
    return status;
}

hk_status hk__faiss_within(hk__sieve *sieves, const hk__faiss *faiss, const hk_hash *queries,
                           size_t query_count, unsigned max_distance, size_t k, hk_error *err)
{
    if (max_distance > HK_HASH_BITS)
        return hk__fail(err, HK_ERR_USAGE, "max_distance is 0 to 256 bits, not %u", max_distance);
    if (query_count > UINT32_MAX)
        return hk__fail(err, HK_ERR_LIMIT, "at most %u queries at once", UINT32_MAX);
    if (faiss->count == 0)
        return HK_OK;
    k = k == 0 ? NEAREST_K : k;
    k = k < faiss->count ? k : faiss->count;
    k = k < INT32_MAX ? k : INT32_MAX;
    const size_t most = (size_t)INT32_MAX / k; /* FAISS counts queries * k in an int */
    const size_t step = most < SLICE ? most : SLICE;
    slice at = {.sieves = sieves, .max_distance = max_distance};
    for (at.q = 0; at.q < query_count; at.q += at.count) {
        const size_t left = query_count - at.q;
        at.count = left < step ? left : step;
        memcpy(at.hash, queries + at.q, at.count * sizeof *queries);
        hk_status status = search_slice(&at, faiss, k, err);
        if (status)
            return status;
    }
    return HK_OK;
}
