/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * seen.c - see seen.h.
 *
 * Why no lock: a slot goes from all zero to one digest, once, in four words. Who reads in between
 * sees some words of it and zeros for the rest. That is taken for something else than the digest
 * asked for, and the content is decoded, as if it had been asked for a moment earlier. It is never
 * taken for a digest that is not there: to be equal to half a digest and zeros, a content's SHA-256
 * would have to have those zeros itself, 64 or more, and the rest of another's. And a slot that
 * still looks empty ends the search: a miss again.
 *
 * The descriptor is sealed (F_SEAL_FUTURE_WRITE) once the engine has it mapped: a taken-over worker
 * cannot write to it, nor make it shorter under those who read.
 */
#include "decode/seen.h"

#include "core/error.h"
#include "core/mem.h"
#include "decode/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

enum { WORDS = 4, STEPS = 64 /* of one search: digests may be made to crowd in one place */ };

typedef uint64_t slot[WORDS];

struct hk__seen {
    slot *slots;
    size_t count; /* of slots, a power of two */
    size_t free;  /* how many may still be filled; the engine's */
    int descriptor;
};

static hk_status fail_system(hk_error *err, const char *what)
{
    return hk__fail(err, HK_ERR_SYSTEM, "the table of contents seen: %s: %s", what,
                    strerror(errno));
}

static hk_status make(hk__seen *seen, hk_error *err)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
    const size_t bytes = seen->count * sizeof(slot);
    const int first = memfd_create("herken-seen", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (first < 0)
        return fail_system(err, "memfd_create");
    /* Clear of the numbers that a worker's descriptors get (child.c). */
    seen->descriptor = fcntl(first, F_DUPFD_CLOEXEC, HK__WORKER_SEEN + 1);
    close(first);
    if (seen->descriptor < 0)
        return fail_system(err, "no descriptor");
    if (ftruncate(seen->descriptor, (off_t)bytes))
        return fail_system(err, "ftruncate");
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, seen->descriptor, 0);
    if (map == MAP_FAILED)
        return fail_system(err, "mmap");
    seen->slots = map;
    if (fcntl(seen->descriptor, F_ADD_SEALS, seals))
        return fail_system(err, "sealing");
    return HK_OK;
}

hk_status hk__seen_new(hk__seen **out, size_t capacity, hk_error *err)
{
    if (capacity < 1 || capacity > HK__SEEN_MAX)
        return hk__fail(err, HK_ERR_USAGE, "a table for %zu contents seen cannot be made",
                        capacity);
    hk__seen *seen = hk__alloc(1, sizeof *seen);
    if (!seen)
        return hk__fail_memory(err);
    seen->descriptor = -1;
    seen->free = capacity;
    for (seen->count = 2; seen->count < 2 * capacity;)
        seen->count *= 2;
    const hk_status status = make(seen, err);
    if (status)
        hk__seen_free(seen);
    else
        *out = seen;
    return status;
}

hk_status hk__seen_map(hk__seen **out, int descriptor, hk_error *err)
{
    struct stat facts;
    if (fstat(descriptor, &facts))
        return fail_system(err, "fstat");
    const size_t bytes = facts.st_size > 0 ? (size_t)facts.st_size : 0;
    const size_t count = bytes / sizeof(slot);
    if (count < 2 || bytes % sizeof(slot) || count & (count - 1) || count > 2 * HK__SEEN_MAX)
        return hk__fail(err, HK_ERR_SYSTEM, "descriptor %d is no table of contents seen",
                        descriptor);
    hk__seen *seen = hk__alloc(1, sizeof *seen);
    if (!seen)
        return hk__fail_memory(err);
    void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, descriptor, 0);
    if (map == MAP_FAILED) {
        hk__free(seen);
        return fail_system(err, "mmap");
    }
    *seen = (hk__seen){.slots = map, .count = count, .descriptor = -1};
    *out = seen;
    return HK_OK;
}

void hk__seen_free(hk__seen *seen)
{
    if (!seen)
        return;
    if (seen->slots)
        munmap(seen->slots, hk__seen_bytes(seen));
    if (seen->descriptor >= 0)
        close(seen->descriptor);
    hk__free(seen);
}

int hk__seen_descriptor(const hk__seen *seen)
{
    return seen->descriptor;
}

size_t hk__seen_bytes(const hk__seen *seen)
{
    return seen->count * sizeof(slot);
}

typedef enum place { HOLDS_IT, EMPTY, OTHER } place;

static place look(const slot *at, const slot wanted)
{
    bool same = true, empty = true;
    for (int i = 0; i < WORDS; i++) {
        const uint64_t word = __atomic_load_n(&(*at)[i], __ATOMIC_RELAXED);
        same = same && word == wanted[i];
        empty = empty && !word;
    }
    return empty ? EMPTY : same ? HOLDS_IT : OTHER; /* all zero is never in it */
}

/* The slot that holds the digest, or the empty one where it would go, or neither. */
static place search(slot **at, const hk__seen *seen, const slot wanted)
{
    place found = OTHER;
    for (size_t i = 0; i < STEPS && found == OTHER; i++) {
        *at = &seen->slots[(wanted[0] + i) & (seen->count - 1)];
        found = look(*at, wanted);
    }
    return found;
}

bool hk__seen_has(const hk__seen *seen, const uint8_t sha256[32])
{
    slot wanted, *at;
    memcpy(wanted, sha256, sizeof wanted);
    return search(&at, seen, wanted) == HOLDS_IT;
}

void hk__seen_add(hk__seen *seen, const uint8_t sha256[32])
{
    slot added, *at;
    memcpy(added, sha256, sizeof added);
    if (!seen->free || search(&at, seen, added) != EMPTY ||
        !(added[0] | added[1] | added[2] | added[3]))
        return;
    for (int i = 0; i < WORDS; i++)
        __atomic_store_n(&(*at)[i], added[i], __ATOMIC_RELAXED);
    seen->free--;
}
