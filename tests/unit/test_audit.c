/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_audit.c - the audit log: what is appended is there, in order, and whatever is changed later
 * is found.
 */
#include "ledger_unit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const hk__audit_options plain = {.sync_each = false, .file_bytes = UINT64_C(1) << 30};

static hk__audit *open_log(const unit_ledger *u, const hk__head *anchor,
                           const hk__audit_options *options)
{
    hk__audit *audit;
    const hk__head none = {0};
    unit_ok(hk__audit_open(&audit, u->db, anchor ? anchor : &none, options ? options : &plain,
                           &unit_error));
    return audit;
}

static void append(hk__audit *audit, unsigned first, unsigned count)
{
    char body[80];
    for (unsigned i = first; i < first + count; i++) {
        const int length = snprintf(body, sizeof body, "\"kind\":\"test\",\"i\":%u", i);
        unit_ok(hk__audit_append(NULL, audit, body, (size_t)length, &unit_error));
    }
}

/* Notes the head as a running server does. */
static hk__head note_head(const unit_ledger *u, hk__audit *audit)
{
    hk__head head;
    hk_keys *keys;
    unit_ok(hk__audit_sync(&head, audit, &unit_error));
    unit_ok(hk_keys_open(&keys, u->db, true, &unit_error));
    unit_ok(hk__mark_write(keys, &head, head.number, &unit_error));
    hk_keys_close(keys);
    return head;
}

/* A log of `count` records whose head is noted. */
static hk__head make_log(unit_ledger *u, unsigned count, const hk__audit_options *options)
{
    unit_ledger_make(u);
    hk__audit *audit = open_log(u, NULL, options);
    append(audit, 0, count);
    const hk__head head = note_head(u, audit);
    hk__audit_close(audit);
    return head;
}

static void test_appended(void **state)
{
    unit_ledger u;
    struct stat facts;
    hk_audit_result result;
    (void)state;
    const hk__head head = make_log(&u, 100, NULL);
    assert_int_equal(head.number, 101); /* and the record that begins the log */
    assert_int_equal(unit_verify(&result, &u, NULL), 0);
    assert_int_equal(result.records, 101);
    assert_true(result.anchored);
    assert_int_equal(result.files, 1);
    assert_int_equal(stat(u.audit, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(facts.st_size, head.bytes);
    hk_audit_head shown;
    unit_ok(hk_audit_get_head(&shown, u.db, &unit_error));
    assert_int_equal(shown.number, 101);
    assert_string_equal(shown.chain, result.head.chain);
    unit_ledger_remove(&u);
}

/* The chain is what the header says, made here by other means. */
static void test_chain_by_hand(void **state)
{
    unit_ledger u;
    size_t size;
    uint8_t block[4096] = {0}, chain[32] = {0};
    char hex[65];
    (void)state;
    make_log(&u, 5, NULL);
    char *text = unit_read(&size, u.audit);
    unsigned records = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), records++) {
        char *tail = strstr(line, ",\"chain\":\"");
        assert_non_null(tail);
        memcpy(block, chain, 32);
        memcpy(block + 32, line, (size_t)(tail - line));
        assert_true(hk__sha256(chain, block, 32 + (size_t)(tail - line)));
        hk__hex_text(hex, chain, 32);
        assert_memory_equal(tail + 10, hex, 64);
    }
    assert_int_equal(records, 6);
    free(text);
    unit_ledger_remove(&u);
}

