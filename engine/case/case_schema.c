/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case_schema.c - the tables of a case, version 1 (case.h says what they mean). */
#include "case/case.h"

const char hk__case_schema[] =
    "CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"

    "CREATE TABLE input("
    " id INTEGER PRIMARY KEY,"                       /* from 0, in the order of the command line */
    " given BLOB NOT NULL, absolute BLOB NOT NULL);" /* paths: bytes */

    "CREATE TABLE list("
    " id INTEGER PRIMARY KEY," /* from 0 */
    " name TEXT NOT NULL,"
    " source BLOB NOT NULL," /* absolute path of the store, or of the file */
    " known_good INTEGER NOT NULL,"
    " revision INTEGER NOT NULL," /* of a store; 0: a file */
    " digest TEXT NOT NULL,"      /* hex: the revision's chain, or the file's SHA-256 */
    " entries INTEGER NOT NULL);"

    "CREATE TABLE session("
    " id INTEGER PRIMARY KEY,"
    " started INTEGER NOT NULL, ended INTEGER," /* null: interrupted, or under way */
    " workers INTEGER NOT NULL,"
    " done INTEGER NOT NULL," /* files, in this session, as of the last tick or the end */
    " machine TEXT NOT NULL, versions TEXT NOT NULL);"
    "CREATE TABLE tick("
    " session INTEGER NOT NULL, at INTEGER NOT NULL, done INTEGER NOT NULL,"
    " failed INTEGER NOT NULL,"
    " PRIMARY KEY(session, at)) WITHOUT ROWID;"

    "CREATE TABLE file("
    " id INTEGER PRIMARY KEY,"
    " input INTEGER NOT NULL,"
    " archive INTEGER, member INTEGER," /* of a member: its archive's file, its number */
    " path BLOB NOT NULL,"
    /* hk_file_status; null: to be done, or its content has it. Beside a content: of an archive */
    " status INTEGER,"
    " reason TEXT,"
    " content INTEGER);"
    "CREATE INDEX file_member ON file(archive, member) WHERE archive IS NOT NULL;"
    "CREATE INDEX file_content ON file(content) WHERE content IS NOT NULL;"

    "CREATE TABLE content("
    " id INTEGER PRIMARY KEY,"
    " sha256 BLOB NOT NULL UNIQUE, md5 BLOB, sha1 BLOB,"
    " bytes INTEGER NOT NULL,"
    " status INTEGER NOT NULL, reason TEXT,"
    " format TEXT, width INTEGER NOT NULL, height INTEGER NOT NULL, exif INTEGER NOT NULL,"
    " flags INTEGER NOT NULL,"
    " hashes BLOB," /* null: none; 8 x 32 bytes by hk_orientation, bit 255 first */
    " quality INTEGER, kind INTEGER,"
    " verdict INTEGER NOT NULL, verdict_reason TEXT,"
    " known_good INTEGER NOT NULL, conflict INTEGER NOT NULL, cut INTEGER NOT NULL,"
    " false_matches REAL NOT NULL);"

    "CREATE TABLE match("
    " content INTEGER NOT NULL, rank INTEGER NOT NULL," /* from 0, as hk_file has them */
    " list INTEGER NOT NULL, entry BLOB NOT NULL, category BLOB,"
    " basis INTEGER NOT NULL,"
    " probe TEXT, distance INTEGER, orientation INTEGER, inverted INTEGER," /* of a hash */
    " chance REAL, extrapolated INTEGER,"
    " view INTEGER, frame INTEGER, backdrop INTEGER," /* by which it was found; hk_match */
    /* hk_placement; null: not aligned */
    " place_left REAL, place_top REAL, place_right REAL, place_bottom REAL, place_angle REAL,"
    " before INTEGER,"      /* likewise: the probe's distance */
    " entry_frame INTEGER," /* hk_match.cut; null: the whole picture */
    " PRIMARY KEY(content, rank)) WITHOUT ROWID;"

    "CREATE TABLE inode("
    " device INTEGER NOT NULL, inode INTEGER NOT NULL, content INTEGER NOT NULL,"
    " PRIMARY KEY(device, inode)) WITHOUT ROWID;"

    "CREATE TABLE grouping("
    " content INTEGER PRIMARY KEY,"
    " number INTEGER NOT NULL," /* of the group, from 1 */
    " leader INTEGER NOT NULL," /* content */
    " distance INTEGER NOT NULL, orientation INTEGER NOT NULL, inverted INTEGER NOT NULL);"
    "CREATE INDEX grouping_number ON grouping(number);"

    "CREATE TABLE decision("
    " id INTEGER PRIMARY KEY,"
    " content INTEGER NOT NULL,"
    " category TEXT NOT NULL," /* empty: taken back */
    " actor TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT,"
    " carried TEXT);" /* from which case; null: made in this one */
    "CREATE INDEX decision_content ON decision(content);";
