/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * view.h - what an hk_index is: a frozen base, and perhaps changes on top of it, neither of which
 * ever changes under a reader.
 */
#ifndef HK_INDEX_VIEW_H
#define HK_INDEX_VIEW_H

#include "index/base.h"
#include "index/changes.h"

typedef enum hk__engine {
    HK__ENGINE_AUTO = 0,
    HK__ENGINE_FLAT,
    HK__ENGINE_MIH,
    HK__ENGINE_FAISS
} hk__engine;

struct hk_index {
    hk__base *base;       /* held */
    hk__changes *changes; /* held; NULL: none */
    hk__engine engine;
    unsigned threads;
    char *spec; /* of HK__ENGINE_FAISS: "faiss:BFlat"; owned */
};

/* Reads the options of building and opening: the engine, and for FAISS what stands after the
 * colon, borrowed. *given, if NULL, becomes the defaults, which are static. */
hk_status hk__engine_parse(hk__engine *out, const char **spec, const hk_index_options **given,
                           hk_error *err) HK_MUST_CHECK;

/* A view of a base and changes, both of which it takes over, or releases on failure. */
hk_status hk__view_new(hk_index **out, hk__base *base, hk__changes *changes,
                       const hk_index_options *options, hk_error *err) HK_MUST_CHECK;

/* A view with these changes on top, in memory, of the same base; the given one is left as it is,
 * and any number may be made of it. */
hk_status hk__index_changed(hk_index **out, const hk_index *index, const hk_index_change *changes,
                            size_t count, hk_error *err) HK_MUST_CHECK;

#endif
