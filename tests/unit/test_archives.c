/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_archives.c - archives through the pool and the real decode worker: every kind, what is in
 * them, limits, damage, taking up again, and contents seen before.
 */
#include "pack.h"

#include <locale.h>

static blob photo, other, text;
static hk__pool_options options;

static int prepare(void **state)
{
    (void)state;
    photo = draw_blob("photo_like", ".jpg", 300, 200);
    other = draw_blob("blocks", ".png", 200, 160);
    text = blob_text("no picture at all\n");
    options = pack_options;
    options.program = WORKER;
    return 0;
}

/* ---- what is in them ------------------------------------------------------------------------ */

static blob three_files(const char *format, const char *filter)
{
    packer *p = pack_begin(format, filter, NULL);
    pack_entry(p, "folder/", AE_IFDIR, NULL, NULL, 0);
    pack_file(p, "folder/photo.jpg", &photo);
    pack_file(p, "notes.txt", &text);
    pack_file(p, "folder/blocks", &other);
    return pack_end(p);
}

static void members_of_every_kind_are_as_files(void **state)
{
    (void)state;
    const story plain = tell_with(&options, &photo, 0);
    assert_int_equal(plain.count, 1);
    assert_true(plain.said[0].hashed && plain.said[0].last);
    assert_int_equal(plain.said[0].size, photo.count);
    for (size_t i = 0; i < COUNT_OF(pack_kinds); i++) {
        blob b = three_files(pack_kinds[i].format, pack_kinds[i].filter);
        const story s = tell_with(&options, &b, 0);
        char words[64];
        snprintf(words, sizeof words, "%s archive, 3 members", pack_kinds[i].name);
        if (s.count != 4)
            show(&s);
        assert_int_equal(s.count, 4);
        SAID(s, "folder/photo.jpg", HK_FILE_OK, "");
        SAID(s, "notes.txt", HK_FILE_NOT_AN_IMAGE, "no known image format");
        SAID(s, "folder/blocks", HK_FILE_OK, "");
        SAID(s, "", HK_FILE_NOT_AN_IMAGE, words);
        const said *one = said_of(&s, "folder/photo.jpg"), *file = &s.said[3];
        assert_memory_equal(&one->hash, &plain.said[0].hash, sizeof one->hash);
        assert_memory_equal(&one->digests, &plain.said[0].digests, sizeof one->digests);
        assert_int_equal(one->size, photo.count);
        assert_int_equal(said_of(&s, "notes.txt")->size, text.count);
        for (size_t m = 0; m < 3; m++)
            assert_true(s.said[m].number == m && s.said[m].digests.present == options.digests);
        assert_string_equal(hk__format_name(file->format), pack_kinds[i].name);

        hk__pool_options closed = options; /* as a file, for its digests */
        closed.archives = false;
        const story shut = tell_with(&closed, &b, 0);
        assert_int_equal(shut.count, 1);
        SAID(shut, "", HK_FILE_NOT_AN_IMAGE, "no known image format");
        assert_int_equal(shut.said[0].format, HK__FORMAT_NONE);
        assert_memory_equal(&file->digests, &shut.said[0].digests, sizeof file->digests);
        assert_true(file->size == b.count && shut.said[0].size == b.count);
        free(shut.said);
        free(s.said);
        free(b.bytes);
    }
    free(plain.said);
}

static void compressed_files_that_are_no_tar_are_files(void **state)
{
    (void)state;
    static const char *const filters[] = {"gzip", "bzip2", "xz", "zstd"};
    for (size_t i = 0; i < COUNT_OF(filters); i++)
        for (int empty = 0; empty < 2; empty++) {
            packer *p = pack_begin("raw", filters[i], NULL);
            pack_entry(p, "x", AE_IFREG, NULL, photo.bytes, empty ? 0 : photo.count);
            blob b = pack_end(p);
            story s = tell_with(&options, &b, 0);
            assert_int_equal(s.count, 1);
            SAID(s, "", HK_FILE_NOT_AN_IMAGE, "no known image format");
            assert_int_equal(s.said[0].format, HK__FORMAT_NONE);
            assert_int_equal(s.said[0].digests.present, options.digests);
            assert_int_equal(s.said[0].size, b.count);
            free(s.said);
            if (!empty) { /* one that might have been: it cannot be told */
                memset(b.bytes + (filters[i][0] == 'z' ? 4 : 12), 0xff, 40);
                s = tell_with(&options, &b, 0);
                assert_int_equal(s.count, 1);
                SAID(s, "", HK_FILE_UNREADABLE, "damaged after 0 members");
                free(s.said);
            }
            free(b.bytes);
        }
}

