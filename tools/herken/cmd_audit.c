/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_audit.c - `herken audit`: what a hash-check server has answered, and whether the log of it is
 * whole. */
#include "ledger_verbs.h"
#include "list_output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static json_t *head_object(const hk_audit_head *head)
{
    char date[LIST_DATE_SIZE];
    json_t *object = json_object();
    json_object_set_new(object, "number", json_integer((json_int_t)head->number));
    json_object_set_new(object, "chain", json_string(head->chain));
    json_object_set_new(object, "file", json_integer(head->file));
    list_format_date(date, head->at / 1000000);
    json_object_set_new(object, "time", json_string(date));
    return object;
}

static void print_problem(void *context, const char *message)
{
    const ledger_request *r = context;
    if (r->common.json) {
        json_t *object = json_object();
        json_object_set_new(object, "problem", json_string(message));
        output_line(object);
    } else {
        puts(message);
    }
}

/* NUMBER:CHAIN, as `audit head` prints it. */
static bool take_head(hk_audit_check *check, const char *text)
{
    char *end;
    check->number = strtoull(text, &end, 10);
    check->chain = end + 1;
    return *text >= '1' && *text <= '9' && *end == ':' && strlen(end + 1) == 64;
}

static int verify(ledger_request *r)
{
    hk_error err;
    hk_audit_result result;
    hk_audit_check check = HK_AUDIT_CHECK_INIT;
    size_t problems;
    check.anchor = r->anchor;
    check.from_file = (unsigned)r->from_file;
    if (r->head && !take_head(&check, r->head))
        return cli_usage("--head takes NUMBER:CHAIN, as herken audit head prints it");
    if (hk_audit_verify(&result, &problems, r->db, &check, print_problem, r, &err))
        return cli_store_fail(&err);
    if (r->common.json) {
        json_t *object = json_object();
        json_object_set_new(object, "records", json_integer((json_int_t)result.records));
        json_object_set_new(object, "bytes", json_integer((json_int_t)result.bytes));
        json_object_set_new(object, "files", json_integer(result.files));
        json_object_set_new(object, "problems", json_integer((json_int_t)problems));
        json_object_set_new(object, "anchored", json_boolean(result.anchored));
        json_object_set_new(object, "torn_bytes", json_integer((json_int_t)result.torn_bytes));
        json_object_set_new(object, "head", head_object(&result.head));
        output_line(object);
    } else {
        if (result.torn_bytes)
            printf("%" PRIu64 " bytes at the end are of a record that was cut short, and answered "
                   "nothing\n",
                   result.torn_bytes);
        printf("%" PRIu64 " records in %u file%s: ", result.records, result.files,
               result.files == 1 ? "" : "s");
        if (problems)
            printf("%zu problem%s\n", problems, problems == 1 ? "" : "s");
        else
            printf("whole\n%" PRIu64 ":%s\n", result.head.number, result.head.chain);
    }
    return problems ? CLI_MATCH : CLI_DONE;
}

static int head(ledger_request *r)
{
    hk_error err;
    hk_audit_head now;
    if (hk_audit_get_head(&now, r->db, &err))
        return cli_store_fail(&err);
    if (r->common.json)
        output_line(head_object(&now));
    else
        printf("%" PRIu64 ":%s\n", now.number, now.chain);
    return CLI_DONE;
}

static bool print_record(void *context, uint64_t number, const char *record, size_t length)
{
    ledger_request *r = context;
    (void)number;
    if (fwrite(record, 1, length, stdout) != length || putchar('\n') == EOF)
        return false;
    return !r->max || --r->max;
}

static int show(ledger_request *r)
{
    hk_error err;
    return hk_audit_read(r->db, r->from, print_record, r, &err) ? cli_store_fail(&err) : CLI_DONE;
}

static int backup(ledger_request *r)
{
    hk_error err;
    hk_backup copy;
    if (hk_ledger_backup(&copy, r->db, r->rest[0], &err))
        return cli_store_fail(&err);
    if (r->common.json) {
        json_t *object = json_object();
        json_object_set_new(object, "folder", json_string(r->rest[0]));
        json_object_set_new(object, "files", json_integer(copy.files));
        json_object_set_new(object, "bytes", json_integer((json_int_t)copy.bytes));
        json_object_set_new(object, "head", head_object(&copy.head));
        output_line(object);
    } else {
        if (!r->common.quiet)
            cli_say("the store, its keys and %u file%s of its log are in %s; the log's head is:",
                    copy.files, copy.files == 1 ? "" : "s", r->rest[0]);
        printf("%" PRIu64 ":%s\n", copy.head.number, copy.head.chain);
    }
    return CLI_DONE;
}

static const ledger_verb verbs[] = {
    {"verify", "", "check that nothing was changed, taken out, moved or cut off",
     "Exit code 1 if anything is wrong. It ends with the log's head, NUMBER:CHAIN: noted where\n"
     "nobody who could change the log can write, it proves later that it is unchanged up to "
     "there.\n"
     "Without that, who can write DB.audit and DB.keys (and the file of --anchor) can make a new\n"
     "log of it all; and records of the last second can be cut off unseen.\n\n"
     "  --head NUMBER:CHAIN  a head that was noted\n"
     "  --anchor FILE        the server's second anchor (herken serve --anchor)\n"
     "  --from-file N        DB.audit.1 up to N - 1 have been taken away\n",
     verify, 0, 0, LEDGER_CHECK},
    {"head", "", "print the log's head, NUMBER:CHAIN, to be noted elsewhere", "", head, 0, 0, 0},
    {"show", "", "print records, as JSON Lines",
     "  --from N             from this record on (default 1)\n"
     "  --max N              so many at the most\n",
     show, 0, 0, LEDGER_RANGE},
    {"backup", "FOLDER", "copy the store, its keys and its log, while a server runs",
     "The folder is made, or holds no store of this name yet. It ends with the copied log's head,\n"
     "NUMBER:CHAIN. To restore, see herken-server(7).\n",
     backup, 1, 1, 0},
};

int cmd_audit(int argc, char **argv)
{
    static const ledger_command command = {
        "audit",
        "The audit log of a hash-check server: who asked, when, how many, what was answered. "
        "Every\n"
        "record is chained to the one before. Hashes that were asked for are not in it.\n",
        verbs, sizeof verbs / sizeof *verbs};
    return ledger_run(&command, argc, argv);
}
