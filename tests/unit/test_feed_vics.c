/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_feed_vics.c - JSON of Project VIC at its edges: where objects are cut, what is refused with
 * which line, and the dates.
 */
#include "feed_unit.h"

#define ROOT "{\"value\":["
#define MEDIA "{\"MD5\":\"" MD5 "\"}"
#define IS_ENTRY " entry | md5=" MD5 "\n"

/* ---- what is broken as a whole --------------------------------------------------------------- */

static void broken_structure_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } broken[] = {
        {ROOT "\n" MEDIA ",\n{\"MD5\":", "line 3: the file ends in the middle"},
        {ROOT "\n" MEDIA ",\n", "line 3: the file ends in the middle"},
        {ROOT "\n" MEDIA "\n", "line 3: the file ends in the middle"},
        {ROOT "\n" MEDIA "\n]\n", "line 4: the file ends in the middle"},
        {ROOT "\n\"open", "line 2: the file ends in the middle"},
        {ROOT MEDIA "\n" MEDIA "]}", "line 2: broken JSON: '{' where ']' should be"},
        {ROOT MEDIA "\n,]}", "line 2: broken JSON: a value is missing"},
        {ROOT "{\"a\":[}]}", "line 1: broken JSON: a bracket that closes none of its kind"},
        {ROOT "]\n]", "line 2: broken JSON: ']' where '}' should be"},
        {"{\n\"value\" 1}", "line 2: broken JSON: '1' where ':' should be"},
        {"{\n1:2}", "line 2: broken JSON: '1' where '\"' should be"},
        {"{}", "line 1: no Project VIC"},
        {"{\"value\":{}}", "line 1: no Project VIC"},
        {ROOT "]}\n{}", "line 2: something follows the end"},
        {ROOT "]}\n{\"value\":[]}", "line 2: something follows the end"},
        {"{", "line 1: the file ends in the middle"},
    };
    for (size_t i = 0; i < COUNT_OF(broken); i++)
        expect_refused(broken[i].text, NULL, HK_ERR_FORMAT, broken[i].words);
    told t;
    static const char nul[] = ROOT "\n\0]}";
    assert_int_equal(tell_bytes(&t, nul, sizeof nul - 1, NULL), HK_ERR_FORMAT);
    assert_non_null(strstr(t.err.message, "line 2: a NUL byte"));
    free(t.text);
}

static void odd_but_whole_files_are_read(void **state)
{
    (void)state;
    expect(" \n" ROOT "]}", "");
    expect(ROOT "],\"value\":[" MEDIA "]}\n \n", "1" IS_ENTRY);
    expect("{\"a\":{\"value\":[1]},\"b\":\"\\\"]}\",\"c\":-1.5e3,\"d\":null,\n\"value\":[\n" MEDIA
           ",true\n,[" MEDIA "],\"\\\\\"]}",
           "3" IS_ENTRY "3 bad | JSON that does not parse\n4 bad | JSON that is no object\n"
           "4 bad | JSON that does not parse\n");
    expect(ROOT "{},{\"MD5\":null},{\"md5\":\"" MD5 "\",\"Md5\":\"" MD5 "\"}]}",
           "1 bad | neither a hash nor a digest\n1 bad | neither a hash nor a digest\n"
           "1 bad | a JSON object that names one member twice\n");
    /* A line end inside a text is no JSON, and still a line. */
    expect(ROOT "{\"a\":\"x\ny\"},\n" MEDIA "]}", "1 bad | JSON that does not parse\n3" IS_ENTRY);
}

/* ---- where objects are cut ------------------------------------------------------------------- */

/* Objects of every length and with every sort of escape, across every place where the buffer ends.
 */
