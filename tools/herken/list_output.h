/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list_output.h - entries, revisions and lists, as JSON and for people. */
#ifndef HERKEN_LIST_OUTPUT_H
#define HERKEN_LIST_OUTPUT_H

#include "output.h"

/* With `before`: the state it had as well (hk_listed.before). */
json_t *list_entry_object(const hk_listed *listed, bool before);
json_t *list_revision_object(const hk_revision *revision);
json_t *list_info_object(const hk_list_info *info);

/* One row of a table: number, state, what it holds, category, name. */
void list_print_entry(const hk_listed *listed, const char *state);
/* Everything the entry says, a line each. */
void list_print_entry_whole(const hk_listed *listed);
/* "known is at revision 4 (approve by anna): 3 added, ..." */
void list_print_revision(const hk_revision *revision);

/* What an entry is called: the id its source gave it, or its first value. Printable; free it. */
char *list_entry_name(const hk_entry *entry);
/* What it holds: "pdq md5 sha1", in the order of bits; the names of all are list_value_name. */
enum { LIST_VALUES = 6 };
const char *list_value_name(unsigned index);
unsigned list_values_of(const hk_entry *entry);

/* ISO 8601, UTC; "" for a time no calendar has. */
enum { LIST_DATE_SIZE = 40 };
void list_format_date(char out[LIST_DATE_SIZE], int64_t seconds);

/* What a suspicion means, for people; bit `index` of HK_SUSPECT_*. Static. */
const char *list_suspicion_words(unsigned index);

/* The formats that can be written (else: read), a line each. */
void list_name_formats(FILE *file, bool to_write);

/* A label and a number, aligned. */
void list_print_count(const char *label, uint64_t count);
/* A label and foreign text, aligned; nothing where there is none. */
void list_print_text(const char *label, const char *text);

/* How often each suspicion occurs, and the names of the first entries that show it. */
enum { LIST_EXAMPLES = 3 };
typedef struct list_suspects {
    uint64_t entries, by_reason[HK_SUSPECT_COUNT];
    char *example[HK_SUSPECT_COUNT][LIST_EXAMPLES]; /* owned */
} list_suspects;
void list_suspects_add(list_suspects *suspects, const hk_listed *listed);
void list_suspects_print(const list_suspects *suspects);
json_t *list_suspects_object(const list_suspects *suspects);
void list_suspects_clear(list_suspects *suspects);

#endif