static void links_and_devices_are_excluded_and_folders_not_named(void **state)
{
    (void)state;
    packer *p = pack_begin("gnutar", "none", NULL);
    pack_entry(p, "a/", AE_IFDIR, NULL, NULL, 0);
    pack_file(p, "a/photo", &photo);
    pack_entry(p, "soft", AE_IFLNK, "/etc/passwd", NULL, 0);
    pack_entry(p, "hard", AE_IFREG, "a/photo", NULL, 0);
    pack_entry(p, "null", AE_IFCHR, NULL, NULL, 0);
    pack_entry(p, "pipe", AE_IFIFO, NULL, NULL, 0);
    blob b = pack_end(p);
    const story s = tell_with(&options, &b, 0);
    SAID(s, "a/photo", HK_FILE_OK, "");
    SAID(s, "soft", HK_FILE_EXCLUDED, "link");
    SAID(s, "hard", HK_FILE_EXCLUDED, "link");
    SAID(s, "null", HK_FILE_EXCLUDED, "neither");
    SAID(s, "pipe", HK_FILE_EXCLUDED, "neither");
    SAID(s, "", HK_FILE_NOT_AN_IMAGE, "5 members");
    assert_int_equal(s.count, 6);
    free(s.said);
    free(b.bytes);
}

static blob wrap(const blob *inner, const char *name, const char *format, const char *filter)
{
    packer *p = pack_begin(format, filter, NULL);
    pack_file(p, "before.png", &other);
    pack_file(p, name, inner);
    pack_file(p, "after.jpg", &photo);
    return pack_end(p);
}

static void archives_in_archives_are_opened_to_a_depth(void **state)
{
    (void)state;
    blob one = three_files("zip", "none"), two = wrap(&one, "one.zip", "pax", "gzip"),
         three = wrap(&two, "two.tgz", "7zip", "none");
    const story s = tell_with(&options, &three, 0);
    static const char *const names[] = {
        "before.png",
        "two.tgz!/before.png",
        "two.tgz!/one.zip!/folder/photo.jpg",
        "two.tgz!/one.zip!/notes.txt",
        "two.tgz!/one.zip!/folder/blocks",
        "two.tgz!/one.zip",
        "two.tgz!/after.jpg",
        "two.tgz",
        "after.jpg",
        "",
    };
    if (s.count != COUNT_OF(names))
        show(&s);
    assert_int_equal(s.count, COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_string_equal(s.said[i].member, names[i]);
        assert_true(s.said[i].last || s.said[i].number == i);
        assert_int_equal(s.said[i].digests.present, options.digests);
    }
    SAID(s, names[2], HK_FILE_OK, "");
    SAID(s, names[5], HK_FILE_NOT_AN_IMAGE, "zip archive, 3 members");
    SAID(s, names[7], HK_FILE_NOT_AN_IMAGE, "tar.gz archive, 3 members");
    SAID(s, "", HK_FILE_NOT_AN_IMAGE, "7z archive, 3 members");
    assert_int_equal(said_of(&s, "two.tgz!/one.zip")->size, one.count);
    const story inner = tell_with(&options, &one, 0);
    assert_memory_equal(&s.said[5].digests, &inner.said[3].digests, sizeof s.said[5].digests);

    hk__pool_options shallow = options;
    shallow.limits.max_depth = 2;
    const story cut = tell_with(&shallow, &three, 0);
    SAID(cut, "two.tgz!/one.zip", HK_FILE_TOO_LARGE, "--max-depth");
    SAID(cut, "after.jpg", HK_FILE_OK, "");
    SAID(cut, "", HK_FILE_NOT_AN_IMAGE, "3 members");
    assert_int_equal(cut.count, 7);
    shallow = options;
    shallow.limits.max_bytes = one.count - 1;
    const story small = tell_with(&shallow, &two, 0);
    SAID(small, "one.zip", HK_FILE_TOO_LARGE, "--max-bytes");
    assert_int_equal(said_of(&small, "one.zip")->digests.present, options.digests);
    free(small.said);
    free(cut.said);
    free(inner.said);
    free(s.said);
    free(one.bytes);
    free(two.bytes);
    free(three.bytes);
}

/* ---- limits --------------------------------------------------------------------------------- */

