/* SPDX-License-Identifier: GPL-3.0-or-later */
/* audit_file.c - see audit_file.h. */
#include "ledger/audit_file.h"

#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

static const char tail_start[] = ",\"chain\":\"",
                  line_start[] = "{\"n\":", time_start[] = ",\"t\":\"";

bool hk__chain_next(uint8_t chain[HK__SHA256_SIZE], char tail[HK__CHAIN_TAIL + 1],
                    const char *bytes, size_t count)
{
    /* One for each thread would be faster by a third of a microsecond, and must be freed. */
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const bool done = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) &&
                      EVP_DigestUpdate(context, chain, HK__SHA256_SIZE) &&
                      EVP_DigestUpdate(context, bytes, count) &&
                      EVP_DigestFinal_ex(context, chain, NULL);
    EVP_MD_CTX_free(context);
    if (!done)
        return false;
    memcpy(tail, tail_start, sizeof tail_start - 1);
    hk__hex_text(tail + sizeof tail_start - 1, chain, HK__SHA256_SIZE);
    memcpy(tail + HK__CHAIN_TAIL - 3, "\"}\n", 4);
    return true;
}

void hk__time_write(char out[HK__TIME_SIZE], int64_t at)
{
    time_t seconds = (time_t)(at / 1000000);
    struct tm parts;
    if (at < 0 || !gmtime_r(&seconds, &parts) || parts.tm_year > 9999 - 1900) {
        memset(&parts, 0, sizeof parts); /* a clock before 1970 or after 9999 says nothing */
        parts.tm_year = 70;
        parts.tm_mday = 1;
        at = 0;
    }
    snprintf(out, HK__TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
             (unsigned)(parts.tm_year + 1900) % 10000, (unsigned)(parts.tm_mon + 1) % 100,
             (unsigned)parts.tm_mday % 100, (unsigned)parts.tm_hour % 100,
             (unsigned)parts.tm_min % 100, (unsigned)parts.tm_sec % 100, (unsigned)(at % 1000000));
}

bool hk__time_read(int64_t *at, const char *text)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.ddddddZ";
    int part[7] = {0}, index = 0;
    for (int i = 0; shape[i]; i++) {
        if (shape[i] != 'd') {
            if (text[i] != shape[i])
                return false;
            index++;
        } else {
            if (text[i] < '0' || text[i] > '9')
                return false;
            part[index] = part[index] * 10 + (text[i] - '0');
        }
    }
    struct tm parts = {.tm_year = part[0] - 1900,
                       .tm_mon = part[1] - 1,
                       .tm_mday = part[2],
                       .tm_hour = part[3],
                       .tm_min = part[4],
                       .tm_sec = part[5]};
    *at = (int64_t)timegm(&parts) * 1000000 + part[6];
    return true;
}

/* ---- files --------------------------------------------------------------------------------- */

char *hk__audit_path(const char *db, unsigned number)
{
    char suffix[24] = ".audit";
    if (number)
        snprintf(suffix, sizeof suffix, ".audit.%u", number);
    return hk__path_with(db, suffix);
}

