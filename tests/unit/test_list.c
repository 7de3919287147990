/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_list.c - plain list files as people and tools write them, and as nobody should: what is
 * taken, and which line is refused with which words.
 */
#include "unit.h"

#include "core/digest.h"
#include "feed/entry.h"
#include "list/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PDQ "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
#define PDQ_UPPER "F8F8F0CEE0F4A84F06370A22038F63F0B36E2ED596621E1D33E6B39C4E9C9B22"
#define PDQ_2 "54977f4b4c0a4c6e9b2a66c1e3b8d5f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define MD5 "900150983cd24fb0d6963f7d28e17f72"
#define SHA1 "a9993e364706816aba3e25717850c26c9cd0d89d"
#define SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
/* 161 one-bits */
#define ODD "fffffffff8f8f0cee0f4a84f06370affff8f63f0b36e2ed596621e1d33e6b3ff"
#define ONES "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static void write_list(char path[32], const void *bytes, size_t count)
{
    strcpy(path, "/tmp/herken-list-XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, count), count);
    close(fd);
}

static hk_status try_bytes(hk_list **out, const void *bytes, size_t count)
{
    char path[32];
    write_list(path, bytes, count);
    const hk_status status = hk_list_load(out, path, "known", NULL);
    unlink(path);
    return status;
}

static hk_list *load_bytes(const void *bytes, size_t count)
{
    hk_list *list;
    assert_int_equal(try_bytes(&list, bytes, count), HK_OK);
    assert_string_equal(list->name, "known");
    return list;
}

static hk_list *load(const char *text)
{
    return load_bytes(text, strlen(text));
}

static size_t bad_count(const hk_list *list)
{
    size_t count = 77;
    hk_list_bad_lines(&count, list);
    return count;
}

static void assert_text(const char *text, const char *expected)
{
    if (expected) {
        assert_non_null(text);
        assert_string_equal(text, expected);
    } else {
        assert_null(text);
    }
}

/* One entry and nothing else in the text. `pdq` is its hash or NULL, `digest` the hex of the one
 * digest it has or NULL. */
static void one_entry(const char *text, const char *pdq, const char *digest, const char *id,
                      const char *category)
{
    hk_list *list = load(text);
    if (hk_list_count(list) != 1 || bad_count(list))
        print_error("for: %.90s\n", text);
    assert_int_equal(bad_count(list), 0);
    assert_int_equal(hk_list_count(list), 1);
    assert_text(list->entries[0].id, id);
    assert_text(list->entries[0].category, category);
    assert_int_equal(list->hash_count, pdq != NULL);
    if (pdq) {
        char hex[HK_HASH_TEXT_SIZE];
        hk_hash_format(hex, &list->hashes[0]);
        assert_string_equal(hex, pdq);
        assert_int_equal(list->hash_entry[0], 0);
    }
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        const size_t size = hk__digest_size((hk_basis)basis);
        const hk__digest_column *column = &list->digests[basis];
        const bool wanted = digest && strlen(digest) == 2 * size;
        assert_int_equal(column->count, wanted);
        for (size_t i = 0; wanted && i < size; i++) {
            char hex[3];
            snprintf(hex, sizeof hex, "%02x", column->bytes[i]);
            assert_int_equal(strncmp(hex, digest + 2 * i, 2), 0);
        }
        assert_true(!wanted || column->entry[0] == 0);
    }
    hk_list_free(list);
}

/* The text's only bad line is `line`, with `words` in its reason, and `count` entries stand. */
static void one_bad_line(const void *bytes, size_t size, size_t line, const char *words,
                         size_t count)
{
    size_t bad;
    hk_list *list = load_bytes(bytes, size);
    const hk_list_bad_line *lines = hk_list_bad_lines(&bad, list);
    if (bad != 1 || lines[0].line != line || !strstr(lines[0].reason, words))
        print_error("for: %.90s (%zu bad, line %zu: %s)\n", (const char *)bytes, bad,
                    bad ? lines[0].line : 0, bad ? lines[0].reason : "none");
    assert_int_equal(bad, 1);
    assert_int_equal(lines[0].line, line);
    assert_non_null(strstr(lines[0].reason, words));
    assert_int_equal(hk_list_count(list), count);
    hk_list_free(list);
}

