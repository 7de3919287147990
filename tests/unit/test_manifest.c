/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_manifest.c - what a manifest says, that its signature is OpenSSL's, and that no change to
 * anything it names, or to itself, goes unseen.
 */
#include "report_unit.h"

#include "report/manifest.h"
#include "report/relative.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/stat.h>

enum { WRITTEN = 1000001000 };

typedef struct desk {
    unit_case u;
    char csv[96], sub[96], jsonl[112], manifest[96], sig[112], key[96], pub[96];
} desk;

static void write_key(const char *path, EVP_PKEY *key, bool private_half, const char *password)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    const int done =
        private_half
            ? PEM_write_PKCS8PrivateKey(file, key, password ? EVP_aes_256_cbc() : NULL, password,
                                        password ? (int)strlen(password) : 0, NULL, NULL)
            : PEM_write_PUBKEY(file, key);
    assert_int_equal(done, 1);
    fclose(file);
}

static void make_keys(const char *key, const char *pub)
{
    EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert_non_null(pair);
    write_key(key, pair, true, NULL);
    write_key(pub, pair, false, NULL);
    EVP_PKEY_free(pair);
}

/* A case with two outputs, one of them in a folder beside that of the manifest. */
static void desk_open(desk *d)
{
    unit_report_make(&d->u, 0, 1);
    const char *folder = d->u.folder;
    snprintf(d->csv, sizeof d->csv, "%s/night.csv", folder);
    snprintf(d->sub, sizeof d->sub, "%s-sub", folder);
    snprintf(d->jsonl, sizeof d->jsonl, "%s/\xff.jsonl", d->sub);
    snprintf(d->manifest, sizeof d->manifest, "%s/MANIFEST", folder);
    snprintf(d->sig, sizeof d->sig, "%s/MANIFEST.sig", folder);
    snprintf(d->key, sizeof d->key, "%s/key.pem", folder);
    snprintf(d->pub, sizeof d->pub, "%s/pub.pem", folder);
    assert_int_equal(mkdir(d->sub, 0700), 0);
    make_keys(d->key, d->pub);
    unit_ok(hk_report_write(d->u.c, HK_REPORT_CSV, d->csv, NULL, &unit_error));
    unit_ok(hk_report_write(d->u.c, HK_REPORT_JSONL, d->jsonl, NULL, &unit_error));
}

static void desk_write(desk *d, const char *key)
{
    const char *const outputs[] = {d->csv, d->jsonl};
    unit_ok(hk__manifest_write(d->u.c, d->manifest, outputs, 2, key, WRITTEN, &unit_error));
}

static void desk_close(desk *d)
{
    unlink(d->jsonl);
    assert_int_equal(rmdir(d->sub), 0);
    unit_case_remove(&d->u);
}

/* What a check found, a line each. */
static char found[4096];
static void keep(void *context, const char *message)
{
    (void)context;
    snprintf(found + strlen(found), sizeof found - strlen(found), "%s\n", message);
}

static size_t problems_of(desk *d, const char *key)
{
    size_t problems = 77;
    *found = '\0';
    unit_ok(hk_report_verify(&problems, d->manifest, key, keep, NULL, &unit_error));
    return problems;
}

/* ---- what it says ---------------------------------------------------------------------------- */

/* Takes the value of the first `key` after `from` out of the text. */
static void blank(char *text, const char *from, const char *key)
{
    char *p = strstr(text, from);
    assert_non_null(p);
    p = strstr(p, key);
    assert_non_null(p);
    for (p += strlen(key); *p && !strchr(",\"\n", *p); p++)
        *p = '1';
}

static void test_golden(void **state)
{
    (void)state;
    desk d;
    size_t size;
    desk_open(&d);
    desk_write(&d, NULL);
    char *text = unit_content(&size, d.manifest);
    blank(text, "\"case\"", "\"sha256\": \""); /* SQLite writes its own version into its files */
    blank(text, "\"case\"", "\"bytes\": ");
    const char *name = strrchr(d.u.folder, '/') + 1;
    char exact[200], *coded;
    snprintf(exact, sizeof exact, "../%s-sub/\xff.jsonl", name);
    unit_ok(hk_text_base64(&coded, exact, strlen(exact), &unit_error));
    text = unit_swap(unit_swap(text, coded, "CODED"), name, "FOLDER");
    free(coded);
    unit_golden(text, "manifest.json");
    assert_int_equal(problems_of(&d, NULL), 0);
    desk_close(&d);
}

static void test_interruptions(void **state)
{
    (void)state;
    desk d;
    size_t size;
    int64_t session;
    desk_open(&d);
    unit_ok(hk__case_session_begin(&session, d.u.c,
                                   &(hk_case_session){.started = 1000002000,
                                                      .machine = "other",
                                                      .versions = "a 1\n\nb \x01 2"},
                                   &unit_error));
    desk_write(&d, NULL);
    char *text = unit_content(&size, d.manifest);
    assert_non_null(strstr(text, "\"interrupted\": true"));
    assert_non_null(strstr(text, "\"interruptions\": 1"));
    free(text);
    desk_close(&d);
}

