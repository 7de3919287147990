/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ledger_unit.h - ledgers for tests: a folder of their own, accounts, and what they ask. */
#ifndef LEDGER_UNIT_H
#define LEDGER_UNIT_H

#include "unit.h"

#include "ledger/audit_anchor.h"
#include "ledger/audit_tail.h"
#include "ledger/ledger.h"

#include "core/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static hk_error unit_error;
static const hk_act unit_act = {.actor = "ann", .reason = "a \"test\""};

#define unit_ok(call)                                                                              \
    do {                                                                                           \
        unit_error.message[0] = '\0';                                                              \
        const hk_status unit_status_ = (call);                                                     \
        if (unit_status_)                                                                          \
            print_error("%s\n", unit_error.message);                                               \
        assert_int_equal(unit_status_, HK_OK);                                                     \
    } while (0)

typedef struct unit_ledger {
    char folder[64], db[96], audit[112], keys[112];
} unit_ledger;

static inline void unit_ledger_make(unit_ledger *u)
{
    strcpy(u->folder, "/tmp/herken-ledger-XXXXXX");
    assert_non_null(mkdtemp(u->folder));
    snprintf(u->db, sizeof u->db, "%s/store.db", u->folder);
    snprintf(u->audit, sizeof u->audit, "%s.audit", u->db);
    snprintf(u->keys, sizeof u->keys, "%s.keys", u->db);
}

static inline void unit_ledger_remove(const unit_ledger *u)
{
    char path[400];
    DIR *folder = opendir(u->folder);
    for (struct dirent *file; folder && (file = readdir(folder));) {
        snprintf(path, sizeof path, "%s/%s", u->folder, file->d_name);
        (void)unlink(path);
    }
    if (folder)
        closedir(folder);
    (void)rmdir(u->folder);
}

/* A whole file; owned (free). */
static inline char *unit_read(size_t *size, const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

static inline void unit_write(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Problems that verify finds; -1: it is an error. */
static char unit_problem[HK_ERROR_MESSAGE_SIZE]; /* the first */
static inline void unit_note_problem(void *context, const char *message)
{
    (void)context;
    if (!*unit_problem)
        snprintf(unit_problem, sizeof unit_problem, "%s", message);
}

static inline int unit_verify(hk_audit_result *result, const unit_ledger *u,
                              const hk_audit_check *check)
{
    hk_audit_result own;
    size_t problems = 0;
    unit_problem[0] = '\0';
    if (hk_audit_verify(result ? result : &own, &problems, u->db, check, unit_note_problem, NULL,
                        &unit_error))
        return -1;
    return (int)problems;
}

static inline void unit_clean(const unit_ledger *u)
{
    const int problems = unit_verify(NULL, u, NULL);
    if (problems)
        print_error("%s\n", problems < 0 ? unit_error.message : unit_problem);
    assert_int_equal(problems, 0);
}

/* An account and its key. */
typedef struct unit_key {
    char text[HK_KEY_TEXT_SIZE];
    uint64_t number;
} unit_key;

static inline unit_key unit_make_key(const unit_ledger *u, const hk_client_settings *settings)
{
    hk_keys *keys;
    unit_key key;
    unit_ok(hk_keys_open(&keys, u->db, true, &unit_error));
    unit_ok(hk_key_create(key.text, &key.number, keys, settings, &unit_act, &unit_error));
    hk_keys_close(keys);
    return key;
}

static inline hk_client_settings unit_settings(const char *name)
{
    hk_client_settings settings = HK_CLIENT_SETTINGS_INIT;
    settings.name = name;
    settings.rate = settings.quota = settings.near_budget = 0;
    settings.scopes = HK_SCOPE_CHECK | HK_SCOPE_FEEDBACK;
    return settings;
}

static inline hk_admission unit_admit(hk_caller *caller, hk_ledger *ledger, const unit_key *key,
                                      uint64_t items)
{
    return hk_ledger_admit(caller, ledger, key->text, strlen(key->text), NULL, HK_SCOPE_CHECK,
                           items);
}

/* One item with one near match, which the caller keeps. */
static inline hk_asked unit_near(hk_match *match, const hk_hash *hash, const char *entry,
                                 unsigned distance)
{
    *match =
        (hk_match){.list = "police", .entry = entry, .basis = HK_BASIS_PDQ, .distance = distance};
    return (hk_asked){.hashes = hash,
                      .hash_count = hash ? 1 : 0,
                      .matches = match,
                      .match_count = 1,
                      .verdict = HK_VERDICT_NEAR,
                      .otherwise = HK_VERDICT_NONE};
}

static inline hk_ledger *unit_open(const unit_ledger *u, const hk_ledger_options *options)
{
    hk_ledger *ledger;
    unit_ok(hk_ledger_open(&ledger, u->db, options, &unit_error));
    return ledger;
}

static inline unit_key unit_key_for(const unit_ledger *u, const char *name, unsigned scopes)
{
    hk_client_settings settings = unit_settings(name);
    settings.scopes |= scopes;
    return unit_make_key(u, &settings);
}

/* The records of a kind, as JSON. */
typedef struct unit_records {
    const char *kind;
    unsigned count;
    json_t *last; /* owned */
} unit_records;

static inline bool unit_see_record(void *context, uint64_t number, const char *record,
                                   size_t length)
{
    unit_records *s = context;
    json_error_t where;
    json_t *object = json_loadb(record, length, JSON_REJECT_DUPLICATES, &where);
    if (!object)
        print_error("%s: %.*s\n", where.text, (int)length, record);
    assert_non_null(object);
    assert_int_equal(json_integer_value(json_object_get(object, "n")), number);
    if (!strcmp(json_string_value(json_object_get(object, "kind")), s->kind)) {
        s->count++;
        json_decref(s->last);
        s->last = json_incref(object);
    }
    json_decref(object);
    return true;
}

static inline unit_records unit_records_of(const unit_ledger *u, const char *kind)
{
    unit_records s = {kind, 0, NULL};
    unit_ok(hk_audit_read(u->db, 1, unit_see_record, &s, &unit_error));
    return s;
}

static inline unsigned unit_count_records(const unit_ledger *u, const char *kind)
{
    unit_records s = unit_records_of(u, kind);
    json_decref(s.last);
    return s.count;
}

static inline int64_t unit_number_in(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

typedef struct unit_told {
    unsigned count;
    hk_brake brake;
    hk_notice_kind kind;
    char words[300];
} unit_told;

static inline void unit_see_brake(void *context, const hk_brake *brake)
{
    unit_told *t = context;
    t->count++;
    t->brake = *brake;
}

static inline void unit_see_notice(void *context, const hk_notice *notice)
{
    unit_told *t = context;
    t->count++;
    t->kind = notice->kind;
    snprintf(t->words, sizeof t->words, "%s", notice->words);
}

#endif
