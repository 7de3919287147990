/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_feeds.c - the formats of feeds: kept samples of each, written from the lists of their fields
 * (all data made up), what they are recognised as, and that what is written is read again.
 */
#include "feed_unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

static char *read_all(size_t *count, const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    *count = fread(text, 1, (1 << 20) - 1, file);
    assert_true(feof(file));
    fclose(file);
    return text;
}

/* ---- kept samples ---------------------------------------------------------------------------- */

static const struct {
    const char *file, *format;
} samples[] = {{"vics-1.3.json", "vics"}, {"vics-2.0.json", "vics"},   {"vics-case.json", "vics"},
               {"nsrl.txt", "nsrl"},      {"nsrl-no-crc.txt", "nsrl"}, {"icse.csv", "csv"},
               {"tx.csv", "tx"},          {"pdq-lines.txt", "text"},   {"md5sum.txt", "text"}};

static void sample_path(char path[512], size_t i, bool expectation)
{
    snprintf(path, 512, "%s/%s", FEEDS, samples[i].file);
    if (expectation)
        strcpy(strrchr(path, '.'), ".expect");
}

static void kept_samples_are_read_to_the_letter(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        char path[512];
        size_t count;
        told by_content, by_name;
        sample_path(path, i, true);
        char *expected = read_all(&count, path);
        sample_path(path, i, false);
        assert_int_equal(tell_file(&by_content, path, NULL), HK_OK);
        assert_int_equal(tell_file(&by_name, path, samples[i].format), HK_OK);
        if (strcmp(by_content.text, expected))
            print_error("%s holds:\n%s\n", path, by_content.text);
        assert_string_equal(by_content.text, expected);
        assert_string_equal(by_name.text, expected);
        free(by_content.text);
        free(by_name.text);
        free(expected);
    }
}

/* The test above can fail: each digit of a sample matters. */
static void a_changed_digit_is_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        char path[512];
        size_t count, size;
        told t;
        sample_path(path, i, true);
        char *expected = read_all(&size, path);
        sample_path(path, i, false);
        char *text = read_all(&count, path);
        /* The first digit of the last digest or hash that is expected. */
        char *place = expected + size;
        size_t run = 0;
        while (run < 32)
            run = strchr("0123456789abcdef", *--place) ? run + 1 : 0;
        char digits[33];
        memcpy(digits, place, 32);
        digits[32] = '\0';
        char *there = strcasestr(text, digits);
        assert_non_null(there);
        *there = *there == '1' ? '2' : '1';
        assert_int_equal(tell_bytes(&t, text, count, NULL), HK_OK);
        assert_string_not_equal(t.text, expected);
        free(t.text);
        free(text);
        free(expected);
    }
}

static void lists_load_from_every_format(void **state)
{
    (void)state;
    static const size_t counts[] = {3, 3, 4, 3, 1, 2, 6, 10, 6};
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        char path[512];
        hk_list *list;
        sample_path(path, i, false);
        assert_int_equal(hk_list_load(&list, path, "x", NULL), HK_OK);
        if (hk_list_count(list) != counts[i])
            print_error("for %s\n", path);
        assert_int_equal(hk_list_count(list), counts[i]);
        hk_list_free(list);
    }
}

/* ---- the table ------------------------------------------------------------------------------- */

static void formats_are_listed_and_found(void **state)
{
    (void)state;
    static const char *const names[] = {"vics", "nsrl", "tx", "csv", "text"};
    for (unsigned i = 0; i < COUNT_OF(names); i++) {
        const hk_format *format = hk_format_get(i);
        assert_string_equal(format->name, names[i]);
        assert_true(format->reads && *format->title);
        assert_int_equal(format->writes, strcmp(names[i], "nsrl") != 0);
        assert_ptr_equal(&hk__format_named(names[i])->info, format);
        assert_int_equal(!hk__format_named(names[i])->write, !format->writes);
    }
    assert_null(hk_format_get(COUNT_OF(names)));
    assert_null(hk__format_named("CSV"));
    expect_refused(MD5 "\n", "xml", HK_ERR_USAGE, "no format is called xml");
}