static void test_ways(void **state)
{
    (void)state;
    static const char *const ways[][3] = {{"/a/b/MANIFEST", "/a/b/c.csv", "c.csv"},
                                          {"/a/b/MANIFEST", "/a/c/d.csv", "../c/d.csv"},
                                          {"/a/b/MANIFEST", "/a/bc/d.csv", "../bc/d.csv"},
                                          {"/MANIFEST", "/x/y", "x/y"},
                                          {"/a/b/M", "/x", "../../x"}};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        char *way = hk__relative(ways[i][0], ways[i][1]);
        assert_string_equal(way, ways[i][2]);
        hk__free(way);
    }
}

/* ---- signatures ------------------------------------------------------------------------------ */

static void test_signature(void **state)
{
    (void)state;
    desk d;
    size_t size;
    char other[96], other_pub[96];
    desk_open(&d);
    desk_write(&d, d.key);
    assert_int_equal(problems_of(&d, d.pub), 0);
    assert_int_equal(problems_of(&d, NULL), 0);
    char *signature = unit_content(&size, d.sig);
    assert_int_equal(size, 64);
    /* Every bit of it counts. */
    for (size_t bit = 0; bit < 512; bit += 37) {
        signature[bit / 8] ^= (char)(1 << bit % 8);
        unit_overwrite(d.sig, signature, size);
        assert_int_equal(problems_of(&d, d.pub), 1);
        assert_non_null(strstr(found, "signature"));
        signature[bit / 8] ^= (char)(1 << bit % 8);
    }
    unit_overwrite(d.sig, signature, 63);
    assert_int_equal(problems_of(&d, d.pub), 1);
    unlink(d.sig);
    assert_int_equal(problems_of(&d, d.pub), 1);
    assert_non_null(strstr(found, "no signature to check"));
    unit_overwrite(d.sig, signature, size);
    assert_int_equal(problems_of(&d, d.pub), 0);
    snprintf(other, sizeof other, "%s/other.pem", d.u.folder);
    snprintf(other_pub, sizeof other_pub, "%s/other-pub.pem", d.u.folder);
    make_keys(other, other_pub);
    assert_int_equal(problems_of(&d, other_pub), 1);
    /* A manifest that is not signed does not keep the signature of the one before. */
    desk_write(&d, NULL);
    assert_int_equal(access(d.sig, F_OK), -1);
    free(signature);
    desk_close(&d);
}

static void test_keys(void **state)
{
    (void)state;
    desk d;
    char path[96];
    size_t n = 77;
    desk_open(&d);
    snprintf(path, sizeof path, "%s/odd.pem", d.u.folder);
#define SIGNS(key, status, words)                                                                  \
    FAILS(hk_report_manifest(d.u.c, d.manifest, NULL, 0, key, &err), status, words)
    SIGNS(path, HK_ERR_IO, "is missing");
    SIGNS(d.u.folder, HK_ERR_IO, "no regular file");
    SIGNS(d.csv, HK_ERR_USAGE, "no private key");
    SIGNS(d.pub, HK_ERR_USAGE, "openssl genpkey");
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    write_key(path, key, true, "secret");
    EVP_PKEY_free(key);
    SIGNS(path, HK_ERR_USAGE, "encrypted");
    key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    write_key(path, key, true, NULL);
    SIGNS(path, HK_ERR_USAGE, "none of Ed25519");
    assert_int_equal(access(d.manifest, F_OK), -1); /* nothing was written meanwhile */
    assert_int_equal(access(d.sig, F_OK), -1);
    desk_write(&d, d.key);
    write_key(path, key, false, NULL);
    EVP_PKEY_free(key);
    FAILS(hk_report_verify(&n, d.manifest, path, NULL, NULL, &err), HK_ERR_USAGE, "Ed25519");
    FAILS(hk_report_verify(&n, d.manifest, d.key, NULL, NULL, &err), HK_ERR_USAGE, "public key");
    assert_int_equal(n, 77);
    desk_close(&d);
}

/* ---- what has changed ------------------------------------------------------------------------ */

static void test_changes(void **state)
{
    (void)state;
    desk d;
    size_t size;
    char away[128];
    desk_open(&d);
    desk_write(&d, d.key);
    snprintf(away, sizeof away, "%s.away", d.jsonl);

    char *csv = unit_content(&size, d.csv);
    csv[size / 2] ^= 1; /* of the same length */
    unit_overwrite(d.csv, csv, size);
    assert_int_equal(problems_of(&d, d.pub), 1);
    assert_string_equal(found, "night.csv: is changed: its SHA-256 is another\n");
    csv[size / 2] ^= 1;
    unit_overwrite(d.csv, csv, size - 1);
    assert_int_equal(problems_of(&d, d.pub), 1);
    assert_non_null(strstr(found, "night.csv: is changed: it has"));
    unit_overwrite(d.csv, csv, size);
    assert_int_equal(problems_of(&d, d.pub), 0);
    free(csv);

    assert_int_equal(rename(d.jsonl, away), 0);
    assert_int_equal(problems_of(&d, d.pub), 1);
    assert_non_null(strstr(found, "is missing"));
    assert_int_equal(mkfifo(d.jsonl, 0600), 0); /* nobody waits for its other end */
    assert_int_equal(problems_of(&d, d.pub), 1);
    assert_non_null(strstr(found, "is no regular file"));
    unlink(d.jsonl);
    assert_int_equal(rename(away, d.jsonl), 0);

    /* A person decides on something: the case is not what was reported. */
    unit_ok(hk__sql_run(d.u.c->db, "UPDATE decision SET category = '3'", &unit_error));
    unit_ok(hk__case_commit(d.u.c, &unit_error));
    assert_int_equal(problems_of(&d, d.pub), 1);
    assert_non_null(strstr(found, "night.case: is changed"));
    assert_non_null(strstr(found, "a decision, or decisions carried over"));
    desk_close(&d);
}