static void bad_line(const char *text, size_t line, const char *words, size_t count)
{
    one_bad_line(text, strlen(text), line, words, count);
}

/* ---- what is taken ------------------------------------------------------------------------- */

static void hash_lines_are_taken_in_each_form(void **state)
{
    (void)state;
    one_entry(PDQ "\n", PDQ, PDQ, "line 1", NULL);
    one_entry(PDQ, PDQ, PDQ, "line 1", NULL);
    one_entry(PDQ ",87\n", PDQ, NULL, "line 1", NULL);
    one_entry(PDQ ",0\n", PDQ, NULL, "line 1", NULL);
    one_entry(PDQ ",100,photos/a.jpg\n", PDQ, NULL, "photos/a.jpg", NULL);
    one_entry(PDQ ",100,A-1,hate\n", PDQ, NULL, "A-1", "hate");
    one_entry(PDQ ",A-1\n", PDQ, PDQ, "A-1", NULL);
    one_entry(PDQ ",A-1,hate\n", PDQ, PDQ, "A-1", "hate");
    one_entry(PDQ ",,A-1,hate\n", PDQ, PDQ, "A-1", "hate");
    one_entry(PDQ ",,,hate\n", PDQ, PDQ, "line 1", "hate");
    one_entry(PDQ " , 87 ,\tA-1 , hate \n", PDQ, NULL, "A-1", "hate");
}

static void digest_lines_are_taken_in_each_form(void **state)
{
    (void)state;
    one_entry(MD5 "\n", NULL, MD5, "line 1", NULL);
    one_entry(SHA1 "\n", NULL, SHA1, "line 1", NULL);
    one_entry(MD5 ",A-1\n", NULL, MD5, "A-1", NULL);
    one_entry(SHA1 ",A-1,hate\n", NULL, SHA1, "A-1", "hate");
    one_entry(MD5 "  a b, c.jpg\n", NULL, MD5, "a b, c.jpg", NULL);
    one_entry(SHA1 " *a.jpg\n", NULL, SHA1, "a.jpg", NULL);
    one_entry(SHA256 "  a.jpg\n", SHA256, SHA256, "a.jpg", NULL);
    one_entry(SHA256 " *a.jpg\n", SHA256, SHA256, "a.jpg", NULL);
    one_entry(MD5 "  \n", NULL, MD5, "line 1", NULL);
}

/* A digest has no quality: what follows it is the entry, number or not (banner of format_text.c).
 */
static void digest_lines_have_no_quality(void **state)
{
    (void)state;
    one_entry(MD5 ",12\n", NULL, MD5, "12", NULL);
    one_entry(SHA1 ",12,hate\n", NULL, SHA1, "12", "hate");
    one_entry(MD5 ",,hate\n", NULL, MD5, "line 1", "hate");
}

static void sixty_four_digits_of_unknown_sort_are_looked_up_as_both(void **state)
{
    (void)state;
    one_entry(PDQ "  a.jpg\n", PDQ, PDQ, "a.jpg", NULL);
    one_entry(PDQ ",a.jpg\n", PDQ, PDQ, "a.jpg", NULL);
    /* With so few one-bits it is no digest; one-bits a little off are no PDQ hash's. */
    bad_line(ZEROS "  a.jpg\n", 1, "degenerate", 0);
    one_entry(ODD "  a.jpg\n", NULL, ODD, "a.jpg", NULL);
    one_entry(ODD "\n", NULL, ODD, "line 1", NULL);
    bad_line(ODD ",90\n", 1, "degenerate", 0); /* a quality says PDQ */
    bad_line("pdq\n" ODD "\n", 2, "degenerate", 0);
    one_entry("sha256\n" PDQ "\n", NULL, PDQ, "line 2", NULL);
    one_entry("pdq\n" PDQ "\n", PDQ, NULL, "line 2", NULL);
}

