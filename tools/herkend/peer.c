/* SPDX-License-Identifier: GPL-3.0-or-later */
/* peer.c - see peer.h. */
#include "peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static void put(char out[PEER_SIZE], const char *text)
{
    memcpy(out, text, strlen(text) + 1);
}

/* bytes: of the family. False: out is as it was. */
static bool write_address(char out[PEER_SIZE], int family, const void *bytes)
{
    char text[PEER_SIZE];
    if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)bytes)) {
        family = AF_INET;
        bytes = (const uint8_t *)bytes + 12;
    }
    if (!inet_ntop(family, bytes, text, sizeof text))
        return false;
    put(out, text);
    return true;
}

void peer_address(char out[PEER_SIZE], struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    const void *bytes = NULL;
    if (address && address->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)address)->sin_addr;
    else if (address && address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)address)->sin6_addr;
    if (!bytes)
        put(out, "unix");
    else if (!write_address(out, address->sa_family, bytes))
        put(out, "unknown");
}

/* The address in so many bytes of text, as we write it. */
static bool read_address(char out[PEER_SIZE], const char *text, size_t length)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr bytes;
    if (!length || length >= sizeof copy || memchr(text, '\0', length))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    const int family = strchr(copy, ':') ? AF_INET6 : AF_INET;
    return inet_pton(family, copy, &bytes) == 1 && write_address(out, family, &bytes);
}

bool peer_read(char out[PEER_SIZE], const char *text)
{
    if (strcmp(text, "unix"))
        return read_address(out, text, strlen(text));
    put(out, "unix");
    return true;
}

bool peer_forwarded(char out[PEER_SIZE], const char *value)
{
    const char *last = strrchr(value, ',');
    last = last ? last + 1 : value;
    last += strspn(last, " \t");
    size_t length = strlen(last);
    while (length && (last[length - 1] == ' ' || last[length - 1] == '\t'))
        length--;
    return read_address(out, last, length);
}
