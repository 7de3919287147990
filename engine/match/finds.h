/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * finds.h - inside matching: what a look-up gathers, what that decides, and what is given out.
 *
 *      hk__judge (match.c), of a file -----\
 *          and, without a hit, aligned.c ----+--> finds of all lists --> verdict, matches
 *      hk_matcher_check (query.c), bare ---/
 *
 * Finds live as long as a look-up, so that threads share nothing but the matcher.
 */
#ifndef HK_MATCH_FINDS_H
#define HK_MATCH_FINDS_H

#include "list/list.h"

enum {
    HK__LOOKED_UP = 2 * HK_ORIENTATIONS, /* hashes of a view by one probe: turned, and inverted */
    HK__PROBES_MOST = 2,
    HK__VIEW_QUERIES = HK__PROBES_MOST * HK__LOOKED_UP, /* of a view */
    HK__RADIUS_MOST = 128,
    HK__KINDS = 3,
    HK__SHARES = HK_QUERY_HASHES_MOST / HK__LOOKED_UP /* a bare query is at most so many files */
};

/* Queries are numbered through, HK__VIEW_QUERIES for each view: those of the plain hash come first,
 * and win where both are as near.
 */
typedef enum hk__probe { HK__PLAIN = 0, HK__EXACT, HK__PROBES = HK__PROBES_MOST } hk__probe;

/* A list and where it is searched. */
typedef struct hk__source {
    const hk_list *list;
    const hk_index *index; /* the list's own, or `made` */
    hk_index *made;        /* owned; NULL: the list has one */
    bool known_good;
} hk__source;

struct hk_matcher {
    hk__source *sources; /* [count] */
    size_t count;
    unsigned digests;                  /* HK_DIGEST_* that any list holds, */
    unsigned known_digests;            /* and that a list of known images holds */
    int radius[HK__KINDS][HK__PROBES]; /* of a file of one view; -1: that hash is not looked up */
    int aligned[HK__KINDS];            /* likewise, of its probes once aligned */
    int bare[HK__SHARES][HK__KINDS];   /* likewise, of bare queries, by the number of hashes */
    double budget;                     /* of hk_match_options, or its profile's */
    hk_probes probes;                  /* HK_PROBES_SETS: nothing is aligned */
    int max_distance;                  /* of hk_match_options */
    uint64_t hashes[2];                /* in lists of known images, and of known-good ones */
    size_t max_matches;
    bool accept_uncertain;
};

/* What will be a match, without the words of its entry. */
typedef struct hk__find {
    const hk__source *source; /* of the matcher's, which lie in the order of the lists */
    uint32_t entry;
    hk_basis basis;
    unsigned distance; /* these two of HK_BASIS_PDQ */
    uint32_t query;
    bool aligned; /* by these, and not by how the query is numbered but for its view */
    hk_probe probe;
    hk_orientation orientation;
    bool inverted;
    hk_placement placement;
    unsigned before; /* its probe's distance */
    unsigned cut;    /* of hk_match */
} hk__find;

typedef struct hk__finds {
    hk__find *find; /* owned */
    size_t count, capacity;
    bool in_known[2], in_good[2]; /* by whether it is near: a list of that sort hits */
    bool truncated;
} hk__finds;

/* How the hashes of one view were looked up. */
typedef struct hk__look {
    hk_kind kind;
    int radius[HK__PROBES];            /* -1: not by that probe */
    const hk_hash *hashes[HK__PROBES]; /* [HK_ORIENTATIONS] of each; bare: all in the first */
    int aligned;                       /* once aligned; -1: not so */
    unsigned frame;                    /* of the view, for what it finds */
    hk_backdrop backdrop;
} hk__look;

typedef struct hk__looked {
    const hk__look *looks; /* [count], one for each view */
    size_t count;
    unsigned share; /* of how many files' look-ups each is worth: strangers come as many times as
                       often */
    bool bare;      /* which way round a hash lies is not known */
    hk_probes probes;
} hk__looked;

/* What is known of a file or query by itself: it decides where nothing hits. */
typedef struct hk__alone {
    bool hashed;
    unsigned flags;        /* HK_FLAG_* */
    int radius;            /* of the plain hash; -1: it was not looked up, */
    const char *kind;      /* as it is of this kind */
    bool readable;         /* not hashed, but its bytes are what they are */
    unsigned digests;      /* HK_DIGEST_* that were looked up */
    const char *otherwise; /* why not_checked, else */
} hk__alone;

/* Adds one. */
hk_status hk__finds_add(hk__finds *all, const hk__find *one, hk_error *err) HK_MUST_CHECK;
/* Adds what each list's digests hit. */
hk_status hk__finds_digests(hk__finds *all, const hk_matcher *matcher, const hk__source *from,
                            const hk_digests *digests, hk_error *err) HK_MUST_CHECK;
/* For qsort of hk_hit: entries one after another, of each its nearest hit first. */
int hk__hits_by_entry(const void *a, const void *b);
/* Adds what hashes hit in one list, an entry once, by its nearest; sorts the hits. */
hk_status hk__finds_hits(hk__finds *all, const hk__source *from, hk_hit *hits, size_t count,
                         hk_error *err) HK_MUST_CHECK;
/* HK_OK, unless the hits are of an index that may have missed some. */
hk_status hk__finds_exact(const hk__source *from, const hk_hits *hits, hk_error *err) HK_MUST_CHECK;

/* How many strangers among so many entries are found within a distance by plain and exact hashes
 * together, and how many once aligned. */
double hk__strangers(bool *extrapolated, const hk__looked *looked, int distance, uint64_t entries);
double hk__aligned_strangers(bool *extrapolated, const hk__looked *looked, int distance,
                             uint64_t entries);

/* The matches, with their words: *out is owned. `hit` (may be NULL) receives the query by which the
 * nearest was found. Drops what is over max_matches, and sorts the finds. */
hk_status hk__finds_matches(hk_match **out, size_t *count, size_t *hit, hk__finds *all,
                            const hk_matcher *matcher, const hk__looked *looked,
                            hk_error *err) HK_MUST_CHECK;

/* The table of match.h. *reason (static) is set where the verdict is not_checked. */
hk_verdict hk__finds_verdict(const char **reason, const hk__finds *all, const hk_matcher *matcher,
                             const hk__alone *alone);
bool hk__finds_conflict(const hk__finds *all);

#endif