static void escaped_sum_lines_are_taken(void **state)
{
    (void)state;
    static const char *const digests[] = {MD5, SHA1, SHA256};
    for (size_t i = 0; i < COUNT_OF(digests); i++) {
        char text[200];
        snprintf(text, sizeof text, "\\%s  a\\nb.jpg\n", digests[i]);
        hk_list *list = load(text);
        assert_int_equal(hk_list_count(list), 1);
        assert_int_equal(bad_count(list), 0);
        assert_int_equal(list->digests[i].count, 1);
        assert_int_equal(list->digests[i].bytes[0] >> 4,
                         digests[i][0] <= '9' ? digests[i][0] - '0' : digests[i][0] - 'a' + 10);
        assert_string_equal(list->entries[0].id, "a\nb.jpg");
        hk_list_free(list);
    }
}

static void line_ends_marks_case_and_comments_do_not_matter(void **state)
{
    (void)state;
    one_entry(PDQ ",87,A-1\r\n", PDQ, NULL, "A-1", NULL);
    one_entry(MD5 "  a.jpg\r\n", NULL, MD5, "a.jpg", NULL);
    one_entry("\xef\xbb\xbf" PDQ ",A-1\n", PDQ, PDQ, "A-1", NULL);
    one_entry("\xef\xbb\xbfpdq,entry\r\n" PDQ ",A-1\r\n", PDQ, NULL, "A-1", NULL);
    one_entry(PDQ_UPPER ",A-1\n", PDQ, PDQ, "A-1", NULL);
    one_entry("900150983CD24FB0D6963F7D28E17F72  a.jpg\n", NULL, MD5, "a.jpg", NULL);
    one_entry("\n\r\n   \n\t\n# " PDQ_2 "\n  # more\n" PDQ "\n\n#", PDQ, PDQ, "line 7", NULL);
    one_entry("  \t" PDQ ",A-1\n", PDQ, PDQ, "A-1", NULL);
}

static void quoted_fields_are_taken(void **state)
{
    (void)state;
    one_entry(PDQ ",87,\"a, b.jpg\",\"hate\"\n", PDQ, NULL, "a, b.jpg", "hate");
    one_entry("\"" PDQ "\",\"87\",\"say \"\"hi\"\"\"\r\n", PDQ, NULL, "say \"hi\"", NULL);
    one_entry(PDQ ", \"  spaced  \" , hate\n", PDQ, PDQ, "  spaced  ", "hate");
    one_entry(PDQ ",87,\"\",hate\n", PDQ, NULL, "line 1", "hate");
    one_entry("\"entry\",\"pdq\"\n\"a,b\",\"" PDQ "\"\n", PDQ, NULL, "a,b", NULL);
    one_entry(PDQ ",87,\"5\"\"\"\n", PDQ, NULL, "5\"", NULL);
}

static void header_names_columns_in_any_order(void **state)
{
    (void)state;
    one_entry("entry,pdq\nA-1," PDQ "\n", PDQ, NULL, "A-1", NULL);
    one_entry("category,quality,entry,pdq\nhate,90,A-1," PDQ "\n", PDQ, NULL, "A-1", "hate");
    one_entry("colour,PDQ,Size\nred," PDQ ",12\n", PDQ, NULL, "line 2", NULL);
    one_entry("hash,quality,path\n" PDQ ",90,a.jpg\n", PDQ, NULL, "a.jpg", NULL);
    one_entry("hash,filename\n" PDQ ",a.jpg\n", PDQ, PDQ, "a.jpg", NULL);
    one_entry("md5,entry\n" MD5 ",A-1\n", NULL, MD5, "A-1", NULL);
    one_entry("sha1\n" SHA1 "\n", NULL, SHA1, "line 2", NULL);
    one_entry("sha256,entry\n" SHA256 ",A-1\n", NULL, SHA256, "A-1", NULL);
    one_entry("pdq,md5,entry\n," MD5 ",A-1\n", NULL, MD5, "A-1", NULL);
    one_entry("# made today\n\npdq,entry\n# one\n" PDQ ",A-1\n", PDQ, NULL, "A-1", NULL);

    hk_list *list = load("sha256,sha1,md5,pdq,entry\n" SHA256 "," SHA1 "," MD5 "," PDQ ",A-1\n"
                         ",,," PDQ_2 ",A-2\n");
    assert_int_equal(hk_list_count(list), 2);
    assert_int_equal(list->hash_count, 2);
    assert_int_equal(list->hash_entry[1], 1);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        assert_int_equal(list->digests[basis].count, 1);
    hk_list_free(list);
}

