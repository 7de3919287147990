/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * herkend.c - the hash-check server: herken serve starts it.
 *
 *      socket -> lists -> ledger -> threads -> ready ... SIGHUP: reload ... SIGTERM: stop
 *
 * Signals are blocked in every thread and waited for in the first one.
 */
#include "http.h"
#include "listen.h"
#include "reload.h"
#include "say.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static int exit_code(const hk_error *err)
{
    say("%s", err->message);
    return err->status == HK_ERR_USAGE ? EXIT_WRONG_USAGE : EXIT_SYSTEM;
}

static int use_simd(void)
{
    const char *wanted = getenv("HERKEN_SIMD");
    hk_error err;
    for (int level = HK_SIMD_SCALAR; wanted && *wanted && level <= HK_SIMD_AVX512; level++)
        if (!strcmp(wanted, hk_simd_name((hk_simd)level)))
            return hk_simd_use((hk_simd)level, &err) ? exit_code(&err) : -1;
    return -1;
}

/* A descriptor for each connection. */
static void raise_limits(unsigned connections)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files))
        return;
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur < connections + 64)
        say("only %llu descriptors for %u connections: ulimit -n",
            (unsigned long long)files.rlim_cur, connections);
}

static void block_signals(sigset_t *waited)
{
    sigemptyset(waited);
    sigaddset(waited, SIGTERM);
    sigaddset(waited, SIGINT);
    sigaddset(waited, SIGHUP);
    sigset_t all = *waited;
    sigaddset(&all, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static void read_anew(server *s)
{
    hk_error err;
    reload_now(s->reload);
    if (tls_reload(s->tls, &err)) {
        metrics_add(&s->metrics.certificates_failed, 1);
        say("the certificates cannot be read anew, going on with those from before: %s",
            err.message);
    } else if (s->tls) {
        metrics_add(&s->metrics.certificates, 1);
        say("the certificates were read anew");
    }
}

static void serve(server *s, const sigset_t *waited, const char *words)
{
    deck *d = server_deck(s);
    say("listening on %s, revision %" PRIu64 ", %" PRIu64 " entries", words, d->revision,
        d->entries);
    if (!d->entries)
        say("no list has any entries: nothing is answered until one has");
    deck_release(d);
    say_state("READY=1");
    for (int number; (number = sigwaitinfo(waited, NULL)) != SIGTERM && number != SIGINT;)
        if (number == SIGHUP)
            read_anew(s);
    say_state("STOPPING=1");
    say("stopping");
}

static int run(server *s, const sigset_t *waited)
{
    hk_error err;
    http *h = NULL;
    int fd = -1;
    char words[LISTEN_WORDS_SIZE];
    hk_status status = tls_open(&s->tls, &s->settings, &err);
    if (!status)
        status = listen_open(&fd, words, s->settings.listen, s->tls != NULL, &err);
    if (!status)
        status = deck_load(&s->deck, &s->settings, &err);
    if (!status)
        status = hk_ledger_open(&s->ledger, s->settings.db, &s->settings.ledger, &err);
    if (!status)
        status = guard_start(&s->guard, &s->metrics.cut, &err);
    if (!status)
        status = reload_start(&s->reload, s, &err);
    if (!status)
        status = http_start(&h, s, fd, &err);
    if (!status)
        serve(s, waited, words);
    http_stop(h);
    tls_close(s->tls);
    reload_stop(s->reload);
    guard_stop(s->guard);
    if (fd >= 0 && !h)
        listen_close(fd, s->settings.listen);
    hk_ledger_close(s->ledger);
    deck_release(s->deck);
    return status ? exit_code(&err) : EXIT_DONE;
}

int main(int argc, char **argv)
{
    static server s;
    sigset_t waited;
    int code = settings_read(&s.settings, argc, argv);
    if (code < 0)
        code = use_simd();
    if (code >= 0)
        return code;
    block_signals(&waited);
    raise_limits(s.settings.max_connections);
    pthread_mutex_init(&s.deck_lock, NULL);
    code = run(&s, &waited);
    pthread_mutex_destroy(&s.deck_lock);
    return code;
}
