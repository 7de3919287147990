/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unpack.c - see unpack.h. */
#include "decode/unpack.h"

#include "core/error.h"
#include "core/mem.h"
#include "decode/archive.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

typedef struct buffer {
    uint8_t *bytes; /* owned */
    size_t capacity;
} buffer;

struct hk__unpacker {
    hk__unpack_tools tools;
    hk__digester *file_digester; /* of the file itself, while members have the other */
    /* of the file in hand: */
    const hk__request *request;
    hk__reply *reply;
    uint64_t packed;   /* bytes of the file */
    uint64_t entries;  /* seen so far, in all depths, as the next three */
    uint64_t number;   /* of the next member to be answered */
    uint64_t unpacked; /* what counts against the limits */
    uint64_t passed, beaten;
    bool stopped; /* at a limit: `why` */
    char why[HK__REASON_SIZE];
    hk__notice notice;             /* with the name of the member in hand */
    buffer buffers[HK__DEPTH_MAX]; /* bytes of the member in hand at each depth */
};

/* One open archive. */
typedef struct level {
    hk__archive *archive;
    hk__format format;
    uint32_t depth;
    uint32_t prefix; /* bytes of the name that stand before those of its members */
    uint64_t members, encrypted;
} level;

/* What is said of an archive in the end. */
typedef struct verdict {
    hk_file_status status;
    hk__format format;
    char reason[HK__REASON_SIZE];
} verdict;

/* What became of one member's bytes. */
typedef struct bytes_read {
    hk__unpack_status status;
    const hk__spared *spared;
    uint64_t total;
    bool wanted; /* an answer */
    bool image;  /* to be decoded, as the next to be opened */
    bool container;
    bool kept; /* all that could be read is in the buffer */
    bool digesting;
} bytes_read;

hk_status hk__unpacker_new(hk__unpacker **out, const hk__unpack_tools *tools, hk_error *err)
{
    hk__unpacker *u = hk__alloc(1, sizeof *u);
    if (!u)
        return hk__fail_memory(err);
    u->tools = *tools;
    const hk_status status = hk__digester_new(&u->file_digester, err);
    if (status)
        hk__unpacker_free(u);
    else
        *out = u;
    return status;
}

static void clear(buffer *b)
{
    hk__free(b->bytes);
    *b = (buffer){NULL, 0};
}

void hk__unpacker_free(hk__unpacker *unpacker)
{
    if (!unpacker)
        return;
    for (int i = 0; i < HK__DEPTH_MAX; i++)
        clear(&unpacker->buffers[i]);
    hk__digester_free(unpacker->file_digester);
    hk__free(unpacker);
}

/* ---- limits -------------------------------------------------------------------------------- */

static void stop(hk__unpacker *u, const char *what, uint64_t limit, const char *unit)
{
    u->stopped = true;
    snprintf(u->why, sizeof u->why, "not read to its end: %s %llu %s", what,
             (unsigned long long)limit, unit);
}

/* Counts bytes that come out of the archive, or that it says will. */
static bool charge(hk__unpacker *u, uint64_t bytes)
{
    const hk__limits *limits = &u->request->limits;
    u->unpacked = bytes < UINT64_MAX - u->unpacked ? u->unpacked + bytes : UINT64_MAX;
    if (u->unpacked > limits->max_unpacked)
        stop(u, "it unpacks to more than", limits->max_unpacked, "bytes (--max-unpacked)");
    else if (u->unpacked > HK__RATIO_FLOOR && (u->unpacked - 1) / limits->max_ratio >= u->packed)
        stop(u, "it unpacks to more than", limits->max_ratio, "times its size (--max-ratio)");
    return !u->stopped;
}

/* ---- messages ------------------------------------------------------------------------------ */

static void say(hk__unpacker *u, hk__message message, uint32_t depth)
{
    u->notice.version = HK__WIRE_VERSION;
    u->notice.message = message;
    u->notice.id = u->request->id;
    u->notice.number = u->number;
    u->notice.depth = depth;
    u->notice.passed = u->passed;
    if (message == HK__MESSAGE_BEAT)
        u->beaten = u->passed;
    u->tools.notice(u->tools.context, &u->notice);
}

