/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_feed_lines.c - the line-based formats at their edges: what is read as what, and which line
 * is refused for which reason.
 */
#include "feed_unit.h"

#define NO_HASH "does not start with a hash: 64 hex digits (PDQ), 40 (SHA-1) or 32 (MD5)"
#define BAD_LENGTH "a hash of the wrong length: 64 hex digits (PDQ), 40 (SHA-1) or 32 (MD5)"
#define NOT_ENDED "a quoted field does not end"

/* ---- lines ----------------------------------------------------------------------------------- */

static void line_ends_marks_and_blanks_do_not_matter(void **state)
{
    (void)state;
    expect("\xef\xbb\xbf" MD5 "\r\n\r\n \t\r\n# x\r\n" SHA1 "  a",
           "1 entry | md5=" MD5 "\n"
           "5 entry | name=a | sha1=" SHA1 "\n");
    expect("\xef\xbb\xbfMD5;Entry\r\n\r\n" MD5 ";a\r\n", "3 entry | id=a | md5=" MD5 "\n");
    expect(MD5 "\r", "1 entry | md5=" MD5 "\n");
    expect(MD5 "\r\r\n", "1 bad | a carriage return in the line: end lines with LF or CRLF\n");
    /* A mark in the middle of a file is text. */
    expect(MD5 "\n\xef\xbb\xbf" MD5 "\n", "1 entry | md5=" MD5 "\n2 bad | " NO_HASH "\n");
    expect("", "");
    expect("\xef\xbb\xbf", "");
    expect("pdq,md5", "");
}

static void nul_bytes_are_refused(void **state)
{
    (void)state;
    static const char text[] = MD5 "\0\n" SHA1 "\n",
                      csv[] = "md5,entry\n" MD5 ",a\0b\n" MD5 ",\"\0\"\n";
    static const char lines[] = "md5,entry\n" MD5 ",\"a\n\0\"\n" MD5 ",b\n";
    expect_bytes(text, sizeof text - 1, NULL,
                 "1 bad | a NUL byte in the line\n2 entry | sha1=" SHA1 "\n");
    expect_bytes(csv, sizeof csv - 1, NULL,
                 "2 bad | a NUL byte in the line\n3 bad | a NUL byte in the line\n");
    expect_bytes(lines, sizeof lines - 1, NULL,
                 "2 bad | a NUL byte in the line\n3 bad | a NUL byte in the line\n"
                 "4 entry | id=b | md5=" MD5 "\n");
}

/* Lines of a length at which the buffer must be moved, and of ten megabytes. */
static void long_lines_are_refused_and_the_next_is_read(void **state)
{
    (void)state;
    static const size_t lengths[] = {65535,  65536,  65537,  65538,   131072,
                                     262143, 262144, 262145, 10000000};
    for (size_t i = 0; i < COUNT_OF(lengths); i++)
        for (int crlf = 0; crlf < 2; crlf++) {
            const bool taken = lengths[i] <= HK__LINE_MAX;
            char *text = malloc(lengths[i] + 400), *p = text;
            p += sprintf(p, "%s  before\n%s,", MD5, MD5);
            memset(p, ' ', lengths[i] - 33);
            p += lengths[i] - 33;
            p += sprintf(p, "%s%s  after\n", crlf ? "\r\n" : "\n", SHA1);
            char expected[400];
            snprintf(expected, sizeof expected,
                     "1 entry | name=before | md5=" MD5 "\n2 %s\n3 entry | name=after | sha1=" SHA1
                     "\n",
                     taken ? "entry | md5=" MD5 : "bad | longer than 65,536 bytes");
            expect_bytes(text, (size_t)(p - text), "text", expected);
            free(text);
        }
}

