/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_load.c - see bench_load.h. */
#include "bench_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    VARIANTS = 64, /* requests of a connection, in turns; of long ones fewer */
    LONG_VARIANTS = 8,
    LONG = 100,
    TIMES_MOST = 2000000, /* of a connection: it ends there */
    ANSWER_MOST = 4 << 20,
    PATIENCE_S = 30
};

typedef struct request {
    char *text; /* owned */
    size_t length;
} request;

typedef struct worker {
    const bench_load *load;
    pthread_t thread;
    uint64_t seed;
    request requests[VARIANTS];
    size_t variants;
    char *room; /* [ANSWER_MOST] for an answer */
    double *us; /* of each request */
    size_t count, capacity, failed;
    bool stuck; /* no memory, or nobody answers any more */
    struct timespec start;
} worker;

/* ---- requests ------------------------------------------------------------------------------ */

/* SplitMix64 */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 128 one-bits, as PDQ has them: two words, and the complement of each. */
static void put_item(FILE *out, unsigned number, uint64_t *seed)
{
    const unsigned long long a = next(seed), b = next(seed);
    fprintf(out, "%s{\"ref\":\"%u\",\"pdq\":\"%016llx%016llx%016llx%016llx\",\"quality\":100}",
            number ? "," : "", number, a, b, ~a, ~b);
}

static bool make_request(request *out, const bench_load *load, uint64_t *seed)
{
    char *body = NULL;
    size_t length;
    FILE *file = open_memstream(&body, &length);
    if (!file)
        return false;
    fputs("{\"items\":[", file);
    for (unsigned i = 0; i < load->items; i++)
        put_item(file, i, seed);
    fputs("]}", file);
    const bool bad = ferror(file);
    const int n =
        fclose(file) || bad
            ? -1
            : asprintf(&out->text,
                       "POST /v1/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                       "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                       load->key, length, body);
    free(body);
    if (n < 0)
        out->text = NULL;
    out->length = n < 0 ? 0 : (size_t)n;
    return n >= 0;
}

static bool prepare(worker *w)
{
    w->variants = w->load->items < LONG ? VARIANTS : LONG_VARIANTS;
    w->room = malloc(ANSWER_MOST);
    bool good = w->room != NULL;
    for (size_t v = 0; good && v < w->variants; v++)
        good = make_request(&w->requests[v], w->load, &w->seed);
    return good;
}

static void clear(worker *w)
{
    for (size_t v = 0; v < w->variants; v++)
        free(w->requests[v].text);
    free(w->room);
    free(w->us);
}

/* ---- a connection -------------------------------------------------------------------------- */