static void pass(void *context, size_t count)
{
    hk__unpacker *u = context;
    u->passed += count;
    if (u->passed >= u->beaten + HK__BEAT_BYTES)
        say(u, HK__MESSAGE_BEAT, 0);
}

/* Appends to the name at `size` and returns the new size. */
static uint32_t append(hk__unpacker *u, uint32_t size, const char *text)
{
    const size_t room = HK__NAME_MAX - size, length = strnlen(text, room);
    memcpy(u->notice.name + size, text, length);
    return size + (uint32_t)length;
}

static void answer(hk__unpacker *u)
{
    if (u->number >= u->request->first_member)
        u->tools.reply(u->tools.context, u->reply);
    u->number++;
}

/* ---- one member ---------------------------------------------------------------------------- */

/* Room for `size` bytes of at most `most`: doubled as it fills, for what an archive says of a
 * member's size may be a lie. */
static bool make_room(buffer *b, size_t size, uint64_t most)
{
    if (b->capacity >= size)
        return true;
    size_t capacity = 2 * size;
    if (capacity > most)
        capacity = most > size ? (size_t)most : size;
    uint8_t *bytes = hk__realloc(b->bytes, capacity, 1);
    if (!bytes)
        return false;
    *b = (buffer){bytes, capacity};
    return true;
}

/* The first bytes tell what it is, and so whether the rest is kept, digested, or neither. */
static void decide(hk__unpacker *u, bytes_read *r, const uint8_t *bytes, size_t count,
                   const hk__item *item, const level *l)
{
    const hk__request *request = u->request;
    hk__picture *picture = &u->reply->picture;
    unsigned which = request->digests;
    picture->format = hk__format_of(bytes, count);
    r->image = hk__format_is_decoded(picture->format, request->limits.allow);
    if (!picture->format) {
        picture->format = hk__archive_of(bytes, count);
        r->container = picture->format != HK__FORMAT_NONE;
    }
    r->kept = (r->container ? l->depth + 1 < request->limits.max_depth : r->image && r->wanted) &&
              !r->spared && !(item->sized && item->size > request->limits.max_bytes);
    if (r->kept && r->image)
        which |= request->picture_digests;
    if (!r->wanted && !r->container)
        which = 0; /* on the way to another */
    r->digesting = which && !hk__digester_start(u->tools.digester, which, NULL);
}

/* Reads a member's bytes; false with the picture's status set where that is the end of it. */
static bool read_bytes(hk__unpacker *u, bytes_read *r, const level *l, const hk__item *item)
{
    hk__picture *picture = &u->reply->picture;
    buffer *b = &u->buffers[l->depth];
    uint64_t charged = item->sized ? item->size : 0;
    bool within = charge(u, charged), first = true;
    size_t at = 0, got;
    while (within) {
        if (!make_room(b, at + CHUNK, u->request->limits.max_bytes + CHUNK)) {
            hk__picture_fail(picture, HK_FILE_OUT_OF_MEMORY, "no memory to unpack it");
            return false;
        }
        r->status = hk__archive_read(&got, l->archive, b->bytes + at, CHUNK);
        r->total += got;
        pass(u, got);
        if (r->total > charged) {
            within = charge(u, r->total - charged);
            charged = r->total;
        }
        if (first)
            decide(u, r, b->bytes, got, item, l);
        first = false;
        if (r->digesting && hk__digester_add(u->tools.digester, b->bytes + at, got, NULL))
            r->digesting = false;
        if (r->status || !within)
            break;
        if (r->kept && r->total > u->request->limits.max_bytes)
            r->kept = false;
        /* A zip can seek to the next one. What others skip by unpacking we pass by ourselves, and
         * so with signs of life. */
        if (!r->kept && !r->digesting && l->format == HK__FORMAT_ZIP && item->sized) {
            r->total = item->size;
            r->status = HK__UNPACK_END;
            break;
        }
        at = r->kept ? at + got : 0;
    }
    if (!within)
        hk__picture_fail(picture, HK_FILE_TOO_LARGE, "%s", u->why);
    return within;
}