static void limits_end_an_archive_and_keep_what_was_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pack_kinds); i++) {
        blob b = three_files(pack_kinds[i].format, pack_kinds[i].filter);
        hk__pool_options tight = options;
        tight.limits.max_members = pack_kinds[i].format[0] == '7' ? 3 : 2; /* 7z: folders last */
        story s = tell_with(&tight, &b, 0);
        SAID(s, "folder/photo.jpg", HK_FILE_OK, "");
        SAID(s, "", HK_FILE_TOO_LARGE, "--max-members");
        assert_int_equal(s.said[s.count - 1].digests.present, options.digests);
        free(s.said);
        tight = options;
        tight.limits.max_unpacked = photo.count + text.count;
        s = tell_with(&tight, &b, 0);
        SAID(s, "folder/photo.jpg", HK_FILE_OK, "");
        SAID(s, "notes.txt", HK_FILE_NOT_AN_IMAGE, "");
        SAID(s, "folder/blocks", HK_FILE_TOO_LARGE, "--max-unpacked");
        SAID(s, "", HK_FILE_TOO_LARGE, "--max-unpacked");
        free(s.said);
        tight.limits.max_unpacked += other.count;
        s = tell_with(&tight, &b, 0);
        SAID(s, "", HK_FILE_NOT_AN_IMAGE, "3 members");
        free(s.said);
        tight = options;
        tight.limits.max_bytes = photo.count - 1;
        s = tell_with(&tight, &b, 0);
        SAID(s, "folder/photo.jpg", HK_FILE_TOO_LARGE, "--max-bytes");
        assert_int_equal(said_of(&s, "folder/photo.jpg")->digests.present, options.digests);
        free(s.said);
        free(b.bytes);
    }
}

static blob zeros(size_t count)
{
    return (blob){calloc(1, count), count};
}

static void bombs_are_named(void **state)
{
    (void)state;
    blob nothing = zeros(68 << 20);
    for (size_t i = 0; i < COUNT_OF(pack_kinds); i++) {
        if (!strcmp(pack_kinds[i].filter, "none") && strstr(pack_kinds[i].format, "tar"))
            continue; /* nothing is packed there */
        packer *p = pack_begin(pack_kinds[i].format, pack_kinds[i].filter,
                               !strcmp(pack_kinds[i].filter, "xz") ? "compression-level=0" : NULL);
        pack_file(p, "photo.jpg", &photo);
        pack_file(p, "zeros", &nothing);
        pack_file(p, "after.jpg", &photo);
        blob b = pack_end(p);
        story s = tell_with(&options, &b, 0);
        SAID(s, "photo.jpg", HK_FILE_OK, "");
        SAID(s, "zeros", HK_FILE_TOO_LARGE, "--max-ratio");
        SAID(s, "", HK_FILE_TOO_LARGE, "--max-ratio");
        assert_int_equal(s.count, 3);
        free(s.said);
        blob outer = wrap(&b, "bomb", "zip", "none");
        s = tell_with(&options, &outer, 0);
        SAID(s, "before.png", HK_FILE_OK, "");
        SAID(s, "bomb!/photo.jpg", HK_FILE_OK, "");
        SAID(s, "bomb", HK_FILE_TOO_LARGE, "--max-ratio");
        SAID(s, "", HK_FILE_TOO_LARGE, "--max-ratio");
        free(s.said);
        free(outer.bytes);
        free(b.bytes);
    }
    free(nothing.bytes);
}

/* A zip whose directory says that there is little in it. */
static void bombs_that_lie_are_named(void **state)
{
    (void)state;
    blob nothing = zeros(68 << 20);
    packer *p = pack_begin("zip", "none", NULL);
    pack_file(p, "photo.jpg", &photo);
    pack_file(p, "zeros", &nothing);
    blob b = pack_end(p);
    const uint32_t size = 68 << 20, little = 5;
    for (size_t i = 0; i + 4 <= b.count; i++)
        if (!memcmp(b.bytes + i, &size, 4))
            memcpy(b.bytes + i, &little, 4);
    const story s = tell_with(&options, &b, 0);
    SAID(s, "photo.jpg", HK_FILE_OK, "");
    SAID(s, "zeros", HK_FILE_TOO_LARGE, "--max-ratio");
    SAID(s, "", HK_FILE_TOO_LARGE, "--max-ratio");
    free(s.said);
    free(b.bytes);
    free(nothing.bytes);
}

static void put(blob *b, uint64_t value, int bytes)
{
    for (; bytes; bytes--, value >>= 8)
        blob_add(b, &(uint8_t){(uint8_t)value}, 1);
}

