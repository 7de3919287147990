/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * http.c - see http.h.
 *
 * The pool's threads each wait with epoll for their own connections and run routes themselves, but
 * for long requests (aside.h). What a stranger can make us keep is bounded: connections, headers of
 * each, bodies of each and of all together (without a key none but a small one is kept, and that
 * only where bodies are taken), and the time each may take (guard.h).
 */
#include "http.h"
#include "answers.h"
#include "aside.h"
#include "listen.h"
#include "routes.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    HEADERS_MOST =
        32 << 10, /* bytes of a connection for its headers, and for what is read at once */
    DROPPED_MOST = 1 << 20, /* of a refused body, so that its sender reads why */
    BODY_FIRST = 4 << 10,
    LINGER_MS = 100 /* for what has been sent but not read when the server is stopped */
};

struct http {
    server *server;
    struct MHD_Daemon *daemon;
};

/* ---- bodies -------------------------------------------------------------------------------- */

static void drop_body(exchange *e)
{
    metrics_sub(&e->server->metrics.body_bytes, e->capacity);
    free(e->body);
    e->body = NULL;
    e->length = e->capacity = 0;
}

/* Makes room for `more` bytes; on failure it is refused. */
static bool make_room(exchange *e, size_t more)
{
    metrics *m = &e->server->metrics;
    const settings *s = &e->server->settings;
    size_t wanted = e->capacity ? e->capacity : BODY_FIRST;
    if (more > s->max_body - e->length) {
        answer_error(e, 413, "too_large", "the body is too large");
        return false;
    }
    while (wanted < e->length + more)
        wanted *= 2;
    if (wanted > s->max_body)
        wanted = s->max_body;
    if (wanted <= e->capacity)
        return true;
    const size_t grows = wanted - e->capacity;
    char *grown = NULL;
    metrics_add(&m->body_bytes, grows);
    if (metrics_get(&m->body_bytes) <= s->body_memory)
        grown = realloc(e->body, wanted);
    if (!grown) {
        metrics_sub(&m->body_bytes, grows);
        answer_error(e, 503, "busy", "too much is being received at the moment");
        e->reply.retry_after = 1;
        return false;
    }
    e->body = grown;
    e->capacity = wanted;
    return true;
}

/* False: the connection is not worth keeping for the answer. */
static bool take_body(exchange *e, const char *bytes, size_t count)
{
    if (e->takes_body && !e->refused && make_room(e, count)) {
        memcpy(e->body + e->length, bytes, count);
        e->length += count;
        return true;
    }
    drop_body(e);
    e->dropped += count;
    return e->dropped <= DROPPED_MOST + e->server->settings.max_body;
}

/* ---- answers ------------------------------------------------------------------------------- */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (MHD_add_response_header(response, name, value) != MHD_YES)
        say("out of memory for a header");
}

