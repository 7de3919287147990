/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * job.h - a file in the pool's hands: where a worker is in it, and what follows when that worker
 * dies.
 *
 * Plain rules, without processes: pool.c has those. A file, or a member of an archive, that kills a
 * worker gets one more try; then it is read for its digests alone; a member that kills even so is
 * passed over. A hang is believed at once.
 */
#ifndef HK_DECODE_JOB_H
#define HK_DECODE_JOB_H

#include "decode/wire.h"

typedef struct hk__job {
    uint64_t tag, id;
    uint64_t order; /* of submission: the oldest is given out first */
    uint64_t size;  /* bytes of the file, as the engine sees it */
    int fd;
    uint64_t limit_ns;    /* time allowed, from its size */
    bool retried;         /* it, or its member in trouble, was in hand when a worker died */
    bool digests_only;    /* the file's verdict is `blame`: its bytes are read, not decoded */
    hk_file_status blame; /* these two with digests_only, or with a spared member to be answered */
    char words[HK__REASON_SIZE];
    /* of archives: */
    bool archive;           /* a worker gave notice of a member */
    uint64_t first;         /* members before it are answered */
    uint64_t trouble;       /* the member that a worker died at last, at depth trouble_depth */
    uint32_t trouble_depth; /* both with retried; HK__NO_MEMBER: at none */
    uint32_t deaths;        /* workers that members of it cost */
    uint32_t spared_count;
    hk__spared spared[HK__SPARED_MAX];
} hk__job;

/* Where a worker is in the job in hand. Zero it when it begins. */
typedef struct hk__place {
    bool open;        /* notice was given of member `number`, and it is not answered */
    uint32_t depth;   /* of that member */
    uint64_t number;  /* of that member, or of the one to come */
    uint32_t notices; /* of this number */
    uint64_t passed;
    char name[HK__NAME_MAX + 1];
} hk__place;

/* Takes a checked notice or beat. False if it cannot come here: numbers go up by one and no further
 * than max_members, each is answered before the next unless it is before `first`, and nobody buys
 * time without end by saying the same again. */
bool hk__place_notice(hk__place *place, const hk__job *job, const hk__notice *notice,
                      const hk__limits *limits);

/* Whether a reply to this member may come here. For HK__NO_MEMBER no member may be waiting. */
bool hk__place_awaits(const hk__place *place, const hk__job *job, uint64_t member);

/* Notes that the open member is answered. *verdict says whether the job's verdict is to be given
 * instead, as it was spared; is_archive: an archive, which stays spared. */
void hk__place_answered(bool *verdict, hk__place *place, hk__job *job, bool is_archive);

typedef enum hk__remedy {
    HK__TRY_AGAIN,     /* give the job to a fresh worker */
    HK__ANSWER_MEMBER, /* with the verdict; then give the job to a fresh worker */
    HK__ANSWER_FILE    /* with the verdict */
} hk__remedy;

/* Whether a worker died at this place already, and it is being tried once more. */
bool hk__job_was_tried(const hk__job *job, const hk__place *place);

/* A worker died over the job, at this place. blame: crashed, timed_out or out_of_memory, and words
 * for it; digests: whether any are wanted. Sets the verdict. */
hk__remedy hk__job_blame(hk__job *job, const hk__place *place, hk_file_status blame,
                         const char *words, bool digests);

#endif