/* What a zip says of a member, in its place and in the directory: stored, no checksum. */
static void put_member(blob *b, bool directory, unsigned number, uint32_t size, uint32_t offset)
{
    char name[8];
    snprintf(name, sizeof name, "%05u", number);
    put(b, directory ? 0x02014b50 : 0x04034b50, 4);
    if (directory)
        put(b, 20, 2);
    put(b, 20, 2);
    put(b, 0, 12); /* flags, method, time, date, checksum */
    put(b, size, 4);
    put(b, size, 4);
    put(b, 5, 2);
    put(b, 0, directory ? 12 : 2);
    if (directory)
        put(b, offset, 4);
    blob_add(b, name, 5);
}

/* Members that lie over each other: each has its own header, and all the rest of them as content.
 */
static void overlapping_members_count_each(void **state)
{
    (void)state;
    enum { NAMES = 400, HEADER = 35, MUCH = 2 << 20 };
    blob b = {0}, much = zeros(MUCH);
    for (unsigned i = 0; i < NAMES; i++)
        put_member(&b, false, i, (NAMES - 1 - i) * HEADER + MUCH, 0);
    blob_add(&b, much.bytes, much.count);
    const size_t start = b.count;
    for (unsigned i = 0; i < NAMES; i++)
        put_member(&b, true, i, (NAMES - 1 - i) * HEADER + MUCH, i * HEADER);
    const size_t size = b.count - start;
    put(&b, 0x06054b50, 4);
    put(&b, 0, 4);
    put(&b, NAMES, 2);
    put(&b, NAMES, 2);
    put(&b, size, 4);
    put(&b, start, 4);
    put(&b, 0, 2);
    const story s = tell_with(&options, &b, 0);
    if (s.count < 50 || s.count > 150)
        show(&s);
    assert_true(s.count > 50 && s.count < 150);
    SAID(s, "00000", HK_FILE_UNREADABLE, "ZIP bad CRC");
    SAID(s, "", HK_FILE_TOO_LARGE, "--max-ratio");
    free(s.said);
    free(much.bytes);
    free(b.bytes);
}

/* ---- damage --------------------------------------------------------------------------------- */

static void what_is_cut_off_is_named_and_the_rest_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pack_kinds); i++) {
        packer *p = pack_begin(pack_kinds[i].format, pack_kinds[i].filter, NULL);
        uint64_t seed = 3;
        blob noise = zeros(600000);
        for (size_t n = 0; n < noise.count; n++)
            noise.bytes[n] = (uint8_t)next_random(&seed);
        pack_file(p, "photo.jpg", &photo);
        pack_file(p, "noise", &noise);
        blob b = pack_end(p);
        b.count -= 200000;
        const story s = tell_with(&options, &b, 0);
        if (pack_kinds[i].format[0] == '7') { /* its directory is at the end */
            assert_int_equal(s.count, 1);
        } else if (!strcmp(pack_kinds[i].filter, "bzip2")) { /* blocks of 900 KB: all or nothing */
            assert_true(s.count <= 3);
        } else {
            if (s.count != 3)
                show(&s);
            SAID(s, "photo.jpg", HK_FILE_OK, "");
            SAID(s, "noise", HK_FILE_UNREADABLE, "damaged in the archive");
            assert_int_equal(said_of(&s, "noise")->digests.present, 0);
            assert_int_equal(s.count, 3);
        }
        SAID(s, "", HK_FILE_UNREADABLE, "damaged after");
        assert_int_equal(s.said[s.count - 1].digests.present, options.digests);
        assert_int_equal(s.said[s.count - 1].size, b.count);
        free(s.said);
        free(b.bytes);
        free(noise.bytes);
    }
}

/* Of a picture that is cut off in the archive the digests are those of what could be had: a content
 * that can be looked up, and kept. */
static void what_is_left_of_a_picture_has_digests(void **state)
{
    (void)state;
    packer *p = pack_begin("ustar", "none", NULL);
    pack_file(p, "photo.jpg", &photo);
    blob b = pack_end(p), left = {photo.bytes, photo.count * 3 / 4};
    b.count = 512 + left.count;
    const story s = tell_with(&options, &b, 0), loose = tell_with(&options, &left, 0);
    SAID(s, "photo.jpg", HK_FILE_TRUNCATED, "damaged in the archive");
    SAID(loose, "", HK_FILE_TRUNCATED, "");
    assert_int_equal(s.said[0].size, left.count);
    assert_memory_equal(s.said[0].digests.sha256, loose.said[0].digests.sha256, 32);
    assert_memory_equal(&s.said[0].hash, &loose.said[0].hash, sizeof loose.said[0].hash);
    free(s.said);
    free(loose.said);
    free(b.bytes);
}