static void take_digests(hk__unpacker *u, bytes_read *r)
{
    if (r->digesting && hk__digester_finish(&u->reply->digests, u->tools.digester, NULL))
        u->reply->digests.present = 0;
    r->digesting = false;
    u->reply->size = r->total;
}

/* Status and reason are set where it gives no picture. */
static void decode(hk__unpacker *u, const bytes_read *r, const level *l)
{
    u->tools.decode(&u->reply->picture, u->tools.canvas, u->buffers[l->depth].bytes,
                    (size_t)r->total, &u->request->limits);
}

/* What the archive says is damaged, or ends early. */
static void take_damaged(hk__unpacker *u, bytes_read *r, const level *l, const hk__item *item)
{
    hk__picture *picture = &u->reply->picture;
    const char *words = hk__archive_words(l->archive);
    const bool all = item->sized && r->total == item->size; /* but for a checksum perhaps */
    if (all)
        take_digests(u, r);
    if (r->status == HK__UNPACK_NO_MEMORY) {
        hk__picture_fail(picture, HK_FILE_OUT_OF_MEMORY, "no memory to unpack it: %s", words);
        return;
    }
    if (r->image && r->kept && r->total)
        decode(u, r, l);
    if (picture->status == HK_FILE_OUT_OF_MEMORY)
        return;
    if (picture->has_pixels)
        picture->flags |= HK_FLAG_TRUNCATED;
    if (picture->has_pixels && !all) /* what was decoded is a content of its own */
        take_digests(u, r);
    hk__picture_fail(picture, picture->has_pixels ? HK_FILE_TRUNCATED : HK_FILE_UNREADABLE,
                     "damaged in the archive: %s", words);
}

static void walk(verdict *v, hk__unpacker *u, hk__format format, const hk__archive_source *source,
                 uint32_t depth, uint32_t prefix);

/* An archive in an archive, all of it in the buffer. Its members are answered before it. */
static void open_inner(hk__unpacker *u, const bytes_read *r, const level *l)
{
    hk__reply *reply = u->reply;
    const hk_digests digests = reply->digests;
    const uint32_t name_size = u->notice.name_size, depth = l->depth;
    const hk__archive_source source = {
        .bytes = u->buffers[depth].bytes, .count = (size_t)r->total, .fd = -1};
    verdict v;
    walk(&v, u, reply->picture.format, &source, depth + 1, append(u, name_size, "!/"));
    clear(&u->buffers[depth + 1]);
    u->notice.name_size = name_size;
    say(u, HK__MESSAGE_MEMBER, depth);
    hk__reply_begin(reply, u->request->id, u->number);
    reply->digests = digests;
    reply->size = r->total;
    reply->picture.format = v.format;
    hk__picture_fail(&reply->picture, v.status, "%s", v.reason);
}

/* All its bytes were read. */
static void take_whole(hk__unpacker *u, bytes_read *r, const level *l)
{
    const hk__limits *limits = &u->request->limits;
    hk__picture *picture = &u->reply->picture;
    take_digests(u, r);
    if (r->spared) /* the engine has its own words for it */
        hk__picture_fail(picture, HK_FILE_UNREADABLE, "spared");
    else if (r->container && l->depth + 1 >= limits->max_depth)
        hk__picture_fail(picture, HK_FILE_TOO_LARGE,
                         "an archive in %u others is not opened (--max-depth)", l->depth + 1);
    else if ((r->container || (r->image && r->wanted)) && !r->kept)
        hk__picture_fail(picture, HK_FILE_TOO_LARGE,
                         "%llu bytes, more than the limit of %llu (--max-bytes)",
                         (unsigned long long)r->total, (unsigned long long)limits->max_bytes);
    else if (r->container)
        open_inner(u, r, l);
    else if (!r->image)
        hk__picture_refuse(picture, r->total == 0);
    else if (r->wanted && !hk__unpack_is_duplicate(picture, u->tools.seen, &u->reply->digests))
        decode(u, r, l);
}

