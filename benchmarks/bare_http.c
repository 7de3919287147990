/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bare_http.c - the floor of benchmarks/serve.sh: a handler of libmicrohttpd that reads the body of
 * a POST as herkend does, threads and flags alike, and answers 60 fixed bytes.
 *
 * usage: bare_http THREADS        says its port, and ends when stdin does
 */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    char *body;
    size_t length;
} request;

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **context)
{
    static const char answer[] =
        "{\"revision\":1,\"results\":[{\"verdict\":\"none\",\"ref\":\"0\"}]}   ";
    request *r = *context;
    (void)cls;
    (void)url;
    (void)method;
    (void)version;
    if (!r) {
        *context = calloc(1, sizeof *r);
        return *context ? MHD_YES : MHD_NO;
    }
    if (*upload_size) {
        char *grown = realloc(r->body, r->length + *upload_size);
        if (!grown)
            return MHD_NO;
        memcpy(grown + r->length, upload, *upload_size);
        r->body = grown;
        r->length += *upload_size;
        *upload_size = 0;
        return MHD_YES;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(
        sizeof answer - 1, (char *)(size_t)answer, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json");
    const enum MHD_Result queued = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return queued;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode how)
{
    request *r = *context;
    (void)cls;
    (void)connection;
    (void)how;
    if (r)
        free(r->body);
    free(r);
}

int main(int argc, char **argv)
{
    const unsigned threads = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request, NULL,
        MHD_OPTION_THREAD_POOL_SIZE, threads > 1 ? threads : 0, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)32 << 10, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info)
        return 4;
    printf("%u\n", info->port);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    MHD_stop_daemon(daemon);
    return 0;
}
