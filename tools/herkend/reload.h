/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reload.h - the thread that looks for new revisions, opens them beside and swaps.
 *
 * Requests go on with the lists that they began with. Where the lists cannot be read, the server
 * goes on with what it has, says so, and tries again at each look.
 */
#ifndef HERKEND_RELOAD_H
#define HERKEND_RELOAD_H

#include "server.h"

typedef struct reload reload;

/* Starts it; s has a deck. */
hk_status reload_start(reload **out, server *s, hk_error *err) HK_MUST_CHECK;
/* Has the lists opened anew at once, whether or not they changed. Any thread. */
void reload_now(reload *r);
/* Waits for a reload that is under way. */
void reload_stop(reload *r);

#endif
