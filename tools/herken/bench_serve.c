/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_serve.c - `herken bench serve`: how fast a hash-check server answers. */
#include "bench.h"
#include "bench_load.h"
#include "bench_server.h"
#include "cli.h"
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: herken bench serve [OPTIONS]\n"
    "       herken bench serve --url http://127.0.0.1:PORT --key-file F [OPTIONS]\n\n"
    "Asks a hash-check server for random hashes over kept connections and prints how many "
    "requests\n"
    "and items a second it answers, with the median and the 99th percentile of the time: single\n"
    "checks as fast as they go, single checks at half of that rate, and batches. Without --url it\n"
    "starts a server of its own on loopback, over a made-up list. Client and server share the\n"
    "machine. Exit code 4 where a request failed.\n\n"
    "  --entries N          of the made-up list (default 100000)\n"
    "  --url URL            a running server on this machine; what is asked is charged to the key\n"
    "                       and goes into its audit log\n"
    "  --key-file F         its key\n"
    "  --connections N      1 to 256 (default 8; batches take half as many)\n"
    "  --batch N            items of a batch, 2 to 1000 (default 1000)\n"
    "  --items N            requests of so many items alone, 1 to 1000, in place of the three\n"
    "  --rate N             with --items: so many requests a second (default: as fast as it can);\n"
    "                       times count from when a request was due\n"
    "  --seconds N          for each, 1 to 3600 (default 5)\n"
    "  --csv                a line for each, with a header\n"
    "  --json               an object for each\n"
    "  --quiet              no remarks\n"
    "  --help               this text\n";

enum { ENTRIES = CLI_OWN, URL, KEY_FILE, CONNECTIONS, BATCH, ITEMS, RATE, SECONDS, CSV };
static const struct option options[] = {{"entries", required_argument, NULL, ENTRIES},
                                        {"url", required_argument, NULL, URL},
                                        {"key-file", required_argument, NULL, KEY_FILE},
                                        {"connections", required_argument, NULL, CONNECTIONS},
                                        {"batch", required_argument, NULL, BATCH},
                                        {"items", required_argument, NULL, ITEMS},
                                        {"rate", required_argument, NULL, RATE},
                                        {"seconds", required_argument, NULL, SECONDS},
                                        {"csv", no_argument, NULL, CSV},
                                        {"json", no_argument, NULL, CLI_JSON},
                                        {"quiet", no_argument, NULL, CLI_QUIET},
                                        {"help", no_argument, NULL, CLI_HELP},
                                        {NULL, 0, NULL, 0}};

typedef struct wish {
    cli_common common;
    uint64_t entries, connections, batch, items, rate, seconds; /* items 0: all three */
    const char *url, *key_file;
    bool csv, entries_given;
    unsigned port;
    char *key;    /* owned */
    bool headed;  /* the header of the table was printed */
    bool failing; /* a request failed */
} wish;

/* ---- the command line ---------------------------------------------------------------------- */

static int take(wish *w, int option)
{
    const struct {
        int option;
        const char *name;
        uint64_t *out, low, high;
    } numbers[] = {{ENTRIES, "entries", &w->entries, 1, 100000000},
                   {CONNECTIONS, "connections", &w->connections, 1, BENCH_LOAD_CONNECTIONS_MOST},
                   {BATCH, "batch", &w->batch, 2, BENCH_LOAD_ITEMS_MOST},
                   {ITEMS, "items", &w->items, 1, BENCH_LOAD_ITEMS_MOST},
                   {RATE, "rate", &w->rate, 1, 10000000},
                   {SECONDS, "seconds", &w->seconds, 1, 3600}};
    w->entries_given |= option == ENTRIES;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].option == option)
            return cli_number(numbers[i].out, numbers[i].name, optarg, numbers[i].low,
                              numbers[i].high, false)
                       ? -1
                       : CLI_USAGE;
    switch (option) {
    case URL:
        w->url = optarg;
        return -1;
    case KEY_FILE:
        w->key_file = optarg;
        return -1;
    case CSV:
        w->csv = true;
        return -1;
    case CLI_HELP:
        fputs(help, stdout);
        return cli_finish(CLI_DONE);
    default:
        return cli_option(&w->common, option, help);
    }
}

static int read_url(wish *w)
{
    static const char start[] = "http://127.0.0.1:";
    char *end = NULL;
    const char *port = strncmp(w->url, start, strlen(start)) ? "" : w->url + strlen(start);
    const unsigned long number = strtoul(port, &end, 10);
    if (*port < '1' || *port > '9' || number > 65535 || strcmp(end + (*end == '/'), ""))
        return cli_usage("--url takes http://127.0.0.1:PORT, not '%s'", w->url);
    w->port = (unsigned)number;
    return -1;
}

