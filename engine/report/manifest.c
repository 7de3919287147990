/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * manifest.c - writes a manifest (manifest.h, herken.h).
 *
 * The case is summed through SQLite's own descriptor: were it opened besides, closing that would
 * take the process' lock off the file, as POSIX has it.
 */
#include "report/manifest.h"

#include "case/case.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "report/file_json.h"
#include "report/relative.h"
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- files ----------------------------------------------------------------------------------- */

/* {path, bytes, sha256}: `to` as it is reached from `from`. */
static void put_file(hk__object *o, const char *from, const char *to, uint64_t bytes,
                     const uint8_t sha256[32])
{
    char *way = hk__relative(from, to);
    if (way)
        hk__put_exact(o, "path", way);
    else
        o->status = HK_ERR_NO_MEMORY;
    hk__free(way);
    hk__put_number(o, "bytes", bytes);
    hk__put_hex(o, "sha256", sha256, 32);
}

static hk_status sum_case(uint8_t out[32], uint64_t *bytes, hk_case *c, hk_error *err)
{
    enum { CHUNK = 1 << 16 };
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    hk__digester *digester = NULL;
    hk_digests digests;
    if (sqlite3_file_control(c->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) || !file ||
        !file->pMethods || file->pMethods->xFileSize(file, &size))
        return hk__fail(err, HK_ERR_IO, "%s: cannot be read", c->path);
    char *chunk = hk__alloc(CHUNK, 1);
    hk_status status = chunk ? hk__digester_new(&digester, err) : hk__fail_memory(err);
    if (!status)
        status = hk__digester_start(digester, HK_DIGEST_SHA256, err);
    for (sqlite3_int64 at = 0; !status && at < size; at += CHUNK) {
        const int count = size - at < CHUNK ? (int)(size - at) : CHUNK;
        status = file->pMethods->xRead(file, chunk, count, at)
                     ? hk__fail(err, HK_ERR_IO, "%s: cannot be read", c->path)
                     : hk__digester_add(digester, chunk, (size_t)count, err);
    }
    if (!status)
        status = hk__digester_finish(&digests, digester, err);
    if (!status) {
        memcpy(out, digests.sha256, sizeof digests.sha256);
        *bytes = (uint64_t)size;
    }
    hk__digester_free(digester);
    hk__free(chunk);
    return status;
}

static hk_status put_case(hk__object *object, hk_case *c, const char *from, hk_error *err)
{
    uint8_t sum[32];
    uint64_t bytes = 0;
    hk__object o;
    const hk_status status = sum_case(sum, &bytes, c, err);
    if (status)
        return status;
    hk__object_begin(&o);
    put_file(&o, from, c->path, bytes, sum);
    hk__put_object(object, "case", &o);
    return HK_OK;
}

static hk_status put_output(hk__object *object, json_t *outputs, const char *from, const char *path,
                            hk_error *err)
{
    int fd = -1;
    uint8_t sum[32];
    uint64_t bytes = 0;
    char *to;
    hk_status status = hk__absolute(&to, path, err);
    if (status)
        return status;
    status = hk__file_open(&fd, &bytes, to, err);
    if (!status) {
        status = hk__file_sum(sum, fd, bytes, to, err);
        close(fd);
    }
    if (!status) {
        hk__object o;
        hk__object_begin(&o);
        put_file(&o, from, to, bytes, sum);
        hk__append_object(object, outputs, &o);
    }
    hk__free(to);
    return status;
}

static hk_status put_outputs(hk__object *object, const char *from, const char *const *outputs,
                             size_t count, hk_error *err)
{
    json_t *rows = json_array();
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < count; i++)
        status = put_output(object, rows, from, outputs[i], err);
    hk__put_json(object, "outputs", rows);
    return status;
}

/* ---- the run --------------------------------------------------------------------------------- */

static void put_run(hk__object *object, const hk_case_info *info)
{
    hk__object o, model;
    hk__object_begin(&o);
    hk__object_begin(&model);
    hk__put_text(&o, "version", info->version);
    hk__put_text(&model, "id", hk_model(0)->id);
    hk__put_text(&model, "checksum", info->model_checksum);
    hk__put_text(&model, "calibration_checksum", info->calibration_checksum);
    hk__put_object(&o, "model", &model);
    if (info->max_distance < 0)
        hk__put_text(&o, "profile", hk_profile_name(info->profile));
    else
        hk__put_number(&o, "max_distance", (uint64_t)info->max_distance);
    hk__put_radii(&o, info);
    hk__put_number(&o, "hashes", info->hashes);
    hk__put_number(&o, "shard", info->shard);
    hk__put_number(&o, "shards", info->shards);
    hk__put_text(&o, "state", hk_case_state_name(info->state));
    hk__put_object(object, "run", &o);
}

