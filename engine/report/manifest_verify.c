/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * manifest_verify.c - whether things are still as a manifest says: hk_report_verify (herken.h).
 *
 * A manifest may be anybody's work. It is read whole, up to a size, before anything is done; the
 * files that it names are only read, and only where they are regular files of the size it says.
 * Their paths lead from its folder and may lead out of it, since outputs may lie elsewhere; an
 * absolute one is none that we write, and is not followed.
 */
#include "report/manifest.h"

#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"
#include "feed/value.h"
#include "report/relative.h"

#include <jansson.h>
#include <limits.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

typedef struct check {
    const char *path; /* the manifest's, as it was given */
    char *place;      /* and where it lies; owned */
    char *bytes;      /* owned */
    size_t count;
    size_t problems;
    const char *hint; /* what may have changed the file in hand */
    void (*on_problem)(void *context, const char *message);
    void *context;
} check;

static void tell(check *k, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(check *k, const char *format, ...)
{
    char message[HK_ERROR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    hk__printable(message);
    k->problems++;
    if (k->on_problem)
        k->on_problem(k->context, message);
}

static hk_status fail_shape(const check *k, const char *what, hk_error *err)
{
    return hk__fail(err, HK_ERR_FORMAT, "%s: is no manifest of Herken: %s", k->path, what);
}

/* ---- one file -------------------------------------------------------------------------------- */

/* Bytes from base64, NUL-terminated and without one inside; *out is owned, NULL: they are none. */
static hk_status from_base64(char **out, const char *text, hk_error *err)
{
    const size_t length = strlen(text);
    *out = NULL;
    if (!length || length % 4 || length > INT_MAX / 2)
        return HK_OK;
    char *bytes = hk__alloc(length / 4 * 3 + 1, 1);
    if (!bytes)
        return hk__fail_memory(err);
    const int count =
        EVP_DecodeBlock((unsigned char *)bytes, (const unsigned char *)text, (int)length);
    const int padding = (text[length - 1] == '=') + (text[length - 2] == '=');
    if (count > padding && strlen(bytes) == (size_t)(count - padding))
        *out = bytes;
    else
        hk__free(bytes);
    return HK_OK;
}

/* What is said of a file, checked; *way is owned. */
static hk_status read_file_row(char **way, uint64_t *bytes, uint8_t sha256[32], const check *k,
                               const json_t *row, hk_error *err)
{
    const char *path = json_string_value(json_object_get(row, "path"));
    const json_t *exact = json_object_get(row, "path_b64");
    const json_t *size = json_object_get(row, "bytes");
    const char *sum = json_string_value(json_object_get(row, "sha256"));
    if (!path || !*path || !json_is_integer(size) || json_integer_value(size) < 0 || !sum ||
        !hk__read_hex(sha256, 32, sum, strlen(sum)))
        return fail_shape(k, "a file in it has no path, size or SHA-256", err);
    if (exact && !json_is_string(exact))
        return fail_shape(k, "a path in it is no text", err);
    char *copy;
    hk_status status = HK_OK;
    if (exact)
        status = from_base64(&copy, json_string_value(exact), err);
    else if (!(copy = hk__strndup(path, strlen(path))))
        status = hk__fail_memory(err);
    if (status)
        return status;
    if (!copy)
        return fail_shape(k, "a path in it is no base64", err);
    *way = copy;
    *bytes = (uint64_t)json_integer_value(size);
    return HK_OK;
}

/* What cannot be read is a problem of that file; what this process cannot do is an error. */
static hk_status compare(check *k, const char *way, const char *path, uint64_t bytes,
                         const uint8_t sha256[32], hk_error *err)
{
    int fd = -1;
    hk_error why;
    uint64_t size;
    uint8_t sum[32];
    hk_status status = hk__file_open(&fd, &size, path, &why);
    if (!status && size != bytes)
        tell(k, "%s: is changed: it has %llu bytes, and had %llu%s", way, (unsigned long long)size,
             (unsigned long long)bytes, k->hint);
    else if (!status && !(status = hk__file_sum(sum, fd, size, way, &why)) &&
             memcmp(sum, sha256, sizeof sum) != 0)
        tell(k, "%s: is changed: its SHA-256 is another%s", way, k->hint);
    if (fd >= 0)
        close(fd);
    if (status == HK_ERR_IO)
        tell(k, "%s", why.message);
    return status && status != HK_ERR_IO ? hk__fail(err, status, "%s", why.message) : HK_OK;
}

/* Reads the row, and with `look` goes and sees. */
static hk_status check_file(check *k, const json_t *row, bool look, hk_error *err)
{
    char *way = NULL, *path;
    uint64_t bytes = 0;
    uint8_t sha256[32];
    hk_status status = read_file_row(&way, &bytes, sha256, k, row, err);
    if (status)
        return status;
    if (look && *way == '/') {
        tell(k,
             "%s: is not looked at: a manifest's paths lead from its folder, and are not "
             "absolute",
             way);
    } else if (look) {
        path = hk__follow(k->place, way);
        status = path ? compare(k, way, path, bytes, sha256, err) : hk__fail_memory(err);
        hk__free(path);
    }
    hk__free(way);
    return status;
}

static hk_status check_files(check *k, const json_t *manifest, bool look, hk_error *err)
{
    size_t i;
    const json_t *row, *outputs = json_object_get(manifest, "outputs");
    k->hint = "; a decision, or decisions carried over, since then would do that";
    hk_status status = check_file(k, json_object_get(manifest, "case"), look, err);
    k->hint = "";
    if (status)
        return status;
    if (!json_is_array(outputs))
        return fail_shape(k, "it names no outputs", err);
    if (json_array_size(outputs) > HK__MANIFEST_OUTPUTS)
        return hk__fail(err, HK_ERR_LIMIT, "%s: names more than %d outputs", k->path,
                        HK__MANIFEST_OUTPUTS);
    json_array_foreach(outputs, i, row) if (!status) status = check_file(k, row, look, err);
    return status;
}

/* ---- the signature --------------------------------------------------------------------------- */

static hk_status check_signature(check *k, const char *key_path, hk_error *err)
{
    hk__key *key;
    hk_error why;
    char *signature = NULL, *path = NULL;
    size_t size;
    bool good = false;
    hk_status status = hk__key_open(&key, key_path, false, err);
    if (status)
        return status;
    path = hk__path_with(k->path, ".sig");
    status = path ? hk__file_read(&signature, &size, path, 1 << 16, &why) : HK_ERR_NO_MEMORY;
    if (status == HK_ERR_NO_MEMORY) {
        status = hk__fail_memory(err);
    } else if (status) {
        tell(k, "%s: there is no signature to check", why.message);
        status = HK_OK;
    } else if (size != HK__SIGNATURE_SIZE) {
        tell(k, "%s: is no signature of Ed25519: it has %zu bytes, not %d", path, size,
             HK__SIGNATURE_SIZE);
    } else {
        status = hk__key_check(&good, key, (const uint8_t *)signature, k->bytes, k->count, err);
        if (!status && !good)
            tell(k,
                 "%s: the signature is not that of this manifest by this key: one of the three "
                 "is another",
                 k->path);
    }
    hk__free(signature);
    hk__free(path);
    hk__key_close(key);
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static hk_status parse(json_t **out, const check *k, hk_error *err)
{
    json_error_t why;
    json_t *json = json_loadb(k->bytes, k->count, JSON_REJECT_DUPLICATES, &why);
    const json_t *version = json_object_get(json, "herken_manifest");
    hk_status status = HK_OK;
    if (!json && json_error_code(&why) == json_error_out_of_memory)
        status = hk__fail_memory(err);
    else if (!json)
        status = hk__fail(err, HK_ERR_FORMAT, "%s: is no manifest of Herken: line %d: %s", k->path,
                          why.line, why.text);
    else if (!json_is_integer(version) || json_integer_value(version) < 1)
        status = fail_shape(k, "it does not say that it is one", err);
    else if (json_integer_value(version) > HK__MANIFEST_VERSION)
        status = hk__fail(err, HK_ERR_FORMAT,
                          "%s: is a manifest of version %lld, this program knows version %d: use a "
                          "newer one",
                          k->path, (long long)json_integer_value(version), HK__MANIFEST_VERSION);
    if (status)
        json_decref(json);
    else
        *out = json;
    return status;
}

hk_status hk_report_verify(size_t *problems, const char *path, const char *key,
                           void (*on_problem)(void *context, const char *message), void *context,
                           hk_error *err)
{
    check k = {.path = path, .on_problem = on_problem, .context = context};
    json_t *manifest = NULL;
    hk_status status = hk__absolute(&k.place, path, err);
    if (!status)
        status = hk__file_read(&k.bytes, &k.count, k.place, HK__MANIFEST_MOST, err);
    if (!status)
        status = parse(&manifest, &k, err);
    if (!status)
        status = check_files(&k, manifest, false, err); /* all of it is read before any is used */
    if (!status && key)
        status = check_signature(&k, key, err);
    if (!status)
        status = check_files(&k, manifest, true, err);
    json_decref(manifest);
    hk__free(k.bytes);
    hk__free(k.place);
    if (!status)
        *problems = k.problems;
    return status;
}
