/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * faiss_shim.cpp - FAISS behind plain C calls (faiss_module.h): the engine's only C++.
 *
 * Debian ships the headers of FAISS' C interface without its code. The first half is that code, as
 * far as it is used here; where a libfaiss_c is installed it is linked instead (HK__FAISS_C). The
 * second half is what the C interface lacks: a factory for binary indexes, nprobe, nflip, and what
 * an index says of itself.
 */
#include "index/faiss_module.h"

#include <faiss/IndexBinaryFlat.h>
#include <faiss/IndexBinaryHNSW.h>
#include <faiss/IndexBinaryHash.h>
#include <faiss/IndexBinaryIVF.h>
#include <faiss/c_api/IndexBinary_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/impl/AuxIndexStructures_c.h>
#include <faiss/c_api/index_io_c.h>
#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/FaissException.h>
#include <faiss/index_factory.h>
#include <faiss/index_io.h>

#include <omp.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

thread_local char last_error[400];

int failed(int code, const char *words) noexcept
{
    std::snprintf(last_error, sizeof last_error, "%s", words ? words : "unknown error");
    return code;
}

template <class Call>
int caught(Call call) noexcept
{
    try {
        call();
        return 0;
    } catch (const faiss::FaissException &e) {
        return failed(FAISS_EXCEPT, e.what());
    } catch (const std::exception &e) {
        return failed(STD_EXCEPT, e.what());
    } catch (...) {
        return failed(UNKNOWN_EXCEPT, nullptr);
    }
}

faiss::IndexBinary *inside(FaissIndexBinary *index)
{
    return reinterpret_cast<faiss::IndexBinary *>(index);
}

const faiss::IndexBinary *inside(const FaissIndexBinary *index)
{
    return reinterpret_cast<const faiss::IndexBinary *>(index);
}

} // namespace

/* ---- FAISS' C interface -------------------------------------------------------------------- */

#ifndef HK__FAISS_C

static faiss::RangeSearchResult *inside(FaissRangeSearchResult *found)
{
    return reinterpret_cast<faiss::RangeSearchResult *>(found);
}

const char *faiss_get_last_error()
{
    return last_error;
}

void faiss_IndexBinary_free(FaissIndexBinary *index)
{
    delete inside(index);
}

faiss_idx_t faiss_IndexBinary_ntotal(const FaissIndexBinary *index)
{
    return inside(index)->ntotal;
}

int faiss_IndexBinary_train(FaissIndexBinary *index, faiss_idx_t n, const uint8_t *x)
{
    return caught([=] { inside(index)->train(n, x); });
}

int faiss_IndexBinary_add(FaissIndexBinary *index, faiss_idx_t n, const uint8_t *x)
{
    return caught([=] { inside(index)->add(n, x); });
}

int faiss_IndexBinary_search(const FaissIndexBinary *index, faiss_idx_t n, const uint8_t *x,
                             faiss_idx_t k, int32_t *distances, faiss_idx_t *labels)
{
    return caught([=] { inside(index)->search(n, x, k, distances, labels); });
}

int faiss_IndexBinary_range_search(const FaissIndexBinary *index, faiss_idx_t n, const uint8_t *x,
                                   int radius, FaissRangeSearchResult *result)
{
    return caught([=] { inside(index)->range_search(n, x, radius, inside(result)); });
}

int faiss_RangeSearchResult_new(FaissRangeSearchResult **out, faiss_idx_t nq)
{
    return caught([=] {
        *out = reinterpret_cast<FaissRangeSearchResult *>(new faiss::RangeSearchResult(nq));
    });
}

void faiss_RangeSearchResult_free(FaissRangeSearchResult *found)
{
    delete inside(found);
}

void faiss_RangeSearchResult_lims(FaissRangeSearchResult *found, size_t **lims)
{
    *lims = inside(found)->lims;
}

void faiss_RangeSearchResult_labels(FaissRangeSearchResult *found, faiss_idx_t **labels,
                                    float **distances)
{
    *labels = inside(found)->labels;
    *distances = inside(found)->distances;
}

int faiss_write_index_binary(const FaissIndexBinary *index, FILE *stream)
{
    return caught([=] { faiss::write_index_binary(inside(index), stream); });
}

int faiss_read_index_binary(FILE *stream, int io_flags, FaissIndexBinary **out)
{
    return caught([=] {
        *out = reinterpret_cast<FaissIndexBinary *>(faiss::read_index_binary(stream, io_flags));
    });
}

#endif

/* ---- what it lacks ------------------------------------------------------------------------- */

namespace
{

/* FAISS would start as many threads as there are processors inside each of ours. The caller's own
 * setting comes back afterwards. */
class one_thread
{
    int before = omp_get_max_threads();