/* One line of printable characters that need no escaping. */
static int read_key(wish *w)
{
    char text[512];
    FILE *file = fopen(w->key_file, "re");
    const bool there = file && fgets(text, sizeof text, file);
    if (file)
        fclose(file);
    if (!there)
        return cli_usage("cannot read the key in %s: %s", w->key_file,
                         file ? "it is empty" : strerror(errno));
    const size_t length = strcspn(text, "\r\n");
    text[length] = '\0';
    if (!length || length == sizeof text - 1 ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.~+/=") !=
            length)
        return cli_usage("%s does not hold a key: one line of letters and digits", w->key_file);
    w->key = strdup(text);
    return w->key ? -1 : CLI_SYSTEM;
}

static int settle(wish *w, int argc, char **argv)
{
    if (optind < argc)
        return cli_usage("bench serve takes no files: %s", argv[optind]);
    if (!w->url != !w->key_file)
        return cli_usage("--url and --key-file go together");
    if (w->url && w->entries_given)
        return cli_usage("--entries are of a server that is started here");
    if (w->rate && !w->items)
        return cli_usage("--rate goes with --items");
    if (w->csv && w->common.json)
        return cli_usage("--csv or --json");
    const int code = w->url ? read_url(w) : -1;
    return code < 0 && w->url ? read_key(w) : code;
}

/* ---- the report ---------------------------------------------------------------------------- */

static void print_row(wish *w, const char *what, const bench_load *l, const bench_load_result *r)
{
    const double items_s = r->requests_s * l->items;
    if (w->common.json) {
        json_t *o = json_pack(
            "{s:s,s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:I,s:I}", "what", what, "connections",
            (json_int_t)l->connections, "items", (json_int_t)l->items, "seconds", l->seconds,
            "requests_per_s", r->requests_s, "items_per_s", items_s, "p50_us", r->p50_us, "p99_us",
            r->p99_us, "requests", (json_int_t)r->count, "failed", (json_int_t)r->failed);
        if (l->rate > 0)
            json_object_set_new(o, "rate", json_real(l->rate));
        if (!w->url)
            json_object_set_new(o, "entries", json_integer((json_int_t)w->entries));
        output_line(o);
        return;
    }
    if (!w->headed)
        puts(w->csv ? "what,entries,connections,items,rate,requests_per_s,items_per_s,p50_us,"
                      "p99_us,requests,failed"
                    : "what           items   requests/s      items/s     p50 us     p99 us   "
                      "failed");
    w->headed = true;
    if (!w->csv) {
        printf("%-13s %6u %12.0f %12.0f %10.0f %10.0f %8" PRIu64 "\n", what, l->items,
               r->requests_s, items_s, r->p50_us, r->p99_us, r->failed);
        return;
    }
    printf("%s,", what);
    if (!w->url)
        printf("%" PRIu64, w->entries);
    printf(",%u,%u,", l->connections, l->items);
    if (l->rate > 0)
        printf("%.0f", l->rate);
    printf(",%.1f,%.1f,%.1f,%.1f,%" PRIu64 ",%" PRIu64 "\n", r->requests_s, items_s, r->p50_us,
           r->p99_us, r->count, r->failed);
}

/* ---- running ------------------------------------------------------------------------------- */

static int measure(bench_load_result *out, wish *w, const char *what, const bench_load *load)
{
    hk_error err;
    if (bench_load_run(out, load, &err))
        return cli_fail(&err);
    print_row(w, what, load, out);
    fflush(stdout);
    w->failing |= out->failed != 0;
    return -1;
}

static int measure_all(wish *w)
{
    bench_load_result r;
    bench_load load = {.port = w->port,
                       .key = w->key,
                       .connections = (unsigned)w->connections,
                       .items = w->items ? (unsigned)w->items : 1,
                       .seconds = (double)w->seconds,
                       .rate = (double)w->rate};
    if (w->items)
        return measure(&r, w, "requests", &load);
    hk_error err;
    bench_load warm = load;
    warm.seconds = 1;
    if (bench_load_run(&r, &warm, &err))
        return cli_fail(&err);
    int code = measure(&r, w, "single", &load);
    load.rate = r.requests_s / 2;
    if (code < 0)
        code = measure(&r, w, "single_half", &load);
    load.rate = 0;
    load.items = (unsigned)w->batch;
    load.connections = (load.connections + 1) / 2;
    return code < 0 ? measure(&r, w, "batch", &load) : code;
}

int bench_serve(int argc, char **argv)
{
    wish w = {.common = CLI_COMMON_INIT,
              .entries = 100000,
              .connections = 8,
              .batch = 1000,
              .seconds = 5};
    bench_server server = {.pid = 0};
    int code = -1, option;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        code = take(&w, option);
    if (code < 0)
        code = settle(&w, argc, argv);
    if (code < 0 && !w.url) {
        if (!w.common.quiet)
            cli_say("making a list of %" PRIu64 " entries", w.entries);
        code = bench_server_start(&server, w.entries);
        w.port = server.port;
        w.key = server.key;
        server.key = NULL;
    }
    if (code < 0)
        code = measure_all(&w);
    bench_server_stop(&server);
    free(w.key);
    cli_clear(&w.common);
    return cli_finish(code < 0 ? (w.failing ? CLI_SYSTEM : CLI_DONE) : code);
}