/* A checksum that is wrong, of bytes that are right: nobody hides a known picture that way. */
static void wrong_checksums(const char *how)
{
    packer *p = pack_begin("zip", "none", how);
    pack_file(p, "photo.jpg", &photo);
    pack_file(p, "notes.txt", &text);
    pack_file(p, "blocks.png", &other);
    blob b = pack_end(p);
    for (int n = 0; n < 2; n++) /* in the directory: the first two */
        b.bytes[find_in(&b, "PK\1\2", 4, n) + 16] ^= 1;
    for (int n = 0; n < 2; n++)
        b.bytes[find_in(&b, "PK\7\10", 4, n) + 4] ^= 1;
    const story s = tell_with(&options, &b, 0), plain = tell_with(&options, &photo, 0);
    SAID(s, "photo.jpg", HK_FILE_TRUNCATED, "damaged in the archive: ZIP bad CRC");
    SAID(s, "notes.txt", HK_FILE_UNREADABLE, "ZIP bad CRC");
    SAID(s, "blocks.png", HK_FILE_OK, "");
    SAID(s, "", HK_FILE_NOT_AN_IMAGE, "3 members");
    assert_memory_equal(&s.said[0].hash, &plain.said[0].hash, sizeof plain.said[0].hash);
    assert_memory_equal(s.said[0].digests.sha256, plain.said[0].digests.sha256, 32);
    assert_int_equal(s.said[1].digests.present, options.digests);
    free(s.said);
    free(plain.said);
    free(b.bytes);
}

static void wrong_checksums_are_told_and_pictures_still_hashed(void **state)
{
    (void)state;
    wrong_checksums("compression=store");
    wrong_checksums("compression=deflate");
}

static void encrypted_members_are_unreadable(void **state)
{
    (void)state;
    static const char *const ways[] = {"zip:encryption=zipcrypt", "zip:encryption=aes256"};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        packer *p = pack_begin("zip", "none", ways[i]);
        pack_file(p, "photo.jpg", &photo);
        pack_file(p, "notes.txt", &text);
        blob b = pack_end(p);
        const story s = tell_with(&options, &b, 0);
        SAID(s, "photo.jpg", HK_FILE_UNREADABLE, "encrypted");
        SAID(s, "notes.txt", HK_FILE_UNREADABLE, "encrypted");
        SAID(s, "", HK_FILE_NOT_AN_IMAGE, "zip archive, 2 members, 2 encrypted");
        assert_int_equal(s.said[2].digests.present, options.digests);
        free(s.said);
        free(b.bytes);
    }
}

static blob blob_hex(const char *hex)
{
    blob b = {0};
    unsigned byte;
    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        blob_add(&b, &(uint8_t){(uint8_t)byte}, 1);
    return b;
}

/* Made by 7z of p7zip: libarchive writes none. */
static void encrypted_7z_are_named(void **state)
{
    (void)state;
    static const char all[] =
        "377abcaf271c00045909756e80000000000000002e00000000000000535c1a940d8f8eaec99a19091da7a8a7"
        "f3cccb43a38e18f0424f634f31233e7d37f7be82c90994d32129d7d240ed7720f09bbe3aa8762fe4faae81d5"
        "0ae02ebd3c2f75b610a19541e76622c78622621e61a3ae470cebb8ed950e4c49918577445699b7c8906348f5"
        "61b206059f2baeb6b3c5c6903373362269d5906c8676b0ef2ca5b08017061001097000070b0100012406f107"
        "0112530fe33184b731b108c39c704d5519f0fc0c0c620a011721ecf80000";
    static const char contents[] =
        "377abcaf271c000444e2bd0410000000000000006200000000000000607804fb92b5589e247f0be24f028784"
        "69c7d23b0104060001091000070b0100022406f1070112530f5f8d33d07706c5096695f468b9f9cbad212101"
        "0001000c100c00080a01edb1711200000501190100110d0061002e007400780074000000140a0100f7468548"
        "7d7add01150601002080a4810000";
    blob b = blob_hex(all);
    story s = tell_with(&options, &b, 0);
    assert_int_equal(s.count, 1);
    SAID(s, "", HK_FILE_UNREADABLE, "encrypted");
    assert_string_equal(s.said[0].reason, "encrypted");
    assert_int_equal(s.said[0].digests.present, options.digests);
    free(s.said);
    free(b.bytes);
    b = blob_hex(contents);
    s = tell_with(&options, &b, 0);
    SAID(s, "a.txt", HK_FILE_UNREADABLE, "encrypted");
    SAID(s, "", HK_FILE_NOT_AN_IMAGE, "7z archive, 1 member, 1 encrypted");
    free(s.said);
    free(b.bytes);
}

