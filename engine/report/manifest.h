/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * manifest.h - what a run was, as a signed statement.
 *
 *      {
 *        "herken_manifest": 1,              its version
 *        "written": TIME, "written_by": {program, version}
 *        "case": {path, bytes, sha256}
 *        "run": {version, model, profile, radii, how many hashes, shard, state}
 *        "inputs": [{given, absolute}]
 *        "lists": [{name, source, revision, digest, entries}]
 *        "sessions": [{started, ended, interrupted, workers, files, machine, versions}]
 *        "interruptions": N
 *        "groups": N, "decisions": N
 *        "account": {...}                   as JSON Lines has it
 *        "outputs": [{path, bytes, sha256}]
 *      }
 *
 * Paths of the case and the outputs lead from the manifest's folder, with ".." where they must:
 * together the files can be moved or copied. The manifest says nothing of how it is signed; the
 * signature, 64 bytes of Ed25519 over its bytes, lies in MANIFEST.sig, where OpenSSL checks it too:
 *
 *      openssl pkeyutl -verify -rawin -pubin -inkey PUB.pem -in MANIFEST -sigfile MANIFEST.sig
 */
#ifndef HK_REPORT_MANIFEST_H
#define HK_REPORT_MANIFEST_H

#include "herken.h"

#include <stdio.h>

#define HK__MANIFEST_VERSION 1
#define HK__MANIFEST_OUTPUTS 1000            /* at most */
#define HK__MANIFEST_MOST ((size_t)16 << 20) /* bytes that are read of one */
#define HK__SIGNATURE_SIZE 64

/* hk_report_manifest, written at a time that is given: seconds since 1970 UTC. */
hk_status hk__manifest_write(hk_case *c, const char *path, const char *const *outputs, size_t count,
                             const char *key, int64_t at, hk_error *err) HK_MUST_CHECK;

/* ---- keys (manifest_key.c) ----------------------------------------------------------------- */

typedef struct hk__key hk__key;

/* A PEM file with an Ed25519 key, private or public. HK_ERR_IO: it does not open; HK_ERR_USAGE: it
 * holds no such key, or an encrypted one. */
hk_status hk__key_open(hk__key **out, const char *path, bool private_half,
                       hk_error *err) HK_MUST_CHECK;
void hk__key_close(hk__key *key);

hk_status hk__key_sign(uint8_t out[HK__SIGNATURE_SIZE], hk__key *key, const void *bytes,
                       size_t count, hk_error *err) HK_MUST_CHECK;
/* *good = false: the signature is not that of these bytes by this key. */
hk_status hk__key_check(bool *good, hk__key *key, const uint8_t signature[HK__SIGNATURE_SIZE],
                        const void *bytes, size_t count, hk_error *err) HK_MUST_CHECK;

/* ---- files (manifest_files.c) -------------------------------------------------------------- */

/* Opens a regular file for reading; errno in words goes with HK_ERR_IO. Never waits for another
 * end, as a FIFO would have it. */
hk_status hk__file_open(int *fd, uint64_t *bytes, const char *path, hk_error *err) HK_MUST_CHECK;
/* All of a file of at most `most` bytes; owned, hk__free. HK_ERR_LIMIT: it has more. */
hk_status hk__file_read(char **out, size_t *count, const char *path, size_t most,
                        hk_error *err) HK_MUST_CHECK;
/* SHA-256 of what is left of it to read, which must be just so many bytes. */
hk_status hk__file_sum(uint8_t out[32], int fd, uint64_t bytes, const char *path,
                       hk_error *err) HK_MUST_CHECK;

#endif