/* A header names a hash; a line that has one is an entry, whatever its entry is called. */
static void first_line_with_a_hash_is_no_header(void **state)
{
    (void)state;
    one_entry(PDQ ",90,hash\n", PDQ, NULL, "hash", NULL);
    one_entry(MD5 ",md5\n", NULL, MD5, "md5", NULL);
}

static void many_entries_keep_their_order_and_text(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    uint64_t seed = 7;
    char *text = malloc(MANY * 200), *p = text;
    hk_hash *hashes = malloc(MANY * sizeof *hashes);
    for (int i = 0; i < MANY; i++) {
        char hex[HK_HASH_TEXT_SIZE];
        hashes[i] = healthy_hash(&seed);
        hk_hash_format(hex, &hashes[i]);
        p += sprintf(p, "%s,%d,entry number %d,category %d\n", hex, i % 101, i, i % 7);
    }
    hk_list *list = load(text);
    assert_int_equal(hk_list_count(list), MANY);
    assert_int_equal(bad_count(list), 0);
    for (int i = 0; i < MANY; i++) {
        char id[40], category[40];
        snprintf(id, sizeof id, "entry number %d", i);
        snprintf(category, sizeof category, "category %d", i % 7);
        assert_string_equal(list->entries[i].id, id);
        assert_string_equal(list->entries[i].category, category);
        assert_memory_equal(&list->hashes[i], &hashes[i], sizeof *hashes);
        assert_int_equal(list->hash_entry[i], i);
    }
    hk_list_free(list);
    free(hashes);
    free(text);
}

static void empty_file_is_an_empty_list(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", "# nothing\n", "\xef\xbb\xbf", "pdq,entry\n"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        hk_list *list = load(texts[i]);
        assert_int_equal(hk_list_count(list), 0);
        assert_int_equal(bad_count(list), 0);
        hk_list_free(list);
    }
    hk_list_free(NULL);
}

/* ---- what is refused, by line and reason ----------------------------------------------------- */

static void malformed_hashes_are_bad_lines(void **state)
{
    (void)state;
    const char *const digits63 = &PDQ[1];
    char text[400];
    snprintf(text, sizeof text, "%s,90,A-1\n%s,A-2\n", PDQ, digits63);
    bad_line(text, 2, "wrong length", 1);
    snprintf(text, sizeof text, "%s0,A-1\n%s\n", PDQ, PDQ);
    bad_line(text, 1, "wrong length", 1);
    snprintf(text, sizeof text, "%s\n\n# x\n%s,A-2\n%s\n", PDQ, "g8f8", PDQ_2);
    bad_line(text, 4, "hash", 2);
    snprintf(text, sizeof text, "%s\n%.63sg,A-2\n", PDQ, PDQ);
    bad_line(text, 2, "hash", 1);
    snprintf(text, sizeof text, "%s\n0x%s\n", PDQ, PDQ);
    bad_line(text, 2, "hash", 1);
    bad_line("what is this\n" PDQ "\n", 1, "hash", 1);
    bad_line("\"\"\n" PDQ "\n", 1, "wrong length", 1);
    bad_line(PDQ " x\n", 1, "hash", 0);
}

static void degenerate_hashes_are_bad_lines(void **state)
{
    (void)state;
    bad_line(PDQ "\n" ZEROS ",100,black\n" PDQ_2 "\n", 2, "degenerate", 2);
    bad_line(ONES "\n" PDQ "\n", 1, "degenerate", 1);
    bad_line("pdq,entry\n" ZEROS ",A-1\n", 2, "degenerate", 0);

    uint64_t seed = 8;
    const hk_hash zero = {{0}};
    for (unsigned ones = 0; ones <= HK_HASH_BITS; ones++) {
        const hk_hash hash = at_distance(&zero, ones, &seed);
        assert_int_equal(hk__hash_is_degenerate(&hash), ones < 112 || ones > 144);
    }
}

