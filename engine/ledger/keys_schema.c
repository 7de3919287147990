/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys_schema.c - the tables of DB.keys, version 2 (books.h says what they mean). */
#include "ledger/books.h"

const char hk__keys_schema[] =
    "CREATE TABLE client("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " scopes INTEGER NOT NULL,"
    " rate INTEGER NOT NULL, burst INTEGER NOT NULL," /* items; 0: no bound, and by the rate */
    " quota INTEGER NOT NULL, near INTEGER NOT NULL," /* a day; 0: no bound */
    " certificate BLOB,"                              /* SHA-256; null: any */
    " created INTEGER NOT NULL, revoked INTEGER);"

    "CREATE TABLE key("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " client INTEGER NOT NULL,"
    " hash BLOB NOT NULL UNIQUE,"
    " created INTEGER NOT NULL, expires INTEGER, revoked INTEGER);"
    "CREATE INDEX key_client ON key(client);"

    "CREATE TABLE usage("
    " client INTEGER PRIMARY KEY,"
    " day INTEGER NOT NULL," /* since 1970 UTC */
    " items INTEGER NOT NULL, near INTEGER NOT NULL);"

    "CREATE TABLE match_id("
    " id BLOB NOT NULL PRIMARY KEY,"
    " client INTEGER NOT NULL, list TEXT NOT NULL, entry TEXT NOT NULL,"
    " basis INTEGER NOT NULL, distance INTEGER NOT NULL," /* hk_basis; bits */
    " at INTEGER NOT NULL,"
    " number INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;" /* the entry's; 0: not known */
    "CREATE INDEX match_id_at ON match_id(at);"

    "CREATE TABLE feedback("
    " match BLOB NOT NULL PRIMARY KEY,"
    " client INTEGER NOT NULL, list TEXT NOT NULL, entry TEXT NOT NULL,"
    " agree INTEGER NOT NULL, reason TEXT, at INTEGER NOT NULL,"
    " number INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"

    "CREATE TABLE confirmation("
    " list TEXT NOT NULL, entry TEXT NOT NULL, number INTEGER NOT NULL, who TEXT NOT NULL,"
    " at INTEGER NOT NULL,"
    " PRIMARY KEY(list, entry, number, who)) WITHOUT ROWID;"

    "CREATE TABLE brake("
    " id INTEGER PRIMARY KEY,"
    " list TEXT NOT NULL, entry TEXT NOT NULL,"
    " client INTEGER NOT NULL," /* 0: for all */
    " since INTEGER NOT NULL,"
    " hits INTEGER NOT NULL, clients INTEGER NOT NULL,"
    " suppressed INTEGER NOT NULL,"
    " released INTEGER, spared INTEGER," /* when, and until when it is not braked again */
    " actor TEXT, reason TEXT, number INTEGER NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX brake_in_force ON brake(list, entry, number, client)"
    " WHERE released IS NULL;"

    "CREATE TABLE notice("
    " id INTEGER PRIMARY KEY,"
    " at INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " list TEXT, entry TEXT, client INTEGER,"
    " words TEXT NOT NULL,"
    " done INTEGER, actor TEXT, number INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX notice_open ON notice(id) WHERE done IS NULL;"

    "CREATE TABLE event("
    " id INTEGER PRIMARY KEY,"
    " body TEXT NOT NULL,"
    " record INTEGER);" /* of the audit log; null: not there yet */
    "CREATE INDEX event_open ON event(id) WHERE record IS NULL;"

    "CREATE TABLE mark("
    " id INTEGER PRIMARY KEY CHECK(id = 1),"
    " applied INTEGER NOT NULL,"
    " number INTEGER NOT NULL, chain BLOB NOT NULL, at INTEGER NOT NULL," /* the anchor */
    " file INTEGER NOT NULL, bytes INTEGER NOT NULL);"
    "INSERT INTO mark VALUES(1, 0, 0, zeroblob(32), 0, 0, 0);";

const char hk__keys_upgrade[] =
    "ALTER TABLE match_id ADD COLUMN number INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE feedback ADD COLUMN number INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE brake ADD COLUMN number INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE notice ADD COLUMN number INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX brake_in_force;"
    "CREATE UNIQUE INDEX brake_in_force ON brake(list, entry, number, client)"
    " WHERE released IS NULL;"
    "ALTER TABLE confirmation RENAME TO confirmation_1;"
    "CREATE TABLE confirmation("
    " list TEXT NOT NULL, entry TEXT NOT NULL, number INTEGER NOT NULL, who TEXT NOT NULL,"
    " at INTEGER NOT NULL,"
    " PRIMARY KEY(list, entry, number, who)) WITHOUT ROWID;"
    "INSERT INTO confirmation SELECT list, entry, 0, who, at FROM confirmation_1;"
    "DROP TABLE confirmation_1;"
    "PRAGMA user_version = 2";
