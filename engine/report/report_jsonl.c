/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_jsonl.c - a case as JSON Lines: an object for each file, by path, and the account last,
 * with what was searched, as `herken match --json` has them. file_json.c says what an object holds.
 */
#include "report/file_json.h"
#include "report/report.h"

#include <stdlib.h>

static hk_status write_files(FILE *out, hk_case *c, hk_error *err)
{
    hk_case_reading *reading;
    const hk_case_file *file;
    hk_status status = hk_case_reading_open(&reading, c, 0, err);
    if (status)
        return status;
    while (!ferror(out) && !(status = hk_case_reading_next(&file, reading, err)) && file) {
        char *line = NULL;
        status = hk_case_file_json(&line, file, err);
        if (status)
            break;
        fputs(line, out);
        putc('\n', out);
        free(line);
    }
    hk_case_reading_close(reading);
    return status;
}

static hk_status put_lists(hk__object *object, hk_case *c, size_t count, hk_error *err)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        hk_case_list list;
        hk__object row;
        const hk_status status = hk_case_list_get(&list, c, i, err);
        if (status) {
            json_decref(rows);
            return status;
        }
        hk__object_begin(&row);
        hk__put_exact(&row, "list", list.name);
        hk__put_true(&row, "known_good", list.known_good);
        hk__put_number(&row, "entries", list.entries);
        if (list.revision)
            hk__put_number(&row, "revision", list.revision);
        hk__append_object(object, rows, &row);
    }
    hk__put_json(object, "lists", rows);
    return HK_OK;
}

static hk_status write_account(FILE *out, hk_case *c, hk_error *err)
{
    hk_account account;
    hk_case_info info;
    hk__object whole, fields;
    char *line = NULL;
    hk_status status = hk_case_account(&account, c, err);
    if (!status)
        status = hk_case_describe(&info, c, err);
    if (status)
        return status;
    hk__object_begin(&whole);
    hk__object_begin(&fields);
    hk__put_account(&fields, &account, true);
    if (info.max_distance < 0)
        hk__put_text(&fields, "profile", hk_profile_name(info.profile));
    hk__put_radii(&fields, &info);
    status = put_lists(&fields, c, info.lists, err);
    hk__put_object(&whole, "account", &fields);
    if (status) {
        json_decref(whole.json);
        return status;
    }
    status = hk__object_text(&line, &whole, err);
    if (status)
        return status;
    fputs(line, out);
    putc('\n', out);
    free(line);
    return HK_OK;
}

hk_status hk__report_jsonl(FILE *out, hk_case *c, const hk_report_options *options, hk_error *err)
{
    (void)options;
    const hk_status status = write_files(out, c, err);
    return status || ferror(out) ? status : write_account(out, c, err);
}
