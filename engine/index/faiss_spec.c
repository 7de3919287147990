/* SPDX-License-Identifier: GPL-3.0-or-later */
/* faiss_spec.c - see faiss_spec.h. */
#include "index/faiss_spec.h"

#include "core/error.h"

#include <string.h>

enum {
    MAX_LISTS = 1 << 20, /* of a BIVF: training takes their square */
    MIN_LINKS = 2,       /* FAISS crashes with 1 */
    MAX_LINKS = 256,
    MAX_BITS = 63 /* of a BHash key: FAISS shifts a 64-bit one by as many */
};

static bool take(const char **at, const char *word)
{
    const size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0)
        return false;
    *at += length;
    return true;
}

/* One to seven digits and no sign. */
static bool take_number(int *out, const char **at)
{
    int value = 0, digits = 0;
    for (; digits < 8 && **at >= '0' && **at <= '9'; digits++)
        value = value * 10 + *(*at)++ - '0';
    *out = value;
    return digits > 0 && digits < 8;
}

static bool take_factory(hk__faiss_shape *out, const char **at)
{
    hk__faiss_shape shape = {.kind = HK__FAISS_FLAT};
    bool good = true;
    if (take(at, "BIVF")) {
        good = take_number(&shape.lists, at);
        const bool graph = good && take(at, "_HNSW");
        shape.kind = graph ? HK__FAISS_IVF_HNSW : HK__FAISS_IVF;
        good = good && (!graph || take_number(&shape.links, at));
    } else if (take(at, "BHNSW")) {
        shape.kind = HK__FAISS_HNSW;
        good = take_number(&shape.links, at);
    } else if (take(at, "BHash")) {
        shape.slots = 1;
        good = take_number(&shape.bits, at);
        const bool many = good && take(at, "x");
        shape.kind = many ? HK__FAISS_MULTI_HASH : HK__FAISS_HASH;
        if (many) {
            shape.slots = shape.bits;
            good = take_number(&shape.bits, at);
        }
    } else {
        good = take(at, "BFlat");
    }
    *out = shape;
    return good;
}

/* Each of the two at most once. */
static bool take_options(hk__faiss_spec *spec, const char **at)
{
    while (take(at, ":")) {
        int *option = take(at, "nflip=")    ? &spec->nflip
                      : take(at, "nprobe=") ? &spec->nprobe
                                            : NULL;
        if (!option || *option != -1 || !take_number(option, at))
            return false;
    }
    return **at == '\0';
}

static bool hashes(const hk__faiss_shape *shape)
{
    return shape->kind == HK__FAISS_HASH || shape->kind == HK__FAISS_MULTI_HASH;
}

static bool has_lists(const hk__faiss_shape *shape)
{
    return shape->kind == HK__FAISS_IVF || shape->kind == HK__FAISS_IVF_HNSW;
}

static bool has_links(const hk__faiss_shape *shape)
{
    return shape->kind == HK__FAISS_HNSW || shape->kind == HK__FAISS_IVF_HNSW;
}

static hk_status check_numbers(const hk__faiss_spec *spec, hk_error *err)
{
    const hk__faiss_shape *shape = &spec->shape;
    if (has_lists(shape) && (shape->lists < 1 || shape->lists > MAX_LISTS))
        return hk__fail(err, HK_ERR_USAGE, "a BIVF index has 1 to %d lists, not %d", MAX_LISTS,
                        shape->lists);
    if (has_links(shape) && (shape->links < MIN_LINKS || shape->links > MAX_LINKS))
        return hk__fail(err, HK_ERR_USAGE, "an HNSW graph has %d to %d links a node, not %d",
                        MIN_LINKS, MAX_LINKS, shape->links);
    if (hashes(shape) && (shape->bits < 1 || shape->bits > MAX_BITS || shape->slots < 1 ||
                          shape->slots > HK_HASH_BITS / shape->bits))
        return hk__fail(err, HK_ERR_USAGE,
                        "BHash takes keys of 1 to %d bits, and SxB no more than %d bits in all, "
                        "such as BHash16x16",
                        MAX_BITS, HK_HASH_BITS);
    if (spec->nflip >= 0 && !hashes(shape))
        return hk__fail(err, HK_ERR_USAGE, "nflip is for BHash; leave it out");
    if (spec->nflip > shape->bits)
        return hk__fail(err, HK_ERR_USAGE, "nflip is 0 to %d for keys of %d bits, not %d",
                        shape->bits, shape->bits, spec->nflip);
    if (spec->nprobe >= 0 && !has_lists(shape))
        return hk__fail(err, HK_ERR_USAGE, "nprobe is for BIVF; leave it out");
    if (spec->nprobe == 0 || spec->nprobe > shape->lists)
        return hk__fail(err, HK_ERR_USAGE, "nprobe is 1 to %d for BIVF%d, not %d", shape->lists,
                        shape->lists, spec->nprobe);
    return HK_OK;
}

hk_status hk__faiss_spec_parse(hk__faiss_spec *out, const char *text, hk_error *err)
{
    hk__faiss_spec spec = {.nflip = -1, .nprobe = -1};
    const char *at = text ? text : "";
    if (!take_factory(&spec.shape, &at) || !take_options(&spec, &at))
        return hk__fail(err, HK_ERR_USAGE,
                        "\"%.60s\" is no FAISS index: write BFlat, BIVF1024, BIVF1024_HNSW32, "
                        "BHNSW32, BHash16x16 or BHash24, then :nprobe=N for BIVF or :nflip=N for "
                        "BHash where wanted",
                        text ? text : "");
    const hk_status status = check_numbers(&spec, err);
    if (!status)
        *out = spec;
    return status;
}

void hk__faiss_factory(char out[HK__FAISS_FACTORY_SIZE], const hk__faiss_shape *shape)
{
    const size_t size = HK__FAISS_FACTORY_SIZE;
    switch (shape->kind) {
    case HK__FAISS_FLAT:
        snprintf(out, size, "BFlat");
        break;
    case HK__FAISS_IVF:
        snprintf(out, size, "BIVF%d", shape->lists);
        break;
    case HK__FAISS_IVF_HNSW:
        snprintf(out, size, "BIVF%d_HNSW%d", shape->lists, shape->links);
        break;
    case HK__FAISS_HNSW:
        snprintf(out, size, "BHNSW%d", shape->links);
        break;
    case HK__FAISS_HASH:
        snprintf(out, size, "BHash%d", shape->bits);
        break;
    case HK__FAISS_MULTI_HASH:
        snprintf(out, size, "BHash%dx%d", shape->slots, shape->bits);
        break;
    }
}

int hk__faiss_complete_nflip(const hk__faiss_shape *shape, unsigned max_distance)
{
    if (!hashes(shape))
        return 0;
    const int most = (int)max_distance / shape->slots;
    return most < shape->bits ? most : shape->bits; /* FAISS hangs on more flips than bits */
}

bool hk__faiss_spec_is_exact(const hk__faiss_spec *spec, unsigned max_distance)
{
    switch (spec->shape.kind) {
    case HK__FAISS_FLAT:
        return true;
    case HK__FAISS_IVF:
        return spec->nprobe == spec->shape.lists;
    case HK__FAISS_HASH:
    case HK__FAISS_MULTI_HASH:
        return spec->nflip < 0 ||
               spec->nflip >= hk__faiss_complete_nflip(&spec->shape, max_distance);
    default:
        return false;
    }
}
