/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store.h - the store's file, as its parts see it (SQLite, WAL mode).
 *
 * What an entry says never changes once it is stored; only its state does, and every change of
 * state is kept with the revision that made it. So the store holds the present state, and any older
 * one follows by undoing the changes made since, backwards. Entries come in batches, one for each
 * import, and a whole batch changes state in one row: approving ten million entries, or rolling
 * that back, writes as much as approving one.
 *
 *      list      one row each
 *      revision  one row each: whose, what kind, who, when, why, and the chain (below)
 *      batch     the entries of one import       span      which entry numbers are the batch's
 *      entry     what it says, and its own state (below)
 *      frames    the hashes of an entry's frames, of those that have any (as in hk_entry.cuts)
 *      entry_key (list, key of hk__entry_key) -> entry, to find an entry that is there already
 *      step      what a batch does to entries that are there: replaced by another, or withdrawn
 *      entry_change, batch_change   the changes of state of each revision
 *      suspicion in words, one row for each HK_SUSPECT_* of an entry that has words
 *
 * The state an entry has follows from its batch's and its own (hk__state_of):
 *
 *      own state \ batch      absent    proposed                             active
 *      0 (none of its own)    absent    proposed; quarantined if suspicious  active
 *      active (cleared)       absent    proposed                             active
 *      quarantined            -         -                                    quarantined
 *      withdrawn              absent    withdrawn                            withdrawn
 *      replaced               absent    -                                    replaced
 *
 * A batch that is being loaded is absent and belongs to no revision: who was stopped leaves a batch
 * that no revision names, which the next import into its list clears away. PATH-lock holds one byte
 * for each list, locked (F_OFD_SETLK) by who imports into it, approves, or rolls back.
 *
 * The chain of a revision is SHA-256 over the chain before it and all that the revision did
 * (revise.c); hk_store_verify follows it. It shows damage and edits by hand, not the work of a
 * forger who can write the file: he can write a new chain.
 */
#ifndef HK_LIST_STORE_H
#define HK_LIST_STORE_H

#include "list/sql.h"

#include <stddef.h>

#define HK__STORE_APPLICATION 0x48726b6e /* "Hrkn" in the file's header */
#define HK__STORE_VERSION 2

/* The tables, as SQL; and those that version 1 did not have. */
extern const char hk__store_schema[], hk__store_schema_2[];

/* Of a row of `entry` in an active batch: it waits in quarantine for its hash alone, and is
 * searched for by its digests; it holds nothing to be searched for by. Indexes count both, which
 * know them by these very words: 3 is HK_ENTRY_QUARANTINED, 51 is HK_SUSPECT_OF_HASH. */
#define HK__ENTRY_BY_DIGEST                                                                        \
    "state = 3 AND suspect & ~51 = 0 AND coalesce(md5, sha1, sha256) IS NOT NULL"
#define HK__ENTRY_BY_NOTHING "coalesce(pdq, exact, md5, sha1, sha256) IS NULL"

struct hk_store {
    sqlite3 *db;
    char *path; /* the file's own, links followed; owned */
    bool writable;
    int lock_fd; /* PATH-lock; -1: not open yet */
    void (*on_wait)(void *context, const char *what);
    void *wait_context;
    char *text[4]; /* of what hk_store_info gave out last; owned */
};

/* A list's row. */
typedef struct hk__list_row {
    int64_t id;
    bool known_good, two_person;
    int64_t revision; /* its newest */
} hk__list_row;

/* HK_ERR_USAGE where there is no such list, naming those there are. */
hk_status hk__store_find(hk__list_row *out, hk_store *store, const char *list,
                         hk_error *err) HK_MUST_CHECK;

/* Takes the list's turn for imports, approve and rollback; waits for who has it. */
hk_status hk__store_lock(hk_store *store, int64_t list, hk_error *err) HK_MUST_CHECK;
void hk__store_unlock(hk_store *store, int64_t list);

/* The list's entries by state, as of now. Within a transaction of the caller. */
hk_status hk__store_count(uint64_t out[HK_ENTRY_STATES], hk_store *store, int64_t list,
                          hk_error *err) HK_MUST_CHECK;

/* The table above. own: entry.state; batch: batch.state; both hk_entry_state. */
hk_entry_state hk__state_of(hk_entry_state batch, hk_entry_state own, unsigned suspicions);

/* Columns of an entry in the order in which hk__entry_from_row reads them, to stand in a SELECT
 * from `entry e`: its number, batch, own state and suspicions first, then what it says. */
#define HK__ENTRY_COLUMNS                                                                          \
    "e.id, e.batch, e.state, e.suspect, e.ext, e.pdq, e.quality, e.exact, e.md5, e.sha1, "         \
    "e.sha256, e.photodna, e.category, e.tags, e.source, e.extra, e.date, e.name, "                \
    "(SELECT hashes FROM frames WHERE frames.entry = e.id)"