bool hk__unpack_is_duplicate(hk__picture *picture, const hk__seen *seen, const hk_digests *digests)
{
    if (!seen || !(digests->present & HK_DIGEST_SHA256) || !hk__seen_has(seen, digests->sha256))
        return false;
    picture->status = HK_FILE_DUPLICATE;
    return true;
}

static const hk__spared *spared_now(const hk__unpacker *u, uint32_t depth)
{
    const hk__request *request = u->request;
    for (uint32_t i = 0; i < request->spared_count && i < HK__SPARED_MAX; i++)
        if (request->spared[i].number == u->number && request->spared[i].depth == depth)
            return &request->spared[i];
    return NULL;
}

static void take_member(hk__unpacker *u, level *l, const hk__item *item)
{
    hk__picture *picture = &u->reply->picture;
    bytes_read r = {.wanted = u->number >= u->request->first_member,
                    .spared = spared_now(u, l->depth)};
    l->members++;
    l->encrypted += item->encrypted;
    u->notice.name_size = append(u, l->prefix, item->name);
    say(u, HK__MESSAGE_MEMBER, l->depth);
    hk__reply_begin(u->reply, u->request->id, u->number);
    if (r.spared && r.spared->pass) {
        u->number++;
        return;
    }
    if (item->kind == HK__ITEM_LINK)
        hk__picture_fail(picture, HK_FILE_EXCLUDED, "a link in an archive");
    else if (item->kind != HK__ITEM_FILE)
        hk__picture_fail(picture, HK_FILE_EXCLUDED, "neither a file nor a folder");
    else if (item->encrypted)
        hk__picture_fail(picture, HK_FILE_UNREADABLE, "encrypted");
    else if (read_bytes(u, &r, l, item)) {
        if (r.status == HK__UNPACK_END)
            take_whole(u, &r, l);
        else
            take_damaged(u, &r, l, item);
    }
    answer(u);
}

/* ---- one archive --------------------------------------------------------------------------- */

static void conclude(verdict *v, const hk__unpacker *u, const level *l, hk__unpack_status end)
{
    const unsigned long long members = l->members, encrypted = l->encrypted;
    const char *name = hk__format_name(l->format), *s = members == 1 ? "" : "s";
    const char *words = l->archive ? hk__archive_words(l->archive) : "";
    v->format = l->format;
    v->status = HK_FILE_UNREADABLE;
    if (u->stopped) {
        v->status = HK_FILE_TOO_LARGE;
        snprintf(v->reason, sizeof v->reason, "%s", u->why);
    } else if (end == HK__UNPACK_END) {
        v->status = HK_FILE_NOT_AN_IMAGE;
        int n =
            snprintf(v->reason, sizeof v->reason, "%s archive, %llu member%s", name, members, s);
        if (encrypted)
            snprintf(v->reason + n, sizeof v->reason - (size_t)n, ", %llu encrypted", encrypted);
    } else if (end == HK__UNPACK_OTHER) {
        v->status = HK_FILE_NOT_AN_IMAGE;
        v->format = HK__FORMAT_NONE;
        snprintf(v->reason, sizeof v->reason, "no known image format");
    } else if (end == HK__UNPACK_ENCRYPTED) {
        snprintf(v->reason, sizeof v->reason, "encrypted");
    } else if (end == HK__UNPACK_NO_MEMORY) {
        v->status = HK_FILE_OUT_OF_MEMORY;
        snprintf(v->reason, sizeof v->reason, "no memory to unpack it after %llu member%s", members,
                 s);
    } else {
        snprintf(v->reason, sizeof v->reason, "damaged after %llu member%s: %s", members, s, words);
    }
}

static hk__unpack_status take_entries(hk__unpacker *u, level *l)
{
    const uint64_t most = u->request->limits.max_members;
    hk__item item;
    hk__unpack_status got = HK__UNPACK_OK;
    while (!u->stopped && (got = hk__archive_next(&item, l->archive)) == HK__UNPACK_OK) {
        if (++u->entries > most)
            stop(u, "it has more than", most, "entries (--max-members)");
        else if (item.kind != HK__ITEM_FOLDER)
            take_member(u, l, &item);
    }
    return got;
}

