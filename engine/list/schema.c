/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schema.c - the tables of a store, version 2 (store.h says what they mean). */
#include "list/store.h"

#define FRAMES                                                                                     \
    "CREATE TABLE frames("                                                                         \
    " entry INTEGER PRIMARY KEY, count INTEGER NOT NULL, hashes BLOB NOT NULL);"                   \
    "CREATE INDEX frames_count ON frames(count);"

const char hk__store_schema_2[] = FRAMES;

const char hk__store_schema[] =
    "CREATE TABLE list("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE,"
    " owner TEXT, purpose TEXT, categories TEXT,"
    " known_good INTEGER NOT NULL, two_person INTEGER NOT NULL);"

    "CREATE TABLE revision("
    " id INTEGER PRIMARY KEY,"
    " list INTEGER NOT NULL, kind INTEGER NOT NULL," /* hk_revision_kind */
    " actor TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT,"
    " batch INTEGER," /* that an import proposed */
    " target INTEGER,"
    " source TEXT," /* of an import: the names of its files */
    " added INTEGER NOT NULL, replaced INTEGER NOT NULL, withdrawn INTEGER NOT NULL,"
    " quarantined INTEGER NOT NULL,"
    " chain BLOB NOT NULL);"
    "CREATE INDEX revision_list ON revision(list, id);"

    "CREATE TABLE batch("
    " id INTEGER PRIMARY KEY,"
    " list INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"     /* absent, proposed or active */
    " revision INTEGER,"           /* that proposed it; null: not finished */
    " entries INTEGER NOT NULL,"   /* how many it has */
    " sum INTEGER NOT NULL,"       /* of hk__entry_sum, modulo 2^64 */
    " screened INTEGER NOT NULL);" /* entries below this number are screened; at the end max + 1 */
    "CREATE INDEX batch_list ON batch(list);"

    /* Entry numbers first .. first + count - 1; some of them may not be there. */
    "CREATE TABLE span("
    " batch INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,"
    " PRIMARY KEY(batch, first)) WITHOUT ROWID;"

    "CREATE TABLE entry("
    " id INTEGER PRIMARY KEY," /* 1 .. 2^32 - 2: its number in snapshots */
    " batch INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"   /* its own: 0 or an hk_entry_state */
    " suspect INTEGER NOT NULL," /* HK_SUSPECT_* */
    " ext TEXT,"
    " pdq BLOB, quality INTEGER, exact BLOB," /* hashes: 32 bytes, bit 255 first as in their text */
    " md5 BLOB, sha1 BLOB, sha256 BLOB, photodna BLOB,"
    " category TEXT, tags TEXT, source TEXT, extra TEXT, date INTEGER,"
    " name TEXT);" FRAMES "CREATE INDEX entry_state ON entry(batch, state) WHERE state <> 0;"
    "CREATE INDEX entry_suspect ON entry(batch, state) WHERE suspect <> 0;"
    "CREATE INDEX entry_by_digest ON entry(batch) WHERE " HK__ENTRY_BY_DIGEST ";"
    "CREATE INDEX entry_by_nothing ON entry(batch, state) WHERE " HK__ENTRY_BY_NOTHING ";"

    "CREATE TABLE entry_key("
    " list INTEGER NOT NULL, key INTEGER NOT NULL, entry INTEGER NOT NULL,"
    " PRIMARY KEY(list, key, entry)) WITHOUT ROWID;"

    /* When the batch's entry `next` becomes active, `entry` is replaced; next 0: when the batch is
     * approved, `entry` is withdrawn. */
    "CREATE TABLE step("
    " batch INTEGER NOT NULL, entry INTEGER NOT NULL, next INTEGER NOT NULL,"
    " PRIMARY KEY(batch, entry, next)) WITHOUT ROWID;"
    "CREATE INDEX step_next ON step(next) WHERE next <> 0;"

    "CREATE TABLE entry_change("
    " revision INTEGER NOT NULL, entry INTEGER NOT NULL, was INTEGER NOT NULL,"
    " now INTEGER NOT NULL,"
    " PRIMARY KEY(revision, entry)) WITHOUT ROWID;"
    "CREATE INDEX entry_change_entry ON entry_change(entry, revision);"

    "CREATE TABLE batch_change("
    " revision INTEGER NOT NULL, batch INTEGER NOT NULL, was INTEGER NOT NULL,"
    " now INTEGER NOT NULL,"
    " PRIMARY KEY(revision, batch)) WITHOUT ROWID;"

    "CREATE TABLE suspicion("
    " entry INTEGER NOT NULL, reason INTEGER NOT NULL, words TEXT NOT NULL,"
    " PRIMARY KEY(entry, reason)) WITHOUT ROWID;";