static void digests_of_the_empty_file_are_bad_lines(void **state)
{
    (void)state;
    bad_line(MD5 "  a\nd41d8cd98f00b204e9800998ecf8427e  b\n", 2, "empty file", 1);
    bad_line("da39a3ee5e6b4b0d3255bfef95601890afd80709,b\n", 1, "empty file", 0);
    bad_line("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855  b\n", 1,
             "empty file", 0);
    /* The rest of such an entry stands. */
    bad_line("pdq,md5\n" PDQ ",d41d8cd98f00b204e9800998ecf8427e\n", 2, "empty file", 1);
}

static void rows_that_do_not_fit_the_header_are_bad_lines(void **state)
{
    (void)state;
    bad_line("pdq,quality,entry\n" PDQ ",90,A-1\n" PDQ_2 ",90\n", 3, "fewer fields", 1);
    bad_line("pdq,quality,entry\n" PDQ ",90,A-1,x\n", 2, "more fields", 0);
    bad_line("pdq,quality\n" PDQ ",101\n" PDQ_2 ",100\n", 2, "quality", 1);
    bad_line("pdq,quality\n" PDQ ",-1\n", 2, "quality", 0);
    bad_line("pdq,quality\n" PDQ ",9.5\n", 2, "quality", 0);
    bad_line("pdq,quality\n" PDQ ",high\n", 2, "quality", 0);
    bad_line("pdq,entry\n12,A-1\n", 2, "pdq", 0);
    bad_line("md5,entry\n" SHA1 ",A-1\n", 2, "md5", 0);
    bad_line("sha1,entry\n" MD5 ",A-1\n", 2, "sha1", 0);
    bad_line("sha256,entry\n" MD5 "g" MD5 ",A-1\n", 2, "sha256", 0);
    bad_line("sha256,entry\n" SHA256 "0,A-1\n", 2, "sha256", 0);
    bad_line("pdq,entry\n,A-1\n", 2, "neither", 0);
}

static void fields_that_do_not_parse_are_bad_lines(void **state)
{
    (void)state;
    bad_line(PDQ "\n" PDQ_2 ",90,\"a.jpg\n", 2, "quoted field", 1);
    bad_line(PDQ ",90,\"a\"b\n", 1, "closing quote", 0);
    bad_line(PDQ ",90,a,b,c\n", 1, "more fields", 0);
    bad_line(PDQ ",101,a,b\n", 1, "quality", 0);
    bad_line(PDQ ",101,a\n", 1, "quality", 0);
    char text[400] = PDQ;
    for (int i = 0; i < 70; i++)
        strcat(text, ",a");
    bad_line(text, 1, "more than 64 fields", 0);
}

static void lists_that_could_be_misread_are_refused(void **state)
{
    (void)state;
    /* One column would hide the other. */
    static const char twice[] = "pdq,pdq\n" PDQ "," PDQ_2 "\n";
    char path[32];
    hk_list *list = UNTOUCHED;
    hk_error err;
    write_list(path, twice, sizeof twice - 1);
    assert_int_equal(hk_list_load(&list, path, "x", &err), HK_ERR_FORMAT);
    unlink(path);
    assert_ptr_equal(list, UNTOUCHED);
    assert_non_null(strstr(err.message, "twice"));

    bad_line("id,sha256_hash,md5\n1," SHA256 "," MD5 "\n", 2, "not known", 0);
    bad_line(MD5 "  a\r" MD5 "  b\r\n", 1, "carriage return", 0);
    /* What `herken hash` prints for people is no list. */
    bad_line(PDQ "\t98\tphoto\ta.jpg\n", 1, "does not start with a hash", 0);
}

static void nul_bytes_make_a_bad_line(void **state)
{
    (void)state;
    static const char text[] = PDQ ",A-1\n" PDQ_2 ",A\0B\n" MD5 "\n";
    one_bad_line(text, sizeof text - 1, 2, "NUL", 2);
    static const char only[] = "\0";
    one_bad_line(only, 1, 1, "NUL", 0);
}