static void test_goes_on(void **state)
{
    unit_ledger u;
    (void)state;
    hk__head head = make_log(&u, 3, NULL);
    for (int round = 0; round < 3; round++) {
        hk__audit *audit = open_log(&u, &head, NULL);
        append(audit, 0, 2);
        head = note_head(&u, audit);
        hk__audit_close(audit);
    }
    assert_int_equal(head.number, 10);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

static void test_one_writer(void **state)
{
    unit_ledger u;
    hk__audit *other = UNTOUCHED;
    const hk__head none = {0};
    (void)state;
    unit_ledger_make(&u);
    hk__audit *audit = open_log(&u, NULL, NULL);
    assert_int_equal(hk__audit_open(&other, u.db, &none, &plain, &unit_error), HK_ERR_SYSTEM);
    assert_non_null(strstr(unit_error.message, "another server"));
    assert_ptr_equal(other, UNTOUCHED);
    hk__audit_close(audit);
    hk__audit_close(open_log(&u, NULL, NULL));
    unit_ledger_remove(&u);
}

/* ---- tampering ------------------------------------------------------------------------------ */

/* The start of line `n`, from 0. */
static char *line_at(char *text, unsigned n)
{
    while (n--)
        text = strchr(text, '\n') + 1;
    return text;
}

static void assert_found(const unit_ledger *u, const char *words)
{
    assert_true(unit_verify(NULL, u, NULL) > 0);
    if (!strstr(unit_problem, words))
        print_error("%s\n", unit_problem);
    assert_non_null(strstr(unit_problem, words));
}

static void test_every_edit(void **state)
{
    unit_ledger u;
    size_t size;
    (void)state;
    make_log(&u, 4, NULL);
    char *text = unit_read(&size, u.audit);
    for (size_t i = 0; i < size; i++) { /* every byte, two ways */
        for (int how = 0; how < 2; how++) {
            const char was = text[i];
            text[i] = (char)(how ? was ^ 0x01 : was ^ 0x80);
            unit_write(u.audit, text, size);
            text[i] = was;
            assert_true(unit_verify(NULL, &u, NULL) > 0);
        }
    }
    unit_write(u.audit, text, size);
    unit_clean(&u);
    free(text);
    unit_ledger_remove(&u);
}

static void test_records_moved(void **state)
{
    unit_ledger u;
    size_t size;
    (void)state;
    make_log(&u, 8, NULL);
    char *text = unit_read(&size, u.audit), *copy = malloc(size + 1);
    char *a = line_at(text, 3), *b = line_at(text, 4), *c = line_at(text, 5);
    /* two records swapped */
    memcpy(copy, text, size);
    memcpy(copy + (a - text), b, (size_t)(c - b));
    memcpy(copy + (a - text) + (c - b), a, (size_t)(b - a));
    unit_write(u.audit, copy, size);
    assert_found(&u, "records are missing");
    /* one deleted */
    memcpy(copy, text, (size_t)(a - text));
    memcpy(copy + (a - text), b, size - (size_t)(b - text));
    unit_write(u.audit, copy, size - (size_t)(b - a));
    assert_found(&u, "record 5 follows, not 4: records are missing");
    /* one twice */
    FILE *file = fopen(u.audit, "wb");
    fwrite(text, 1, (size_t)(b - text), file);
    fwrite(a, 1, size - (size_t)(a - text), file);
    fclose(file);
    assert_found(&u, "twice");
    free(copy);
    free(text);
    unit_ledger_remove(&u);
}

static void test_tail_cut(void **state)
{
    unit_ledger u;
    size_t size;
    hk_audit_result result;
    (void)state;
    make_log(&u, 8, NULL);
    char *text = unit_read(&size, u.audit);
    for (size_t cut = 1; cut < size; cut += 7) {
        unit_write(u.audit, text, size - cut);
        assert_true(unit_verify(&result, &u, NULL) > 0);
    }
    /* at a record's end: nothing in the file shows it */
    unit_write(u.audit, text, (size_t)(line_at(text, 7) - text));
    assert_found(&u, "its tail was cut off");
    assert_int_equal(unit_verify(&result, &u, NULL), 1);
    assert_int_equal(result.torn_bytes, 0);
    unlink(u.audit);
    assert_found(&u, "is not there");
    free(text);
    unit_ledger_remove(&u);
}

/* The whole file by an older copy of it, and by another log with more records. */
static void test_replaced(void **state)
{
    unit_ledger u, other;
    size_t size;
    (void)state;
    hk__head head = make_log(&u, 4, NULL);
    char *old = unit_read(&size, u.audit);
    hk__audit *audit = open_log(&u, &head, NULL);
    append(audit, 4, 4);
    note_head(&u, audit);
    hk__audit_close(audit);
    unit_write(u.audit, old, size);
    assert_found(&u, "its tail was cut off");
    free(old);
    make_log(&other, 20, NULL);
    char *strange = unit_read(&size, other.audit);
    unit_write(u.audit, strange, size);
    assert_found(&u, "is not the one that DB.keys knows");
    free(strange);
    unit_ledger_remove(&other);
    unit_ledger_remove(&u);
}

/* Who goes on after a tail was cut off leaves a word of it that stays. */
static void test_lost_is_said(void **state)
{
    unit_ledger u;
    size_t size;
    (void)state;
    hk__head head = make_log(&u, 8, NULL);
    char *text = unit_read(&size, u.audit);
    unit_write(u.audit, text, (size_t)(line_at(text, 5) - text));
    free(text);
    hk_audit_head shown;
    assert_int_equal(hk_audit_get_head(&shown, u.db, &unit_error), HK_ERR_FORMAT);
    hk__audit *audit = open_log(&u, &head, NULL);
    append(audit, 0, 20);
    note_head(&u, audit);
    hk__audit_close(audit);
    assert_found(&u, "missing or changed");
    unit_ledger_remove(&u);
}

/* An edit before the anchor does not make a starting server throw records away. */
static void test_edit_keeps_the_rest(void **state)
{
    unit_ledger u;
    size_t size, after;
    (void)state;
    hk__head head = make_log(&u, 8, NULL);
    char *text = unit_read(&size, u.audit);
    char *shorter = malloc(size);
    char *at = strstr(line_at(text, 3), "\"i\":");
    memcpy(shorter, text, (size_t)(at - text)); /* one byte less: the anchor's place moves */
    memcpy(shorter + (at - text), at + 1, size - (size_t)(at - text) - 1);
    unit_write(u.audit, shorter, size - 1);
    hk__audit *audit = open_log(&u, &head, NULL);
    append(audit, 8, 1);
    note_head(&u, audit);
    hk__audit_close(audit);
    char *now = unit_read(&after, u.audit);
    assert_memory_equal(now, shorter, size - 1);
    assert_true(unit_verify(NULL, &u, NULL) > 0);
    free(now);
    free(shorter);
    free(text);
    unit_ledger_remove(&u);
}

static void test_second_anchor(void **state)
{
    unit_ledger u;
    size_t size;
    hk_audit_check check = HK_AUDIT_CHECK_INIT;
    char anchor[120], chain[HK_CHAIN_TEXT_SIZE];
    (void)state;
    hk__head head = make_log(&u, 8, NULL), back;
    snprintf(anchor, sizeof anchor, "%s/anchor", u.folder);
    check.anchor = anchor;
    unit_ok(hk__anchor_write(anchor, &head, &unit_error));
    unit_ok(hk__anchor_read(&back, anchor, &unit_error));
    assert_int_equal(back.number, head.number);
    assert_int_equal(back.at, head.at);
    assert_memory_equal(back.chain, head.chain, sizeof head.chain);
    assert_int_equal(unit_verify(NULL, &u, &check), 0);
    /* Who rewrites the log and DB.keys has not rewritten this one. */
    unlink(u.audit);
    hk__audit *audit = open_log(&u, NULL, NULL);
    append(audit, 0, 20);
    note_head(&u, audit);
    hk__audit_close(audit);
    unit_clean(&u);
    assert_int_equal(unit_verify(NULL, &u, &check), 1);
    assert_non_null(strstr(unit_problem, "the anchor's file"));
    /* Neither has he changed what somebody noted on paper. */
    hk__hex_text(chain, head.chain, sizeof head.chain);
    check = (hk_audit_check){.size = sizeof check, .number = head.number, .chain = chain};
    assert_int_equal(unit_verify(NULL, &u, &check), 1);
    assert_non_null(strstr(unit_problem, "the head given"));
    char *text = unit_read(&size, anchor); /* damage to it is an error */
    text[20] ^= 4;
    unit_write(anchor, text, 40);
    assert_int_equal(hk__anchor_read(&back, anchor, &unit_error), HK_ERR_FORMAT);
    free(text);
    unit_ledger_remove(&u);
}

/* ---- torn records, and files ----------------------------------------------------------------- */

static void test_torn(void **state)
{
    unit_ledger u;
    size_t size;
    hk_audit_result result;
    (void)state;
    hk__head head = make_log(&u, 5, NULL);
    hk__audit *audit = open_log(&u, &head, NULL); /* two more, that no anchor knows */
    append(audit, 5, 2);
    hk__audit_close(audit);
    char *text = unit_read(&size, u.audit);
    const size_t last = (size_t)(strrchr(text, '{') - text);
    for (size_t keep = last + 1; keep < size; keep += 13) {
        unit_write(u.audit, text, keep);
        assert_int_equal(unit_verify(&result, &u, NULL), 0);
        assert_int_equal(result.torn_bytes, keep - last);
        assert_int_equal(result.head.number, 7);
        audit = open_log(&u, &head, NULL);
        append(audit, 0, 1);
        hk__audit_close(audit);
        assert_int_equal(unit_verify(&result, &u, NULL), 0);
        assert_int_equal(result.torn_bytes, 0);
        assert_int_equal(result.head.number, 9); /* "torn", and the one appended */
    }
    /* A hole behind the anchor, as a power cut may leave it: what follows never was. */
    memset(text + (size_t)head.bytes + 10, 0, 30);
    unit_write(u.audit, text, size);
    audit = open_log(&u, &head, NULL);
    append(audit, 0, 1);
    hk__audit_close(audit);
    unit_clean(&u);
    free(text);
    unit_ledger_remove(&u);
}

static void test_rotation(void **state)
{
    const hk__audit_options small = {.file_bytes = 4096};
    unit_ledger u;
    size_t size;
    hk_audit_result result;
    hk_audit_check check = HK_AUDIT_CHECK_INIT;
    char path[140];
    (void)state;
    hk__head head = make_log(&u, 200, &small);
    assert_int_equal(unit_verify(&result, &u, NULL), 0);
    assert_true(result.files > 5);
    assert_int_equal(result.head.file, result.files);
    /* goes on in the file it was in, and after a crash between two files */
    hk__audit *audit = open_log(&u, &head, &small);
    append(audit, 200, 1);
    head = note_head(&u, audit);
    hk__audit_close(audit);
    snprintf(path, sizeof path, "%s.%u", u.audit, (unsigned)head.file);
    assert_int_equal(rename(u.audit, path), 0);
    audit = open_log(&u, &head, &small);
    append(audit, 201, 1);
    const unsigned before = (unsigned)head.file;
    head = note_head(&u, audit);
    assert_int_equal(head.file, before + 1);
    hk__audit_close(audit);
    unit_clean(&u);
    /* a file in the middle is missing, changed, or taken away on purpose */
    snprintf(path, sizeof path, "%s.2", u.audit);
    char *text = unit_read(&size, path);
    unlink(path);
    assert_found(&u, ".audit.2 is not there");
    text[200] ^= 1;
    unit_write(path, text, size);
    assert_true(unit_verify(NULL, &u, NULL) > 0);
    unlink(path);
    snprintf(path, sizeof path, "%s.1", u.audit);
    unlink(path);
    assert_true(unit_verify(NULL, &u, NULL) > 0);
    check.from_file = 3;
    assert_int_equal(unit_verify(&result, &u, &check), 0);
    assert_true(result.anchored);
    free(text);
    unit_ledger_remove(&u);
}

static bool count_record(void *context, uint64_t number, const char *record, size_t length)
{
    uint64_t *next = context;
    char start[40];
    assert_int_equal(number, *next);
    snprintf(start, sizeof start, "{\"n\":%llu,\"t\":\"", (unsigned long long)number);
    assert_memory_equal(record, start, strlen(start));
    assert_int_equal(record[length - 1], '}');
    return ++*next < 1000;
}

static void test_read(void **state)
{
    const hk__audit_options small = {.file_bytes = 4096};
    unit_ledger u;
    (void)state;
    const hk__head head = make_log(&u, 100, &small);
    for (uint64_t first = 1; first <= head.number + 1; first += 9) {
        uint64_t next = first;
        unit_ok(hk_audit_read(u.db, first, count_record, &next, &unit_error));
        assert_int_equal(next, head.number + 1 > first ? head.number + 1 : first);
    }
    unit_ledger_remove(&u);
}

/* ---- failing writes -------------------------------------------------------------------------- */

/* A full disk, by a limit on the file's size: the append fails, nothing half-written stays, and
 * once there is room it goes on. */
static void test_disk_full(void **state)
{
    unit_ledger u;
    hk_audit_result result;
    struct rlimit was, now;
    char body[300];
    uint64_t number = 77;
    (void)state;
    unit_ledger_make(&u);
    hk__audit *audit = open_log(&u, NULL, NULL);
    append(audit, 0, 3);
    memset(body, 'x', sizeof body);
    memcpy(body, "\"kind\":\"", 8);
    body[sizeof body - 1] = '"';
    hk__head head;
    hk__audit_head(&head, audit);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    now = was;
    now.rlim_cur = head.bytes + 100; /* part of a record fits */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
    const hk_status status = hk__audit_append(&number, audit, body, sizeof body, &unit_error);
    const hk_status ready = hk__audit_ready(audit, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(status, HK_ERR_SYSTEM);
    assert_int_equal(ready, HK_ERR_SYSTEM);
    assert_non_null(strstr(unit_error.message, "no answer"));
    assert_int_equal(number, 77);
    note_head(&u, audit);
    assert_int_equal(unit_verify(&result, &u, NULL), 0);
    assert_int_equal(result.torn_bytes, 0);
    assert_int_equal(result.head.number, 4);
    append(audit, 3, 1);
    unit_ok(hk__audit_ready(audit, &unit_error));
    note_head(&u, audit);
    hk__audit_close(audit);
    assert_int_equal(unit_verify(&result, &u, NULL), 0);
    assert_int_equal(result.head.number, 5);
    unit_ledger_remove(&u);
}

static void test_moved_away(void **state)
{
    unit_ledger u;
    hk__head head;
    char path[140];
    (void)state;
    unit_ledger_make(&u);
    hk__audit *audit = open_log(&u, NULL, NULL);
    append(audit, 0, 3);
    snprintf(path, sizeof path, "%s.elsewhere", u.audit);
    assert_int_equal(rename(u.audit, path), 0);
    assert_int_equal(hk__audit_sync(&head, audit, &unit_error), HK_ERR_SYSTEM);
    assert_non_null(strstr(unit_error.message, "was moved"));
    assert_int_equal(hk__audit_append(NULL, audit, "\"kind\":\"x\"", 10, &unit_error),
                     HK_ERR_SYSTEM);
    hk__audit_close(audit);
    /* A copy in its place does not go unseen either. */
    assert_int_equal(rename(path, u.audit), 0);
    audit = open_log(&u, NULL, NULL);
    size_t size;
    char *text = unit_read(&size, u.audit);
    unlink(u.audit);
    unit_write(u.audit, text, size);
    free(text);
    assert_int_equal(hk__audit_sync(&head, audit, &unit_error), HK_ERR_SYSTEM);
    hk__audit_close(audit);
    unit_ledger_remove(&u);
}

static void test_too_long(void **state)
{
    unit_ledger u;
    (void)state;
    unit_ledger_make(&u);
    hk__audit *audit = open_log(&u, NULL, NULL);
    char *body = malloc(HK__RECORD_MOST);
    memset(body, 'x', HK__RECORD_MOST);
    assert_int_equal(hk__audit_append(NULL, audit, body, HK__RECORD_MOST, &unit_error),
                     HK_ERR_LIMIT);
    memcpy(body, "\"kind\":\"", 8);
    body[HK__RECORD_MOST - 300] = '"';
    unit_ok(hk__audit_append(NULL, audit, body, HK__RECORD_MOST - 299, &unit_error));
    append(audit, 0, 1);
    note_head(&u, audit);
    hk__audit_close(audit);
    unit_clean(&u);
    free(body);
    unit_ledger_remove(&u);
}

static void test_memory(void **state)
{
    unit_ledger u;
    hk__audit *audit = UNTOUCHED;
    const hk__head none = {0};
    (void)state;
    make_log(&u, 3, NULL);
    FAIL_EVERY_ALLOCATION(hk__audit_open(&audit, u.db, &none, &plain, NULL), audit == UNTOUCHED);
    FAIL_EVERY_ALLOCATION(hk__audit_append(NULL, audit, "\"kind\":\"x\"", 10, NULL), true);
    hk__audit_close(audit);
    unit_ledger_remove(&u);
}

/* What is no log at all: problems, and never a crash. */
static void test_no_log(void **state)
{
    static const char *const texts[] = {"\n",
                                        "\n\n\n",
                                        "x",
                                        "{}\n",
                                        "{\"n\":1\n",
                                        "{\"n\":0,\"t\":\"\n",
                                        "{\"n\":99999999999999999999999,\"file\":1\n"};
    unit_ledger u;
    hk_audit_head head;
    (void)state;
    make_log(&u, 2, NULL);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        unit_write(u.audit, texts[i], strlen(texts[i]));
        assert_true(unit_verify(NULL, &u, NULL) > 0);
        assert_int_equal(hk_audit_get_head(&head, u.db, &unit_error), HK_ERR_FORMAT);
    }
    unit_ledger_remove(&u);
}

static void test_times(void **state)
{
    char text[HK__TIME_SIZE];
    int64_t back;
    (void)state;
    hk__time_write(text, INT64_C(1795340000123456));
    assert_string_equal(text, "2026-11-22T09:33:20.123456Z");
    assert_true(hk__time_read(&back, text));
    assert_int_equal(back, INT64_C(1795340000123456));
    hk__time_write(text, -5); /* no clock says this */
    assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
    hk__time_write(text, INT64_MAX);
    assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
    assert_false(hk__time_read(&back, "2026-11-22 09:33:20.123456Z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appended),      cmocka_unit_test(test_chain_by_hand),
        cmocka_unit_test(test_goes_on),       cmocka_unit_test(test_one_writer),
        cmocka_unit_test(test_every_edit),    cmocka_unit_test(test_records_moved),
        cmocka_unit_test(test_tail_cut),      cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_lost_is_said),  cmocka_unit_test(test_edit_keeps_the_rest),
        cmocka_unit_test(test_second_anchor), cmocka_unit_test(test_torn),
        cmocka_unit_test(test_rotation),      cmocka_unit_test(test_read),
        cmocka_unit_test(test_disk_full),     cmocka_unit_test(test_moved_away),
        cmocka_unit_test(test_too_long),      cmocka_unit_test(test_memory),
        cmocka_unit_test(test_no_log),        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