/* A changed manifest may agree with itself, but not with its signature. */
static void test_changed_manifest(void **state)
{
    (void)state;
    desk d;
    size_t size;
    desk_open(&d);
    desk_write(&d, d.key);
    char *text = unit_content(&size, d.manifest);
    text = unit_swap(text, "\"revision\": 7", "\"revision\": 8");
    unit_overwrite(d.manifest, text, strlen(text));
    assert_int_equal(problems_of(&d, NULL), 0);
    assert_int_equal(problems_of(&d, d.pub), 1);
    free(text);
    desk_close(&d);
}

/* ---- hostile manifests ----------------------------------------------------------------------- */

#define SUM "\"" HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 "\""
#define HEX8 "00000000"
#define ROW(path) "{\"path\":" path ",\"bytes\":1,\"sha256\":" SUM "}"
#define MANIFEST(row, outputs) "{\"herken_manifest\":1,\"case\":" row ",\"outputs\":[" outputs "]}"

static void test_hostile(void **state)
{
    (void)state;
    static const char *const none[] = {
        "",
        "[]",
        "{}",
        "null",
        "{\"herken_manifest\":1}",
        "{\"herken_manifest\":\"1\"}",
        "{\"herken_manifest\":2}",
        MANIFEST("7", ""),
        MANIFEST(ROW("\"\""), ""),
        MANIFEST(ROW("7"), ""),
        MANIFEST(ROW("\"a\""), "7"),
        MANIFEST("{\"path\":\"a\",\"bytes\":-1,\"sha256\":" SUM "}", ""),
        MANIFEST("{\"path\":\"a\",\"bytes\":1,\"sha256\":\"00\"}", ""),
        MANIFEST(ROW("\"a\",\"path_b64\":\"=\""), ""),
        MANIFEST(ROW("\"a\",\"path_b64\":\"AAAA\""), ""), /* NULs */
        MANIFEST(ROW("\"a\",\"path_b64\":7"), ""),
        MANIFEST(ROW("\"a\\u0000b\""), ""),
        MANIFEST(ROW("\"a\",\"path\":\"b\""), ""), /* said twice */
        "{\"herken_manifest\":1,\"case\":" ROW("\"a\"") "}"};
    size_t n = 77;
    desk d;
    desk_open(&d);
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        unit_overwrite(d.manifest, none[i], strlen(none[i]));
        assert_int_equal(hk_report_verify(&n, d.manifest, NULL, NULL, NULL, NULL), HK_ERR_FORMAT);
        assert_int_equal(n, 77);
    }
    static const char absolute[] = MANIFEST(ROW("\"/etc/passwd\""), ROW("\"/dev/zero\""));
    unit_overwrite(d.manifest, absolute, sizeof absolute - 1);
    assert_int_equal(problems_of(&d, NULL), 2);
    assert_non_null(strstr(found, "/etc/passwd: is not looked at"));
    static const char odd[] = MANIFEST(ROW("\".\""), ROW("\"\\u001b[2J\\n\""));
    unit_overwrite(d.manifest, odd, sizeof odd - 1);
    assert_int_equal(problems_of(&d, NULL), 2);
    assert_null(strchr(found, 0x1b));
    /* Too large, and too many. */
    assert_int_equal(truncate(d.manifest, (off_t)HK__MANIFEST_MOST + 1), 0);
    FAILS(hk_report_verify(&n, d.manifest, NULL, NULL, NULL, &err), HK_ERR_LIMIT, "larger than");
    unlink(d.manifest);
    FAILS(hk_report_verify(&n, d.manifest, NULL, NULL, NULL, &err), HK_ERR_IO, "is missing");
    desk_close(&d);
}

static void test_no_memory(void **state)
{
    (void)state;
    desk d;
    size_t n = 77;
    desk_open(&d);
    const char *const outputs[] = {d.csv, d.jsonl};
    FAIL_EVERY_ALLOCATION(hk__manifest_write(d.u.c, d.manifest, outputs, 2, d.key, WRITTEN, NULL),
                          access(d.manifest, F_OK) != 0);
    assert_int_equal(problems_of(&d, d.pub), 0);
    FAIL_EVERY_ALLOCATION(hk_report_verify(&n, d.manifest, d.pub, NULL, NULL, NULL), n == 77);
    assert_int_equal(n, 0);
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_interruptions),
        cmocka_unit_test(test_ways),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_changed_manifest),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