static void files_of_other_kinds_are_named(void **state)
{
    (void)state;
    told t;
    static const char database[] = "SQLite format 3\0rest";
    assert_int_equal(tell_bytes(&t, database, sizeof database, NULL), HK_ERR_FORMAT);
    assert_non_null(strstr(t.err.message, "SQLite"));
    free(t.text);
    expect_refused("\xff\xfe"
                   "a",
                   NULL, HK_ERR_FORMAT, "UTF-16");
    expect_refused("\x1f\x8b\x08", NULL, HK_ERR_FORMAT, "gzip");
    expect_refused("PK\x03\x04", "csv", HK_ERR_FORMAT, "ZIP");
    expect_refused("{\"path\":\"a\"}\n", NULL, HK_ERR_FORMAT, "no Project VIC");
    /* As something that it is not. */
    expect_refused(MD5 "\n", "csv", HK_ERR_FORMAT, "line 1: no header");
    expect_refused("# x\n" MD5 "\n", "nsrl", HK_ERR_FORMAT, "line 2: not the header");
    expect_refused("pdq " PDQ "\n", "tx", HK_ERR_FORMAT, "line 1: not the header");
    expect_refused(MD5 "\n", "vics", HK_ERR_FORMAT, "line 1: broken JSON");
}

/* ---- written and read again ------------------------------------------------------------------ */

static hk_entry made_up(uint64_t *seed, unsigned which)
{
    static const char *const ids[] = {
        NULL,       "17", "007",      "A, \"b\"",    "line\nend\r\n",
        " blanks ", "#1", "a%20b\\x", "caf\xc3\xa9", "entry=x,filename=y"};
    static const char *const categories[] = {
        NULL, "1", "A2", "DISPUTED", "hate, \"speech\"", "NEGATIVE_CLASS", "POSITIVE_CLASS"};
    static const char *const extras[] = {
        NULL, "{\"Series\":\"a\\\\b\",\"n\":12}",
        "{\"AlternativeHashes\":[{\"HashName\":\"ED2K\","
        "\"HashValue\":\"x\"}],\"Category\":\"mine\",\"nested\":{\"a\":[1,{\"b\":\"}\"}]}}"};
    hk_entry entry = HK_ENTRY_INIT;
    entry.has_hash = which & 1;
    entry.has_exact_hash = which >> 1 & 1;
    entry.digests.present = which >> 2 & 7;
    entry.has_photodna = which >> 5 & 1;
    entry.hash = healthy_hash(seed);
    entry.exact_hash = healthy_hash(seed);
    if (entry.has_hash && which >> 6 & 1)
        entry.quality = (int)(next_random(seed) % 101);
    for (size_t i = 0; i < sizeof entry.digests.sha256; i++) {
        entry.digests.sha256[i] = (uint8_t)next_random(seed);
        entry.digests.md5[i % 16] = entry.digests.sha1[i % 20] = (uint8_t)next_random(seed);
    }
    for (size_t i = 0; i < sizeof entry.photodna; i++)
        entry.photodna[i] = (uint8_t)next_random(seed);
    entry.id = ids[which % COUNT_OF(ids)]; /* one after the other: no two in a row */
    entry.category = categories[next_random(seed) % COUNT_OF(categories)];
    entry.tags = next_random(seed) & 1 ? "one two" : NULL;
    entry.source = next_random(seed) & 1 ? "Agency; \"A\"" : NULL;
    entry.extra = extras[next_random(seed) % COUNT_OF(extras)];
    if (next_random(seed) & 1)
        entry.date = (int64_t)(next_random(seed) % 4000000000u) - 1000000000;
    return entry;
}

/* A sink that writes what it gets. */
typedef struct copying {
    const hk__format *format;
    FILE *out;
    bool any;
} copying;

static hk_status copy_item(void *context, const hk__feed_item *item, hk_error *err)
{
    copying *c = context;
    (void)err;
    assert_false(item->withdraw);
    assert_true(c->format->write(c->out, &item->entry, !c->any));
    c->any = true;
    return HK_OK;
}

static hk_status no_bad(void *context, size_t line, const char *reason, hk_error *err)
{
    (void)context;
    (void)err;
    print_error("line %zu: %s\n", line, reason);
    fail();
    return HK_OK;
}

