/* SPDX-License-Identifier: GPL-3.0-or-later */
/* listen.c - see listen.h. */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static hk_status fail(hk_error *err, hk_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static hk_status fail(hk_error *err, hk_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    err->status = status;
    return status;
}

/* ---- unix sockets -------------------------------------------------------------------------- */

static const char *path_of(const char *where)
{
    return strncmp(where, "unix:", 5) ? NULL : where + 5;
}

/* Removes what a killed server has left: a socket on which nobody answers. */
static bool clear_away(const struct sockaddr_un *address, socklen_t size)
{
    struct stat info;
    if (lstat(address->sun_path, &info))
        return errno == ENOENT;
    const int fd = S_ISSOCK(info.st_mode) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return false;
    const bool dead = connect(fd, (const struct sockaddr *)address, size) && errno == ECONNREFUSED;
    close(fd);
    return dead && !unlink(address->sun_path);
}

static hk_status open_unix(int *out, char *words, const char *path, hk_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!*path || strlen(path) >= sizeof address.sun_path)
        return fail(err, HK_ERR_USAGE, "the path of a unix socket has 1 to %zu bytes",
                    sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    const socklen_t size = sizeof address;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(err, HK_ERR_SYSTEM, "no socket: %s", strerror(errno));
    if (!clear_away(&address, size)) {
        close(fd);
        return fail(err, HK_ERR_SYSTEM, "%s is there already, and in use or no socket", path);
    }
    const mode_t before = umask(0117); /* its owner and group may connect */
    const int bound = bind(fd, (const struct sockaddr *)&address, size);
    const int error = errno;
    umask(before);
    if (bound || listen(fd, BACKLOG)) {
        close(fd);
        return fail(err, HK_ERR_SYSTEM, "cannot listen on %s: %s", path,
                    strerror(bound ? error : errno));
    }
    snprintf(words, LISTEN_WORDS_SIZE, "unix:%s", path);
    *out = fd;
    return HK_OK;
}

/* ---- addresses ----------------------------------------------------------------------------- */

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

/* Numbers alone: a name might stand for another address tomorrow. */
static hk_status resolve(struct addrinfo **out, const char *where, hk_error *err)
{
    char host[64];
    const char *colon = strrchr(where, ':');
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    size_t length = colon ? (size_t)(colon - where) : 0;
    if (length > 2 && *where == '[' && where[length - 1] == ']') {
        where++;
        length -= 2;
    }
    if (!colon || !length || length >= sizeof host)
        return fail(err, HK_ERR_USAGE, "--listen takes ADDR:PORT or unix:PATH");
    memcpy(host, where, length);
    host[length] = '\0';
    char *end;
    const unsigned long port = strtoul(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end || port > 65535 ||
        getaddrinfo(strcmp(host, "localhost") ? host : "127.0.0.1", colon + 1, &hints, out))
        return fail(err, HK_ERR_USAGE, "--listen takes the number of an address and of a port");
    return HK_OK;
}

static void put_words(char *words, int fd, bool tls)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    char host[64] = "?", port[8] = "?";
    if (!getsockname(fd, (struct sockaddr *)&bound, &size))
        getnameinfo((struct sockaddr *)&bound, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    const bool six = bound.ss_family == AF_INET6;
    snprintf(words, LISTEN_WORDS_SIZE, "%s://%s%s%s:%s", tls ? "https" : "http", six ? "[" : "",
             host, six ? "]" : "", port);
}

static hk_status open_address(int *out, char *words, const char *where, bool tls, hk_error *err)
{
    struct addrinfo *found;
    const int on = 1;
    hk_status status = resolve(&found, where, err);
    if (status)
        return status;
    int fd = -1;
    if (!tls && !is_loopback(found->ai_addr))
        status = fail(err, HK_ERR_USAGE,
                      "%s is no loopback address: there keys and hashes go over TLS alone, with "
                      "--tls-cert and --tls-key",
                      where);
    if (!status) {
        fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0)
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, BACKLOG))
            status = fail(err, HK_ERR_SYSTEM, "cannot listen on %s: %s", where, strerror(errno));
    }
    freeaddrinfo(found);
    if (status) {
        if (fd >= 0)
            close(fd);
        return status;
    }
    put_words(words, fd, tls);
    *out = fd;
    return HK_OK;
}

hk_status listen_open(int *fd, char words[LISTEN_WORDS_SIZE], const char *where, bool tls,
                      hk_error *err)
{
    const char *path = path_of(where);
    return path ? open_unix(fd, words, path, err) : open_address(fd, words, where, tls, err);
}

void listen_close(int fd, const char *where)
{
    const char *path = path_of(where);
    if (path)
        unlink(path);
    close(fd);
}