  public:
    one_thread()
    {
        omp_set_num_threads(1);
    }
    ~one_thread()
    {
        omp_set_num_threads(before);
    }
    one_thread(const one_thread &) = delete;
    one_thread &operator=(const one_thread &) = delete;
};

/* The words of a failed call of the C interface, wherever that comes from. */
int told(int code) noexcept
{
    if (!code)
        return 0;
    const char *words = faiss_get_last_error();
    return words == last_error ? code : failed(code, words);
}

const char *last_words()
{
    return last_error;
}

int make_index(FaissIndexBinary **out, const char *factory)
{
    return caught([=] {
        *out = reinterpret_cast<FaissIndexBinary *>(
            faiss::index_binary_factory(HK_HASH_BITS, factory));
    });
}

int add(FaissIndexBinary *index, int64_t count, const hk_hash *hashes)
{
    return count ? faiss_IndexBinary_add(index, count, (const uint8_t *)hashes) : 0;
}

/* A key of a MultiHash is read as the eight bytes from where it begins, which for the last keys of
 * the last hash are not all ours: that hash is added from a copy with room behind it. */
int add_with_room(FaissIndexBinary *index, faiss::IndexBinaryFlat *storage, int64_t count,
                  const hk_hash *hashes)
{
    /* Or the second call makes the storage twice as large. */
    const int code = caught([=] { storage->xb.reserve((size_t)count * sizeof *hashes); });
    if (code)
        return code;
    const hk_hash last[2] = {hashes[count - 1], {{0, 0, 0, 0}}};
    const int first = add(index, count - 1, hashes);
    return first ? first : add(index, 1, last);
}

int fill_index(FaissIndexBinary *index, int64_t count, const hk_hash *hashes)
{
    const one_thread guard;
    if (count <= 0) /* adding nothing to an HNSW runs out of bounds */
        return 0;
    if (auto *slots = dynamic_cast<faiss::IndexBinaryMultiHash *>(inside(index)))
        return told(add_with_room(index, slots->storage, count, hashes));
    if (auto *lists = dynamic_cast<faiss::IndexBinaryIVF *>(inside(index))) {
        lists->cp.min_points_per_centroid = 1;  /* or FAISS prints a warning */
        lists->cp.max_points_per_centroid = 64; /* of 256: no worse, in a quarter of the time */
        const int code = faiss_IndexBinary_train(index, count, (const uint8_t *)hashes);
        if (code)
            return told(code);
    }
    return told(add(index, count, hashes));
}

void free_index(FaissIndexBinary *index)
{
    faiss_IndexBinary_free(index);
}

void must(bool holds, const char *words)
{
    if (!holds)
        throw std::runtime_error(words);
}

bool whole(const faiss::IndexBinaryFlat *flat, int64_t count)
{
    return flat && flat->d == HK_HASH_BITS && flat->code_size == HK_HASH_BITS / 8 &&
           flat->ntotal == count && flat->xb.size() == (size_t)count * sizeof(hk_hash);
}

hk__faiss_shape shape_of_lists(const faiss::IndexBinaryIVF *ivf)
{
    const auto *hnsw = dynamic_cast<const faiss::IndexBinaryHNSW *>(ivf->quantizer);
    const auto *flat = dynamic_cast<const faiss::IndexBinaryFlat *>(ivf->quantizer);
    const auto *lists = dynamic_cast<const faiss::ArrayInvertedLists *>(ivf->invlists);
    must(hnsw || flat, "its quantizer is neither flat nor HNSW");
    must(ivf->is_trained && ivf->quantizer->d == HK_HASH_BITS &&
             ivf->quantizer->ntotal == (int64_t)ivf->nlist && ivf->nlist <= INT32_MAX,
         "its quantizer does not fit its lists");
    must(lists && lists->nlist == ivf->nlist && lists->code_size == HK_HASH_BITS / 8,
         "its lists are not of 256-bit hashes in memory");
    return {hnsw ? HK__FAISS_IVF_HNSW : HK__FAISS_IVF, (int)ivf->nlist,
            hnsw ? hnsw->hnsw.nb_neighbors(1) : 0, 0, 0};
}

hk__faiss_shape shape_of(const faiss::IndexBinary *index)
{
    must(index->d == HK_HASH_BITS && index->code_size == HK_HASH_BITS / 8,
         "its hashes do not have 256 bits");
    if (const auto *flat = dynamic_cast<const faiss::IndexBinaryFlat *>(index)) {
        must(whole(flat, index->ntotal), "its hashes are not all there");
        return {HK__FAISS_FLAT, 0, 0, 0, 0};
    }
    if (const auto *ivf = dynamic_cast<const faiss::IndexBinaryIVF *>(index))
        return shape_of_lists(ivf);
    if (const auto *hnsw = dynamic_cast<const faiss::IndexBinaryHNSW *>(index)) {
        must(whole(dynamic_cast<const faiss::IndexBinaryFlat *>(hnsw->storage), index->ntotal),
             "its hashes are not all there");
        return {HK__FAISS_HNSW, 0, hnsw->hnsw.nb_neighbors(1), 0, 0};
    }
    if (const auto *hash = dynamic_cast<const faiss::IndexBinaryHash *>(index))
        return {HK__FAISS_HASH, 0, 0, 1, hash->b};
    const auto *slots = dynamic_cast<const faiss::IndexBinaryMultiHash *>(index);
    must(slots, "it is of a kind that is not used here");
    must(whole(slots->storage, index->ntotal) && slots->maps.size() == (size_t)slots->nhash,
         "its hashes are not all there");
    return {HK__FAISS_MULTI_HASH, 0, 0, slots->nhash, slots->b};
}

int shape_of_index(hk__faiss_shape *out, const FaissIndexBinary *index)
{
    return caught([=] { *out = shape_of(inside(index)); });
}

int64_t count_of_index(const FaissIndexBinary *index)
{
    return faiss_IndexBinary_ntotal(index);
}

/* A block of glibc's heap: 8 bytes of its own, 32 at the least, in steps of 16. */
size_t block(size_t bytes)
{
    return bytes == 0 ? 0 : bytes <= 24 ? 32 : (bytes + 8 + 15) / 16 * 16;
}

template <class T>
size_t held(const std::vector<T> &v)
{
    return block(v.capacity() * sizeof(T));
}

/* An unordered_map: its buckets, and a node with a link for every entry. */
template <class Map>
size_t held_by_map(const Map &map)
{
    return map.bucket_count() * sizeof(void *) +
           map.size() * block(sizeof(void *) + sizeof(typename Map::value_type));
}

size_t bytes_of(const faiss::IndexBinary *index)
{
    if (const auto *flat = dynamic_cast<const faiss::IndexBinaryFlat *>(index))
        return held(flat->xb);
    size_t sum = 0;
    if (const auto *ivf = dynamic_cast<const faiss::IndexBinaryIVF *>(index)) {
        const auto *lists = dynamic_cast<const faiss::ArrayInvertedLists *>(ivf->invlists);
        for (size_t i = 0; lists && i < lists->nlist; i++)
            sum += held(lists->codes[i]) + held(lists->ids[i]);
        return sum + bytes_of(ivf->quantizer);
    }
    if (const auto *hnsw = dynamic_cast<const faiss::IndexBinaryHNSW *>(index)) {
        sum += held(hnsw->hnsw.levels) + held(hnsw->hnsw.offsets) + held(hnsw->hnsw.neighbors);
        return sum + bytes_of(hnsw->storage);
    }
    if (const auto *hash = dynamic_cast<const faiss::IndexBinaryHash *>(index)) {
        for (const auto &list : hash->invlists)
            sum += held(list.second.ids) + held(list.second.vecs);
        return sum + held_by_map(hash->invlists);
    }
    const auto *slots = dynamic_cast<const faiss::IndexBinaryMultiHash *>(index);
    if (!slots)
        return 0;
    for (const auto &map : slots->maps) {
        sum += held_by_map(map);
        for (const auto &list : map)
            sum += held(list.second);
    }
    return sum + bytes_of(slots->storage);
}

size_t bytes_of_index(const FaissIndexBinary *index)
{
    return bytes_of(inside(index));
}

int set_nprobe(FaissIndexBinary *index, int nprobe)
{
    return caught([=] {
        auto *ivf = dynamic_cast<faiss::IndexBinaryIVF *>(inside(index));
        must(ivf, "nprobe is for BIVF");
        ivf->nprobe = (size_t)nprobe;
    });
}

int set_nflip(FaissIndexBinary *index, int nflip)
{
    return caught([=] {
        auto *hash = dynamic_cast<faiss::IndexBinaryHash *>(inside(index));
        auto *slots = dynamic_cast<faiss::IndexBinaryMultiHash *>(inside(index));
        must(hash || slots, "nflip is for BHash");
        (hash ? hash->nflip : slots->nflip) = nflip;
    });
}

int search_index(const FaissIndexBinary *index, int64_t count, const uint8_t *queries, int64_t k,
                 int32_t *distances, int64_t *labels)
{
    const one_thread guard;
    return told(faiss_IndexBinary_search(index, count, queries, k, distances, labels));
}

int range_search_index(const FaissIndexBinary *index, int64_t count, const uint8_t *queries,
                       int radius, FaissRangeSearchResult *found)
{
    const one_thread guard;
    return told(faiss_IndexBinary_range_search(index, count, queries, radius, found));
}

int new_range(FaissRangeSearchResult **out, int64_t count)
{
    return told(faiss_RangeSearchResult_new(out, count));
}

int write_index(const FaissIndexBinary *index, FILE *stream)
{
    return told(faiss_write_index_binary(index, stream));
}

int read_index(FaissIndexBinary **out, FILE *stream)
{
    return told(faiss_read_index_binary(stream, 0, out));
}

} // namespace

const hk__faiss_calls hk__faiss_module = {
    HK__FAISS_MODULE_VERSION,
    last_words,
    make_index,
    fill_index,
    free_index,
    shape_of_index,
    count_of_index,
    bytes_of_index,
    set_nprobe,
    set_nflip,
    search_index,
    range_search_index,
    new_range,
    faiss_RangeSearchResult_free,
    faiss_RangeSearchResult_lims,
    faiss_RangeSearchResult_labels,
    write_index,
    read_index,
};
