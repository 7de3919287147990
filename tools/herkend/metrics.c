/* SPDX-License-Identifier: GPL-3.0-or-later */
/* metrics.c - see metrics.h. Counters only grow; what an instance forgets when it ends is in the
 * audit log. */
#include "metrics.h"
#include "routes.h"
#include "server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const uint64_t bucket_us[METRICS_BUCKETS - 1] = {250,   500,   1000,   2500,   5000,   10000,
                                                        25000, 50000, 100000, 250000, 1000000};

void metrics_time(metrics *m, uint64_t ns)
{
    size_t b = 0;
    while (b < METRICS_BUCKETS - 1 && ns > bucket_us[b] * 1000)
        b++;
    metrics_add(&m->seconds[b], 1);
    metrics_add(&m->nanoseconds, ns);
}

static void put(FILE *page, const char *name, const char *type, const char *help, uint64_t value)
{
    fprintf(page, "# HELP herken_%s %s\n# TYPE herken_%s %s\nherken_%s %" PRIu64 "\n", name, help,
            name, type, name, value);
}

static void put_requests(FILE *page, const metrics *m)
{
    fputs("# HELP herken_requests_total Requests answered.\n"
          "# TYPE herken_requests_total counter\n",
          page);
    for (unsigned r = 0; r < METRICS_ROUTES; r++)
        for (unsigned c = 0; c < METRICS_CODES; c++) {
            const uint64_t count = metrics_get(&m->requests[r][c]);
            if (count)
                fprintf(page, "herken_requests_total{route=\"%s\",code=\"%uxx\"} %" PRIu64 "\n",
                        route_name(r), c, count);
        }
}

static void put_times(FILE *page, const metrics *m)
{
    uint64_t sum = 0;
    fputs("# HELP herken_check_seconds From the end of a check's body to its answer.\n"
          "# TYPE herken_check_seconds histogram\n",
          page);
    for (size_t b = 0; b < METRICS_BUCKETS; b++) {
        sum += metrics_get(&m->seconds[b]);
        if (b < METRICS_BUCKETS - 1)
            fprintf(page, "herken_check_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                    (double)bucket_us[b] / 1e6, sum);
        else
            fprintf(page, "herken_check_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", sum);
    }
    fprintf(page, "herken_check_seconds_sum %.9f\nherken_check_seconds_count %" PRIu64 "\n",
            (double)metrics_get(&m->nanoseconds) / 1e9, sum);
}

static void put_ledger(FILE *page, hk_ledger *ledger)
{
    hk_ledger_stats stats;
    hk_ledger_get_stats(&stats, ledger);
    fputs("# HELP herken_admissions_total Keys that were admitted or refused, by why.\n"
          "# TYPE herken_admissions_total counter\n",
          page);
    for (int a = 0; a < HK_ADMISSIONS; a++)
        fprintf(page, "herken_admissions_total{admission=\"%s\"} %" PRIu64 "\n",
                hk_admission_name((hk_admission)a), stats.admissions[a]);
    fputs("# HELP herken_verdicts_total Items answered, by verdict.\n"
          "# TYPE herken_verdicts_total counter\n",
          page);
    for (int v = 0; v < HK_VERDICTS; v++)
        fprintf(page, "herken_verdicts_total{verdict=\"%s\"} %" PRIu64 "\n",
                hk_verdict_name((hk_verdict)v), stats.by_verdict[v]);
    put(page, "audit_records_total", "counter", "Records of the audit log.", stats.records);
    put(page, "audit_writes_total", "counter", "Writes, of one record or several.", stats.batches);
    put(page, "audit_failed_total", "counter", "Records that could not be written.", stats.failed);
    put(page, "suppressed_total", "counter", "Near hits on braked entries.", stats.suppressed);
    put(page, "walk_steps_total", "counter", "Queries that felt their way.", stats.walk_steps);
    put(page, "brakes", "gauge", "Entries that are braked.", stats.brakes);
    put(page, "accounts", "gauge", "Accounts.", stats.clients);
}

static void put_lists(FILE *page, server *s)
{
    deck *d = server_deck(s);
    put(page, "revision", "gauge", "The store's revision that is searched.", d->revision);
    fputs("# HELP herken_entries Entries of a list that are searched for.\n"
          "# TYPE herken_entries gauge\n",
          page);
    for (size_t l = 0; l < d->count; l++) /* names of lists need no escaping */
        fprintf(page, "herken_entries{list=\"%s\"} %zu\n", d->lists[l].name,
                hk_list_count(d->lists[l].list));
    deck_release(d);
}

int metrics_page(char **out, size_t *length, server *s)
{
    metrics *m = &s->metrics;
    FILE *page = open_memstream(out, length);
    if (!page)
        return 0;
    put_requests(page, m);
    put_times(page, m);
    put(page, "items_total", "counter", "Items of checks answered.", metrics_get(&m->items));
    put(page, "test_hits_total", "counter", "Items that were the test entry.",
        metrics_get(&m->test_hits));
    put(page, "feedback_total", "counter", "Feedback taken.", metrics_get(&m->feedback));
    put(page, "reloads_total", "counter", "Times the lists were swapped.",
        metrics_get(&m->reloads));
    put(page, "reloads_failed_total", "counter", "Times they could not be read.",
        metrics_get(&m->reloads_failed));
    put(page, "certificates_read_total", "counter", "Times certificates were read anew.",
        metrics_get(&m->certificates));
    put(page, "certificates_failed_total", "counter", "Times they could not be, or were not good.",
        metrics_get(&m->certificates_failed));
    put(page, "searches_failed_total", "counter", "Checks that could not be searched for.",
        metrics_get(&m->searches_failed));
    put(page, "connections_total", "counter", "Connections accepted.",
        metrics_get(&m->connections));
    put(page, "connections", "gauge", "Connections open.", metrics_get(&m->connections_open));
    put(page, "connections_cut_total", "counter", "Connections ended for being too slow.",
        metrics_get(&m->cut));
    put(page, "body_bytes", "gauge", "Bytes of bodies being received.",
        metrics_get(&m->body_bytes));
    put_lists(page, s);
    put_ledger(page, s->ledger);
    const int failed = ferror(page);
    if (fclose(page) || failed) {
        free(*out);
        return 0;
    }
    return 1;
}