static hk_status put_input(hk__object *object, json_t *rows, hk_case *c, size_t i, hk_error *err)
{
    hk_case_input input;
    hk__object o;
    const hk_status status = hk_case_input_get(&input, c, i, err);
    if (status)
        return status;
    hk__object_begin(&o);
    hk__put_exact(&o, "given", input.given);
    hk__put_exact(&o, "absolute", input.absolute);
    hk__append_object(object, rows, &o);
    return HK_OK;
}

static hk_status put_list(hk__object *object, json_t *rows, hk_case *c, size_t i, hk_error *err)
{
    hk_case_list list;
    hk__object o;
    const hk_status status = hk_case_list_get(&list, c, i, err);
    if (status)
        return status;
    hk__object_begin(&o);
    hk__put_exact(&o, "list", list.name);
    hk__put_exact(&o, "source", list.source);
    hk__put_true(&o, "known_good", list.known_good);
    if (list.revision)
        hk__put_number(&o, "revision", list.revision);
    hk__put_text(&o, "digest", list.digest);
    hk__put_number(&o, "entries", list.entries);
    hk__append_object(object, rows, &o);
    return HK_OK;
}

/* "name version" lines as an array. */
static void put_versions(hk__object *object, const char *lines)
{
    json_t *array = json_array();
    while (lines && *lines) {
        char line[256], *safe = NULL;
        const size_t length = strcspn(lines, "\n");
        snprintf(line, sizeof line, "%.*s", length < 255 ? (int)length : 255, lines);
        if (*line && (hk_text_escape(&safe, NULL, line, false, NULL) ||
                      json_array_append_new(array, json_string(safe))))
            object->status = HK_ERR_NO_MEMORY;
        hk__free(safe);
        lines += length + (lines[length] == '\n');
    }
    hk__put_json(object, "versions", array);
}

static hk_status put_session(hk__object *object, json_t *rows, hk_case *c, size_t i, hk_error *err)
{
    hk_case_session session;
    hk__object o;
    const hk_status status = hk_case_session_get(&session, c, i, err);
    if (status)
        return status;
    hk__object_begin(&o);
    hk__put_time(&o, "started", session.started);
    if (session.ended)
        hk__put_time(&o, "ended", session.ended);
    hk__put_true(&o, "interrupted", !session.ended);
    hk__put_number(&o, "workers", session.workers);
    hk__put_number(&o, "files", session.done);
    hk__put_text(&o, "machine", session.machine);
    put_versions(&o, session.versions);
    hk__append_object(object, rows, &o);
    return HK_OK;
}

typedef hk_status put_row_fn(hk__object *object, json_t *rows, hk_case *c, size_t i, hk_error *err);

static hk_status put_rows(hk__object *object, const char *key, put_row_fn *put, hk_case *c,
                          size_t count, hk_error *err)
{
    json_t *rows = json_array();
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < count; i++)
        status = put(object, rows, c, i, err);
    hk__put_json(object, key, rows);
    return status;
}

static void put_interruptions(hk__object *object)
{
    size_t i;
    json_t *session;
    uint64_t count = 0;
    json_array_foreach(json_object_get(object->json, "sessions"), i, session) count +=
        json_is_true(json_object_get(session, "interrupted"));
    hk__put_number(object, "interruptions", count);
}

