/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_archive.c - bytes of a file as an archive: what the unpacker says of it, and whether the
 * engine's rules would take it.
 *
 * The first byte of the input says which digests are wanted, the member to begin with, and one that
 * is spared. There is no decoder behind it: pictures are fuzz_decode's.
 *
 * usage: fuzz_archive --seeds FOLDER, and then as any libFuzzer program
 */
#include "decode/job.h"
#include "decode/unpack.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#define MUST(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static hk__content content;
static hk__unpacker *unpacker;
static hk__reply reply;
static hk__place place;
static hk__job job;
static const hk__limits limits = {.max_pixels = 1 << 20,
                                  .max_bytes = 1 << 18,
                                  .max_pages = 50,
                                  .max_depth = 3,
                                  .max_members = 300,
                                  .max_unpacked = 1 << 24,
                                  .max_ratio = 50};

static void decode(hk__picture *picture, hk__canvas *canvas, const uint8_t *bytes, size_t count,
                   const hk__limits *with)
{
    (void)canvas, (void)with;
    uint8_t sum = 0;
    for (size_t i = 0; i < count; i++) /* every byte can be read */
        sum ^= bytes[i];
    hk__picture_fail(picture, HK_FILE_UNREADABLE, "%u", sum);
}

static void take_notice(void *context, const hk__notice *notice)
{
    (void)context;
    MUST(hk__notice_check(notice, hk__notice_size(notice), 1, limits.max_depth));
    MUST(hk__place_notice(&place, &job, notice, &limits));
}

static void take_reply(void *context, const hk__reply *said)
{
    (void)context;
    static hk__reply copy;
    bool verdict;
    memcpy(&copy, said, hk__reply_size(said));
    MUST(hk__reply_check(&copy, hk__reply_size(said), 1));
    MUST(hk__place_awaits(&place, &job, said->member));
    hk__place_answered(&verdict, &place, &job, false);
}

/* ---- seeds ---------------------------------------------------------------------------------- */

static void write_entry(struct archive *writer, const char *name, unsigned type, const void *bytes,
                        size_t count)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_size(entry, (la_int64_t)count);
    if (type == AE_IFLNK)
        archive_entry_set_symlink(entry, "elsewhere");
    MUST(archive_write_header(writer, entry) >= ARCHIVE_WARN);
    MUST(count == 0 || archive_write_data(writer, bytes, count) == (la_ssize_t)count);
    archive_entry_free(entry);
}

/* One with a folder, a link, texts, and another inside; returns its size. */
static size_t make_seed(uint8_t *out, size_t capacity, const char *format, const char *filter,
                        const uint8_t *inner, size_t inner_size)
{
    static const char text[] = "some text, some text, some text, some text, some text";
    size_t used = 0;
    struct archive *writer = archive_write_new();
    MUST(!archive_write_set_format_by_name(writer, format));
    if (filter)
        MUST(!archive_write_add_filter_by_name(writer, filter));
    archive_write_set_bytes_in_last_block(writer, 1);
    MUST(!archive_write_open_memory(writer, out, capacity, &used));
    write_entry(writer, "folder/", AE_IFDIR, NULL, 0);
    write_entry(writer, "folder/a.txt", AE_IFREG, text, sizeof text);
    write_entry(writer, "b.jpg", AE_IFREG, "\xff\xd8\xff no picture", 14);
    write_entry(writer, "inner", AE_IFREG, inner, inner_size);
    write_entry(writer, "link", AE_IFLNK, NULL, 0);
    write_entry(writer, "empty", AE_IFREG, NULL, 0);
    MUST(!archive_write_close(writer));
    archive_write_free(writer);
    return used;
}

static void write_seeds(const char *folder)
{
    static const char *const ways[][2] = {{"zip", NULL},    {"7zip", NULL},   {"ustar", NULL},
                                          {"gnutar", NULL}, {"pax", "gzip"},  {"pax", "bzip2"},
                                          {"ustar", "xz"},  {"ustar", "zstd"}};
    static uint8_t inner[1 << 16], seed[1 << 18];
    char path[4096];
    size_t inner_size = 0;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const size_t size =
            make_seed(seed + 1, sizeof seed - 1, ways[i][0], ways[i][1], inner, inner_size);
        seed[0] = (uint8_t)(i * 37 + 3);
        snprintf(path, sizeof path, "%s/seed-%zu", folder, i);
        const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        MUST(fd >= 0 && write(fd, seed, size + 1) == (ssize_t)size + 1);
        close(fd);
        memcpy(inner, seed + 1, size < sizeof inner ? size : 0);
        inner_size = size < sizeof inner ? size : 0;
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    if (*argc == 3 && !strcmp((*argv)[1], "--seeds")) {
        write_seeds((*argv)[2]);
        exit(0);
    }
    static hk__digester *digester;
    MUST(!hk__digester_new(&digester, NULL));
    const hk__unpack_tools tools = {.decode = decode,
                                    .digester = digester,
                                    .content = &content,
                                    .notice = take_notice,
                                    .reply = take_reply};
    MUST(!hk__unpacker_new(&unpacker, &tools, NULL));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    if (count < 1)
        return 0;
    const uint8_t mode = *bytes++;
    count--;
    hk__request request = {.version = HK__WIRE_VERSION,
                           .id = 1,
                           .digests = mode & 1 ? HK_DIGEST_SHA256 : 0,
                           .picture_digests = mode & 2 ? HK_DIGEST_MD5 : 0,
                           .limits = limits,
                           .archives = 1,
                           .first_member = mode >> 2 & 3,
                           .spared_count = mode >> 4 & 1,
                           .spared[0] = {.number = mode >> 6, .pass = mode >> 5 & 1}};
    hk__format format = hk__archive_of(bytes, count);
    if (!format)
        format = HK__FORMAT_TAR; /* which takes the most */
    const int fd = memfd_create("archive", MFD_CLOEXEC);
    MUST(fd >= 0 && write(fd, bytes, count) == (ssize_t)count);
    memset(&place, 0, sizeof place);
    /* A member that is to be passed over has been answered before. */
    job = (hk__job){.size = count, .first = request.first_member};
    if (request.spared_count && request.spared[0].pass &&
        request.first_member <= request.spared[0].number)
        job.first = request.first_member = request.spared[0].number + 1;
    if (hk__unpack(&reply, unpacker, fd, format, &request)) {
        MUST(hk__reply_check(&reply, hk__reply_size(&reply), 1));
        MUST(reply.member == HK__NO_MEMBER && *reply.picture.reason);
        MUST(hk__place_awaits(&place, &job, HK__NO_MEMBER));
    }
    close(fd);
    return 0;
}
