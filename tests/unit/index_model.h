/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * index_model.h - the plain truth about an index with ids, digests and changes: arrays that are
 * looked through from end to end. What the tests of snapshots share with it: files and folders, and
 * forgeries whose checksums are right.
 */
#ifndef TESTS_INDEX_MODEL_H
#define TESTS_INDEX_MODEL_H

#include "unit.h"

#include "index/snapshot.h"

/* ---- the model ----------------------------------------------------------------------------- */

typedef struct model_digest {
    uint8_t bytes[32];
    uint32_t id;
} model_digest;

typedef struct model {
    hk_hash *hash;
    uint32_t *id;
    size_t count, room;
    model_digest *digest[HK_BASIS_PDQ];
    size_t digest_count[HK_BASIS_PDQ], digest_room[HK_BASIS_PDQ];
} model;

void model_add(model *m, hk_hash hash, uint32_t id);
void model_add_digest(model *m, hk_basis basis, const uint8_t *bytes, uint32_t id);
void model_apply(model *m, const hk_index_change *changes, size_t count);
model model_copy(const model *m);
void model_free(model *m);

typedef enum id_form { IDS_NONE, IDS_CLOSE, IDS_FAR, IDS_FORMS } id_form;

/* Clusters with every distance in them, strangers, ids in no order of which several are shared, and
 * digests of all three sorts, some of them shared too. */
model model_of(size_t count, size_t digests, id_form form, uint64_t seed);

/* An index of the model; positions for ids where form is IDS_NONE. */
hk_status model_build(hk_index **out, const model *m, id_form form, const char *engine,
                      hk_error *err);

/* Centres of the clusters of model_of, and strangers. */
enum { MODEL_QUERIES = 8 };
void model_queries(hk_hash out[MODEL_QUERIES], uint64_t seed);

/* All hits of the queries; free with free(). */
hk_hits model_within(const model *m, const hk_hash *queries, size_t query_count, unsigned radius,
                     size_t max_hits);
bool same_hits(const hk_hits *a, const hk_hits *b);

/* Whether counts, hits at several radii and bounds, and digest look-ups agree. */
bool model_agrees(const model *m, const hk_index *index, uint64_t seed);

/* ---- files --------------------------------------------------------------------------------- */

enum { PATH_ROOM = 256 };

void make_folder(char out[PATH_ROOM]); /* under TMPDIR, or in memory */
void remove_folder(const char *path);
size_t count_files(const char *folder, const char *ending);
uint8_t *read_file(size_t *size, const char *path); /* free with free() */
void write_file(const char *path, const void *bytes, size_t size);
void copy_file(const char *from, const char *to);
bool same_files(const char *a, const char *b);

/* A file in memory that can be opened by its path, and written to in place. */
typedef struct memory_file {
    int fd;
    uint8_t *bytes;
    size_t size;
    char path[64];
} memory_file;
memory_file memory_file_of(const void *bytes, size_t size);
void memory_file_free(memory_file *file);

/* ---- forgeries ----------------------------------------------------------------------------- */

/* An index with 11 tables of 2^8 groups, whatever the plan would say: the smallest there is. */
hk_status build_small_tables(hk_index **out, const model *m, id_form form);

/* Where everything in these bytes of a snapshot lies. */
hk__layout layout_of(const uint8_t *bytes);

#endif
