/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker.c - see worker.h. */
#include "decode/worker.h"

#include "core/digest.h"
#include "core/error.h"
#include "decode/content.h"
#include "decode/sandbox.h"
#include "decode/stopwatch.h"
#include "decode/wire.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <jpeglib.h>
#include <vips/vips.h>

/* What is needed to answer for a decoder that runs out of memory. */
static struct {
    uint64_t id;
    bool busy;
    hk_digests digests; /* of the file in hand, once it is read */
} current;

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
        reply.version = HK__WIRE_VERSION;
        reply.id = current.id;
        reply.digests = current.digests;
        hk__picture_fail(&reply.picture, HK_FILE_OUT_OF_MEMORY, "%s", words);
        hk__send(HK__WORKER_SOCKET, &reply, hk__reply_size(&reply), -1);
    }
    _exit(0);
}

static void say_hello(void)
{
    hk__hello hello = {.version = HK__WIRE_VERSION};
    snprintf(hello.decoders, sizeof hello.decoders, "libvips %s\nlibjpeg-turbo %d.%d.%d (API %d)\n",
             vips_version_string(), LIBJPEG_TURBO_VERSION_NUMBER / 1000000,
             LIBJPEG_TURBO_VERSION_NUMBER / 1000 % 1000, LIBJPEG_TURBO_VERSION_NUMBER % 1000,
             JPEG_LIB_VERSION);
    hk__send(HK__WORKER_SOCKET, &hello, sizeof hello, -1);
}

static void answer(hk__reply *reply, const hk__request *request, int fd, hk__decode_fn *decode,
                   hk__content *content, hk__canvas *canvas, hk__digester *digester)
{
    memset(reply, 0, offsetof(hk__reply, picture.grid));
    reply->picture.raster_width = reply->picture.raster_height = 0;
    reply->picture.has_pixels = false;
    reply->version = HK__WIRE_VERSION;
    reply->id = request->id;

    hk__picture *picture = &reply->picture;
    hk__limits limits = request->limits;
    if (request->digests_only) /* no file is kept: it takes no memory, and no decoder sees it */
        limits.max_bytes = 0;
    content->digests.present = 0; /* those of the file before */
    hk__canvas_want_exact(canvas, request->exact_grid);
    hk__canvas_want_raster(canvas, request->raster);
    if (fd < 0)
        hk__picture_fail(picture, HK_FILE_UNREADABLE, "its descriptor did not arrive");
    else if (request->repeats)
        hk__stopwatch(&reply->timing, picture, fd, request->repeats, &limits, content, canvas,
                      digester);
    else if (hk__content_read(content, picture, fd, digester, request->digests,
                              request->picture_digests, &limits)) {
        current.digests = content->digests;
        if (content->kept)
            decode(picture, canvas, content->bytes, content->count, &limits);
        else
            hk__picture_refuse(picture, content->empty);
    }
    if (!request->repeats)
        reply->digests = content->digests;
    reply->cpu_seconds = cpu_seconds();
}

int hk__worker_run(hk__decode_fn *decode, uint64_t memory)
{
    static hk__reply reply;
    hk_error err = {0};
    hk__canvas *canvas = NULL;
    hk__digester *digester = NULL;
    hk__content content = {0};

    /* Buffers of a picture come and go with each file: keep them rather than give them back to
     * the kernel and take fresh zeroed pages again. One arena: there is one thread that matters. */
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    hk__on_no_memory = answer_no_memory;

    hk_status status = hk__canvas_new(&canvas, &err);
    if (!status)
        status = hk__digester_new(&digester, &err);
    if (!status)
        status = hk__vips_start(&err);
    if (!status)
        status = hk__stopwatch_prepare(&err);
    if (!status)
        status = hk__sandbox_close(memory, &err);
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
        current.id = request.id;
        current.digests.present = 0;
        current.busy = true;
        alarm(request.timeout_s);
        answer(&reply, &request, fd, decode, &content, canvas, digester);
        alarm(0);
        current.busy = false;
        if (fd >= 0)
            close(fd);
        if (hk__send(HK__WORKER_SOCKET, &reply, hk__reply_size(&reply), -1))
            break;
    }
out:
    hk__content_clear(&content);
    hk__canvas_free(canvas);
    hk__digester_free(digester);
    return status ? 1 : 0;
}

int hk__worker_main(int argc, char **argv, hk__decode_fn *decode)
{
    char *end = NULL;
    const unsigned long long memory = argc == 2 ? strtoull(argv[1], &end, 10) : 0;
    int type;
    socklen_t size = sizeof type;
    if (!end || *end || getsockopt(HK__WORKER_SOCKET, SOL_SOCKET, SO_TYPE, &type, &size)) {
        fprintf(stderr, "%s is started by herken, not by hand\n", argc ? argv[0] : "this");
        return 2;
    }
    return hk__worker_run(decode, memory);
}