static void objects_are_not_torn(void **state)
{
    (void)state;
    uint64_t seed = 3;
    static const char *const pieces[] = {"a",       "\\\\",     "\\\"", "]}", "{[",
                                         "\\u00e9", "\\\\\\\\", ",",    ":"};
    static const char *const read[] = {"a",        "\\\\",     "\\\"", "]}", "{[",
                                       "\xc3\xa9", "\\\\\\\\", ",",    ":"};
    for (int round = 0; round < 20; round++) {
        char *text, *expected;
        size_t size, expected_size;
        FILE *out = open_memstream(&text, &size),
             *words = open_memstream(&expected, &expected_size);
        fputs(ROOT, out);
        for (size_t line = 2; line < 1500; line++) {
            fprintf(out, "%s\n{\"Series\":\"", line > 2 ? "," : "");
            fprintf(words, "%zu entry | md5=%s | extra={\"Series\":\"", line, MD5);
            for (uint64_t n = next_random(&seed) % 300; n; n--) {
                const size_t piece = next_random(&seed) % COUNT_OF(pieces);
                fputs(pieces[piece], out);
                fputs(read[piece], words);
            }
            fprintf(out, "\",\"MD5\":\"%s\"}", MD5);
            fputs("\"}\n", words);
        }
        fputs("]}", out);
        fclose(out);
        fclose(words);
        expect_bytes(text, size, NULL, expected);
        free(text);
        free(expected);
    }
}

/* The array of a case, and the name it stops at, wherever the buffer ends. */
static void cases_are_not_torn(void **state)
{
    (void)state;
    for (size_t pad = 262144 - 120; pad < 262144 + 10; pad++) {
        char *text = malloc(pad + 2000), *p = text;
        p += sprintf(p, "{\"value\":[{\"Notes\":\"");
        memset(p, 'x', pad);
        p += pad;
        p += sprintf(
            p,
            "\",\"CaseNumber\":\"7\\\\\" ,\n\"Media\" : [{\"MediaID\":1,\"MD5\":\"%s\"}],"
            "\"Media\":[],\"Media\":[{\"MediaID\":2,\"MD5\":\"%s\"}], \"x\":[\"Media\",[1]]},"
            "{\"CaseNumber\":8,\"Media\":[" MEDIA "]}]}",
            MD5, MD5);
        expect_bytes(text, (size_t)(p - text), NULL,
                     "2 entry | id=7\\/1 | md5=" MD5 "\n2 entry | id=7\\/2 | md5=" MD5
                     "\n2" IS_ENTRY);
        free(text);
    }
}

static void objects_that_are_too_large_are_bad_lines(void **state)
{
    (void)state;
    enum { MEGA = 1 << 20 };
    static const size_t lengths[] = {1 * MEGA, 4 * MEGA - 100, 4 * MEGA, 5 * MEGA, 9 * MEGA};
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        char *text = malloc(lengths[i] + 500), *p = text;
        p += sprintf(p, ROOT "\n{\"MD5\":\"" MD5 "\",\"Exifs\":[\"");
        memset(p, 'x', lengths[i]);
        p += lengths[i];
        p += sprintf(p, "\\\"}]\"]},\n" MEDIA "]}");
        expect_bytes(text, (size_t)(p - text), NULL,
                     lengths[i] < 4 * MEGA ? "2" IS_ENTRY "3" IS_ENTRY
                                           : "2 bad | an object of more than 4 MB\n3" IS_ENTRY);
        free(text);
    }
}

static void deep_nesting_is_a_bad_line(void **state)
{
    (void)state;
    static const size_t depths[] = {62, 63, 64, 100, 1000000};
    for (size_t i = 0; i < COUNT_OF(depths); i++) {
        char *text = malloc(2 * depths[i] + 500), *p = text;
        p += sprintf(p, ROOT "\n{\"MD5\":\"" MD5 "\",\"Exifs\":");
        memset(p, '[', depths[i]);
        p += depths[i];
        memset(p, ']', depths[i]);
        p += depths[i];
        p += sprintf(p, "},\n" MEDIA "]}");
        expect_bytes(text, (size_t)(p - text), NULL,
                     depths[i] < 64 ? "2" IS_ENTRY "3" IS_ENTRY
                                    : "2 bad | JSON nested deeper than 64\n3" IS_ENTRY);
        free(text);
    }
}