static char *copy_again(size_t *size, const hk__format *format, const char *text, size_t count)
{
    char path[32], *copy;
    hk_error err;
    copying c = {.format = format, .out = open_memstream(&copy, size)};
    const hk__sink sink = {.item = copy_item, .bad = no_bad, .context = &c};
    write_feed(path, text, count);
    format->begin(c.out);
    const hk_status status = hk__feed_read(path, NULL, &sink, &err);
    format->end(c.out);
    fclose(c.out);
    unlink(path);
    if (status)
        print_error("%s\n%s", err.message, text);
    assert_int_equal(status, HK_OK);
    return copy;
}

/* Entries that a format can say, written by it. */
static char *write_made_up(size_t *size, size_t *written, const hk__format *format, uint64_t seed)
{
    char *text;
    FILE *out = open_memstream(&text, size);
    *written = 0;
    format->begin(out);
    for (unsigned which = 0; which < 256; which++) {
        const hk_entry entry = made_up(&seed, which);
        *written += format->write(out, &entry, *written == 0);
    }
    format->end(out);
    fclose(out);
    return text;
}

static void what_is_written_is_read_and_written_the_same(void **state)
{
    (void)state;
    for (unsigned i = 0; hk_format_get(i); i++) {
        const hk__format *format = hk__format_named(hk_format_get(i)->name);
        if (!format->info.writes)
            continue;
        for (uint64_t seed = 1; seed <= 8; seed++) {
            size_t size, copy_size, written;
            char *text = write_made_up(&size, &written, format, seed);
            assert_true(written >= 200);
            char *copy = copy_again(&copy_size, format, text, size);
            if (strcmp(copy, text))
                print_error("%s wrote\n%s\nand then\n%s\n", format->info.name, text, copy);
            assert_string_equal(copy, text);
            free(copy);
            free(text);
        }
    }
}

/* CSV says everything; VICS everything but what a number or a null looks like. */
static void nothing_is_lost(void **state)
{
    (void)state;
    static const char *const formats[] = {"csv", "vics"};
    for (size_t f = 0; f < COUNT_OF(formats); f++) {
        const hk__format *format = hk__format_named(formats[f]);
        uint64_t seed = 77;
        for (unsigned which = 1; which < 256; which++) {
            hk_entry entry = made_up(&seed, which);
            char *text, *expected;
            size_t size, expected_size;
            if (!hk__entry_has_value(&entry))
                continue;
            if (f == 1) /* a member called as a column of ours comes back with a mark */
                entry.extra = which & 1 ? "{\"Series\":\"x\",\"n\":1.5}" : NULL;
            FILE *out = open_memstream(&text, &size);
            format->begin(out);
            assert_true(format->write(out, &entry, true));
            format->end(out);
            fclose(out);
            told t = {.out = open_memstream(&expected, &expected_size)};
            const hk__feed_item item = {.entry = entry, .line = 2};
            assert_int_equal(tell_item(&t, &item, NULL), HK_OK);
            fclose(t.out);
            expect_bytes(text, size, NULL, expected);
            free(expected);
            free(text);
        }
    }
}

static void what_a_format_cannot_say_is_left_out(void **state)
{
    (void)state;
    hk_entry entry = HK_ENTRY_INIT;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    entry.has_photodna = entry.has_exact_hash = true;
    entry.id = "x";
    assert_false(hk__format_named("text")->write(out, &entry, true));
    entry.has_photodna = false;
    assert_false(hk__format_named("tx")->write(out, &entry, true));
    entry.has_exact_hash = false;
    assert_false(hk__format_named("vics")->write(out, &entry, true));
    assert_false(hk__format_named("csv")->write(out, &entry, true));
    fclose(out);
    assert_int_equal(size, 0);
    free(text);
}

