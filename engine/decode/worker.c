/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker.c - see worker.h. */
#include "decode/worker.h"

#include "core/digest.h"
#include "core/error.h"
#include "decode/archive.h"
#include "decode/content.h"
#include "decode/sandbox.h"
#include "decode/seen.h"
#include "decode/stopwatch.h"
#include "decode/unpack.h"
#include "decode/wire.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <archive.h>
#include <jpeglib.h>
#include <vips/vips.h>

/* What a worker has, for one file after another. */
typedef struct kit {
    hk__decode_fn *decode;
    hk__canvas *canvas;
    hk__digester *digester;
    hk__seen *seen; /* NULL: none */
    hk__unpacker *unpacker;
    hk__content content;
    hk__reply reply;
    uint32_t timeout_s; /* of the request in hand */
    bool busy;
} kit;

static kit current; /* in one place, to answer for a decoder that runs out of memory */

static uint32_t cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint32_t)t.tv_sec;
}

static void answer_no_memory(const char *words)
{
    static hk__reply reply;
    if (current.busy) {
        hk__reply_begin(&reply, current.reply.id, current.reply.member);
        reply.digests = current.reply.digests;
        reply.size = current.reply.size;
        hk__picture_fail(&reply.picture, HK_FILE_OUT_OF_MEMORY, "%s", words);
        hk__send(HK__WORKER_SOCKET, &reply, hk__reply_size(&reply), -1);
    }
    _exit(0);
}

/* Sends what may be sent in between: the engine may be slow to take it, which is no fault of the
 * file's, and afterwards the file has all its time again. */
static void send_between(const void *message, size_t size)
{
    alarm(0);
    if (hk__send(HK__WORKER_SOCKET, message, size, -1))
        _exit(0); /* nobody listens */
    alarm(current.timeout_s);
}

static void send_notice(void *context, const hk__notice *notice)
{
    (void)context;
    send_between(notice, hk__notice_size(notice));
}

static void send_member(void *context, const hk__reply *reply)
{
    (void)context;
    current.reply.cpu_seconds = cpu_seconds();
    send_between(reply, hk__reply_size(reply));
}

/* A view that is not the last: it goes at once, so that one picture is held and not all. */
static void send_view(void *context, hk__picture *picture)
{
    kit *k = context;
    if (picture != &k->reply.picture) /* there is no other place for it */
        return;
    k->reply.more = 1;
    send_between(&k->reply, hk__reply_size(&k->reply));
    k->reply.more = 0;
}

static void say_hello(void)
{
    hk__hello hello = {.version = HK__WIRE_VERSION};
    snprintf(hello.decoders, sizeof hello.decoders,
             "libvips %s\nlibjpeg-turbo %d.%d.%d (API %d)\n%s\n", vips_version_string(),
             LIBJPEG_TURBO_VERSION_NUMBER / 1000000, LIBJPEG_TURBO_VERSION_NUMBER / 1000 % 1000,
             LIBJPEG_TURBO_VERSION_NUMBER % 1000, JPEG_LIB_VERSION, archive_version_string());
    hk__send(HK__WORKER_SOCKET, &hello, sizeof hello, -1);
}

/* The archive format of a file, by its beginning. */
static hk__format archive_format_of(int fd)
{
    uint8_t bytes[HK__FORMAT_BYTES];
    ssize_t n;
    do
        n = pread(fd, bytes, sizeof bytes, 0);
    while (n < 0 && errno == EINTR);
    return n > 0 ? hk__archive_of(bytes, (size_t)n) : HK__FORMAT_NONE;
}

static void answer_file(kit *k, const hk__request *request, int fd)
{
    hk__content *content = &k->content;
    hk__picture *picture = &k->reply.picture;
    hk__limits limits = request->limits;
    if (request->digests_only) /* no file is kept: it takes no memory, and no decoder sees it */
        limits.max_bytes = 0;
    const bool read = hk__content_read(content, picture, fd, k->digester, request->digests,
                                       request->picture_digests, &limits);
    k->reply.digests = content->digests;
    k->reply.size = content->size;
    if (read && request->digests_only && request->archives && !picture->format)
        picture->format = archive_format_of(fd);
    if (read && !content->kept)
        hk__picture_refuse(picture, content->empty);
    else if (read && !hk__unpack_is_duplicate(picture, k->seen, &content->digests))
        k->decode(picture, k->canvas, content->bytes, content->count, &limits);
}