/* A file cut short anywhere is refused, and never taken for a shorter one. */
static void files_cut_short_are_refused(void **state)
{
    (void)state;
    static const char *const files[] = {"vics-1.3.json", "vics-2.0.json", "vics-case.json"};
    for (size_t f = 0; f < COUNT_OF(files); f++) {
        char path[512], *text = calloc(1, 1 << 16);
        snprintf(path, sizeof path, "%s/%s", FEEDS, files[f]);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        const size_t size = fread(text, 1, 1 << 16, file);
        fclose(file);
        size_t whole = size;
        while (text[whole - 1] != '}')
            whole--;
        for (size_t cut = 4; cut < whole; cut++) {
            told t;
            const hk_status status = tell_bytes(&t, text, cut, "vics");
            assert_int_equal(status, HK_ERR_FORMAT);
            free(t.text);
        }
        free(text);
    }
}

/* ---- members --------------------------------------------------------------------------------- */

static void members_of_the_wrong_sort_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *member, *reason;
    } wrong[] = {
        {"\"MD5\":true", "MD5 is not 32 hex digits"},
        {"\"SHA1\":\"" MD5 "\"", "SHA1 is not 40 hex digits"},
        {"\"SHA256\":\"" SHA1 "\"", "SHA256 is not 64 hex digits"},
        {"\"PhotoDNA\":[]", "PhotoDNA is neither 192 characters of base64 nor 288 hex digits"},
        {"\"Category\":{}", "Category is neither a number nor a text"},
        {"\"MediaID\":1.5", "MediaID is neither a number nor a text"},
        {"\"Tags\":[1]", "Tags is neither a text nor an array of short ones"},
        {"\"Tags\":1", "Tags is neither a text nor an array of short ones"},
        {"\"DateUpdated\":5", "DateUpdated is neither as in ISO 8601 nor /Date(milliseconds)/"},
        {"\"PrecategorizationSource\":5", "PrecategorizationSource is no text"},
        {"\"AlternativeHashes\":[[]]",
         "AlternativeHashes holds something else than HashName and HashValue"},
        {"\"AlternativeHashes\":[{\"HashName\":\"PDQ\",\"HashValue\":\"" MD5 "\"}]",
         "a PDQ hash in AlternativeHashes is not 64 hex digits"},
        {"\"AlternativeHashes\":[{\"HashName\":\"PDQ-quality\",\"HashValue\":\"101\"}]",
         "the quality in AlternativeHashes is not a whole number from 0 to 100"},
        {"\"a\":1,\"a\":2", "a JSON object that names one member twice"},
        {"\"Series\":1e999", "JSON with a number that is too large"},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char text[500], expected[200];
        snprintf(text, sizeof text, ROOT "\n" MEDIA ",\n{%s},\n" MEDIA "]}", wrong[i].member);
        snprintf(expected, sizeof expected, "2" IS_ENTRY "3 bad | %s\n4" IS_ENTRY, wrong[i].reason);
        expect(text, expected);
    }
}

static void extra_is_bounded(void **state)
{
    (void)state;
    char text[6000], expected[6000], words[HK__TEXT_MAX + 1];
    for (size_t over = 0; over < 2; over++) {
        const size_t size = HK__TEXT_MAX - sizeof "{\"Comments\":\"\"}" + 1 + over;
        memset(words, 'w', size);
        words[size] = '\0';
        snprintf(text, sizeof text, ROOT "{\"MD5\":\"" MD5 "\",\"Comments\":\"%s\"}]}", words);
        snprintf(expected, sizeof expected, "1 entry | md5=" MD5 " | extra={\"Comments\":\"%s\"}\n",
                 words);
        expect(text, over ? "1 bad | more than 4,096 bytes of what is kept as extra\n" : expected);
    }
    char *p = text + sprintf(text, ROOT "{\"MD5\":\"" MD5 "\"");
    for (int i = 0; i < 65; i++)
        p += sprintf(p, ",\"m%d\":%d", i, i);
    strcpy(p, "}]}");
    expect(text, "1 bad | more than 64 members that are kept as extra\n");
}