static int by_number(const void *a, const void *b)
{
    const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

/* The number in "NAME.audit.NUMBER"; 0: it is another file. */
static unsigned number_of(const char *file, const char *name)
{
    static const char middle[] = ".audit.";
    const size_t length = strlen(name);
    if (strncmp(file, name, length) || strncmp(file + length, middle, sizeof middle - 1))
        return 0;
    const char *text = file + length + sizeof middle - 1;
    char *end;
    if (*text < '1' || *text > '9')
        return 0;
    const unsigned long number = strtoul(text, &end, 10);
    return *end || number > 1000000000 ? 0 : (unsigned)number;
}

hk_status hk__audit_files(unsigned **out, size_t *count, const char *db, hk_error *err)
{
    const char *slash = strrchr(db, '/'), *name = slash ? slash + 1 : db;
    char *folder = slash ? hk__strndup(db, (size_t)(slash - db) + 1) : hk__strndup(".", 1);
    unsigned *numbers = NULL;
    size_t found = 0, capacity = 0;
    hk_status status = folder ? HK_OK : hk__fail_memory(err);
    DIR *open = status ? NULL : opendir(folder);
    if (!status && !open)
        status = hk__fail(err, HK_ERR_IO, "%s: cannot be read: %s", folder, strerror(errno));
    for (struct dirent *file; !status && (errno = 0, file = readdir(open));) {
        const unsigned number = number_of(file->d_name, name);
        if (number && found == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            unsigned *grown = hk__realloc(numbers, capacity, sizeof *grown);
            if (!grown)
                status = hk__fail_memory(err);
            else
                numbers = grown;
        }
        if (number && !status)
            numbers[found++] = number;
    }
    if (open)
        closedir(open);
    hk__free(folder);
    if (status) {
        hk__free(numbers);
        return status;
    }
    if (found)
        qsort(numbers, found, sizeof *numbers, by_number);
    *out = numbers;
    *count = found;
    return HK_OK;
}

/* ---- reading ------------------------------------------------------------------------------- */

hk_status hk__audit_reader_open(hk__audit_reader *out, const char *path, const hk__head *from,
                                hk_error *err)
{
    hk__audit_reader reader = {.path = path, .head = *from};
    reader.file = fopen(path, "rbe");
    if (!reader.file)
        return hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (from->bytes > INT64_MAX || fseeko(reader.file, (off_t)from->bytes, SEEK_SET)) {
        fclose(reader.file);
        return hk__fail(err, HK_ERR_SYSTEM, "%s: cannot be read: %s", path, strerror(errno));
    }
    *out = reader;
    return HK_OK;
}

void hk__audit_reader_close(hk__audit_reader *reader)
{
    if (reader->file)
        fclose(reader->file);
    hk__free(reader->line);
    *reader = (hk__audit_reader){0};
}

/* Reads a line, of which it keeps no more than HK__RECORD_MOST. *whole: it has an end; its length,
 * without that, is 0 where it is longer. */
static hk_status read_line(bool *whole, uint64_t *bytes, hk__audit_reader *reader, hk_error *err)
{
    int c = 0;
    *whole = false;
    *bytes = 0;
    reader->length = 0;
    bool over = false;
    flockfile(reader->file);
    while ((c = getc_unlocked(reader->file)) != EOF) {
        ++*bytes;
        if (c == '\n') {
            *whole = true;
            break;
        }
        if (reader->length + 1 >= reader->capacity) {
            const size_t capacity = reader->capacity ? 2 * reader->capacity : 4096;
            char *grown =
                capacity <= HK__RECORD_MOST ? hk__realloc(reader->line, capacity, 1) : NULL;
            if (!grown && capacity <= HK__RECORD_MOST) {
                funlockfile(reader->file);
                return hk__fail_memory(err);
            }
            over = over || !grown;
            if (grown) {
                reader->line = grown;
                reader->capacity = capacity;
            }
        }
        if (!over)
            reader->line[reader->length++] = (char)c;
    }
    funlockfile(reader->file);
    if (c == EOF && ferror(reader->file))
        return hk__fail(err, HK_ERR_SYSTEM, "%s: cannot be read: %s", reader->path,
                        strerror(errno));
    if (reader->line)
        reader->line[over ? reader->length = 0 : reader->length] = '\0';
    return HK_OK;
}

/* What the line says of itself; false: it is no record. */
static bool take_apart(uint64_t *number, int64_t *at, uint8_t chain[HK__SHA256_SIZE],
                       const hk__audit_reader *reader)
{
    const size_t tail = HK__CHAIN_TAIL - 1, start = sizeof line_start - 1;
    const char *line = reader->line;
    if (reader->length < start + tail + 2 || memcmp(line, line_start, start) ||
        memchr(line, '\0', reader->length))
        return false;
    const char *end = line + reader->length - tail;
    char *after;
    if (memcmp(end, tail_start, sizeof tail_start - 1) ||
        memcmp(line + reader->length - 2, "\"}", 2) ||
        !hk__hex_bytes(chain, end + sizeof tail_start - 1, HK__SHA256_SIZE))
        return false;
    if (line[start] < '1' || line[start] > '9')
        return false;
    errno = 0;
    *number = strtoull(line + start, &after, 10);
    const size_t time = sizeof time_start - 1;
    return !errno && end - after > (ptrdiff_t)(time + HK__TIME_SIZE) &&
           !memcmp(after, time_start, time) && hk__time_read(at, after + time);
}

hk_status hk__audit_reader_next(hk__found *found, hk__audit_reader *reader, hk_error *err)
{
    hk__head next = reader->head;
    uint8_t said[HK__SHA256_SIZE];
    char tail[HK__CHAIN_TAIL + 1];
    bool whole;
    uint64_t bytes;
    const hk_status status = read_line(&whole, &bytes, reader, err);
    if (status)
        return status;
    reader->number = 0;
    if (!whole) {
        *found = bytes ? HK__FOUND_TORN : HK__FOUND_END;
        return HK_OK;
    }
    if (!reader->length || !take_apart(&next.number, &next.at, said, reader)) {
        reader->head.bytes += bytes;
        *found = HK__FOUND_OTHER;
        return HK_OK;
    }
    reader->number = next.number;
    if (!hk__chain_next(next.chain, tail, reader->line, reader->length - HK__CHAIN_TAIL + 1))
        return hk__fail(err, HK_ERR_SYSTEM, "OpenSSL cannot make a SHA-256");
    const bool chained = !memcmp(next.chain, said, sizeof said);
    next.bytes += bytes;
    if (next.number != reader->head.number + 1) {
        *found = HK__FOUND_NUMBER;
    } else if (!chained) {
        *found = HK__FOUND_CHAIN;
    } else {
        reader->head = next;
        *found = HK__FOUND_RECORD;
        return HK_OK;
    }
    reader->head.bytes += bytes;
    return HK_OK;
}

void hk__audit_reader_accept(hk__audit_reader *reader)
{
    uint8_t chain[HK__SHA256_SIZE];
    uint64_t number;
    int64_t at;
    if (!reader->length || !take_apart(&number, &at, chain, reader))
        return;
    reader->head.number = number;
    reader->head.at = at;
    memcpy(reader->head.chain, chain, sizeof chain);
}
