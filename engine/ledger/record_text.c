/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record_text.c - see record_text.h. */
#include "ledger/record_text.h"

#include "core/mem.h"
#include "ledger/books.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool make_room(hk__record_text *record, size_t more)
{
    if (record->failed || record->capacity - record->length >= more)
        return !record->failed;
    const size_t capacity = 2 * record->capacity + more + 256;
    char *grown = hk__realloc(record->bytes, capacity, 1);
    record->failed = !grown;
    if (!grown)
        return false;
    record->bytes = grown;
    record->capacity = capacity;
    return true;
}

void hk__record_add(hk__record_text *record, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const size_t room = record->capacity - record->length;
    const int length =
        vsnprintf(record->bytes ? record->bytes + record->length : NULL, room, format, args);
    if (length < 0) {
        record->failed = true;
    } else if ((size_t)length < room) {
        record->length += (size_t)length;
    } else if (make_room(record, (size_t)length + 1)) {
        vsnprintf(record->bytes + record->length, (size_t)length + 1, format, again);
        record->length += (size_t)length;
    }
    va_end(again);
    va_end(args);
}

void hk__record_field(hk__record_text *record, const char *name, const char *text)
{
    char *field = text ? hk__json_field(name, text) : NULL;
    if (field && make_room(record, strlen(field) + 1)) {
        strcpy(record->bytes + record->length, field);
        record->length += strlen(field);
    } else if (text) {
        record->failed = true;
    }
    hk__free(field);
}

void hk__record_entry(hk__record_text *record, const char *list, const char *entry, uint32_t number)
{
    hk__record_field(record, "list", list);
    hk__record_field(record, "entry", entry);
    if (number)
        hk__record_add(record, ",\"number\":%" PRIu32, number);
}

void hk__record_caller(hk__record_text *record, const hk_caller *caller, const char *address)
{
    hk__record_add(record, ",\"client\":%" PRIu64 ",\"name\":\"%s\",\"key\":%" PRIu64,
                   caller->client, caller->name, caller->key);
    hk__record_field(record, "from", address);
}
