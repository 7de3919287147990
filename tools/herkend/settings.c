/* SPDX-License-Identifier: GPL-3.0-or-later */
/* settings.c - see settings.h. */
#include "settings.h"
#include "say.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: herken serve --db DB --listen ADDR:PORT|unix:PATH [OPTIONS]\n\n"
    "Answers, over HTTP, whether hashes of images are in the lists of a store: POST /v1/check.\n"
    "Takes hashes, never images; who may ask is kept with herken key; every answer is in the\n"
    "audit log before it goes out. GET /openapi.json says the rest. SIGHUP reads lists and\n"
    "certificates anew (it looks for new revisions by itself, too), SIGTERM stops it once answers\n"
    "in hand are given.\n\n"
    "  --db DB              the store of lists; accounts and the log lie beside it\n"
    "  --lists A,B          these of its lists (default: all)\n"
    "  --listen WHERE       127.0.0.1:8080, [::1]:8080 or unix:/run/herken/socket; other\n"
    "                       addresses with TLS only. Port 0 takes a free one, and says which\n"
    "  --tls-cert FILE, --tls-key FILE\n"
    "                       PEM; TLS 1.2 and later\n"
    "  --client-ca FILE     PEM; asks for client certificates and verifies them. Keys that are\n"
    "                       bound to one (herken key create --certificate) need it\n"
    "  --trusted-proxy ADDR\n"
    "                       a proxy's address, or unix for whoever connects to the unix socket:\n"
    "                       on its connections the last address of X-Forwarded-For is the "
    "client's,\n"
    "                       for the audit log\n"
    "  --profile P          gate (default) or review: see herken match\n"
    "  --max-distance N     the radius itself, in bits, 0 to 128, for every kind of image\n"
    "  --threads N          that answer (default: one per processor)\n"
    "  --max-items N        of one request (default 1000)\n"
    "  --max-body N         bytes of one request (default 16M)\n"
    "  --body-memory N      bytes of all requests that are being received (default 256M)\n"
    "  --max-connections N  (default 1000)\n"
    "  --max-per-address N  of them from one address (default 0: no bound)\n"
    "  --idle-timeout N     seconds until the headers of a request are there (default 60)\n"
    "  --body-timeout N     seconds until its body is there (default 30)\n"
    "  --write-timeout N    seconds until its answer is taken (default 60)\n"
    "  --stop-timeout N     seconds for answers in hand when stopped (default 30)\n"
    "  --poll N             milliseconds between looks for new revisions (default 1000)\n"
    "  --sync N             milliseconds of the audit log that a power cut may lose (default "
    "1000;\n"
    "                       0: none, each answer waits for the disk)\n"
    "  --anchor FILE        keep the head of the audit log in this file too, on another disk\n"
    "  --open-metrics       /metrics without a key (else one with the scope audit)\n"
    "  --help               this text\n";

enum {
    DB = 256,
    LISTS,
    LISTEN,
    TLS_CERT,
    TLS_KEY,
    CLIENT_CA,
    TRUSTED_PROXY,
    PROFILE,
    MAX_DISTANCE,
    THREADS,
    MAX_ITEMS,
    MAX_BODY,
    BODY_MEMORY,
    MAX_CONNECTIONS,
    MAX_PER_ADDRESS,
    IDLE,
    BODY,
    WRITE,
    STOP,
    POLL,
    SYNC,
    ANCHOR,
    OPEN_METRICS,
    HELP
};

static const struct option options[] = {
    {"db", required_argument, NULL, DB},
    {"lists", required_argument, NULL, LISTS},
    {"listen", required_argument, NULL, LISTEN},
    {"tls-cert", required_argument, NULL, TLS_CERT},
    {"tls-key", required_argument, NULL, TLS_KEY},
    {"client-ca", required_argument, NULL, CLIENT_CA},
    {"trusted-proxy", required_argument, NULL, TRUSTED_PROXY},
    {"profile", required_argument, NULL, PROFILE},
    {"max-distance", required_argument, NULL, MAX_DISTANCE},
    {"threads", required_argument, NULL, THREADS},
    {"max-items", required_argument, NULL, MAX_ITEMS},
    {"max-body", required_argument, NULL, MAX_BODY},
    {"body-memory", required_argument, NULL, BODY_MEMORY},
    {"max-connections", required_argument, NULL, MAX_CONNECTIONS},
    {"max-per-address", required_argument, NULL, MAX_PER_ADDRESS},
    {"idle-timeout", required_argument, NULL, IDLE},
    {"body-timeout", required_argument, NULL, BODY},
    {"write-timeout", required_argument, NULL, WRITE},
    {"stop-timeout", required_argument, NULL, STOP},
    {"poll", required_argument, NULL, POLL},
    {"sync", required_argument, NULL, SYNC},
    {"anchor", required_argument, NULL, ANCHOR},
    {"open-metrics", no_argument, NULL, OPEN_METRICS},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

/* Options that are a number: where it goes, and its range. */
typedef struct number {
    int option;
    size_t *size; /* one of these two */
    unsigned *small;
    uint64_t low, high;
} number;

static bool read_number(uint64_t *out, const char *option, const char *text, uint64_t low,
                        uint64_t high)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10), factor = 1;
    if (*end && !end[1]) {
        factor = *end == 'k' ? 1 << 10 : *end == 'M' ? 1 << 20 : *end == 'G' ? 1 << 30 : 0;
        end += factor != 0;
    }
    if (errno || end == text || *end || *text < '0' || *text > '9' ||
        __builtin_mul_overflow(value, factor, &value) || value < low || value > high) {
        say("--%s takes a whole number from %llu to %llu, not '%s'; see herken serve --help",
            option, (unsigned long long)low, (unsigned long long)high, text);
        return false;
    }
    *out = value;
    return true;
}

