/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * faiss.h - FAISS as a second search engine, in a module that is loaded when it is asked for.
 *
 * `spec` says which of FAISS' binary indexes, "FACTORY[:nflip=N][:nprobe=N]"; faiss_spec.h lists
 * them. `module` is the path of herken-faiss.so, NULL: where it was installed. Where it cannot be
 * loaded, HK_ERR_SYSTEM says what to install.
 *
 * Frozen once made; any number of threads may search. Searches of a BHash index with different
 * radii take turns, because FAISS keeps nflip in the index. Prefer nflip= for keys of more than
 * about 16 bits: being complete takes as many look-ups as there are keys within the radius.
 */
#ifndef HK_INDEX_FAISS_H
#define HK_INDEX_FAISS_H

#include "index/sieve.h"

typedef struct hk__faiss hk__faiss;

/* An index over `count` hashes (copied): at most 2^32 - 1, 2^31 - 1 for BHNSW, and at least as many
 * as a BIVF has lists. Building BHNSW takes minutes for a million, and training BIVF1024 one. */
hk_status hk__faiss_build(hk__faiss **out, const char *module, const char *spec,
                          const hk_hash *hashes, size_t count, hk_error *err) HK_MUST_CHECK;

/* Writes the index in FAISS' own format to path, and its SHA-256 to path.sha256, which sha256sum -c
 * can check; each is written beside its place, synced and renamed. Numbers in the file are in the
 * byte order of the machine, hashes as hk_hash lies in memory. */
hk_status hk__faiss_save(const hk__faiss *faiss, const char *path, const char *like,
                         hk_error *err) HK_MUST_CHECK;

/* Reads a saved index, which must be what `spec` says; nflip and nprobe are of the spec, not of the
 * file. FAISS' reader trusts its input, so that nothing is handed to it before the bytes in memory
 * have been checked against path.sha256: HK_ERR_FORMAT where that is missing or does not fit. The
 * memory of the file is taken on top of the index's meanwhile. */
hk_status hk__faiss_load(hk__faiss **out, const char *module, const char *spec, const char *path,
                         hk_error *err) HK_MUST_CHECK;
void hk__faiss_free(hk__faiss *faiss);

size_t hk__faiss_count(const hk__faiss *faiss);
/* An estimate of the memory it holds, from the sizes of FAISS' containers and what the heap adds to
 * each. Walks the tables: a second or two for a BHash over millions. */
size_t hk__faiss_bytes(const hk__faiss *faiss);
/* Whether hk__faiss_within finds everything within max_distance. */
bool hk__faiss_is_exact(const hk__faiss *faiss, unsigned max_distance);
/* And at a cost that does not grow with the distance: that of BHash does, beyond any bound. */
bool hk__faiss_reaches(const hk__faiss *faiss, unsigned max_distance);

/* Offers what it finds within max_distance (0..256) of query q to sieves[q], in no order; the
 * sieves were started by the caller. k is for BHNSW alone, which has no search within a radius: of
 * its k nearest (0: 100) those within max_distance are offered. */
hk_status hk__faiss_within(hk__sieve *sieves, const hk__faiss *faiss, const hk_hash *queries,
                           size_t query_count, unsigned max_distance, size_t k,
                           hk_error *err) HK_MUST_CHECK;

#endif