/* What looks like a tar to us and not to libarchive. */
static void archives_not_recognised_are_unreadable(void **state)
{
    (void)state;
    blob b = {calloc(2, 1024), 2048};
    unsigned sum = 8 * ' ';
    memcpy(b.bytes, "name", 4);
    memcpy(b.bytes + 257, "ustar", 5);
    b.bytes[156] = 0xff; /* no type of member */
    for (int i = 0; i < 512; i++)
        sum += b.bytes[i];
    snprintf((char *)b.bytes + 148, 8, "%06o", sum);
    const story s = tell_with(&options, &b, 0);
    assert_int_equal(s.count, 1);
    SAID(s, "", HK_FILE_UNREADABLE, "damaged after 0 members: Unrecognized archive format");
    free(s.said);
    free(b.bytes);
}

static void damage_anywhere_ends_in_an_answer(void **state)
{
    (void)state;
    hk__pool *pool;
    hk_error err;
    uint64_t seed = 5;
    assert_int_equal(hk__pool_open(&pool, &options, &err), HK_OK);
    for (size_t i = 0; i < COUNT_OF(pack_kinds); i++)
        for (int round = 0; round < 20; round++) {
            blob b = three_files(pack_kinds[i].format, pack_kinds[i].filter);
            for (int n = 0; n < 1 + round % 8; n++)
                b.bytes[next_random(&seed) % b.count] = (uint8_t)next_random(&seed);
            const story s = tell(pool, &b, 0);
            for (size_t m = 0; m + 1 < s.count; m++)
                assert_int_equal(s.said[m].number, m);
            free(s.said);
            free(b.bytes);
        }
    hk__pool_free(pool);
}

/* ---- names ---------------------------------------------------------------------------------- */

/* Takes back what a zip says of its names: that they are UTF-8. */
static void unmark_names(const blob *b)
{
    for (size_t i = 0; i + 46 < b->count; i++)
        if (!memcmp(b->bytes + i, "PK\3\4", 4))
            b->bytes[i + 7] &= ~8;
        else if (!memcmp(b->bytes + i, "PK\1\2", 4))
            b->bytes[i + 9] &= ~8;
}

static void names_are_bytes(void **state)
{
    (void)state;
    char longest[5000], wanted[HK__NAME_MAX + 1];
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    memcpy(wanted, longest, HK__NAME_MAX);
    wanted[HK__NAME_MAX] = '\0';
    static const char *const names[] = {
        "../../etc/passwd", "/rooted", "caf\xc3\xa9", "latin\xe9\xff",
        "line\nend",        "twice",   "twice"};
    for (size_t i = 0; i < COUNT_OF(pack_kinds); i++) {
        if (!strcmp(pack_kinds[i].format, "ustar") || pack_kinds[i].format[0] == '7')
            continue; /* neither takes all of these */
        packer *p = pack_begin(pack_kinds[i].format, pack_kinds[i].filter,
                               pack_kinds[i].format[0] == 'p' ? "hdrcharset=BINARY" : NULL);
        for (size_t n = 0; n < COUNT_OF(names); n++)
            pack_file(p, names[n], &text);
        pack_file(p, longest, &photo);
        blob b = pack_end(p);
        if (pack_kinds[i].format[0] == 'z') { /* one is said to be UTF-8 and is not */
            const story marked = tell_with(&options, &b, 0);
            assert_string_equal(marked.said[3].member, "?");
            free(marked.said);
            unmark_names(&b);
        }
        const story s = tell_with(&options, &b, 0);
        if (s.count != COUNT_OF(names) + 2 || strcmp(s.said[3].member, names[3]))
            show(&s);
        assert_int_equal(s.count, COUNT_OF(names) + 2);
        for (size_t n = 0; n < COUNT_OF(names); n++)
            assert_string_equal(s.said[n].member, names[n]);
        assert_string_equal(s.said[COUNT_OF(names)].member, wanted);
        assert_int_equal(s.said[COUNT_OF(names)].status, HK_FILE_OK);
        free(s.said);
        free(b.bytes);
    }
    packer *p = pack_begin("7zip", "none", NULL);
    pack_file(p, "caf\xc3\xa9 \xf0\x9f\x93\xb7.jpg", &photo); /* stored as UTF-16 */
    blob b = pack_end(p);
    const story s = tell_with(&options, &b, 0);
    SAID(s, "caf\xc3\xa9 \xf0\x9f\x93\xb7.jpg", HK_FILE_OK, "");
    free(s.said);
    free(b.bytes);
}