/* Many lines of many lengths: none is torn where the buffer ends. */
static void lines_are_not_torn(void **state)
{
    (void)state;
    uint64_t seed = 5;
    char *text, *expected;
    size_t size, expected_size;
    FILE *out = open_memstream(&text, &size), *words = open_memstream(&expected, &expected_size);
    for (int i = 1; i <= 20000; i++) {
        const int length = (int)(next_random(&seed) % 300) + 1;
        fprintf(out, "%s  %0*d%s", MD5, length, i, i % 3 ? "\n" : "\r\n");
        fprintf(words, "%d entry | name=%0*d | md5=%s\n", i, length, i, MD5);
    }
    fclose(out);
    fclose(words);
    expect_bytes(text, size, NULL, expected);
    free(text);
    free(expected);
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void texts_are_bounded(void **state)
{
    (void)state;
    char text[HK__TEXT_MAX + 200], expected[HK__TEXT_MAX + 200], name[HK__TEXT_MAX + 2];
    memset(name, 'n', sizeof name);
    name[HK__TEXT_MAX] = '\0';
    snprintf(text, sizeof text, "%s  %s\n", MD5, name);
    snprintf(expected, sizeof expected, "1 entry | name=%s | md5=" MD5 "\n", name);
    expect(text, expected);
    strcat(name, "n");
    snprintf(text, sizeof text, "%s  %s\n", MD5, name);
    expect(text, "1 bad | a text of more than 4,096 bytes\n");
    name[10] = '\xff';
    name[HK__TEXT_MAX - 3] = '\0'; /* four bytes for one */
    snprintf(text, sizeof text, "%s  %s\n", MD5, name);
    name[10] = '\0';
    snprintf(expected, sizeof expected, "1 entry | name=%s\\xff%s | md5=" MD5 "\n", name,
             name + 11);
    expect(text, expected);
    text[34 + 9] = '\xff';
    expect(text,
           "1 bad | a text of more than 4,096 bytes, once what is not UTF-8 is written \\xHH\n");
}

static hk_status raw_item(void *context, const hk__feed_item *item, hk_error *err)
{
    (void)err;
    snprintf(context, 64, "%s", item->entry.name);
    return HK_OK;
}

static void names_that_are_not_utf8_are_escaped_or_raw(void **state)
{
    (void)state;
    static const char text[] = MD5 "  \xc3\xa9\xe9\xed\xa0\x80\xf4\x90\xc3\n";
    char path[32], id[64] = "";
    const hk__sink sink = {.item = raw_item, .context = id, .raw = true};
    expect(text, "1 entry | name=\xc3\xa9\\xe9\\xed\\xa0\\x80\\xf4\\x90\\xc3 | md5=" MD5 "\n");
    write_feed(path, text, sizeof text - 1);
    assert_int_equal(hk__feed_read(path, NULL, &sink, NULL), HK_OK);
    unlink(path);
    assert_string_equal(id, "\xc3\xa9\xe9\xed\xa0\x80\xf4\x90\xc3");
    /* What is kept as extra is JSON, and so UTF-8, for every sink. */
    expect("md5,\xe9,a\n" MD5 ",\xff,\"q\"\"\\\x01\"\n",
           "2 entry | md5=" MD5 " | extra={\"\\\\xe9\":\"\\\\xff\",\"a\":\"q\\\"\\\\\\u0001\"}\n");
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static void every_column_is_read(void **state)
{
    (void)state;
    char photodna[2 * HK_PHOTODNA_SIZE + 1], base64[HK__PHOTODNA_BASE64 + 1], text[2000],
        expected[2000];
    uint8_t bytes[HK_PHOTODNA_SIZE];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37);
    hk__hex(photodna, bytes, sizeof bytes, true);
    hk__photodna_text(base64, bytes);
    snprintf(
        text, sizeof text,
        "STATE;extra;Date;source;Tags;category;Image ID;PhotoDNA;SHA-256;sha_1;MD5;Exact "
        "Hash;quality;pdq\n"
        "Active;{\"b\":1, \"a\":[2,\"x\"]};2026-11-22T10:00:00Z;us;a b;c;i;%s;%s;%s;%s;%s;9;%s\n",
        photodna, SHA256, SHA1, MD5, PDQ_2, PDQ);
    snprintf(expected, sizeof expected,
             "2 entry | id=i | pdq=%s | quality=9 | exact=%s | md5=%s | sha1=%s | sha256=%s | "
             "photodna=%s"
             " | category=c | tags=a b | source=us | date=2026-11-22T10:00:00Z | "
             "extra={\"a\":[2,\"x\"],\"b\":1}\n",
             PDQ, PDQ_2, MD5, SHA1, SHA256, base64);
    expect(text, expected);
}

static void columns_for_one_thing_have_an_order(void **state)
{
    (void)state;
    expect("md5,filename,path,id,entry\n" MD5 ",f,p,i,e\n",
           "2 entry | id=e | name=p | md5=" MD5 " | extra={\"filename\":\"f\",\"id\":\"i\"}\n");
    expect("md5,filename,path\n" MD5 ",f,p\n",
           "2 entry | name=p | md5=" MD5 " | extra={\"filename\":\"f\"}\n");
    expect("md5,a,a,,\n" MD5 ",1,2,3,\n",
           "2 entry | md5=" MD5 " | extra={\"a\":\"1\",\"column 3\":\"2\",\"column 4\":\"3\"}\n");
    expect("md5,extra,a\n" MD5 ",{},\n" MD5 ",\"{\"\"a\"\":1}\",2\n" MD5 ",\"{\"\"b\"\":1}\",2\n",
           "2 entry | md5=" MD5 "\n3 bad | two values of one name in what is kept as extra\n"
           "4 entry | md5=" MD5 " | extra={\"a\":\"2\",\"b\":1}\n");
    expect_refused("md5,pdq,MD-5\n", NULL, HK_ERR_FORMAT,
                   "line 1: the header names one column twice (1 and 3)");
    expect_refused("\nhash;pdq\n", NULL, HK_ERR_FORMAT,
                   "line 2: the header names one column twice (1 and 2)");
}

static void withdrawals_are_read(void **state)
{
    (void)state;
    expect("md5,entry,state\n" MD5 ",a,Withdrawn\n,b,DELETED\n" MD5 ",,deleted\n,,withdrawn\n"
           ","
           "c,active\n" MD5 ",d,revoked\n" MD5 ",e,\n",
           "2 entry | id=a | md5=" MD5 " | withdraw=yes\n3 entry | id=b | withdraw=yes\n"
           "4 entry | md5=" MD5 " | withdraw=yes\n"
           "5 bad | a withdrawal that names neither an entry nor a hash\n"
           "6 bad | neither a hash nor a digest\n"
           "7 bad | state is neither active nor withdrawn nor deleted\n8 entry | id=e | md5=" MD5
           "\n");
    char path[32];
    hk_list *list;
    static const char text[] = "md5,state\n" MD5 ",withdrawn\n" MD5 ",\n";
    write_feed(path, text, sizeof text - 1);
    assert_int_equal(hk_list_load(&list, path, "x", NULL), HK_OK);
    unlink(path);
    assert_int_equal(hk_list_count(list), 1);
    hk_list_free(list);
}

static void fields_that_are_wrong_are_named(void **state)
{
    (void)state;
    expect("pdq,exact,photodna,date,extra,quality\n"
           "12,,,,,\n," PDQ "0,,,,\n,,12,,,\n" PDQ ",,,22.11.2026,,\n" PDQ ",,,,[1],\n" PDQ
           ",,,,\"{\"\"a\"\":1,\"\"a\"\":2}\",\n" PDQ ",,,,,high\n" PDQ_2 ",,,,,7\n," PDQ ",,,,7\n",
           "2 bad | pdq is not 64 hex digits\n3 bad | exact is not 64 hex digits\n"
           "4 bad | photodna is neither 192 characters of base64 nor 288 hex digits\n"
           "5 bad | date is not as in ISO 8601\n6 bad | JSON that is no object\n"
           "7 bad | a JSON object that names one member twice\n"
           "8 bad | quality is not a whole number from 0 to 100\n"
           "9 entry | pdq=" PDQ_2 " | quality=7\n10 entry | exact=" PDQ "\n");
    expect(
        "md5,note\n" MD5 "," SHA1 "\n" MD5 "\n" MD5 ",a,b\n",
        "2 bad | a hash or digest in a column whose name is not known\n"
        "3 bad | fewer fields than the header names\n4 bad | more fields than the header names\n");
}

static void second_headers_are_seen(void **state)
{
    (void)state;
    expect("md5,entry\n" MD5 ",a\nmd5,entry\n" MD5 ",b\n",
           "2 entry | id=a | md5=" MD5 "\n3 bad | the header again\n4 entry | id=b | md5=" MD5
           "\n");
    expect_refused("md5,entry\n" MD5 ",a\nentry,md5\n", NULL, HK_ERR_FORMAT,
                   "line 3: another header");
    expect_refused("md5,entry\n" MD5 ",a\npdq,md5,entry\n", NULL, HK_ERR_FORMAT,
                   "line 3: another header");
    /* One name may be a value. */
    expect("pdq,entry\n12,hash\n", "2 bad | pdq is not 64 hex digits\n");
    /* Below lines without one, its columns would be misread. */
    expect(MD5 "\nmd5,entry\n",
           "1 entry | md5=" MD5 "\n2 bad | a header below other lines; make two files of it\n");
}

static void headers_far_down_are_found(void **state)
{
    (void)state;
    char *text = malloc(20000), *p = text;
    for (int i = 0; i < 1000; i++)
        p += sprintf(p, "# remark\n");
    sprintf(p, "entry;md5\n#1;%s\n# 2;%s\n#\n", MD5, MD5);
    expect(text, "1002 entry | id=#1 | md5=" MD5 "\n");
    free(text);
}

/* ---- quotes ---------------------------------------------------------------------------------- */

static void quoted_fields_run_over_lines(void **state)
{
    (void)state;
    expect("md5,entry,category\n" MD5 ",\"a\nb\r\nc\",\"d \"\"e\"\"\n\"\n" MD5 ",f,\n",
           "2 entry | id=a\\nb\\r\\nc | md5=" MD5
           " | category=d \"e\"\\n\n6 entry | id=f | md5=" MD5 "\n");
    expect("md5,entry\n" MD5 ", \"\n\" \r\n" MD5 ",\"last\nline\"",
           "2 entry | id=\\n | md5=" MD5 "\n4 entry | id=last\\nline | md5=" MD5 "\n");
    expect("entry,\"m\nd5\",sha1\na,b," SHA1 "\n",
           "3 entry | id=a | sha1=" SHA1 " | extra={\"m\\nd5\":\"b\"}\n");
}

/* A quote that is not closed costs its own line, and no other. */
static void open_quotes_do_not_swallow_lines(void **state)
{
    (void)state;
    expect("md5,entry\n" MD5 ",\"a\n" MD5 ",b\n" SHA1 ",c\n" MD5 ",d",
           "2 bad | " NOT_ENDED "\n3 entry | id=b | md5=" MD5
           "\n4 bad | md5 is not 32 hex digits\n5 entry | id=d | md5=" MD5 "\n");
    expect("md5,entry\n" MD5 ",\"a\n" MD5 ",\"b\n" MD5 ",c\n",
           "2 bad | text after a closing quote\n3 bad | " NOT_ENDED "\n4 entry | id=c | md5=" MD5
           "\n");
    expect("md5,entry\n" MD5 ",\"a\n\" \r \n" MD5 ",c\n",
           "2 bad | a carriage return in the line: end lines with LF or CRLF\n"
           "3 bad | " NOT_ENDED "\n4 entry | id=c | "
           "md5=" MD5 "\n");

    /* Where the closing quote is too far away. */
    char *text, *expected;
    size_t size, expected_size;
    FILE *out = open_memstream(&text, &size), *words = open_memstream(&expected, &expected_size);
    fprintf(out, "md5,entry\n%s,\"open\n", MD5);
    fprintf(words, "2 bad | " NOT_ENDED "\n");
    for (int i = 3; i < 10000; i++) {
        fprintf(out, "%s,%d%s", MD5, i, i % 2 ? "\r\n" : "\n");
        fprintf(words, "%d entry | id=%d | md5=%s\n", i, i, MD5);
    }
    fprintf(out, "%s,\"closed\"\n", MD5);
    fprintf(words, "10000 entry | id=closed | md5=%s\n", MD5);
    fclose(out);
    fclose(words);
    expect_bytes(text, size, NULL, expected);
    free(text);
    free(expected);
}

/* Records that fill what a line may be: extended over many lines, they are still read fast. */
static void records_of_many_lines_are_bounded(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        char *text = malloc(80000), *p = text;
        p += sprintf(p, "md5,a\n%s,\"", MD5);
        for (int i = 0; i < 4096 - 2; i++) /* of the field; and of the record with all of it */
            p += sprintf(p, "\n");
        p += sprintf(p, "x%s\"\n%s,b\n", over ? "yz" : "", MD5);
        told t;
        assert_int_equal(tell_bytes(&t, text, (size_t)(p - text), "csv"), HK_OK);
        assert_int_equal(t.entries, 1);
        assert_int_equal(t.bad, 1); /* each LF is two bytes of extra */
        assert_non_null(
            strstr(t.text, "2 bad | more than 4,096 bytes of what is kept as extra\n4097 entry"));
        free(t.text);
        free(text);
    }
}