static int open_connection(unsigned port)
{
    const int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (!connect(fd, (const struct sockaddr *)&to, sizeof to))
        return fd;
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool send_all(int fd, const request *r)
{
    for (size_t sent = 0; sent < r->length;) {
        const ssize_t n = send(fd, r->text + sent, r->length - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

/* Reads one answer whole; returns its status, 0 where the connection ended. */
static int read_answer(int fd, char *room)
{
    size_t have = 0;
    while (have < ANSWER_MOST - 1) {
        const ssize_t n = read(fd, room + have, ANSWER_MOST - 1 - have);
        if (n <= 0)
            return 0;
        have += (size_t)n;
        room[have] = '\0';
        const char *end = strstr(room, "\r\n\r\n"), *length = strcasestr(room, "Content-Length:");
        if (end && length && length < end &&
            have - (size_t)(end + 4 - room) >= strtoul(length + 15, NULL, 10))
            return have > 12 ? (int)strtol(room + 9, NULL, 10) : 0;
    }
    return 0;
}

static double now(const worker *w)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)(t.tv_sec - w->start.tv_sec) + (double)(t.tv_nsec - w->start.tv_nsec) / 1e9;
}

static void wait_until(const worker *w, double due)
{
    const double wait = due - now(w);
    if (wait <= 0)
        return;
    const struct timespec t = {(time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9)};
    nanosleep(&t, NULL);
}

static bool note(worker *w, double us)
{
    if (w->count == w->capacity) {
        const size_t capacity = w->capacity ? 2 * w->capacity : 1024;
        double *grown = realloc(w->us, capacity * sizeof *grown);
        if (!grown)
            return false;
        w->us = grown;
        w->capacity = capacity;
    }
    w->us[w->count++] = us;
    return true;
}

static void *run(void *context)
{
    worker *w = context;
    const bench_load *load = w->load;
    const double apart = load->rate > 0 ? load->connections / load->rate : 0;
    double due = now(w) + apart * (double)(next(&w->seed) % 1000) / 1000;
    const double first = due;
    int fd = open_connection(load->port);
    while (fd >= 0 && due < first + load->seconds && w->count < TIMES_MOST) {
        const request *r = &w->requests[w->count % w->variants];
        if (apart > 0)
            wait_until(w, due);
        const double began = apart > 0 ? due : now(w);
        const int status = send_all(fd, r) ? read_answer(fd, w->room) : 0;
        w->failed += status != 200;
        if (!note(w, (now(w) - began) * 1e6))
            break;
        if (!status) {
            close(fd);
            fd = open_connection(load->port);
        }
        due = apart > 0 ? due + apart : now(w);
    }
    w->stuck = fd < 0 || due < first + load->seconds;
    if (w->count == TIMES_MOST)
        w->stuck = false;
    if (fd >= 0)
        close(fd);
    return NULL;
}

/* ---- all of them --------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static hk_status fail(hk_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
static hk_status fail(hk_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    err->status = HK_ERR_SYSTEM;
    return err->status;
}

static hk_status sum_up(bench_load_result *out, const worker *workers, unsigned count,
                        double seconds, hk_error *err)
{
    bench_load_result r = {0};
    for (unsigned t = 0; t < count; t++) {
        r.count += workers[t].count;
        r.failed += workers[t].failed;
        if (workers[t].stuck)
            return fail(err, "a connection to port %u ended, and no other could be had",
                        workers[t].load->port);
    }
    double *all = malloc((r.count + 1) * sizeof *all);
    if (!all)
        return fail(err, "out of memory");
    size_t used = 0;
    for (unsigned t = 0; t < count; t++) {
        memcpy(all + used, workers[t].us, workers[t].count * sizeof *all);
        used += workers[t].count;
    }
    qsort(all, used, sizeof *all, by_value);
    if (used) {
        r.p50_us = all[used / 2];
        r.p99_us = all[used * 99 / 100];
    }
    r.requests_s = (double)used / seconds;
    free(all);
    *out = r;
    return HK_OK;
}

hk_status bench_load_run(bench_load_result *out, const bench_load *load, hk_error *err)
{
    worker *workers = calloc(load->connections, sizeof *workers);
    const int fd = open_connection(load->port);
    if (!workers || fd < 0) {
        free(workers);
        return fail(err, "nobody answers on port %u: %s", load->port, strerror(errno));
    }
    close(fd);
    unsigned ready = 0, started = 0;
    for (bool good = true; good && ready < load->connections; ready += good) {
        workers[ready] = (worker){.load = load, .seed = (uint64_t)ready * 1000003 + 7};
        good = prepare(&workers[ready]);
        if (!good)
            clear(&workers[ready]);
    }
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    while (ready == load->connections && started < ready) {
        workers[started].start = start;
        if (pthread_create(&workers[started].thread, NULL, run, &workers[started]))
            break;
        started++;
    }
    for (unsigned t = 0; t < started; t++)
        pthread_join(workers[t].thread, NULL);
    worker end = {.start = start};
    hk_status status =
        started == load->connections
            ? sum_up(out, workers, started, now(&end), err)
            : fail(err, "no memory, or no thread, for %u connections", load->connections);
    for (unsigned t = 0; t < ready; t++)
        clear(&workers[t]);
    free(workers);
    return status;
}