static void names_of_members_deep_inside_are_cut(void **state)
{
    (void)state;
    char name[3001];
    memset(name, 'd', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    packer *p = pack_begin("gnutar", "none", NULL);
    pack_file(p, name, &photo);
    blob inner = pack_end(p);
    p = pack_begin("gnutar", "none", NULL);
    pack_file(p, name, &inner);
    blob b = pack_end(p);
    const story s = tell_with(&options, &b, 0);
    assert_int_equal(s.count, 3);
    assert_int_equal(strlen(s.said[0].member), HK__NAME_MAX);
    assert_int_equal(s.said[0].status, HK_FILE_OK);
    assert_memory_equal(s.said[0].member + 3000, "!/ddd", 5);
    assert_string_equal(s.said[1].member, name);
    free(s.said);
    free(inner.bytes);
    free(b.bytes);
}

/* ---- taken up again ------------------------------------------------------------------------- */

static void archives_are_taken_up_where_they_were_left(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pack_kinds); i++) {
        blob one = three_files("zip", "none"), two = wrap(&one, "one.zip", "ustar", "none"),
             b = wrap(&two, "two.tar", pack_kinds[i].format, pack_kinds[i].filter);
        hk__pool_options with = options;
        if (i % 2) /* a limit ends it at the same member */
            with.limits.max_members = 9;
        const story whole = tell_with(&with, &b, 0);
        assert_true(whole.count > 6);
        for (size_t first = 1; first <= whole.count; first++) {
            const story s = tell_with(&with, &b, first);
            const size_t left = first < whole.count ? whole.count - first : 1;
            if (s.count != left)
                show(&s);
            assert_int_equal(s.count, left);
            assert_memory_equal(s.said, whole.said + whole.count - left, left * sizeof *s.said);
            free(s.said);
        }
        free(whole.said);
        free(one.bytes);
        free(two.bytes);
        free(b.bytes);
    }
}

/* ---- contents seen before ------------------------------------------------------------------- */

static void contents_seen_before_are_not_decoded(void **state)
{
    (void)state;
    hk__pool_options with = options;
    hk__pool *pool;
    hk_error err;
    with.digests = 0; /* SHA-256 of pictures comes with it */
    with.seen = 10;
    packer *p = pack_begin("zip", "none", NULL);
    pack_file(p, "1.jpg", &photo);
    pack_file(p, "2.png", &other);
    pack_file(p, "3.txt", &text);
    blob inner = pack_end(p), b = wrap(&inner, "i.zip", "ustar", "none");
    assert_int_equal(hk__pool_open(&pool, &with, &err), HK_OK);
    const story first = tell(pool, &photo, 0), again = tell(pool, &photo, 0);
    assert_int_equal(first.said[0].status, HK_FILE_OK);
    assert_int_equal(again.said[0].status, HK_FILE_OK);
    assert_int_equal(first.said[0].digests.present, HK_DIGEST_SHA256);
    hk__pool_seen_add(pool, first.said[0].digests.sha256);
    const story now = tell(pool, &photo, 0);
    assert_int_equal(now.said[0].status, HK_FILE_DUPLICATE);
    assert_int_equal(now.said[0].format, HK__FORMAT_JPEG);
    assert_int_equal(now.said[0].size, photo.count);
    assert_memory_equal(&now.said[0].digests, &first.said[0].digests, sizeof(hk_digests));
    const story s = tell(pool, &b, 0);
    SAID(s, "before.png", HK_FILE_OK, "");
    SAID(s, "i.zip!/1.jpg", HK_FILE_DUPLICATE, "");
    SAID(s, "i.zip!/2.png", HK_FILE_OK, "");
    SAID(s, "i.zip!/3.txt", HK_FILE_NOT_AN_IMAGE, "");
    SAID(s, "after.jpg", HK_FILE_DUPLICATE, "");
    SAID(s, "", HK_FILE_NOT_AN_IMAGE, "3 members");
    free(first.said);
    free(again.said);
    free(now.said);
    free(s.said);
    free(inner.bytes);
    free(b.bytes);
    hk__pool_free(pool);
}