#define HK__ENTRY_WIDTH 19 /* how many columns that are: others may follow */
/* The same, of what an entry says only its hashes and digests. */
#define HK__ENTRY_VALUES                                                                           \
    "e.id, e.batch, e.state, e.suspect, NULL, e.pdq, NULL, e.exact, e.md5, e.sha1, e.sha256,"      \
    " NULL, NULL, NULL, NULL, NULL, NULL, NULL,"                                                   \
    " (SELECT hashes FROM frames WHERE frames.entry = e.id)"
typedef struct hk__entry_row {
    uint32_t number;
    int64_t batch;
    hk_entry_state own;
    unsigned suspicions;
    hk_entry entry;
    uint8_t bound[2][32]; /* its hashes while they are bound */
} hk__entry_row;
/* Reads a row, whose strings are borrowed until the statement's next step. HK_ERR_FORMAT: a value
 * no entry can have; the store is damaged. */
hk_status hk__entry_from_row(hk__entry_row *out, sqlite3_stmt *row, hk_error *err) HK_MUST_CHECK;
/* INSERT INTO entry with a parameter for each column of HK__ENTRY_COLUMNS, but the frames. */
extern const char hk__entry_insert[];
/* Binds all columns; the row is borrowed until the statement has run. */
void hk__entry_bind(sqlite3_stmt *insert, hk__entry_row *row);
/* The same of an entry's frames, which is for those that have some. */
extern const char hk__frames_insert[];
void hk__frames_bind(sqlite3_stmt *insert, const hk__entry_row *row);

/* ---- revisions (revise.c): each within a write transaction of the caller ---- */

typedef struct hk__revising {
    hk_store *store;
    int64_t list, number;
    hk_revision_kind kind;
    const hk_act *act;
    int64_t target, batch; /* 0: none */
    const char *source;    /* NULL: none */
    uint64_t added, replaced, withdrawn, quarantined;
    int64_t at;
    sqlite3_stmt *entry_change, *set_entry;
    uint8_t chain[32]; /* once it has ended */
} hk__revising;

/* Begins the next revision of a list. HK_ERR_USAGE: an act without an actor. */
hk_status hk__revise_begin(hk__revising *out, hk_store *store, int64_t list, hk_revision_kind kind,
                           const hk_act *act, hk_error *err) HK_MUST_CHECK;
/* Changes an entry's own state, or a batch's, and keeps what it was. */
hk_status hk__revise_entry(hk__revising *revising, uint32_t entry, hk_entry_state was,
                           hk_entry_state now, hk_error *err) HK_MUST_CHECK;
hk_status hk__revise_batch(hk__revising *revising, int64_t batch, hk_entry_state was,
                           hk_entry_state now, hk_error *err) HK_MUST_CHECK;
/* Writes the revision's row and its chain. */
hk_status hk__revise_end(hk__revising *revising, hk_error *err) HK_MUST_CHECK;
/* Frees the statements, whether it came to its end or not. */
void hk__revise_clear(hk__revising *revising);

/* A chain's first 8 bytes in hex: the mark of hk_revision. */
void hk__chain_mark(char out[17], const uint8_t chain[32]);

/* The chain that revision `number` should have, from the rows of the store and the chain before. */
hk_status hk__revision_chain(uint8_t out[32], hk_store *store, int64_t number,
                             const uint8_t before[32], hk_error *err) HK_MUST_CHECK;

/* The revision in which a person withdrew an entry that is withdrawn, also where rollbacks went
 * away from there and back (history.c); 0: nobody, its feed took it back. */
hk_status hk__withdrawn_by(int64_t *revision, hk_store *store, uint32_t entry,
                           hk_error *err) HK_MUST_CHECK;

/* ---- older states (past.c) ---- */

/* How a list stood at a revision: what to undo of the present state. */
typedef struct hk__past hk__past;

/* Within a read transaction of the caller. revision 0: now. HK_ERR_USAGE: the list has no such
 * revision (of the store's numbers between two of the list's, the earlier one is meant). */
hk_status hk__past_new(hk__past **out, hk_store *store, int64_t list, uint64_t revision,
                       hk_error *err) HK_MUST_CHECK;
void hk__past_free(hk__past *past); /* takes NULL */
/* A batch's state then; HK_ENTRY_ABSENT for one that is not the list's. */
hk_entry_state hk__past_batch(const hk__past *past, int64_t batch);
/* An entry's own state then, given its own state now. */
hk_entry_state hk__past_own(const hk__past *past, uint32_t entry, hk_entry_state now);
/* Both together: the state the entry had. */
hk_entry_state hk__past_state(const hk__past *past, const hk__entry_row *row);
/* The entries whose own state was changed since, ascending; borrowed. */
const uint32_t *hk__past_entries(size_t *count, const hk__past *past);

#endif
