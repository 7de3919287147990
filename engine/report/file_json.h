/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file_json.h - files and accounts as JSON objects: the one place that says what they look like.
 */
#ifndef HK_REPORT_FILE_JSON_H
#define HK_REPORT_FILE_JSON_H

#include "report/object.h"

/* The members of {"account":{...}}. */
void hk__put_account(hk__object *object, const hk_account *account, bool verdicts);
/* "radius":{...}, "exact_radius":{...}: those in force, by the names of the kinds. */
void hk__put_radii(hk__object *object, const hk_case_info *info);

#endif