/* ---- several at once ------------------------------------------------------------------------ */

static void archives_and_files_take_turns(void **state)
{
    (void)state;
    hk__pool_options with = options;
    hk__pool *pool;
    hk_error err;
    with.workers = 2;
    packer *p = pack_begin("zip", "none", NULL);
    char name[16];
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "%d.jpg", i);
        pack_file(p, name, &photo);
    }
    blob b = pack_end(p);
    assert_int_equal(hk__pool_open(&pool, &with, &err), HK_OK);
    uint64_t next[2] = {0, 0}, submitted = 0, finished = 0, files = 0;
    while (finished < 60) {
        while (hk__pool_room(pool) && submitted < 60) {
            const bool archive = submitted % 30 == 0;
            assert_int_equal(
                hk__pool_submit(pool, submitted, blob_descriptor(archive ? &b : &photo), 0, &err),
                HK_OK);
            submitted++;
        }
        bool done;
        hk__pool_result r;
        assert_int_equal(hk__pool_wait(&done, &r, pool, 1000, &err), HK_OK);
        if (!done)
            continue;
        finished += r.last;
        if (r.member)
            assert_int_equal(r.member_number, next[r.tag / 30]++);
        else
            files += r.views->count != 0;
    }
    assert_true(next[0] == 200 && next[1] == 200 && files == 58);
    assert_int_equal(hk__pool_room(pool), 8);
    hk__pool_free(pool);
    free(b.bytes);
}

static void limits_out_of_range_are_refused(void **state)
{
    (void)state;
    hk__pool *pool = UNTOUCHED;
    hk_error err;
    for (int i = 0; i < 5; i++) {
        hk__pool_options with = options;
        *(i == 0   ? &with.limits.max_depth
          : i == 1 ? &with.limits.max_depth
                   : &with.repeats) = i == 0   ? 0
                                      : i == 1 ? HK__DEPTH_MAX + 1
                                               : i == 2;
        if (i == 3)
            with.limits.max_members = 0;
        if (i == 4)
            with.limits.max_ratio = 0;
        assert_int_equal(hk__pool_open(&pool, &with, &err), HK_ERR_USAGE);
        assert_ptr_equal(pool, UNTOUCHED);
    }
}

static void version_of_libarchive_is_told(void **state)
{
    (void)state;
    hk__pool *pool;
    hk_error err;
    const char *decoders;
    assert_int_equal(hk__pool_open(&pool, &options, &err), HK_OK);
    assert_int_equal(hk__pool_decoders(&decoders, pool, &err), HK_OK);
    assert_non_null(strstr(decoders, "libarchive 3."));
    hk__pool_free(pool);
}

int main(int argc, char **argv)
{
    (void)argc;
    setlocale(LC_CTYPE, "C.UTF-8"); /* 7z takes names apart */
    if (VIPS_INIT(argv[0]))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_every_kind_are_as_files),
        cmocka_unit_test(compressed_files_that_are_no_tar_are_files),
        cmocka_unit_test(links_and_devices_are_excluded_and_folders_not_named),
        cmocka_unit_test(archives_in_archives_are_opened_to_a_depth),
        cmocka_unit_test(limits_end_an_archive_and_keep_what_was_found),
        cmocka_unit_test(bombs_are_named),
        cmocka_unit_test(bombs_that_lie_are_named),
        cmocka_unit_test(overlapping_members_count_each),
        cmocka_unit_test(what_is_cut_off_is_named_and_the_rest_kept),
        cmocka_unit_test(what_is_left_of_a_picture_has_digests),
        cmocka_unit_test(wrong_checksums_are_told_and_pictures_still_hashed),
        cmocka_unit_test(encrypted_members_are_unreadable),
        cmocka_unit_test(encrypted_7z_are_named),
        cmocka_unit_test(archives_not_recognised_are_unreadable),
        cmocka_unit_test(damage_anywhere_ends_in_an_answer),
        cmocka_unit_test(names_are_bytes),
        cmocka_unit_test(names_of_members_deep_inside_are_cut),
        cmocka_unit_test(archives_are_taken_up_where_they_were_left),
        cmocka_unit_test(contents_seen_before_are_not_decoded),
        cmocka_unit_test(archives_and_files_take_turns),
        cmocka_unit_test(limits_out_of_range_are_refused),
        cmocka_unit_test(version_of_libarchive_is_told),
    };
    return cmocka_run_group_tests_name("archives", tests, prepare, end_telling);
}
