/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wire.c - see wire.h. */
#include "decode/wire.h"

#include "core/error.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void hk__reply_begin(hk__reply *reply, uint64_t id, uint64_t member)
{
    memset(reply, 0, offsetof(hk__reply, picture.grid));
    reply->picture.raster_width = reply->picture.raster_height = 0;
    reply->version = HK__WIRE_VERSION;
    reply->message = HK__MESSAGE_REPLY;
    reply->id = id;
    reply->member = member;
}

static size_t raster_size(const hk__picture *picture)
{
    return (size_t)picture->raster_width * picture->raster_height;
}

size_t hk__reply_size(const hk__reply *reply)
{
    const hk__picture *picture = &reply->picture;
    const size_t start = offsetof(hk__reply, picture);
    if (!picture->has_pixels)
        return start + offsetof(hk__picture, grid);
    if (picture->has_exact || raster_size(picture))
        return start + offsetof(hk__picture, raster) + raster_size(picture);
    return start + offsetof(hk__picture, exact_grid);
}

size_t hk__notice_size(const hk__notice *notice)
{
    const size_t start = offsetof(hk__notice, name);
    return notice->message == HK__MESSAGE_BEAT ? start : start + notice->name_size;
}

bool hk__notice_check(const hk__notice *notice, size_t size, uint64_t id, uint32_t max_depth)
{
    if (size < offsetof(hk__notice, name) || notice->version != HK__WIRE_VERSION ||
        notice->id != id)
        return false;
    if (notice->message == HK__MESSAGE_BEAT)
        return size == hk__notice_size(notice);
    return notice->message == HK__MESSAGE_MEMBER && notice->depth < max_depth &&
           notice->number != HK__NO_MEMBER && notice->name_size >= 1 &&
           notice->name_size <= HK__NAME_MAX && size == hk__notice_size(notice) &&
           !memchr(notice->name, '\0', notice->name_size);
}

/* A bool that is neither 0 nor 1 must not be read as one. */
static uint8_t byte_of(const bool *flag)
{
    uint8_t byte;
    memcpy(&byte, flag, 1);
    return byte;
}

static bool in_range(const float grid[HK__GRID_SIZE])
{
    for (int i = 0; i < HK__GRID_SIZE; i++)
        if (!(grid[i] >= -1 && grid[i] <= 256)) /* not a number fails too */
            return false;
    return true;
}

bool hk__reply_check(hk__reply *reply, size_t size, uint64_t id)
{
    hk__picture *p = &reply->picture;
    const size_t header = offsetof(hk__reply, picture) + offsetof(hk__picture, grid);
    if (size < header || reply->version != HK__WIRE_VERSION ||
        reply->message != HK__MESSAGE_REPLY || reply->id != id)
        return false;
    const uint8_t has_pixels = byte_of(&p->has_pixels), has_exact = byte_of(&p->has_exact);
    if (has_pixels > 1 || has_exact > has_pixels || reply->more > has_pixels)
        return false;
    const bool hashed = p->status == HK_FILE_OK || p->status == HK_FILE_TRUNCATED;
    if ((unsigned)p->status >= HK_FILE_STATUSES ||
        (p->status == HK_FILE_DUPLICATE && !(reply->digests.present & HK_DIGEST_SHA256)) ||
        (unsigned)p->format >= HK__FORMATS || p->exif_orientation > 8 ||
        p->backdrop >= HK_BACKDROPS ||
        p->flags & ~(HK_FLAG_TRUNCATED | HK_FLAG_ANIMATED | HK_FLAG_SCALED_DECODE) ||
        hashed != has_pixels ||
        (p->status == HK_FILE_TRUNCATED) != ((p->flags & HK_FLAG_TRUNCATED) != 0) ||
        reply->digests.present & ~HK_DIGEST_ALL)
        return false;
    p->reason[sizeof p->reason - 1] = '\0';
    hk__printable(p->reason);
    if (!has_pixels)
        return size == header;

    const bool raster = p->raster_width || p->raster_height;
    if (raster && (p->raster_width < 1 || p->raster_width > HK__RASTER_SIDE ||
                   p->raster_height < 1 || p->raster_height > HK__RASTER_SIDE))
        return false;
    return size == hk__reply_size(reply) && in_range(p->grid) &&
           (!has_exact || in_range(p->exact_grid));
}

int hk__send(int socket, const void *message, size_t size, int fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec data = {(void *)message, size};
    struct msghdr packet = {.msg_iov = &data, .msg_iovlen = 1};
    if (fd >= 0) {
        memset(&control, 0, sizeof control);
        packet.msg_control = control.space;
        packet.msg_controllen = sizeof control.space;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &packet, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)size ? 0 : -1;
}

long hk__receive(int socket, void *message, size_t capacity, int *fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec data = {message, capacity};
    struct msghdr packet = {.msg_iov = &data, .msg_iovlen = 1};
    if (fd) {
        *fd = -1;
        packet.msg_control = control.space;
        packet.msg_controllen = sizeof control.space;
    }
    ssize_t got;
    /* A peer that ended with our messages unread resets the connection: Linux reports that once,
     * before what the peer had still sent, so ask again. */
    do
        got = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC);
    while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    if (got < 0)
        return -1;
    int extra = -1; /* the buffer's alignment leaves room for a second one */
    struct cmsghdr *c = fd ? CMSG_FIRSTHDR(&packet) : NULL;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        memcpy(fd, CMSG_DATA(c), sizeof *fd);
        if (c->cmsg_len >= CMSG_LEN(2 * sizeof(int)))
            memcpy(&extra, CMSG_DATA(c) + sizeof(int), sizeof extra);
    }
    const bool cut = packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC);
    if (extra >= 0)
        close(extra);
    if (cut) {
        if (fd && *fd >= 0) {
            close(*fd);
            *fd = -1;
        }
        errno = EMSGSIZE;
        return -1;
    }
    return got;
}