static enum MHD_Result send_reply(exchange *e)
{
    reply *r = &e->reply;
    char number[24];
    struct MHD_Response *response = MHD_create_response_from_buffer(
        r->length, r->text, r->fixed ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);
    if (!response)
        return MHD_NO;
    r->text = NULL; /* the response's now */
    add_header(response, "Content-Type", r->type);
    add_header(response, "Cache-Control", "no-store");
    if (r->retry_after) {
        snprintf(number, sizeof number, "%llu", (unsigned long long)r->retry_after);
        add_header(response, "Retry-After", number);
    }
    if (r->allow)
        add_header(response, "Allow", r->allow);
    if (r->status == 401)
        add_header(response, "WWW-Authenticate", "Bearer");
    if (atomic_load(&e->server->stopping))
        add_header(response, "Connection", "close");
    guard_expect(e->guarded, e->server->settings.write_seconds);
    metrics_add(&e->server->metrics.requests[e->route][r->status / 100 % METRICS_CODES], 1);
    const enum MHD_Result queued = MHD_queue_response(e->connection, r->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* ---- requests ------------------------------------------------------------------------------ */

/* Whether what comes behind the headers of a refused request is short enough to be read. */
static bool is_short(const exchange *e)
{
    return e->headers.coding || e->headers.announced <= DROPPED_MOST;
}

static enum MHD_Result begin(void **context, server *s, struct MHD_Connection *connection,
                             const char *method, const char *path)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    exchange *e = info && info->socket_context ? calloc(1, sizeof *e) : NULL;
    if (!e)
        return MHD_NO;
    e->server = s;
    e->connection = connection;
    e->guarded = info->socket_context;
    metrics_add(&s->metrics.in_hand, 1);
    *context = e;
    guard_expect(e->guarded, s->settings.body_seconds);
    peer_address(e->address, connection);
    routes_begin(e, method, path);
    return e->refused && !is_short(e) ? send_reply(e) : MHD_YES;
}

/* Whether a thread aside has answered: what it left in e can be read after this. */
static bool was_answered(exchange *e)
{
    return atomic_load_explicit(&e->answered, memory_order_acquire);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **context)
{
    exchange *e = *context;
    (void)version;
    if (!e)
        return begin(context, cls, connection, method, url);
    if (*upload_size) {
        const bool goes_on = take_body(e, upload, *upload_size);
        *upload_size = 0;
        return goes_on ? MHD_YES : MHD_NO;
    }
    if (!was_answered(e) && !e->refused) {
        guard_expect(e->guarded, e->server->settings.write_seconds);
        if (aside_take(e->server->aside, e))
            return MHD_YES;
        routes_answer(e);
    }
    return send_reply(e);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode how)
{
    exchange *e = *context;
    server *s = cls;
    (void)connection;
    (void)how;
    if (!e)
        return;
    (void)was_answered(e); /* it may end without having been sent */
    guard_expect(e->guarded, s->settings.idle_seconds);
    drop_body(e);
    if (!e->reply.fixed)
        free(e->reply.text);
    free(e);
    *context = NULL;
    metrics_sub(&s->metrics.in_hand, 1);
}

/* ---- connections --------------------------------------------------------------------------- */

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    server *s = cls;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        guarded *c = info ? guard_add(s->guard, info->connect_fd, s->settings.idle_seconds) : NULL;
        *context = c;
        if (c && !tls_begin(s->tls, connection, guard_certificate_of(c)))
            shutdown(info->connect_fd, SHUT_RDWR); /* else it would have those of the start */
        metrics_add(&s->metrics.connections, 1);
        metrics_add(&s->metrics.connections_open, 1);
    } else {
        if (*context)
            tls_end(s->tls, guard_certificate_of(*context));
        guard_remove(s->guard, *context);
        *context = NULL;
        metrics_sub(&s->metrics.connections_open, 1);
    }
}

/* What strangers send can make the library say any number of things. */
static void on_log(void *cls, const char *format, va_list args)
{
    (void)cls;
    (void)format;
    (void)args;
}

/* ---- start and stop ------------------------------------------------------------------------ */

static unsigned longest(const settings *s)
{
    unsigned seconds = s->idle_seconds > s->body_seconds ? s->idle_seconds : s->body_seconds;
    return seconds > s->write_seconds ? seconds : s->write_seconds;
}

hk_status http_start(http **out, server *s, int fd, hk_error *err)
{
    const settings *set = &s->settings;
    http *h = calloc(1, sizeof *h);
    if (!h) {
        *err = (hk_error){HK_ERR_NO_MEMORY, "out of memory"};
        return err->status;
    }
    const tls_files none = {0}, *texts = s->tls ? tls_texts(s->tls) : &none;
    const struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem secure[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, texts->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, texts->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (char *)(uintptr_t)tls_priorities},
        {texts->client_ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, texts->client_ca},
        {MHD_OPTION_END, 0, NULL}};
    const unsigned threads =
        set->threads < set->max_connections ? set->threads : set->max_connections;
    if (aside_start(&s->aside, threads, err)) {
        free(h);
        return err->status;
    }
    h->server = s;
    h->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
            (texts->cert ? MHD_USE_TLS : 0),
        0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, threads > 1 ? threads : 0,
        MHD_OPTION_CONNECTION_LIMIT, set->max_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        set->max_per_address, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MOST,
        MHD_OPTION_CONNECTION_TIMEOUT, longest(set) + 2, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        s, MHD_OPTION_ARRAY, texts->cert ? secure : plain, MHD_OPTION_END);
    if (!h->daemon) {
        aside_stop(s->aside);
        aside_free(s->aside);
        free(h);
        *err = (hk_error){HK_ERR_SYSTEM, "the HTTP server does not start: too few descriptors, or "
                                         "a TLS file that it cannot use"};
        return err->status;
    }
    *out = h;
    return HK_OK;
}

static void pause_ms(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

void http_stop(http *h)
{
    if (!h)
        return;
    server *s = h->server;
    atomic_store(&s->stopping, true);
    listen_close(MHD_quiesce_daemon(h->daemon), s->settings.listen);
    long left = 1000L * s->settings.stop_seconds;
    for (pause_ms(LINGER_MS); left > 0 && metrics_get(&s->metrics.in_hand); left -= 10)
        pause_ms(10);
    if (metrics_get(&s->metrics.in_hand))
        say("stopped in the middle of %llu requests",
            (unsigned long long)metrics_get(&s->metrics.in_hand));
    aside_stop(s->aside); /* no connection may be suspended now */
    MHD_stop_daemon(h->daemon);
    aside_free(s->aside);
    free(h);
}