/* An extra from anywhere must not break the file it is written into. */
static void odd_extras_do_not_break_vics(void **state)
{
    (void)state;
    static const char *const extras[] = {
        "{",          "{\"a\":}",   "{\"a\":tru}", "[1]",  "{ \"a\" : 1 }",
        "{\"a\":1}}", "{\"a\":1,}", "x\"y\\",      "\xff", "{\"a\":1"};
    const hk__format *format = hk__format_named("vics");
    for (size_t i = 0; i < COUNT_OF(extras); i++) {
        hk_entry entry = HK_ENTRY_INIT;
        char *text;
        size_t size;
        told t;
        entry.extra = extras[i];
        entry.has_hash = true;
        FILE *out = open_memstream(&text, &size);
        format->begin(out);
        format->write(out, &entry, true);
        format->end(out);
        fclose(out);
        assert_int_equal(tell_bytes(&t, text, size, NULL), HK_OK);
        if (t.bad || t.entries != 1 || !strstr(t.text, "\"Extra\""))
            print_error("%s\n%s\n", text, t.text);
        assert_true(t.bad == 0 && t.entries == 1 && strstr(t.text, "\"Extra\""));
        free(t.text);
        free(text);
    }
}

/* ---- the source ------------------------------------------------------------------------------ */

static void *feed_pipe(void *path)
{
    const int fd = open(path, O_WRONLY);
    for (int i = 0; i < 20000; i++) {
        char line[200];
        const int size = snprintf(line, sizeof line, "%s,%d,entry %d\r\n", PDQ, i % 101, i);
        if (write(fd, line, (size_t)size) != size)
            break;
    }
    close(fd);
    return NULL;
}

static void pipes_are_read(void **state)
{
    (void)state;
    char path[32];
    pthread_t thread;
    told t;
    write_feed(path, "", 0);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pthread_create(&thread, NULL, feed_pipe, path), 0);
    assert_int_equal(tell_file(&t, path, NULL), HK_OK);
    pthread_join(thread, NULL);
    unlink(path);
    assert_int_equal(t.entries, 20000);
    assert_int_equal(t.bad, 0);
    assert_non_null(strstr(t.text, "\n20000 entry | name=entry 19999 |"));
    assert_true(t.bytes > 20000 * 70);
    free(t.text);
}

static hk_status stop(void *context, uint64_t bytes, uint64_t size, hk_error *err)
{
    (void)context;
    (void)bytes;
    (void)size;
    return err->status = HK_ERR_STOPPED;
}

static hk_status stop_at_item(void *context, const hk__feed_item *item, hk_error *err)
{
    (void)context;
    (void)item;
    return err->status = HK_ERR_STOPPED;
}

static void sinks_can_end_the_reading(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        char path[512];
        hk_error err;
        told t = {.out = fopen("/dev/null", "w")};
        sample_path(path, i, false);
        hk__sink sink = {.item = tell_item, .bad = tell_bad, .at = stop, .context = &t};
        assert_int_equal(hk__feed_read(path, NULL, &sink, &err), HK_ERR_STOPPED);
        sink.at = NULL;
        sink.item = stop_at_item;
        assert_int_equal(hk__feed_read(path, NULL, &sink, &err), HK_ERR_STOPPED);
        fclose(t.out);
    }
}

static hk_status no_item(void *context, const hk__feed_item *item, hk_error *err)
{
    (void)context;
    (void)item;
    (void)err;
    return HK_OK;
}

static hk_status ignore_bad(void *context, size_t line, const char *reason, hk_error *err)
{
    (void)context;
    (void)line;
    (void)reason;
    (void)err;
    return HK_OK;
}

static void reading_survives_every_failing_allocation(void **state)
{
    (void)state;
    const hk__sink sink = {.item = no_item, .bad = ignore_bad};
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        char path[512];
        sample_path(path, i, false);
        FAIL_EVERY_ALLOCATION(hk__feed_read(path, NULL, &sink, NULL), true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_samples_are_read_to_the_letter),
        cmocka_unit_test(a_changed_digit_is_seen),
        cmocka_unit_test(lists_load_from_every_format),
        cmocka_unit_test(formats_are_listed_and_found),
        cmocka_unit_test(files_of_other_kinds_are_named),
        cmocka_unit_test(what_is_written_is_read_and_written_the_same),
        cmocka_unit_test(nothing_is_lost),
        cmocka_unit_test(what_a_format_cannot_say_is_left_out),
        cmocka_unit_test(odd_extras_do_not_break_vics),
        cmocka_unit_test(pipes_are_read),
        cmocka_unit_test(sinks_can_end_the_reading),
        cmocka_unit_test(reading_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