static void long_lines_are_bad_and_the_next_is_read(void **state)
{
    (void)state;
    enum { LONG = 70000 };
    char *text = malloc(LONG + 300), *p = text;
    p += sprintf(p, "%s,first\n%s,", PDQ, PDQ_2);
    memset(p, 'x', LONG);
    p += LONG;
    p += sprintf(p, "\n%s,last\n", PDQ_2);
    one_bad_line(text, (size_t)(p - text), 2, "65,536", 2);
    hk_list *list = load_bytes(text, (size_t)(p - text));
    assert_string_equal(list->entries[1].id, "last");
    hk_list_free(list);

    /* Just what is allowed, in full. */
    p = text + sprintf(text, "%s,", PDQ);
    memset(p, 'y', 4096);
    memset(p + 4096, ' ', 65536 - 4096 - (size_t)(p - text));
    list = load_bytes(text, 65536);
    assert_int_equal(hk_list_count(list), 1);
    assert_int_equal(strlen(list->entries[0].id), 4096);
    hk_list_free(list);
    one_bad_line(text, 65537, 1, "65,536", 0);
    p[4096] = 'y';
    one_bad_line(text, 65536, 1, "4,096", 0);
    free(text);
}

static void bad_lines_come_in_order(void **state)
{
    (void)state;
    size_t count;
    hk_list *list = load("zzz\n" PDQ "\n\nyyy\n" ZEROS "\n" MD5 "\nxxx");
    const hk_list_bad_line *lines = hk_list_bad_lines(&count, list);
    static const size_t expected[] = {1, 4, 5, 7};
    assert_int_equal(count, COUNT_OF(expected));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(lines[i].line, expected[i]);
        assert_true(*lines[i].reason);
    }
    assert_int_equal(hk_list_count(list), 2);
    assert_string_equal(list->entries[1].id, "line 6");
    hk_list_free(list);
}

/* ---- errors -------------------------------------------------------------------------------- */

static void files_that_cannot_be_read_are_errors(void **state)
{
    (void)state;
    static const char *const paths[] = {"/nonexistent/list.csv", "/tmp"};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        hk_list *list = UNTOUCHED;
        hk_error err = {HK_OK, ""};
        assert_int_equal(hk_list_load(&list, paths[i], "x", &err), HK_ERR_IO);
        assert_int_equal(err.status, HK_ERR_IO);
        assert_non_null(strstr(err.message, paths[i]));
        assert_ptr_equal(list, UNTOUCHED);
        assert_int_equal(hk_list_load(&list, paths[i], "x", NULL), HK_ERR_IO);
    }
}

static void loading_survives_every_failing_allocation(void **state)
{
    (void)state;
    char path[32];
    char *text = malloc(200 * 200), *p = text;
    for (int i = 0; i < 150; i++) /* past the first growth of every array */
        p += sprintf(p, "%s,%d,A,cat\n%s  a\n%s  b\nbad\n", PDQ, i % 100, MD5, SHA256);
    write_list(path, text, (size_t)(p - text));
    hk_list *list = UNTOUCHED;
    FAIL_EVERY_ALLOCATION(hk_list_load(&list, path, "x", NULL), list == UNTOUCHED);
    assert_int_equal(hk_list_count(list), 450);
    assert_int_equal(bad_count(list), 150);
    hk_list_free(list);
    unlink(path);
    free(text);
}

/* Random changes to good lists: whatever comes, each line is an entry, a bad line, or neither;
 * but for a header that cannot be meant. */
static void damaged_lists_stay_consistent(void **state)
{
    (void)state;
    static const char good[] = "pdq,md5,entry,category\n" PDQ "," MD5 ",\"a, \"\"b\"\"\",c\n"
                               "# x\n" PDQ_2 ",,d,\n," MD5 ",e,f\n";
    static const char plain[] = PDQ ",90,a,b\n" SHA1 "  c\n\\" SHA256 " *d\n" MD5 ",e\n";
    static const char alphabet[] = "\",\\\n\r\t #*0aF\0g\xef\xbb\xbf";
    uint64_t seed = 9;
    for (int round = 0; round < 3000; round++) {
        char text[600];
        const size_t size = (round & 1 ? sizeof good : sizeof plain) - 1;
        memcpy(text, round & 1 ? good : plain, size);
        for (uint64_t n = next_random(&seed) % 6; n; n--)
            text[next_random(&seed) % size] = alphabet[next_random(&seed) % sizeof alphabet];
        hk_list *list;
        const hk_status status = try_bytes(&list, text, size - next_random(&seed) % 3);
        if (status) {
            assert_int_equal(status, HK_ERR_FORMAT);
            continue;
        }
        size_t lines = 1, bad = bad_count(list);
        for (size_t i = 0; i < size; i++)
            lines += text[i] == '\n';
        assert_true(hk_list_count(list) + bad <= lines);
        for (size_t i = 0; i < list->hash_count; i++)
            assert_true(list->hash_entry[i] < hk_list_count(list));
        for (size_t i = 0; i < hk_list_count(list); i++)
            assert_true(*list->entries[i].id);
        hk_list_free(list);
    }
}

