/* SPDX-License-Identifier: GPL-3.0-or-later */
/* deck.c - see deck.h. */
#include "deck.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 5, RETIRE_MS = 5000, RETIRE_STEP_MS = 10 };

static hk_status no_memory(hk_error *err)
{
    *err = (hk_error){HK_ERR_NO_MEMORY, "out of memory"};
    return err->status;
}

/* ---- which lists --------------------------------------------------------------------------- */

typedef struct names {
    char **name; /* one block, or (text) owned with it */
    size_t count;
    char *text;
} names;

static void names_clear(names *n)
{
    free(n->name);
    free(n->text);
}

static hk_status split(names *out, const char *list, hk_error *err)
{
    names n = {.text = strdup(list)};
    char *rest = NULL;
    n.name = n.text ? calloc(strlen(list) + 1, sizeof *n.name) : NULL;
    if (!n.name) {
        names_clear(&n);
        return no_memory(err);
    }
    for (char *name = strtok_r(n.text, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        bool again = false;
        for (size_t i = 0; i < n.count; i++)
            again |= !strcmp(n.name[i], name);
        if (!again)
            n.name[n.count++] = name;
    }
    *out = n;
    return HK_OK;
}

static hk_status wanted(names *out, hk_store *store, const settings *s, hk_error *err)
{
    *out = (names){0};
    return s->lists ? split(out, s->lists, err)
                    : hk_store_lists(&out->name, &out->count, store, err);
}

/* ---- holding ------------------------------------------------------------------------------- */

deck *deck_hold(deck *d)
{
    __atomic_add_fetch(&d->holders, 1, __ATOMIC_RELAXED);
    return d;
}

static void deck_free(deck *d)
{
    hk_matcher_free(d->matcher);
    for (size_t l = 0; l < d->count; l++) {
        hk_list_free(d->lists[l].list);
        free(d->lists[l].name);
    }
    free(d->lists);
    free(d);
}

void deck_release(deck *d)
{
    if (d && !__atomic_sub_fetch(&d->holders, 1, __ATOMIC_ACQ_REL))
        deck_free(d);
}

void deck_retire(deck *d)
{
    const struct timespec pause = {0, RETIRE_STEP_MS * 1000000L};
    for (int t = 0; t < RETIRE_MS && __atomic_load_n(&d->holders, __ATOMIC_ACQUIRE) > 1;
         t += RETIRE_STEP_MS)
        nanosleep(&pause, NULL);
    deck_release(d);
}

hk_status deck_warm(const deck *d, hk_error *err)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t left = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 2 : 0;
    hk_status status = HK_OK;
    for (size_t l = 0; !status && l < d->count; l++) {
        uint64_t bytes = 0;
        status = hk_list_warm(&bytes, d->lists[l].list, left, err);
        left -= bytes;
    }
    return status;
}

/* ---- loading ------------------------------------------------------------------------------- */

static hk_status add_list(deck *d, hk_store *store, const char *name, hk_error *err)
{
    deck_list *l = &d->lists[d->count++];
    l->name = strdup(name);
    if (!l->name)
        return no_memory(err);
    const hk_status status = hk_store_list(&l->list, store, name, err);
    if (status)
        return status;
    if (!hk_list_known_good(l->list))
        d->entries += hk_list_count(l->list);
    if (hk_list_revision(l->list) > d->revision)
        d->revision = hk_list_revision(l->list);
    return HK_OK;
}

static hk_status make_matcher(deck *d, const settings *s, hk_error *err)
{
    const hk_list **lists = calloc(d->count + 1, sizeof *lists);
    if (!lists)
        return no_memory(err);
    for (size_t l = 0; l < d->count; l++)
        lists[l] = d->lists[l].list;
    const hk_status status = hk_matcher_new(&d->matcher, lists, d->count, &s->match, err);
    free(lists);
    return status;
}

static hk_status load_once(deck **out, const settings *s, hk_error *err)
{
    hk_store *store = NULL;
    names n = {0};
    deck *d = calloc(1, sizeof *d);
    hk_status status = d ? hk_store_open(&store, s->db, HK_STORE_READ, err) : no_memory(err);
    if (!status)
        status = wanted(&n, store, s, err);
    if (!status) {
        d->holders = 1;
        d->lists = calloc(n.count + 1, sizeof *d->lists);
        status = d->lists ? HK_OK : no_memory(err);
    }
    for (size_t i = 0; !status && i < n.count; i++)
        status = add_list(d, store, n.name[i], err);
    if (!status)
        status = make_matcher(d, s, err);
    names_clear(&n);
    hk_store_close(store);
    if (status && d)
        deck_free(d);
    else if (!status)
        *out = d;
    return status;
}

hk_status deck_load(deck **out, const settings *s, hk_error *err)
{
    deck *d = NULL;
    bool old = true;
    hk_status status = HK_OK;
    /* One revision names the state of all lists: none may change while the others are opened. */
    for (int t = 0; !status && old && t < TRIES; t++) {
        deck_release(d);
        d = NULL;
        status = load_once(&d, s, err);
        if (!status)
            status = deck_is_old(&old, d, s, err);
    }
    if (status)
        deck_release(d);
    else
        *out = d;
    return status;
}

/* ---- looking for changes ------------------------------------------------------------------- */

typedef struct newest {
    uint64_t number;
    char mark[17];
} newest;

static bool first_revision(void *context, const hk_revision *revision)
{
    newest *n = context;
    n->number = revision->number;
    memcpy(n->mark, revision->mark, sizeof n->mark);
    return false;
}

/* A store that was restored from a copy has other revisions under the same numbers. */
static bool is_same(const hk_list *list, const newest *n)
{
    return hk_list_revision(list) == n->number &&
           !strncmp(hk_list_digest(list), n->mark, sizeof n->mark - 1);
}

hk_status deck_is_old(bool *out, const deck *d, const settings *s, hk_error *err)
{
    hk_store *store;
    names n = {0};
    hk_status status = hk_store_open(&store, s->db, HK_STORE_READ, err);
    if (status)
        return status;
    status = wanted(&n, store, s, err);
    bool old = !status && n.count != d->count;
    for (size_t i = 0; !status && !old && i < n.count; i++) {
        newest of_list = {0};
        old = strcmp(n.name[i], d->lists[i].name) != 0;
        if (!old)
            status = hk_store_log(store, n.name[i], first_revision, &of_list, err);
        if (!status && !old)
            old = !is_same(d->lists[i].list, &of_list);
    }
    if (!status)
        *out = old;
    names_clear(&n);
    hk_store_close(store);
    return status;
}
