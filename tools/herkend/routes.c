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
enum { ROUTES = sizeof routes / sizeof *routes, SMALL_BODY = 4096 };
_Static_assert((int)ROUTES <= (int)METRICS_ROUTES, "the metrics have room for every route");

const char *route_name(unsigned route)
{
    return route < ROUTES ? routes[route].path : NULL;
}

/* ---- who may ------------------------------------------------------------------------------- */

/* The key in `Authorization: Bearer KEY`; "": none, or something else. */
static const char *bearer(const exchange *e)
{
    const char *value = e->headers.authorization;
    if (!value || strncasecmp(value, "Bearer ", 7))
        return "";
    return value + 7 + strspn(value + 7, " ");
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
    if (!tls_client(&certificate, e->server->tls, e->connection,
                    guard_certificate_of(e->guarded))) {
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

void routes_refuse(exchange *e, unsigned scope, const refusal *why)
{
    if (e->let_in || routes_admit(e, scope, 0))
        answer_error(e, why->status, why->code, why->message);
}

/* ---- what is sent -------------------------------------------------------------------------- */

enum { AUTHORIZATION = 0, TYPE, LENGTH, CODING, HOST, ENCODING, FORWARDED, HEADERS };

typedef struct seen {
    const char *value[HEADERS];
    bool twice;
} seen;

static enum MHD_Result see(void *context, enum MHD_ValueKind kind, const char *name,
                           const char *value)
{
    static const char *const names[HEADERS] = {
        "Authorization", "Content-Type",     "Content-Length", "Transfer-Encoding",
        "Host",          "Content-Encoding", "X-Forwarded-For"};
    seen *s = context;
    (void)kind;
    for (int h = 0; h < HEADERS; h++)
        if (!strcasecmp(name, names[h])) {
            s->twice |= s->value[h] != NULL && h != FORWARDED; /* of those the last counts */
            s->value[h] = value ? value : "";
        }
    return MHD_YES;
}

static void read_headers(exchange *e)
{
    seen s = {{NULL}, false};
    MHD_get_connection_values(e->connection, MHD_HEADER_KIND, see, &s);
    e->headers = (headers){.authorization = s.value[AUTHORIZATION],
                           .type = s.value[TYPE],
                           .encoding = s.value[ENCODING],
                           .forwarded = s.value[FORWARDED],
                           .coding = s.value[CODING] != NULL,
                           .announced = s.value[LENGTH] ? strtoull(s.value[LENGTH], NULL, 10) : 0,
                           .ambiguous = s.twice || (s.value[LENGTH] && s.value[CODING])};
}

/* What is no address is no reason to refuse: the record has the proxy's then. */
static void take_forwarded(exchange *e)
{
    if (e->headers.forwarded && !strcmp(e->address, e->server->settings.trusted_proxy))
        (void)peer_forwarded(e->address, e->headers.forwarded);
}

static bool is_json(const char *type)
{
    const size_t length = type ? strcspn(type, "; \t") : 0;
    return length == 16 && !strncasecmp(type, "application/json", 16);
}

static void begin_post(exchange *e, unsigned scope)
{
    const headers *h = &e->headers;
    static const refusal not_json = {415, "not_json", "send Content-Type: application/json"};
    static const refusal encoded = {415, "encoded",
                                    "send the body as it is, without Content-Encoding"};
    static const refusal large = {413, "too_large", "the body is too large"};
    if (!is_json(h->type))
        routes_refuse(e, scope, &not_json);
    else if (h->encoding && strcasecmp(h->encoding, "identity"))
        routes_refuse(e, scope, &encoded);
    else if (h->announced > e->server->settings.max_body)
        routes_refuse(e, scope, &large);
}

/* ---- doors --------------------------------------------------------------------------------- */

static bool is_method(const struct route *r, const char *method)
{
    if (r->posts)
        return !strcmp(method, "POST");
    return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

/* Before anything of a body is kept; but of a small one, which costs less than to look twice. */
static bool may_enter(exchange *e, const struct route *r)
{
    if (!r->scope || (r->scope == HK_SCOPE_AUDIT && e->server->settings.open_metrics) ||
        (r->posts && !e->headers.coding && e->headers.announced <= SMALL_BODY))
        return true;
    e->let_in = routes_admit(e, r->scope, 0);
    return e->let_in;
}

void routes_begin(exchange *e, const char *method, const char *path)
{
    read_headers(e);
    take_forwarded(e);
    for (e->route = ROUTES - 1; e->route > ROUTE_NONE; e->route--)
        if (!strcmp(path, routes[e->route].path))
            break;
    const struct route *r = &routes[e->route];
    e->takes_body = r->posts;
    if (e->route == ROUTE_NONE) {
        answer_error(e, 404, "not_found", "nothing is there; see /openapi.json");
    } else if (e->headers.ambiguous) {
        answer_error(e, 400, "ambiguous_headers",
                     "a header stands there twice, or against another");
    } else if (!is_method(r, method)) {
        answer_error(e, 405, "method", "another method is needed");
        e->reply.allow = r->allow;
    } else if (!may_enter(e, r)) {
        return;
    } else if (r->posts) {
        begin_post(e, r->scope);
    }
}

void routes_answer(exchange *e)
{
    routes[e->route].answer(e);
}
