/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * faiss_spec.h - what a user may write to choose a FAISS index: "FACTORY[:nflip=N][:nprobe=N]".
 *
 * FACTORY is what FAISS' own factory of binary indexes takes, read strictly: that one lets pass
 * whatever follows the last number, negative numbers, and numbers it then crashes on.
 *
 *      BFlat                every hash is looked at
 *      BIVF1024             1,024 lists, of which nprobe are looked at (FAISS' default: 1)
 *      BIVF1024_HNSW32      the same; a graph finds the lists
 *      BHNSW32              a graph with 32 links a node
 *      BHash16x16           16 tables with keys of 16 bits, looked up with up to nflip bits changed
 *      BHash24              one table with keys of 24 bits
 */
#ifndef HK_INDEX_FAISS_SPEC_H
#define HK_INDEX_FAISS_SPEC_H

#include "index/faiss_module.h"

typedef struct hk__faiss_spec {
    hk__faiss_shape shape;
    int nflip;  /* -1: as many as make the search complete for its radius */
    int nprobe; /* -1: not given */
} hk__faiss_spec;

/* HK_ERR_USAGE with what to write instead. */
hk_status hk__faiss_spec_parse(hk__faiss_spec *out, const char *text, hk_error *err) HK_MUST_CHECK;

/* The factory string of a shape, the same for the same shape. */
#define HK__FAISS_FACTORY_SIZE 48
void hk__faiss_factory(char out[HK__FAISS_FACTORY_SIZE], const hk__faiss_shape *shape);

/* Bits to change in every key so that nothing within max_distance is missed: with a distance of r
 * over s keys, one key differs in r / s bits at most. */
int hk__faiss_complete_nflip(const hk__faiss_shape *shape, unsigned max_distance);

/* Whether a search finds everything within max_distance. */
bool hk__faiss_spec_is_exact(const hk__faiss_spec *spec, unsigned max_distance);

#endif