/* ---- dates ----------------------------------------------------------------------------------- */

static void dates_are_read_in_each_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *date; /* NULL: it is none */
    } dates[] = {
        {"2026-11-22", "2026-11-22T00:00:00Z"},
        {"2026-11-22T10:20", "2026-11-22T10:20:00Z"},
        {"2026-11-22 10:20:30", "2026-11-22T10:20:30Z"},
        {"2026-11-22T10:20:30.123456789Z", "2026-11-22T10:20:30Z"},
        {"2026-11-22T10:20:30z", "2026-11-22T10:20:30Z"},
        {"2026-11-22T00:20:30+01:30", "2026-11-21T22:50:30Z"},
        {"2026-12-31T23:20:30-0130", "2027-01-01T00:50:30Z"},
        {"2026-11-22T10:20+02", "2026-11-22T08:20:00Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
        {"2024-02-29", "2024-02-29T00:00:00Z"},
        {"0001-01-01", "0001-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
        {"/Date(0)/", "1970-01-01T00:00:00Z"},
        {"/Date(1700000000999)/", "2023-11-14T22:13:20Z"},
        {"/Date(-1)/", "1969-12-31T23:59:59Z"},
        {"/Date(-62135596800000)/", "0001-01-01T00:00:00Z"},
        {"/Date(1700000000000+0100)/", "2023-11-14T22:13:20Z"},
        {"/Date(-62135596800001)/", NULL},
        {"/Date(999999999999999999)/", NULL},
        {"/Date(9999999999999999999)/", NULL},
        {"/Date()/", NULL},
        {"/Date(-)/", NULL},
        {"/Date(1)", NULL},
        {"/Date(1)/x", NULL},
        {"/Date(1x)/", NULL},
        {"2023-02-29", NULL},
        {"2026-13-01", NULL},
        {"2026-00-10", NULL},
        {"2026-11-00", NULL},
        {"2026-11-22T", NULL},
        {"2026-11-22T24:00", NULL},
        {"2026-11-22T10:60", NULL},
        {"2026-11-22T10:20:61", NULL},
        {"2026-11-22T10:20:30+24:00", NULL},
        {"2026-11-22T10:20:30+1", NULL},
        {"2026-11-22T10:20:30Zx", NULL},
        {"2026-1-2", NULL},
        {"0000-12-31", NULL},
        {"0001-01-01T00:00+00:01", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(dates); i++) {
        int64_t date = 5;
        char text[HK__DATE_SIZE];
        const bool read = hk__read_date(&date, dates[i].text, strlen(dates[i].text));
        if (read != (dates[i].date != NULL))
            print_error("for %s\n", dates[i].text);
        assert_int_equal(read, dates[i].date != NULL);
        if (read)
            assert_string_equal(hk__date_text(text, date), dates[i].date);
        else
            assert_int_equal(date, 5);
    }
    char text[HK__DATE_SIZE];
    assert_string_equal(hk__date_text(text, HK_NO_DATE), "");
    assert_string_equal(hk__date_text(text, INT64_MAX), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_structure_is_refused_with_its_line),
        cmocka_unit_test(odd_but_whole_files_are_read),
        cmocka_unit_test(objects_are_not_torn),
        cmocka_unit_test(cases_are_not_torn),
        cmocka_unit_test(objects_that_are_too_large_are_bad_lines),
        cmocka_unit_test(deep_nesting_is_a_bad_line),
        cmocka_unit_test(files_cut_short_are_refused),
        cmocka_unit_test(members_of_the_wrong_sort_are_named),
        cmocka_unit_test(extra_is_bounded),
        cmocka_unit_test(dates_are_read_in_each_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
