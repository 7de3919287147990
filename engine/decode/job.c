/* SPDX-License-Identifier: GPL-3.0-or-later */
/* job.c - see job.h. */
#include "decode/job.h"

#include <string.h>

enum {
    DEATHS_MAX = 256, /* workers that one archive may cost: with some members each costs three */
    NOTICES_MAX =
        2 * HK__DEPTH_MAX + 2 /* of one number: down to a member, and up from empty ones */
};

/* Bytes that may pass: those of the file, twice, and what they unpack to. */
static bool within_bytes(uint64_t passed, const hk__job *job, const hk__limits *limits)
{
    const uint64_t own = job->size < UINT64_MAX / 8 ? 2 * job->size + HK__RATIO_FLOOR : UINT64_MAX;
    return passed <= own || passed - own <= limits->max_unpacked;
}

bool hk__place_notice(hk__place *place, const hk__job *job, const hk__notice *notice,
                      const hk__limits *limits)
{
    if (!within_bytes(notice->passed, job, limits))
        return false;
    if (notice->message == HK__MESSAGE_BEAT) {
        if (notice->passed < place->passed + HK__BEAT_BYTES)
            return false;
        place->passed = notice->passed;
        return true;
    }
    const bool next = place->open && place->number < job->first;
    if (notice->number >= limits->max_members ||
        (notice->number != place->number && !(next && notice->number == place->number + 1)) ||
        (notice->number == place->number && place->notices >= NOTICES_MAX))
        return false;
    place->notices = notice->number == place->number ? place->notices + 1 : 1;
    place->open = true;
    place->number = notice->number;
    place->depth = notice->depth;
    memcpy(place->name, notice->name, notice->name_size);
    place->name[notice->name_size] = '\0';
    return true;
}

bool hk__place_awaits(const hk__place *place, const hk__job *job, uint64_t member)
{
    const bool awaited = place->open && place->number >= job->first;
    return member == HK__NO_MEMBER ? !awaited : awaited && member == place->number;
}

/* ---- verdicts ------------------------------------------------------------------------------ */

static hk__spared *find(hk__job *job, const hk__place *place)
{
    for (uint32_t i = 0; i < job->spared_count; i++)
        if (job->spared[i].number == place->number && job->spared[i].depth == place->depth)
            return &job->spared[i];
    return NULL;
}

void hk__place_answered(bool *verdict, hk__place *place, hk__job *job, bool is_archive)
{
    hk__spared *spared = find(job, place);
    *verdict = spared != NULL;
    if (spared && !is_archive)
        *spared = job->spared[--job->spared_count];
    job->first = place->number + 1;
    job->retried = false;
    place->open = false;
    place->number++;
    place->notices = 0;
}

static void set_verdict(hk__job *job, hk_file_status blame, const char *words)
{
    job->blame = blame;
    strncpy(job->words, words, sizeof job->words - 1);
    job->words[sizeof job->words - 1] = '\0';
}

/* Deaths between members count as the file's own. */
static uint64_t trouble_of(const hk__place *place)
{
    return place->open ? place->number : HK__NO_MEMBER;
}

bool hk__job_was_tried(const hk__job *job, const hk__place *place)
{
    return job->retried && job->trouble == trouble_of(place) &&
           (!place->open || job->trouble_depth == place->depth);
}

static void note_trouble(hk__job *job, const hk__place *place)
{
    job->retried = true;
    job->trouble = trouble_of(place);
    job->trouble_depth = place->depth;
}

static hk__remedy give_up(hk__job *job, hk_file_status blame, const char *words, bool digests)
{
    if (job->digests_only) /* not even that: the verdict stands */
        return HK__ANSWER_FILE;
    set_verdict(job, blame, words);
    job->digests_only = digests;
    return digests ? HK__TRY_AGAIN : HK__ANSWER_FILE;
}

static hk__remedy blame_member(hk__job *job, const hk__place *place, hk_file_status blame,
                               const char *words, bool digests)
{
    const bool to_answer = place->number >= job->first;
    hk__spared *spared = find(job, place);
    if (!spared) {
        if (blame != HK_FILE_TIMED_OUT && !hk__job_was_tried(job, place)) {
            note_trouble(job, place);
            return HK__TRY_AGAIN;
        }
        if (job->spared_count == HK__SPARED_MAX)
            return give_up(job, blame, words, digests);
        if (to_answer)
            set_verdict(job, blame, words);
        spared = &job->spared[job->spared_count++];
        *spared = (hk__spared){.number = place->number, .depth = place->depth, .pass = !digests};
        if (digests)
            return HK__TRY_AGAIN;
    } else if (spared->pass) { /* even what stands before it and after it cannot be reached */
        return give_up(job, blame, words, digests);
    }
    spared->pass = 1;
    if (!to_answer)
        return HK__TRY_AGAIN;
    job->first = place->number + 1;
    job->retried = false;
    return HK__ANSWER_MEMBER;
}

hk__remedy hk__job_blame(hk__job *job, const hk__place *place, hk_file_status blame,
                         const char *words, bool digests)
{
    if (place->open && ++job->deaths <= DEATHS_MAX)
        return blame_member(job, place, blame, words, digests);
    if (!place->open && blame != HK_FILE_TIMED_OUT && !hk__job_was_tried(job, place)) {
        note_trouble(job, place);
        return HK__TRY_AGAIN;
    }
    return give_up(job, blame, words, digests);
}
