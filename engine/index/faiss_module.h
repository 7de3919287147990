/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * faiss_module.h - what the module herken-faiss.so offers to libherken, in plain C.
 *
 * The module holds FAISS, and with it C++, BLAS and OpenMP; libherken loads it only when FAISS is
 * asked for. Its one exported symbol is the table of calls below.
 *
 * Every call that returns int gives 0, or another number and words in last_error(). No exception
 * comes out of the module. But where memory runs out inside one of FAISS' own parallel regions, it
 * ends the process: search few queries at a time, as faiss.c does.
 */
#ifndef HK_INDEX_FAISS_MODULE_H
#define HK_INDEX_FAISS_MODULE_H

#include "herken.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The opaque types of FAISS' own C headers, which libherken is built without. */
struct FaissIndexBinary_H;
struct FaissRangeSearchResult_H;

typedef enum hk__faiss_kind {
    HK__FAISS_FLAT,
    HK__FAISS_IVF,
    HK__FAISS_IVF_HNSW,
    HK__FAISS_HNSW,
    HK__FAISS_HASH,
    HK__FAISS_MULTI_HASH
} hk__faiss_kind;

/* What a factory string says, and what an index says of itself. Numbers that a kind does not have
 * are 0. */
typedef struct hk__faiss_shape {
    hk__faiss_kind kind;
    int lists; /* BIVF: inverted lists */
    int links; /* HNSW: links of a node */
    int slots; /* BHash: hash tables */
    int bits;  /* BHash: bits of a key */
} hk__faiss_shape;

enum { HK__FAISS_MODULE_VERSION = 1 };

typedef struct hk__faiss_calls {
    uint32_t version; /* stays first, whatever else changes */

    /* Of the last call that failed in this thread; valid until its next call. */
    const char *(*last_error)(void);

    /* An empty index of 256-bit hashes as FAISS' binary factory makes it. */
    int (*make)(struct FaissIndexBinary_H **out, const char *factory);
    /* Trains it where it needs that, and adds all its hashes. Once for each index. */
    int (*fill)(struct FaissIndexBinary_H *index, int64_t count, const hk_hash *hashes);
    void (*release)(struct FaissIndexBinary_H *index);

    /* Fails where the index is not of 256 bits, of no kind above, or not in keeping with itself. */
    int (*shape)(hk__faiss_shape *out, const struct FaissIndexBinary_H *index);
    int64_t (*count)(const struct FaissIndexBinary_H *index);
    /* Bytes of memory it holds, by the sizes of its containers. Walks the tables. */
    size_t (*bytes)(const struct FaissIndexBinary_H *index);

    /* Not while another thread searches. */
    int (*set_nprobe)(struct FaissIndexBinary_H *index, int nprobe);
    int (*set_nflip)(struct FaissIndexBinary_H *index, int nflip);

    /* As in FAISS' C headers, with one OpenMP thread. The queries are followed by 8 readable bytes:
     * FAISS reads beyond the last hash. Distances are below `radius`, not at it. */
    int (*search)(const struct FaissIndexBinary_H *index, int64_t count, const uint8_t *queries,
                  int64_t k, int32_t *distances, int64_t *labels);
    int (*range_search)(const struct FaissIndexBinary_H *index, int64_t count,
                        const uint8_t *queries, int radius, struct FaissRangeSearchResult_H *found);
    int (*range_new)(struct FaissRangeSearchResult_H **out, int64_t count);
    void (*range_free)(struct FaissRangeSearchResult_H *found);
    void (*range_lims)(struct FaissRangeSearchResult_H *found, size_t **lims);
    void (*range_labels)(struct FaissRangeSearchResult_H *found, int64_t **labels,
                         float **distances);

    int (*write)(const struct FaissIndexBinary_H *index, FILE *stream);
    /* Trusts what it reads: give it nothing that was not checked. */
    int (*read)(struct FaissIndexBinary_H **out, FILE *stream);
} hk__faiss_calls;

extern HK_API const hk__faiss_calls hk__faiss_module;
#define HK__FAISS_MODULE_SYMBOL "hk__faiss_module"

#ifdef __cplusplus
}
#endif
#endif
