/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * liar.c - a decode worker that was taken over: it says what the file tells it to, letter by letter
 * after "LIAR:", whatever that does to the engine.
 *
 *      n  notice of the member to come    N  of one further on    P  of the one before
 *      m  notice of it deeper inside      M  too deep             0  with no name
 *      r  reply of the member to come     R  of another           o  out of memory for it
 *      e  no picture, and no digests      E  the same of the file
 *      d  it is a duplicate of what was never seen                D  of the same, seen
 *      b  beat                            B  without progress     T  with more than can be
 *      v  of another version              i  of another request   s  cut short
 *      f  reply of the file               x  the end
 *      1  a view of the file (2..9: another), more to come        V  the last one
 *      g  a view of the file with a raster that nobody asked for
 *      +  the same of the member to come  =  the last one         w  63 views and no more
 */
#include "decode/wire.h"

#include <string.h>
#include <unistd.h>

static hk__request request;
static hk__notice notice;
static hk__reply reply;
static uint64_t number;

static void say_notice(uint64_t of, uint32_t depth, uint32_t name_size)
{
    notice.version = HK__WIRE_VERSION;
    notice.message = HK__MESSAGE_MEMBER;
    notice.id = request.id;
    notice.number = of;
    notice.depth = depth;
    notice.name_size = name_size;
    memset(notice.name, 'n', sizeof notice.name);
    hk__send(HK__WORKER_SOCKET, &notice, hk__notice_size(&notice), -1);
}

static void beat(uint64_t passed)
{
    notice.version = HK__WIRE_VERSION;
    notice.message = HK__MESSAGE_BEAT;
    notice.id = request.id;
    notice.passed = passed;
    hk__send(HK__WORKER_SOCKET, &notice, hk__notice_size(&notice), -1);
}

static void say_reply(uint64_t of, hk_file_status status, int sha256)
{
    hk__reply_begin(&reply, request.id, of);
    reply.digests.present = request.digests | request.picture_digests;
    memset(reply.digests.sha256, sha256, sizeof reply.digests.sha256);
    reply.picture.status = status;
    hk__send(HK__WORKER_SOCKET, &reply, hk__reply_size(&reply), -1);
}

static void say_no_digests(uint64_t of)
{
    hk__reply_begin(&reply, request.id, of);
    reply.picture.status = HK_FILE_NOT_AN_IMAGE;
    hk__send(HK__WORKER_SOCKET, &reply, hk__reply_size(&reply), -1);
}

/* A picture; those of different letters have different hashes. */
static void say_view(uint64_t of, unsigned seed, bool more, uint32_t raster_side)
{
    uint32_t random = seed * 2654435761u + 1;
    hk__reply_begin(&reply, request.id, of);
    reply.digests.present = request.digests | request.picture_digests;
    reply.more = more;
    reply.picture.frame = seed;
    reply.picture.has_pixels = true;
    reply.picture.has_exact = request.exact_grid;
    reply.picture.raster_width = reply.picture.raster_height = raster_side;
    for (int i = 0; i < HK__GRID_SIZE; i++) {
        random = random * 1664525 + 1013904223;
        reply.picture.grid[i] = reply.picture.exact_grid[i] = (float)(random >> 24);
    }
    hk__send(HK__WORKER_SOCKET, &reply, hk__reply_size(&reply), -1);
}

static void say(char letter)
{
    if (letter >= '1' && letter <= '9')
        say_view(HK__NO_MEMBER, (unsigned)letter, true, 0);
    switch (letter) {
    case 'n':
        say_notice(number, 0, 4);
        break;
    case 'N':
        say_notice(number + 1, 0, 4);
        break;
    case 'P':
        say_notice(number - 1, 0, 4);
        break;
    case 'm':
        say_notice(number, 1, HK__NAME_MAX);
        break;
    case 'M':
        say_notice(number, HK__DEPTH_MAX, 4);
        break;
    case '0':
        say_notice(number, 0, 0);
        break;
    case 'r':
        say_reply(number++, HK_FILE_NOT_AN_IMAGE, 1);
        break;
    case 'R':
        say_reply(number + 1, HK_FILE_NOT_AN_IMAGE, 1);
        break;
    case 'e':
        say_no_digests(number++);
        break;
    case 'E':
        say_no_digests(HK__NO_MEMBER);
        break;
    case 'o':
        say_reply(number++, HK_FILE_OUT_OF_MEMORY, 1);
        break;
    case 'd':
        say_reply(number++, HK_FILE_DUPLICATE, 1);
        break;
    case 'D':
        say_reply(number++, HK_FILE_DUPLICATE, 0xab);
        break;
    case 'b':
        beat(notice.passed + HK__BEAT_BYTES);
        break;
    case 'B':
        beat(notice.passed);
        break;
    case 'T':
        beat(UINT64_MAX - 1);
        break;
    case 'v':
        notice.version++;
        hk__send(HK__WORKER_SOCKET, &notice, hk__notice_size(&notice), -1);
        break;
    case 'i':
        request.id++;
        break;
    case 's':
        hk__send(HK__WORKER_SOCKET, &notice, 8, -1);
        break;
    case 'f':
        say_reply(HK__NO_MEMBER, HK_FILE_NOT_AN_IMAGE, 2);
        break;
    case 'V':
        say_view(HK__NO_MEMBER, 'V', false, 0);
        break;
    case 'g':
        say_view(HK__NO_MEMBER, 'g', false, 1);
        break;
    case '+':
        say_view(number, '+', true, 0);
        break;
    case '=':
        say_view(number++, '=', false, 0);
        break;
    case 'w':
        for (unsigned i = 1; i < HK_VIEWS_MOST; i++)
            say_view(HK__NO_MEMBER, i, true, 0);
        break;
    case 'x':
        _exit(0);
    default:
        break;
    }
}

int main(void)
{
    const hk__hello hello = {.version = HK__WIRE_VERSION, .decoders = "liar 1\n"};
    int fd;
    hk__send(HK__WORKER_SOCKET, &hello, sizeof hello, -1);
    while (hk__receive(HK__WORKER_SOCKET, &request, sizeof request, &fd) == sizeof request) {
        char letters[256];
        const ssize_t n = pread(fd, letters, sizeof letters, 5);
        close(fd);
        number = request.first_member;
        notice.passed = 0;
        if (request.digests_only) /* of which nothing is asked but the one reply */
            say('f');
        else
            for (ssize_t i = 0; i < n; i++)
                say(letters[i]);
    }
    return 0;
}
