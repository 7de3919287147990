/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * case_dump.c - everything that a case says of its files, as text in the order of their paths, and
 * its account: two cases of the same run must give the same bytes.
 * usage: case_dump CASE [sessions | account]     these alone; of a session "done ended"
 */
#include "herken.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void stop(const hk_error *err)
{
    fprintf(stderr, "case_dump: %s\n", err->message);
    exit(1);
}

static void print_text(const char *name, const char *text)
{
    printf("  %s ", name);
    for (; text && *text; text++)
        if (*text >= ' ' && *text < 127)
            putchar(*text);
        else
            printf("\\x%02x", (unsigned char)*text);
    puts(text ? "" : "-");
}

static void print_hex(const char *name, const uint8_t *bytes, size_t count)
{
    printf("  %s ", name);
    for (size_t i = 0; i < count; i++)
        printf("%02x", bytes[i]);
    putchar('\n');
}

static void print_match(const hk_match *m)
{
    printf("  match %s %s %u %s%s%s%.6e\n", m->list, hk_basis_name(m->basis), m->distance,
           hk_orientation_name(m->orientation), m->inverted ? " inverted " : " ",
           m->known_good ? "good " : "", m->chance);
    print_text("entry", m->entry);
    print_text("category", m->category);
}

static void print_file(const hk_case_file *row)
{
    const hk_file *file = &row->file;
    print_text("path", file->path);
    printf("  %s %s %" PRIu64 " bytes %s %ux%u %u flags %u %s%s\n",
           hk_file_status_name(file->status), hk_verdict_name(file->verdict), row->bytes,
           file->format ? file->format : "-", file->width, file->height, file->exif_orientation,
           file->flags, file->known_good ? "good " : "", file->conflict ? "conflict" : "");
    print_text("reason", file->reason);
    print_text("verdict reason", file->verdict_reason);
    print_text("duplicate of", file->duplicate_of);
    if (file->digests.present)
        print_hex("sha256", file->digests.sha256, 32);
    if (file->digests.present & HK_DIGEST_MD5)
        print_hex("md5", file->digests.md5, 16);
    if (file->digests.present & HK_DIGEST_SHA1)
        print_hex("sha1", file->digests.sha1, 20);
    for (int o = 0; file->hashed && o < HK_ORIENTATIONS; o++) {
        char text[HK_HASH_TEXT_SIZE];
        hk_hash_format(text, &file->fingerprint.hash[o]);
        printf("  hash %s %d %d\n", text, file->fingerprint.quality, file->fingerprint.kind);
    }
    for (size_t i = 0; i < file->match_count; i++)
        print_match(&file->matches[i]);
    if (row->group)
        printf("  group %" PRIu64 " %u%s\n", row->group, row->group_distance,
               row->leader ? " leader" : "");
}

static void print_files(hk_case *c)
{
    hk_error err;
    hk_case_reading *reading;
    const hk_case_file *file;
    hk_status status;
    if (hk_case_reading_open(&reading, c, 0, &err))
        stop(&err);
    while (!(status = hk_case_reading_next(&file, reading, &err)) && file)
        print_file(file);
    hk_case_reading_close(reading);
    if (status)
        stop(&err);
}

static void print_account(const hk_account *a)
{
    printf("account %" PRIu64, a->found);
    for (int k = 0; k < HK_FILE_STATUSES; k++)
        printf(" %" PRIu64, a->by_status[k]);
    for (int k = 0; k < HK_VERDICTS; k++)
        printf(" %" PRIu64, a->by_verdict[k]);
    printf(" %" PRIu64 " %" PRIu64 " %.6e\n", a->known_good, a->conflicts,
           a->expected_false_matches);
}

static void print_sessions(hk_case *c)
{
    hk_error err;
    hk_case_info info;
    if (hk_case_describe(&info, c, &err))
        stop(&err);
    for (size_t i = 0; i < info.sessions; i++) {
        hk_case_session session;
        if (hk_case_session_get(&session, c, i, &err))
            stop(&err);
        printf("%" PRIu64 " %s\n", session.done, session.ended ? "ended" : "interrupted");
    }
}

int main(int argc, char **argv)
{
    hk_error err;
    hk_case *c;
    hk_account account;
    if (argc < 2)
        return 2;
    if (hk_case_open(&c, argv[1], HK_CASE_READ, &err))
        stop(&err);
    if (argc > 2 && !strcmp(argv[2], "sessions")) {
        print_sessions(c);
        hk_case_close(c);
        return 0;
    }
    if (argc == 2)
        print_files(c);
    if (hk_case_account(&account, c, &err))
        stop(&err);
    print_account(&account);
    hk_case_close(c);
    return 0;
}