static void answer(kit *k, const hk__request *request, int fd)
{
    hk__reply *reply = &k->reply;
    hk__format archive;
    hk__reply_begin(reply, request->id, HK__NO_MEMBER);
    hk__canvas_want_exact(k->canvas, request->exact_grid);
    hk__canvas_want_raster(k->canvas, request->raster);
    hk__canvas_on_view(k->canvas, request->repeats ? NULL : send_view, k);
    if (fd < 0) {
        hk__picture_fail(&reply->picture, HK_FILE_UNREADABLE, "its descriptor did not arrive");
    } else if (request->repeats) {
        hk__stopwatch(&reply->timing, &reply->picture, fd, request->repeats, &request->limits,
                      &k->content, k->canvas, k->digester);
        reply->size = k->content.size;
    } else if (!request->archives || request->digests_only || !(archive = archive_format_of(fd)) ||
               !hk__unpack(reply, k->unpacker, fd, archive, request)) {
        hk__reply_begin(reply, request->id, HK__NO_MEMBER);
        answer_file(k, request, fd);
    }
    reply->cpu_seconds = cpu_seconds();
}

/* All that is loaded at run time, and then the door is closed. `seen` < 0: no such table. */
static hk_status prepare(kit *k, uint64_t memory, int seen, hk_error *err)
{
    /* Buffers of a picture come and go with each file: keep them rather than give them back to
     * the kernel and take fresh zeroed pages again. One arena: there is one thread that matters. */
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    hk__on_no_memory = answer_no_memory;

    hk__jpeg_start();
    hk_status status = hk__canvas_new(&k->canvas, err);
    if (!status)
        status = hk__digester_new(&k->digester, err);
    if (!status)
        status = hk__vips_start(err);
    if (!status)
        status = hk__stopwatch_prepare(err);
    if (!status && seen >= 0) {
        status = hk__seen_map(&k->seen, seen, err);
        close(seen);
        if (!status) /* address space that is no use of its own */
            memory += hk__seen_bytes(k->seen);
    }
    const hk__unpack_tools tools = {
        .decode = k->decode,
        .canvas = k->canvas,
        .digester = k->digester,
        .content = &k->content,
        .seen = k->seen,
        .notice = send_notice,
        .reply = send_member,
    };
    hk__archive_prepare();
    if (!status)
        status = hk__unpacker_new(&k->unpacker, &tools, err);
    if (!status)
        status = hk__sandbox_close(memory, err);
    return status;
}

int hk__worker_run(hk__decode_fn *decode, uint64_t memory, int seen)
{
    kit *k = &current;
    hk_error err = {0};
    k->decode = decode;
    hk_status status = prepare(k, memory, seen, &err);
    if (status) {
        hk__hello refusal = {0};
        snprintf(refusal.decoders, sizeof refusal.decoders, "%s", err.message);
        hk__send(HK__WORKER_SOCKET, &refusal, sizeof refusal, -1);
        goto out;
    }
    say_hello();

    hk__request request;
    int fd;
    while (hk__receive(HK__WORKER_SOCKET, &request, sizeof request, &fd) == sizeof request &&
           request.version == HK__WIRE_VERSION) {
        hk__reply_begin(&k->reply, request.id, HK__NO_MEMBER);
        k->timeout_s = request.timeout_s;
        k->busy = true;
        alarm(request.timeout_s);
        answer(k, &request, fd);
        alarm(0);
        k->busy = false;
        if (fd >= 0)
            close(fd);
        if (hk__send(HK__WORKER_SOCKET, &k->reply, hk__reply_size(&k->reply), -1))
            break;
    }
out:
    hk__content_clear(&k->content);
    hk__unpacker_free(k->unpacker);
    hk__seen_free(k->seen);
    hk__canvas_free(k->canvas);
    hk__digester_free(k->digester);
    return status ? 1 : 0;
}

int hk__worker_main(int argc, char **argv, hk__decode_fn *decode)
{
    char *end = NULL, *end_seen = NULL;
    const unsigned long long memory = argc == 2 || argc == 3 ? strtoull(argv[1], &end, 10) : 0;
    const long seen = argc == 3 ? strtol(argv[2], &end_seen, 10) : -1;
    int type;
    socklen_t size = sizeof type;
    if (!end || *end || (end_seen && (*end_seen || seen != HK__WORKER_SEEN)) ||
        getsockopt(HK__WORKER_SOCKET, SOL_SOCKET, SO_TYPE, &type, &size)) {
        fprintf(stderr, "%s is started by herken, not by hand\n", argc ? argv[0] : "this");
        return 2;
    }
    return hk__worker_run(decode, memory, (int)seen);
}
