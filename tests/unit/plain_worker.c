/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plain_worker.c - a decode worker without decoders, so that the threads of the engine can be
 * watched by a sanitizer that knows nothing of libvips. What it says of a file is made up from its
 * first bytes; one that begins with "DIE" ends it, one with "SLOW" takes a while, one with "VIEWS"
 * has as many views as a file may, with rasters if those are asked for.
 */
#include "decode/wire.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint8_t next_byte(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (uint8_t)(*state >> 24);
}

/* Noise that depends on the bytes: every file has a hash and digests of its own. */
static void make_up(hk__reply *reply, const unsigned char *bytes, size_t count)
{
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++)
        state = state * 16777619u ^ bytes[i];
    for (int i = 0; i < HK__GRID_SIZE; i++)
        reply->picture.grid[i] = next_byte(&state);
    for (int i = 0; i < 32; i++) {
        reply->digests.sha256[i] = next_byte(&state);
        reply->digests.md5[i % 16] = next_byte(&state);
        reply->digests.sha1[i % 20] = next_byte(&state);
    }
}

/* All but the last view. */
static void send_views(hk__reply *reply, const hk__request *request, unsigned char bytes[64])
{
    uint32_t state = 1;
    for (uint32_t i = 0; i < sizeof reply->picture.raster; i++)
        reply->picture.raster[i] = next_byte(&state);
    if (request->raster)
        reply->picture.raster_width = reply->picture.raster_height = HK__RASTER_SIDE;
    reply->more = 1;
    for (uint32_t frame = 1; frame < HK_VIEWS_MOST; frame++) {
        reply->picture.frame = frame;
        bytes[63] = (unsigned char)frame;
        make_up(reply, bytes, 64);
        hk__send(HK__WORKER_SOCKET, reply, hk__reply_size(reply), -1);
    }
    reply->more = 0;
    reply->picture.frame = HK_VIEWS_MOST;
}

int main(void)
{
    static hk__reply reply;
    static const hk__hello hello = {HK__WIRE_VERSION, "plain 1\n"};
    hk__request request;
    int fd = -1;
    hk__send(HK__WORKER_SOCKET, &hello, sizeof hello, -1);
    while (hk__receive(HK__WORKER_SOCKET, &request, sizeof request, &fd) == sizeof request) {
        unsigned char bytes[64] = {0};
        const ssize_t count = pread(fd, bytes, sizeof bytes, 0);
        close(fd);
        if (!memcmp(bytes, "DIE", 3) && !request.digests_only)
            abort();
        if (!memcmp(bytes, "SLOW", 4))
            usleep(50000);
        memset(&reply, 0, sizeof reply);
        reply.version = HK__WIRE_VERSION;
        reply.message = HK__MESSAGE_REPLY;
        reply.member = HK__NO_MEMBER;
        reply.id = request.id;
        reply.digests.present = request.digests | request.picture_digests;
        reply.picture.format = HK__FORMAT_PNG;
        reply.picture.width = reply.picture.height = 64;
        reply.picture.has_pixels = !request.digests_only;
        reply.picture.status = request.digests_only ? HK_FILE_UNREADABLE : HK_FILE_OK;
        if (!memcmp(bytes, "VIEWS", 5) && reply.picture.has_pixels)
            send_views(&reply, &request, bytes);
        make_up(&reply, bytes, count > 0 ? (size_t)count : 0);
        hk__send(HK__WORKER_SOCKET, &reply, hk__reply_size(&reply), -1);
    }
    return 0;
}
