/* SPDX-License-Identifier: GPL-3.0-or-later */
/* say.c - see say.h. The protocol of sd_notify(3) is one datagram: no library is needed for it. */
#include "say.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void put(const char *format, va_list args)
{
    char line[1200] = "herkend: ";
    const size_t start = strlen(line);
    vsnprintf(line + start, sizeof line - start - 1, format, args);
    size_t length = strlen(line);
    for (size_t i = start; i < length; i++)
        if (line[i] < 0x20 || line[i] > 0x7e)
            line[i] = '?';
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) < 0) /* nobody is left to be told */
        return;
}

void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(format, args);
    va_end(args);
}

void say_seldom(const char *format, ...)
{
    static int64_t last;
    struct timespec t;
    va_list args;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t before = __atomic_load_n(&last, __ATOMIC_RELAXED);
    const int64_t now = (int64_t)t.tv_sec + 1;
    if (before == now ||
        !__atomic_compare_exchange_n(&last, &before, now, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return;
    va_start(args, format);
    put(format, args);
    va_end(args);
}

void say_state(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (*path == '@') /* of the abstract namespace */
        to.sun_path[0] = '\0';
    const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to, size) < 0)
        say("the service manager cannot be told");
    close(fd);
}