/* Of every byte of the file, whatever of it is read as lines: a mark, what is longer than a line
 * may be, many buffers full; of a JSON what lies behind its end. */
static void the_digest_is_that_of_the_bytes(void **state)
{
    (void)state;
    static char large[3 << 20];
    hk_digests digests;
    hk__digester *digester;
    char hex[65];
    memset(large, 'x', sizeof large);
    memcpy(large, "\xef\xbb\xbf" PDQ "\n", 3 + 65);
    for (size_t at = 200; at < sizeof large; at += at < 1 << 20 ? 77 : 90001)
        large[at] = '\n';
    static const char json[] =
        "{\"value\":[{\"Media\":[{\"MediaID\":1,\"MD5\":\"" MD5 "\",\"Category\":1}]}]}   \n\n  \n";
    const struct {
        const char *bytes;
        size_t count;
    } files[] = {{PDQ, 64}, {"", 0}, {large, sizeof large}, {json, sizeof json - 1}};
    assert_int_equal(hk__digester_new(&digester, NULL), HK_OK);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        hk_list *list = load_bytes(files[i].bytes, files[i].count);
        assert_int_equal(hk__digester_start(digester, HK_DIGEST_SHA256, NULL), HK_OK);
        assert_int_equal(hk__digester_add(digester, files[i].bytes, files[i].count, NULL), HK_OK);
        assert_int_equal(hk__digester_finish(&digests, digester, NULL), HK_OK);
        hk__digest_hex(hex, digests.sha256, 32);
        assert_string_equal(hk_list_digest(list), hex);
        hk_list_free(list);
    }
    hk__digester_free(digester);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_lines_are_taken_in_each_form),
        cmocka_unit_test(digest_lines_are_taken_in_each_form),
        cmocka_unit_test(digest_lines_have_no_quality),
        cmocka_unit_test(sixty_four_digits_of_unknown_sort_are_looked_up_as_both),
        cmocka_unit_test(escaped_sum_lines_are_taken),
        cmocka_unit_test(line_ends_marks_case_and_comments_do_not_matter),
        cmocka_unit_test(quoted_fields_are_taken),
        cmocka_unit_test(header_names_columns_in_any_order),
        cmocka_unit_test(first_line_with_a_hash_is_no_header),
        cmocka_unit_test(many_entries_keep_their_order_and_text),
        cmocka_unit_test(empty_file_is_an_empty_list),
        cmocka_unit_test(malformed_hashes_are_bad_lines),
        cmocka_unit_test(degenerate_hashes_are_bad_lines),
        cmocka_unit_test(digests_of_the_empty_file_are_bad_lines),
        cmocka_unit_test(rows_that_do_not_fit_the_header_are_bad_lines),
        cmocka_unit_test(fields_that_do_not_parse_are_bad_lines),
        cmocka_unit_test(lists_that_could_be_misread_are_refused),
        cmocka_unit_test(nul_bytes_make_a_bad_line),
        cmocka_unit_test(long_lines_are_bad_and_the_next_is_read),
        cmocka_unit_test(bad_lines_come_in_order),
        cmocka_unit_test(files_that_cannot_be_read_are_errors),
        cmocka_unit_test(the_digest_is_that_of_the_bytes),
        cmocka_unit_test(loading_survives_every_failing_allocation),
        cmocka_unit_test(damaged_lists_stay_consistent),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