static hk_status put_account(hk__object *object, hk_case *c, hk_error *err)
{
    hk__object fields;
    hk_account account;
    const hk_status status = hk_case_account(&account, c, err);
    if (status)
        return status;
    hk__object_begin(&fields);
    hk__put_account(&fields, &account, true);
    hk__put_object(object, "account", &fields);
    return HK_OK;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static hk_status put_all(hk__object *o, hk_case *c, const char *from, const char *const *outputs,
                         size_t count, int64_t at, hk_error *err)
{
    hk_case_info info;
    hk__object by;
    hk_status status = hk_case_describe(&info, c, err);
    if (status)
        return status;
    hk__put_number(o, "herken_manifest", HK__MANIFEST_VERSION);
    hk__put_time(o, "written", at);
    hk__object_begin(&by);
    hk__put_text(&by, "program", "herken");
    hk__put_text(&by, "version", hk_version());
    hk__put_object(o, "written_by", &by);
    status = put_case(o, c, from, err);
    put_run(o, &info); /* before its strings are gone */
    if (!status)
        status = put_rows(o, "inputs", put_input, c, info.inputs, err);
    if (!status)
        status = put_rows(o, "lists", put_list, c, info.lists, err);
    if (!status)
        status = put_rows(o, "sessions", put_session, c, info.sessions, err);
    put_interruptions(o);
    hk__put_number(o, "groups", info.groups);
    hk__put_number(o, "decisions", info.decisions);
    if (!status)
        status = put_account(o, c, err);
    if (!status)
        status = put_outputs(o, from, outputs, count, err);
    return status;
}

/* The manifest as text, for a file at `from`; owned, free(). */
static hk_status make_text(char **out, hk_case *c, const char *from, const char *const *outputs,
                           size_t count, int64_t at, hk_error *err)
{
    hk__object object;
    json_t *json = NULL;
    hk__object_begin(&object);
    hk_status status = put_all(&object, c, from, outputs, count, at, err);
    if (status) {
        json_decref(object.json);
        return status;
    }
    status = hk__object_end(&json, &object, err);
    if (status)
        return status;
    *out = json_dumps(json, JSON_INDENT(2));
    json_decref(json);
    return *out ? HK_OK : hk__fail_memory(err);
}

/* The signature of an older manifest says nothing of this one. */
static hk_status remove_old_signature(const char *path, hk_error *err)
{
    struct stat facts;
    char *signature = hk__path_with(path, ".sig");
    hk_status status = signature ? HK_OK : hk__fail_memory(err);
    if (signature && !lstat(signature, &facts) && S_ISREG(facts.st_mode) && unlink(signature))
        status = hk__fail(err, HK_ERR_IO, "%s: is of an older manifest, and cannot be removed: %s",
                          signature, strerror(errno));
    hk__free(signature);
    return status;
}

static hk_status write_both(hk_case *c, const char *path, const char *text, hk__key *key,
                            hk_error *err)
{
    const size_t length = strlen(text);
    uint8_t signature[HK__SIGNATURE_SIZE];
    hk__draft manifest, signed_by = {.fd = -1};
    hk_status status = hk__report_draft(&manifest, c, path, "", err);
    if (!status)
        status = hk__draft_write(&manifest, text, length, err);
    if (!status && key)
        status = hk__key_sign(signature, key, text, length, err);
    if (!status && key)
        status = hk__report_draft(&signed_by, c, path, ".sig", err);
    if (!status && key)
        status = hk__draft_write(&signed_by, signature, sizeof signature, err);
    if (!status && key)
        status = hk__draft_sync(&signed_by, err);
    if (!status && key)
        status = hk__draft_place(&signed_by, err); /* first: a manifest that is there is signed */
    if (!status)
        status = hk__report_place(&manifest, err);
    if (!status && !key)
        status = remove_old_signature(path, err);
    if (status && signed_by.placed && !manifest.placed)
        unlink(signed_by.place);
    hk__draft_free(&manifest);
    hk__draft_free(&signed_by);
    return status;
}

hk_status hk__manifest_write(hk_case *c, const char *path, const char *const *outputs, size_t count,
                             const char *key, int64_t at, hk_error *err)
{
    hk__key *opened = NULL;
    char *place = NULL, *text = NULL;
    if (count > HK__MANIFEST_OUTPUTS)
        return hk__fail(err, HK_ERR_LIMIT, "a manifest names at most %d outputs",
                        HK__MANIFEST_OUTPUTS);
    hk_status status = hk__report_finished(c, err);
    if (!status && key)
        status = hk__key_open(&opened, key, true, err);
    if (!status)
        status = hk__absolute(&place, path, err);
    if (!status)
        status = make_text(&text, c, place, outputs, count, at, err);
    if (!status)
        status = write_both(c, path, text, opened, err);
    hk__key_close(opened);
    hk__free(place);
    free(text);
    return status;
}

hk_status hk_report_manifest(hk_case *c, const char *path, const char *const *outputs, size_t count,
                             const char *key, hk_error *err)
{
    return hk__manifest_write(c, path, outputs, count, key, (int64_t)time(NULL), err);
}