static int take_number(settings *s, int option, const char *name)
{
    unsigned distance = 0;
    const number numbers[] = {
        {MAX_DISTANCE, NULL, &distance, 0, 128},
        {THREADS, NULL, &s->threads, 1, 256},
        {MAX_ITEMS, &s->max_items, NULL, 1, 100000},
        {MAX_BODY, &s->max_body, NULL, 1024, UINT64_C(1) << 30},
        {BODY_MEMORY, &s->body_memory, NULL, 1024, UINT64_C(1) << 40},
        {MAX_CONNECTIONS, NULL, &s->max_connections, 1, 100000},
        {MAX_PER_ADDRESS, NULL, &s->max_per_address, 0, 100000},
        {IDLE, NULL, &s->idle_seconds, 1, 3600},
        {BODY, NULL, &s->body_seconds, 1, 3600},
        {WRITE, NULL, &s->write_seconds, 1, 3600},
        {STOP, NULL, &s->stop_seconds, 0, 3600},
        {POLL, NULL, &s->poll_ms, 10, 3600000},
        {SYNC, NULL, &s->ledger.sync_ms, 0, 60000},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const number *n = &numbers[i];
        uint64_t value;
        if (n->option != option)
            continue;
        if (!read_number(&value, name, optarg, n->low, n->high))
            return EXIT_WRONG_USAGE;
        if (n->size)
            *n->size = (size_t)value;
        else
            *n->small = (unsigned)value;
        if (option == MAX_DISTANCE)
            s->match.max_distance = (int)distance;
        return -1;
    }
    say("an option that is none of ours, or lacks its value; see herken serve --help");
    return EXIT_WRONG_USAGE;
}

static int take_profile(settings *s)
{
    for (int p = 0; hk_profile_name((hk_profile)p); p++)
        if (!strcmp(optarg, hk_profile_name((hk_profile)p))) {
            s->match.profile = (hk_profile)p;
            return -1;
        }
    say("--profile takes gate or review, not '%s'", optarg);
    return EXIT_WRONG_USAGE;
}

static int take(settings *s, int option, const char *name)
{
    const struct {
        int option;
        const char **text;
    } texts[] = {{DB, &s->db},
                 {LISTS, &s->lists},
                 {LISTEN, &s->listen},
                 {TLS_CERT, &s->tls_cert},
                 {TLS_KEY, &s->tls_key},
                 {CLIENT_CA, &s->client_ca},
                 {ANCHOR, &s->ledger.anchor}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].option == option) {
            *texts[i].text = optarg;
            return -1;
        }
    switch (option) {
    case PROFILE:
        return take_profile(s);
    case TRUSTED_PROXY:
        if (peer_read(s->trusted_proxy, optarg))
            return -1;
        say("--trusted-proxy takes an address, or unix, not '%s'", optarg);
        return EXIT_WRONG_USAGE;
    case OPEN_METRICS:
        s->open_metrics = true;
        return -1;
    case HELP:
        fputs(help, stdout);
        return fflush(stdout) ? EXIT_SYSTEM : EXIT_DONE;
    default:
        return take_number(s, option, name);
    }
}

static int check(const settings *s, int argc)
{
    const char *wrong = NULL;
    if (optind < argc)
        wrong = "serve takes options alone";
    else if (!s->db)
        wrong = "no store: name it with --db FILE";
    else if (!s->listen)
        wrong = "nowhere to listen: --listen 127.0.0.1:8080";
    else if (!s->tls_cert != !s->tls_key)
        wrong = "--tls-cert and --tls-key go together";
    else if (s->client_ca && !s->tls_cert)
        wrong = "--client-ca goes with --tls-cert and --tls-key";
    else if (s->max_body > s->body_memory)
        wrong = "--body-memory is at least --max-body";
    if (wrong)
        say("%s; see herken serve --help", wrong);
    return wrong ? EXIT_WRONG_USAGE : -1;
}

int settings_read(settings *out, int argc, char **argv)
{
    settings s = {.match = HK_MATCH_OPTIONS_INIT,
                  .ledger = HK_LEDGER_OPTIONS_INIT,
                  .max_body = 16 << 20,
                  .body_memory = 256 << 20,
                  .max_items = 1000,
                  .max_connections = 1000,
                  .idle_seconds = 60,
                  .body_seconds = 30,
                  .write_seconds = 60,
                  .stop_seconds = 30,
                  .poll_ms = 1000};
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    s.threads = processors > 0 && processors <= 256 ? (unsigned)processors : 1;
    s.match.profile = HK_PROFILE_GATE; /* a provider's hit blocks */
    int code = -1, option, which = 0;
    opterr = 0;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, &which)) >= 0)
        code = take(&s, option, options[which].name);
    if (code < 0)
        code = check(&s, argc);
    if (code < 0)
        *out = s;
    return code;
}
