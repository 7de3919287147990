/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_check_answer.c - a server's answers, good and bad, as herken check reads them. */
#include "check_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ITEMS = 3 };
static const char refs[ITEMS][CHECK_REF_SIZE] = {"ab-0", "ab-1", "ab-2"};

static bool read_text(check_answer answers[ITEMS], const char *text)
{
    char words[CHECK_WORDS_SIZE] = "";
    memset(answers, 0, ITEMS * sizeof *answers);
    const bool good = check_answers_read(answers, refs, ITEMS, text, strlen(text), words);
    assert_int_equal(good, !*words);
    return good;
}

static void clear(check_answer answers[ITEMS])
{
    for (int i = 0; i < ITEMS; i++)
        check_answer_clear(&answers[i]);
}

#define RESULT(ref, verdict) "{\"ref\":\"" ref "\",\"verdict\":\"" verdict "\"}"
#define ANSWER(results) "{\"revision\":7,\"results\":[" results "]}"

static void test_good(void **state)
{
    (void)state;
    check_answer a[ITEMS];
    assert_true(read_text(
        a, ANSWER(RESULT("ab-2", "none") "," RESULT(
               "ab-0", "exact") ","
                                "{\"ref\":\"ab-1\",\"verdict\":\"near\",\"match_id\":\"0f\","
                                "\"categories\":[\"A1\",\"B\"],\"later\":{}}")));
    for (int i = 0; i < ITEMS; i++)
        assert_true(a[i].asked);
    assert_int_equal(a[0].verdict, HK_VERDICT_EXACT);
    assert_int_equal(a[1].verdict, HK_VERDICT_NEAR);
    assert_int_equal(a[2].verdict, HK_VERDICT_NONE);
    assert_string_equal(a[1].match_id, "0f");
    assert_int_equal(json_array_size(a[1].categories), 2);
    clear(a);
    assert_true(read_text(a, "{\"revision\":\"x\",\"results\":[]}"));
    for (int i = 0; i < ITEMS; i++)
        assert_false(a[i].asked);
}

/* None of it counts, the good results in it neither. */
static void test_thrown_away(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "1",
        "{}",
        "{\"results\":[" RESULT("ab-0", "none") "]}",
        "{\"revision\":1}",
        "{\"revision\":1,\"results\":{}}",
        "{\"revision\":null,\"results\":[]}",
        ANSWER("1"),
        ANSWER("[]"),
        ANSWER("{\"verdict\":\"none\"}"),
        ANSWER("{\"ref\":7,\"verdict\":\"none\"}"),
        ANSWER(RESULT("ab-0", "none") "," RESULT("ab-0", "near")),
        ANSWER(RESULT("ab-0", "none") "," RESULT("ab-0", "none")),
        ANSWER(RESULT("ab-0", "none") "," RESULT("cd-1", "none")),
        ANSWER("{\"ref\":\"ab-0\",\"verdict\":\"near\",\"verdict\":\"none\"}"),
        ANSWER(RESULT("ab-0", "none")) "x",
        "{\"revision\":1,\"revision\":1,\"results\":[]}",
        "{\"revision\":1,\"results\":[{\"ref\":\"ab-0\",\"verdict\":\"no\xff\"}]}",
    };
    (void)state;
    check_answer a[ITEMS];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(read_text(a, bad[i]));
        for (int k = 0; k < ITEMS; k++)
            assert_false(a[k].asked || a[k].verdict);
    }
    char *deep = malloc(1 << 20);
    assert_non_null(deep);
    memset(deep, '[', 1 << 20);
    char words[CHECK_WORDS_SIZE];
    assert_false(check_answers_read(a, refs, ITEMS, deep, 1 << 20, words));
    free(deep);
}

/* One item without an answer: the others have theirs. */
static void test_one_is_bad(void **state)
{
    static const char *const bad[] = {
        "{\"ref\":\"ab-0\"}",
        RESULT("ab-0", "clean"),
        RESULT("ab-0", ""),
        RESULT("ab-0", "None"),
        RESULT("ab-0", "none "),
        "{\"ref\":\"ab-0\",\"verdict\":true}",
        "{\"ref\":\"ab-0\",\"verdict\":null}",
        "{\"ref\":\"ab-0\",\"verdict\":[\"none\"]}",
        "{\"ref\":\"ab-0\",\"verdict\":\"none\\u0000\"}",
    };
    (void)state;
    check_answer a[ITEMS];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[256];
        snprintf(text, sizeof text, ANSWER("%s," RESULT("ab-1", "none")), bad[i]);
        if (!read_text(a, text))
            continue; /* no JSON as the library sees it: then all of it goes */
        assert_false(a[0].asked);
        assert_int_equal(a[0].verdict, HK_VERDICT_NOT_CHECKED);
        assert_string_equal(a[0].reason, "bad_answer");
        assert_int_equal(a[1].verdict, HK_VERDICT_NONE);
        assert_false(a[2].asked || a[2].verdict);
    }
}

/* Words that are no words are left out; the verdict stands. */
static void test_words(void **state)
{
    (void)state;
    check_answer a[ITEMS];
    assert_true(read_text(a, ANSWER("{\"ref\":\"ab-0\",\"verdict\":\"not_checked\",\"reason\":"
                                    "\"\\u001b[31m\"},"
                                    "{\"ref\":\"ab-1\",\"verdict\":\"not_checked\",\"reason\":"
                                    "\"low_quality\"},"
                                    "{\"ref\":\"ab-2\",\"verdict\":\"exact\",\"match_id\":\"a b\","
                                    "\"categories\":[\"\\u0007\",1,\"\",\"A1\"]}")));
    assert_string_equal(a[0].reason, "server");
    assert_string_equal(a[1].reason, "low_quality");
    assert_int_equal(a[2].verdict, HK_VERDICT_EXACT);
    assert_string_equal(a[2].match_id, "");
    assert_int_equal(json_array_size(a[2].categories), 1);
    clear(a);
}

/* Whatever byte of a good answer is another: no verdict but those that stand there. */
static void test_every_byte(void **state)
{
    static const char good[] = ANSWER(RESULT("ab-0", "near") "," RESULT("ab-1", "near"));
    (void)state;
    char text[sizeof good];
    check_answer a[ITEMS];
    for (size_t i = 0; i + 1 < sizeof good; i++)
        for (int byte = 1; byte < 256; byte++) {
            memcpy(text, good, sizeof good);
            text[i] = (char)byte;
            read_text(a, text);
            for (int k = 0; k < ITEMS; k++)
                assert_true(a[k].verdict == HK_VERDICT_NEAR || a[k].verdict == 0);
            clear(a);
        }
    for (size_t length = 0; length + 1 < sizeof good; length++) {
        char words[CHECK_WORDS_SIZE];
        assert_false(check_answers_read(a, refs, ITEMS, good, length, words));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_thrown_away),
        cmocka_unit_test(test_one_is_bad), cmocka_unit_test(test_words),
        cmocka_unit_test(test_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
