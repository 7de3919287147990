/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * serve_load.c - asks a server of hashes over kept connections, as fast as it can or at a rate.
 *
 * Each thread has one connection on 127.0.0.1 and sends the next request when the last is answered;
 * at a rate it sends at set moments, and an answer counts from the moment at which its request was
 * due, so that a server that stalls is not spared. Hashes are random, strangers to every list.
 *
 * usage: serve_load PORT KEY CONNECTIONS ITEMS SECONDS [RATE]
 *   prints requests a second, median and p99 in microseconds, and answers that were not 200
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { VARIANTS = 64, TIMES_MOST = 500000, THREADS_MOST = 256 };

typedef struct worker {
    pthread_t thread;
    uint64_t seed;
    double *us; /* of each request */
    size_t count, bad;
} worker;

static const char *key;
static unsigned port, items;
static double seconds, apart; /* between two requests of one connection; 0: none */
static struct timespec start;

static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)(t.tv_sec - start.tv_sec) + (double)(t.tv_nsec - start.tv_nsec) / 1e9;
}

/* 128 one-bits, as PDQ has them: each word and its complement, in one order or the other. */
static int put_hash(char *out, uint64_t *seed)
{
    const uint64_t a = next(seed), b = next(seed);
    return sprintf(out, "%016llx%016llx%016llx%016llx", (unsigned long long)a,
                   (unsigned long long)b, (unsigned long long)~a, (unsigned long long)~b);
}

static char *make_request(size_t *length, uint64_t *seed)
{
    char *body = malloc(200 * (size_t)items + 64), *request, *p = body;
    p += sprintf(p, "{\"items\":[");
    for (unsigned i = 0; i < items; i++) {
        p += sprintf(p, "%s{\"ref\":\"%u\",\"pdq\":\"", i ? "," : "", i);
        p += put_hash(p, seed);
        p += sprintf(p, "\",\"quality\":100}");
    }
    p += sprintf(p, "]}");
    const int n = asprintf(&request,
                           "POST /v1/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                           "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                           key, (size_t)(p - body), body);
    free(body);
    *length = (size_t)n;
    return request;
}

static int open_connection(void)
{
    const int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&to, sizeof to)) {
        perror("connect");
        exit(4);
    }
    return fd;
}

/* Reads one answer whole; returns its status, 0 where the connection ended. */
static int read_answer(int fd, char *room, size_t size)
{
    size_t have = 0;
    for (;;) {
        const ssize_t n = read(fd, room + have, size - 1 - have);
        if (n <= 0)
            return 0;
        have += (size_t)n;
        room[have] = '\0';
        const char *end = strstr(room, "\r\n\r\n"), *length = strcasestr(room, "Content-Length:");
        if (end && length && have >= (size_t)(end + 4 - room) + strtoul(length + 15, NULL, 10))
            return atoi(room + 9);
    }
}

static void *run(void *context)
{
    worker *w = context;
    char *request[VARIANTS], *room = malloc(1 << 20);
    size_t length[VARIANTS];
    for (int v = 0; v < VARIANTS; v++)
        request[v] = make_request(&length[v], &w->seed);
    const int fd = open_connection();
    double due = now() + apart * (double)(next(&w->seed) % 1000) / 1000;
    const double first = due;
    while (due < first + seconds && w->count < TIMES_MOST) {
        const size_t v = w->count % VARIANTS;
        const double wait = due - now();
        if (apart > 0 && wait > 0) {
            const struct timespec t = {(time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9)};
            nanosleep(&t, NULL);
        }
        const double began = apart > 0 ? due : now();
        if (write(fd, request[v], length[v]) != (ssize_t)length[v] ||
            read_answer(fd, room, 1 << 20) != 200)
            w->bad++;
        w->us[w->count++] = (now() - began) * 1e6;
        due = apart > 0 ? due + apart : now();
    }
    close(fd);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static worker workers[THREADS_MOST];
    if (argc < 6)
        return 2;
    port = (unsigned)atoi(argv[1]);
    key = argv[2];
    items = (unsigned)atoi(argv[4]);
    seconds = atof(argv[5]);
    const int threads = atoi(argv[3]);
    apart = argc > 6 ? threads / atof(argv[6]) : 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int t = 0; t < threads; t++) {
        workers[t].seed = (uint64_t)t * 1000003 + 7;
        workers[t].us = malloc(TIMES_MOST * sizeof(double));
        pthread_create(&workers[t].thread, NULL, run, &workers[t]);
    }
    size_t count = 0, bad = 0;
    double *all = malloc((size_t)threads * TIMES_MOST * sizeof *all);
    for (int t = 0; t < threads; t++) {
        pthread_join(workers[t].thread, NULL);
        memcpy(all + count, workers[t].us, workers[t].count * sizeof *all);
        count += workers[t].count;
        bad += workers[t].bad;
    }
    qsort(all, count, sizeof *all, by_value);
    printf("%.0f %.0f %.0f %zu\n", (double)count / seconds, all[count / 2], all[count * 99 / 100],
           bad);
    return bad > 0;
}
