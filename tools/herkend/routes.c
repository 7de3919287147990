/* SPDX-License-Identifier: GPL-3.0-or-later */
/* routes.c - see routes.h. */
#include "routes.h"
#include "answers.h"
#include "http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct route {
    const char *path;
    const char *allow;
    bool posts;
    unsigned scope; /* HK_SCOPE_*; 0: without a key */
    void (*answer)(exchange *e);
} routes[] = {
    {"none", "", false, 0, NULL},
    {"/v1/check", "POST", true, HK_SCOPE_CHECK, route_check},
    {"/v1/feedback", "POST", true, HK_SCOPE_FEEDBACK, route_feedback},
    {"/v1/lists", "GET, HEAD", false, HK_SCOPE_CHECK, route_lists},
    {"/healthz", "GET, HEAD", false, 0, route_health},
    {"/readyz", "GET, HEAD", false, 0, route_ready},
    {"/metrics", "GET, HEAD", false, HK_SCOPE_AUDIT, route_metrics},
    {"/openapi.json", "GET, HEAD", false, 0, route_openapi},
};
enum { ROUTES = sizeof routes / sizeof *routes };
_Static_assert((int)ROUTES <= (int)METRICS_ROUTES, "the metrics have room for every route");

const char *route_name(unsigned route)
{
    return route < ROUTES ? routes[route].path : NULL;
}

/* ---- who may ------------------------------------------------------------------------------- */

/* The key in `Authorization: Bearer KEY`; NULL: none, or something else. */
static const char *bearer(const exchange *e)
{
    const char *value =
        MHD_lookup_connection_value(e->connection, MHD_HEADER_KIND, "Authorization");
    if (!value || strncasecmp(value, "Bearer ", 7))
        return NULL;
    value += 7;
    while (*value == ' ')
        value++;
    return value;
}

bool routes_admit(exchange *e, unsigned scope, uint64_t items)
{
    static const unsigned statuses[HK_ADMISSIONS] = {
        [HK_REFUSED_KEY] = 401,   [HK_REFUSED_REVOKED] = 401, [HK_REFUSED_CERTIFICATE] = 403,
        [HK_REFUSED_SCOPE] = 403, [HK_REFUSED_RATE] = 429,    [HK_REFUSED_QUOTA] = 429,
        [HK_REFUSED_WALK] = 429,  [HK_REFUSED_LARGE] = 413,   [HK_REFUSED_NOW] = 503};
    static const char *const words[HK_ADMISSIONS] = {
        [HK_REFUSED_KEY] = "no key, or none of ours: Authorization: Bearer hk_...",
        [HK_REFUSED_REVOKED] = "the key is revoked, or replaced by a newer one",
        [HK_REFUSED_CERTIFICATE] = "the key goes together with a client certificate",
        [HK_REFUSED_SCOPE] = "the key is not for this",
        [HK_REFUSED_RATE] = "too many items a second",
        [HK_REFUSED_QUOTA] = "the items of today are used up",
        [HK_REFUSED_WALK] = "too many versions of one picture",
        [HK_REFUSED_LARGE] = "more items than the account may ever ask for at once",
        [HK_REFUSED_NOW] = "keys cannot be looked up at the moment"};
    const uint8_t *certificate;
    const char *key = bearer(e);
    if (!tls_client(&certificate, e->connection, guard_certificate_of(e->guarded))) {
        answer_error(e, 403, "bad_certificate", "the client certificate does not verify");
        return false;
    }
    const hk_admission admission =
        hk_ledger_admit(&e->caller, e->server->ledger, key ? key : "", key ? strlen(key) : 0,
                        certificate, scope, items);
    if (!admission)
        return true;
    answer_error(e, statuses[admission], hk_admission_name(admission), words[admission]);
    if (statuses[admission] == 429)
        e->reply.retry_after = (e->caller.retry_after_ms + 999) / 1000 + !e->caller.retry_after_ms;
    if (statuses[admission] == 503)
        e->reply.retry_after = 1;
    return false;
}

/* ---- what is sent -------------------------------------------------------------------------- */

typedef struct counting {
    const char *name;
    unsigned count;
} counting;

static enum MHD_Result count_one(void *context, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    counting *c = context;
    (void)kind;
    (void)value;
    c->count += !strcasecmp(name, c->name);
    return MHD_YES;
}

static unsigned count_headers(exchange *e, const char *name)
{
    counting c = {name, 0};
    MHD_get_connection_values(e->connection, MHD_HEADER_KIND, count_one, &c);
    return c.count;
}

/* What a proxy before us and we could take for different requests. */
static bool is_ambiguous(exchange *e)
{
    const unsigned lengths = count_headers(e, "Content-Length");
    const unsigned codings = count_headers(e, "Transfer-Encoding");
    return lengths > 1 || codings > 1 || (lengths && codings) ||
           count_headers(e, "Authorization") > 1 || count_headers(e, "Content-Type") > 1 ||
           count_headers(e, "Host") > 1;
}

static bool is_json(const char *type)
{
    const size_t length = type ? strcspn(type, "; \t") : 0;
    return length == 16 && !strncasecmp(type, "application/json", 16);
}

static const char *header(const exchange *e, const char *name)
{
    return MHD_lookup_connection_value(e->connection, MHD_HEADER_KIND, name);
}

static void begin_post(exchange *e)
{
    const char *length = header(e, "Content-Length"), *coding = header(e, "Content-Encoding");
    if (!is_json(header(e, "Content-Type")))
        answer_error(e, 415, "not_json", "send Content-Type: application/json");
    else if (coding && strcasecmp(coding, "identity"))
        answer_error(e, 415, "encoded", "send the body as it is, without Content-Encoding");
    else if (length && strtoull(length, NULL, 10) > e->server->settings.max_body)
        answer_error(e, 413, "too_large", "the body is too large");
}

/* ---- doors --------------------------------------------------------------------------------- */

static bool is_method(const struct route *r, const char *method)
{
    if (r->posts)
        return !strcmp(method, "POST");
    return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

void routes_begin(exchange *e, const char *method, const char *path)
{
    for (e->route = ROUTES - 1; e->route > ROUTE_NONE; e->route--)
        if (!strcmp(path, routes[e->route].path))
            break;
    const struct route *r = &routes[e->route];
    if (e->route == ROUTE_NONE) {
        answer_error(e, 404, "not_found", "nothing is there; see /openapi.json");
    } else if (is_ambiguous(e)) {
        answer_error(e, 400, "ambiguous_headers",
                     "a header stands there twice, or against another");
    } else if (!is_method(r, method)) {
        answer_error(e, 405, "method", "another method is needed");
        e->reply.allow = r->allow;
    } else if (r->scope && !(r->scope == HK_SCOPE_AUDIT && e->server->settings.open_metrics) &&
               !routes_admit(e, r->scope, 0)) {
        return; /* before anything of the body is kept */
    } else if (r->posts) {
        begin_post(e);
    }
}

void routes_answer(exchange *e)
{
    routes[e->route].answer(e);
}