/* Random quotes, separators and line ends: every line with a digest of its own is an entry, or
 * lies in a bad line or a quoted field; and reading what was read changes nothing. */
static void random_quotes_are_survived(void **state)
{
    (void)state;
    static const char alphabet[] = "\",,;\n\n\r ab#\\";
    uint64_t seed = 11;
    for (int round = 0; round < 3000; round++) {
        char text[1500] = "md5,entry,category\n", *p = text + strlen(text);
        for (int line = 0; line < 8; line++) {
            p += sprintf(p, "%s", MD5);
            for (uint64_t n = next_random(&seed) % 20; n; n--)
                *p++ = alphabet[next_random(&seed) % (sizeof alphabet - 1)];
            *p++ = '\n';
        }
        told a, b;
        const size_t size = (size_t)(p - text);
        assert_int_equal(tell_bytes(&a, text, size, "csv"), HK_OK);
        assert_int_equal(tell_bytes(&b, text, size, NULL), HK_OK);
        assert_string_equal(a.text, b.text);
        assert_true(a.entries + a.bad >= 1);
        free(a.text);
        free(b.text);
    }
}

/* ---- text ------------------------------------------------------------------------------------ */

static void names_say_what_a_value_is(void **state)
{
    (void)state;
    expect("sha256=" SHA256 ",entry=a,category=b\nSHA1 " SHA1 "\nhash=" PDQ ",quality=5\n"
           "pdq=" MD5 "\nmd5 " SHA1 "\nphotodna=x\nsha1=" SHA1 ",a,b\nmd5=" MD5
           ",quality=5\nmd5 \nfoo=" MD5 "\n",
           "1 entry | id=a | sha256=" SHA256 " | category=b\n2 entry | sha1=" SHA1
           "\n3 entry | pdq=" PDQ " | quality=5\n"
           "4 bad | not what its name says: 64 hex digits (pdq, sha256), 40 (sha1) or 32 (md5)\n"
           "5 bad | not what its name says: 64 hex digits (pdq, sha256), 40 (sha1) or 32 (md5)\n"
           "6 bad | not a PhotoDNA value\n"
           "7 bad | more fields than hash,quality,entry,category; quote a name with commas\n"
           "8 entry | md5=" MD5
           "\n9 bad | a header below other lines; make two files of it\n10 bad | " NO_HASH "\n");
    expect(PDQ "0\nx" MD5 "\n" MD5 " x\n",
           "1 bad | " BAD_LENGTH "\n2 bad | " NO_HASH "\n3 bad | " NO_HASH "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_ends_marks_and_blanks_do_not_matter),
        cmocka_unit_test(nul_bytes_are_refused),
        cmocka_unit_test(long_lines_are_refused_and_the_next_is_read),
        cmocka_unit_test(lines_are_not_torn),
        cmocka_unit_test(texts_are_bounded),
        cmocka_unit_test(names_that_are_not_utf8_are_escaped_or_raw),
        cmocka_unit_test(every_column_is_read),
        cmocka_unit_test(columns_for_one_thing_have_an_order),
        cmocka_unit_test(withdrawals_are_read),
        cmocka_unit_test(fields_that_are_wrong_are_named),
        cmocka_unit_test(second_headers_are_seen),
        cmocka_unit_test(headers_far_down_are_found),
        cmocka_unit_test(quoted_fields_run_over_lines),
        cmocka_unit_test(open_quotes_do_not_swallow_lines),
        cmocka_unit_test(records_of_many_lines_are_bounded),
        cmocka_unit_test(random_quotes_are_survived),
        cmocka_unit_test(names_say_what_a_value_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