static void walk(verdict *v, hk__unpacker *u, hk__format format, const hk__archive_source *source,
                 uint32_t depth, uint32_t prefix)
{
    level l = {.format = format, .depth = depth, .prefix = prefix};
    hk__unpack_status end = HK__UNPACK_NO_MEMORY;
    if (!hk__archive_open(&l.archive, format, source, NULL))
        end = take_entries(u, &l);
    conclude(v, u, &l, end);
    hk__archive_close(l.archive);
}

/* ---- the file ------------------------------------------------------------------------------ */

static void begin(hk__unpacker *u, hk__reply *reply, const hk__request *request, uint64_t size)
{
    u->request = request;
    u->reply = reply;
    u->packed = size;
    u->entries = u->number = u->unpacked = u->passed = u->beaten = 0;
    u->stopped = false;
}

/* What is left of a tar after its end, or after a limit. */
static bool drain(hk__unpacker *u, int fd)
{
    ssize_t n = -1;
    if (!make_room(&u->buffers[0], CHUNK, CHUNK))
        return false;
    while ((n = read(fd, u->buffers[0].bytes, CHUNK)) > 0 || (n < 0 && errno == EINTR)) {
        if (n < 0)
            continue;
        if (hk__digester_add(u->file_digester, u->buffers[0].bytes, (size_t)n, NULL))
            return false;
        pass(u, (size_t)n);
    }
    return n == 0;
}

/* The digests of the file itself; false with the picture's status set. */
static bool digest_file(hk__unpacker *u, int fd, bool seeks)
{
    hk__reply *reply = u->reply;
    const unsigned which = u->request->digests;
    if (seeks) {
        hk__limits limits = u->request->limits;
        limits.max_bytes = 0;
        if (!hk__content_read(u->tools.content, &reply->picture, fd, u->tools.digester, which, 0,
                              &limits))
            return false;
        reply->digests = u->tools.content->digests;
    } else if (which &&
               (!drain(u, fd) || hk__digester_finish(&reply->digests, u->file_digester, NULL))) {
        hk__picture_fail(&reply->picture, HK_FILE_UNREADABLE, "reading failed: %s",
                         strerror(errno));
        return false;
    }
    return true;
}

bool hk__unpack(hk__reply *reply, hk__unpacker *u, int fd, hk__format format,
                const hk__request *request)
{
    const bool seeks = format == HK__FORMAT_ZIP || format == HK__FORMAT_7Z;
    hk__picture *picture = &reply->picture;
    struct stat before, after;
    verdict v;
    hk__reply_begin(reply, request->id, HK__NO_MEMBER);
    if (lseek(fd, 0, SEEK_SET) || hk__content_facts(fd, &before) ||
        hk__digester_start(u->file_digester, seeks ? 0 : request->digests, NULL)) {
        hk__picture_fail(picture, HK_FILE_UNREADABLE, "cannot be read: %s", strerror(errno));
        return true;
    }
    begin(u, reply, request, (uint64_t)before.st_size);
    const hk__archive_source source = {
        .fd = fd, .digester = u->file_digester, .passed = pass, .context = u};
    walk(&v, u, format, &source, 0, 0);
    if (v.format == HK__FORMAT_NONE) /* nothing was kept of it */
        return false;
    hk__reply_begin(reply, request->id, HK__NO_MEMBER);
    const bool read = digest_file(u, fd, seeks);
    clear(&u->buffers[0]);
    picture->format = v.format;
    if (read && (hk__content_facts(fd, &after) || !hk__content_is_same(&before, &after))) {
        reply->digests.present = 0;
        hk__picture_fail(picture, HK_FILE_CHANGED, "it changed while it was read");
    } else if (read) {
        reply->size = u->packed;
        hk__picture_fail(picture, v.status, "%s", v.reason);
    }
    return true;
}
