/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * routes.h - which request is whose.
 */
#ifndef HERKEND_ROUTES_H
#define HERKEND_ROUTES_H

#include "herken.h"

struct exchange;

/* The routes are numbered; the first stands for all that are none. */
enum { ROUTE_NONE = 0 };

/* For metrics: the path; "none". NULL out of range. Static. */
const char *route_name(unsigned route);

/* Once the headers are there: finds the route, and refuses what need not be read (e->refused). */
void routes_begin(struct exchange *e, const char *method, const char *path);
/* Once the body is there: makes e->reply. */
void routes_answer(struct exchange *e);

/* Refuses whom the ledger does not admit; true: it did. */
bool routes_admit(struct exchange *e, unsigned scope, uint64_t items);
/* Refuses for what the body says, or because of the key, if that was not looked at yet. */
struct refusal;
void routes_refuse(struct exchange *e, unsigned scope, const struct refusal *why);

/* POST /v1/check (check.c), and the others (small.c). */
void route_check(struct exchange *e);
void route_feedback(struct exchange *e);
void route_lists(struct exchange *e);
void route_health(struct exchange *e);
void route_ready(struct exchange *e);
void route_metrics(struct exchange *e);
void route_openapi(struct exchange *e);

#endif
