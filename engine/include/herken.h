/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * herken.h - the only public header of libherken.
 *
 * Herken recognises copies of known images. Two trains meet in one hash:
 *
 *   making    file bytes -> rows of luma -> 64x64 grid -> DCT spectrum -> hash + quality
 *   finding   list -> index -> candidates -> verdict
 *
 * Conventions
 *   - Functions that can fail return hk_status (0 is HK_OK). Outputs come first and are untouched
 *     on failure; the words of the error go into the caller's hk_error, which may be NULL.
 *   - "Not found" is success with zero hits. An error never looks like "no match".
 *   - Distances are Hamming distances in bits, 0..256, and limits on them are inclusive.
 *   - Every X_free accepts NULL. Strings handed in are UTF-8 or raw path bytes and are copied
 *     unless the contract says "borrowed".
 *   - The library never prints, never exits and never reads the environment.
 *   - Threads: an hk_list, hk_matcher or hk_index is frozen once made and may be shared by any
 *     number of threads, and so may an hk_ledger. An hk_hasher, hk_scan, hk_store, hk_import,
 *     hk_reading or hk_keys belongs to one thread at a time.
 */
#ifndef HERKEN_H
#define HERKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HK_API __attribute__((visibility("default")))
#define HK_MUST_CHECK __attribute__((warn_unused_result))

/* ---- errors ------------------------------------------------------------------------------- */

/* What went wrong with a call. Values are append-only. What went wrong with one *file* is an
 * hk_file_status instead: a bad file is a result, not an error. */
typedef enum hk_status {
    HK_OK = 0,
    HK_ERR_USAGE = 1,     /* an argument out of its range */
    HK_ERR_NO_MEMORY = 2, /* this process could not allocate */
    HK_ERR_IO = 3,        /* reading or writing failed */
    HK_ERR_FORMAT = 4,    /* input that does not follow its format; the message has its place */
    HK_ERR_LIMIT = 5,     /* more than a stated limit allows */
    HK_ERR_SYSTEM = 6,    /* the machine refused: processes, sandbox, descriptors, disk */
    HK_ERR_STOPPED = 7    /* the caller asked to stop */
} hk_status;

#define HK_ERROR_MESSAGE_SIZE 512

typedef struct hk_error {
    hk_status status;
    char message[HK_ERROR_MESSAGE_SIZE]; /* UTF-8, one line, says what to do where that is known */
} hk_error;

/* ---- the hash value ----------------------------------------------------------------------- */

/* A 256-bit hash. Bit k is bit (k mod 64) of word[k / 64]. */
typedef struct hk_hash {
    uint64_t word[4];
} hk_hash;

#define HK_HASH_BITS 256
#define HK_HASH_TEXT_SIZE 65 /* 64 hex digits and a NUL */

/* Reads exactly 64 hex digits of either case. HK_ERR_FORMAT for any other length or character. */
HK_API HK_MUST_CHECK hk_status hk_hash_parse(hk_hash *out, const char *text, size_t length,
                                             hk_error *err);

/* Writes 64 lowercase hex digits, most significant bit (255) first, and a NUL. */
HK_API void hk_hash_format(char out[HK_HASH_TEXT_SIZE], const hk_hash *hash);

/* Hamming distance in bits, 0..256. */
HK_API unsigned hk_hash_distance(const hk_hash *a, const hk_hash *b);

/* Number of one-bits, 0..256. A healthy PDQ hash has 128. */
HK_API unsigned hk_hash_ones(const hk_hash *hash);

/* How a query lies on what it matched: the query, so transformed, is the entry. */
typedef enum hk_orientation {
    HK_ORIGINAL = 0,
    HK_ROTATE90, /* quarter turn, counter-clockwise as PDQ counts it */
    HK_ROTATE180,
    HK_ROTATE270,
    HK_FLIPX,      /* top to bottom, as PDQ names it */
    HK_FLIPY,      /* left to right (a mirror), as PDQ names it */
    HK_FLIPPLUS1,  /* transposed */
    HK_FLIPMINUS1, /* transposed across the other diagonal */
    HK_ORIENTATIONS
} hk_orientation;

/* "original", "rotate90", ...; NULL out of range. Static. */
HK_API const char *hk_orientation_name(hk_orientation orientation);

/* ---- from pixels to a fingerprint --------------------------------------------------------- */

/* What sort of image the spectrum shows; how near is near enough depends on it. */
typedef enum hk_kind { HK_KIND_PHOTO = 0, HK_KIND_LOW_TEXTURE, HK_KIND_GRAPHIC } hk_kind;
HK_API const char *hk_kind_name(hk_kind kind);

/* Facts about how a hash came about, or-ed together. */
#define HK_FLAG_TRUNCATED 0x01u   /* the file decoded only in part */
#define HK_FLAG_DEGENERATE 0x02u  /* bits hang on rounding: flat or symmetric pictures */
#define HK_FLAG_LOW_QUALITY 0x04u /* PDQ quality under the model's floor (50) */
#define HK_FLAG_ANIMATED 0x08u    /* more than one frame or page; hk_frames says which are hashed */
#define HK_FLAG_SCALED_DECODE 0x10u /* decoded to means of 4x4 pixels */
#define HK_FLAG_DC_ONLY 0x20u       /* from the first scan of a progressive JPEG */
#define HK_FLAG_COUNT 6

/* Name of the flag with bit `index` (0..HK_FLAG_COUNT-1); NULL out of range. */
HK_API const char *hk_flag_name(unsigned index);

typedef struct hk_fingerprint {
    const char *model;             /* id of the hash model, static: "pdq" */
    hk_hash hash[HK_ORIENTATIONS]; /* of the picture as a viewer shows it, and turned */
    int quality;                   /* 0..100 */
    hk_kind kind;
    unsigned flags;               /* HK_FLAG_DEGENERATE and HK_FLAG_LOW_QUALITY only */
    float texture_rms;            /* root mean square of the 256 coefficients, grey levels */
    float effective_coefficients; /* (sum e)^2 / sum e^2 with e = B^2, 1..256 */
    float spread;                 /* median |B - median| over texture_rms, about 0..1 */
} hk_fingerprint;

/* For callers who decode themselves: feed luma rows from top to bottom, then finish. */
typedef struct hk_hasher hk_hasher;

/* A hasher for one picture of width x height pixels, 5..2^30 each. Owned by the caller. */
HK_API HK_MUST_CHECK hk_status hk_hasher_new(hk_hasher **out, uint32_t width, uint32_t height,
                                             hk_error *err);
HK_API void hk_hasher_free(hk_hasher *hasher);

/* Adds one row of `width` luma values, 8-bit, or float in 0..255. Rows past the last are
 * HK_ERR_USAGE. The row is borrowed for the call. */
HK_API HK_MUST_CHECK hk_status hk_hasher_row_u8(hk_hasher *hasher, const uint8_t *row,
                                                hk_error *err);
HK_API HK_MUST_CHECK hk_status hk_hasher_row_f32(hk_hasher *hasher, const float *row,
                                                 hk_error *err);

/* The fingerprint, once all rows are in; HK_ERR_USAGE before that. Afterwards the hasher is
 * empty and takes another picture of the same size. */
HK_API HK_MUST_CHECK hk_status hk_hasher_finish(hk_fingerprint *out, hk_hasher *hasher,
                                                hk_error *err);

/* ---- digests ------------------------------------------------------------------------------- */

/* What a match rests on: a digest of the file, or its perceptual hash. */
typedef enum hk_basis { HK_BASIS_MD5 = 0, HK_BASIS_SHA1, HK_BASIS_SHA256, HK_BASIS_PDQ } hk_basis;
HK_API const char *hk_basis_name(hk_basis basis);

/* Digests of a file's bytes. present is an or of (1 << hk_basis). */
typedef struct hk_digests {
    unsigned present;
    uint8_t md5[16];
    uint8_t sha1[20];
    uint8_t sha256[32];
} hk_digests;
#define HK_DIGEST_MD5 (1u << HK_BASIS_MD5)
#define HK_DIGEST_SHA1 (1u << HK_BASIS_SHA1)
#define HK_DIGEST_SHA256 (1u << HK_BASIS_SHA256)
#define HK_DIGEST_ALL (HK_DIGEST_MD5 | HK_DIGEST_SHA1 | HK_DIGEST_SHA256)

/* ---- search -------------------------------------------------------------------------------- */

/* Hashes, and digests, each with the id of what it stands for. Frozen once made. */
typedef struct hk_index hk_index;

typedef struct hk_hit {
    uint32_t query;    /* position in the queries */
    uint32_t item;     /* id of the hash: its position where none was given */
    uint32_t distance; /* bits */
} hk_hit;

typedef struct hk_hits {
    hk_hit *hit; /* by query, then distance, then item; owned, free with hk_hits_free */
    size_t count;
    bool truncated;   /* max_hits cut at least one query short: its nearest are here */
    bool approximate; /* the engine may have missed some (a FAISS index that is not complete) */
} hk_hits;

HK_API void hk_hits_free(hk_hits *hits);

typedef struct hk_index_options {
    size_t size;           /* of this struct, set by the INIT */
    const char *engine;    /* "auto" (NULL), "flat", "mih", "faiss:FACTORY[:nflip=N][:nprobe=N]" */
    unsigned max_distance; /* the radius it should be fastest at, bits; any may be asked for */
    unsigned bytes_per_hash;  /* of memory, at most; 0: 128 for few, down to 90 for many */
    unsigned threads;         /* to make it and for many queries at once; 0: one per processor */
    const char *faiss_module; /* herken-faiss.so; NULL: where it was installed */
} hk_index_options;
#define HK_INDEX_OPTIONS_INIT                                                                      \
    {                                                                                              \
        sizeof(hk_index_options), NULL, 31, 0, 1, NULL                                             \
    }

/* An index over `count` hashes (copied), count <= 2^32 - 1. "auto" makes tables for multi-index
 * hashing and uses them, or scans, whichever is faster for the query at hand; "mih" always uses
 * them, and makes some even where none fit bytes_per_hash; "flat" has none. options may be NULL. */
HK_API HK_MUST_CHECK hk_status hk_index_build(hk_index **out, const hk_hash *hashes, size_t count,
                                              const hk_index_options *options, hk_error *err);

/* The same with ids and digests; several values may share an id. All borrowed, and copied. */
typedef struct hk_index_source {
    const hk_hash *hashes;
    const uint32_t *hash_ids; /* in any order; NULL: positions */
    size_t hash_count;
    const uint8_t *digests[3]; /* by hk_basis: 16, 20 and 32 bytes each, one after another */
    const uint32_t *digest_ids[3];
    size_t digest_count[3];
} hk_index_source;
HK_API HK_MUST_CHECK hk_status hk_index_build_from(hk_index **out, const hk_index_source *source,
                                                   const hk_index_options *options, hk_error *err);
HK_API void hk_index_free(hk_index *index);
HK_API size_t hk_index_count(const hk_index *index);

/* Every item within max_distance (0..256) of each query; at most max_hits per query (0: no
 * bound), the nearest ones. Exact unless hits->approximate. */
HK_API HK_MUST_CHECK hk_status hk_index_within(hk_hits *out, const hk_index *index,
                                               const hk_hash *queries, size_t query_count,
                                               unsigned max_distance, size_t max_hits,
                                               hk_error *err);

/* The k nearest items of each query (fewer only if the index holds fewer). Exact unless
 * hits->approximate; among equal distances the lower item wins. */
HK_API HK_MUST_CHECK hk_status hk_index_nearest(hk_hits *out, const hk_index *index,
                                                const hk_hash *queries, size_t query_count,
                                                size_t k, hk_error *err);

/* The ids that have this digest, ascending; *out is owned, free with free(), NULL for none. */
HK_API HK_MUST_CHECK hk_status hk_index_find_digest(uint32_t **out, size_t *count,
                                                    const hk_index *index, hk_basis basis,
                                                    const uint8_t *digest, hk_error *err);

typedef struct hk_index_info {
    const char *engine;        /* "auto", "flat", "mih" or "faiss:..."; borrowed from the index */
    size_t hashes, digests[3]; /* changes included */
    unsigned tables;           /* of multi-index hashing; 0: every search is a scan */
    unsigned group_bits, tag_bits;
    uint64_t bytes; /* of memory; of a mapped file, its size; of FAISS, beside our 34 a hash */
    bool mapped;
    uint64_t next_id;      /* above every id that was ever in it, removed ones too */
    size_t added, removed; /* hashes, by changes that are not merged yet */
} hk_index_info;
HK_API void hk_index_describe(hk_index_info *out, const hk_index *index);

/* ---- snapshots: an index as a file --------------------------------------------------------- */

/* Writes the index, changes included, beside `path` and renames it into place. A snapshot that was
 * there is replaced, and the changes in `path`.delta, which were made to it, are removed
 * (engine/index/SNAPSHOT.md draws its bytes). A FAISS index is written besides, in FAISS' own
 * format, into `path`.IDENTITY.faiss, and its SHA-256 into a file beside that. */
HK_API HK_MUST_CHECK hk_status hk_index_save(const hk_index *index, const char *path,
                                             hk_error *err);

/* Maps a snapshot, with the changes in `path`.delta where there are any; of it only the
 * header, its checksums (1/512) and what searches ask for are read. Of the options it takes engine,
 * threads and faiss_module. HK_ERR_FORMAT where it is damaged: here, or from the search that meets
 * the damaged block. The file must not be cut short while it is mapped: replace it by renaming, as
 * hk_index_save does. */
HK_API HK_MUST_CHECK hk_status hk_index_open(hk_index **out, const char *path,
                                             const hk_index_options *options, hk_error *err);

/* Reads the whole snapshot and its changes, and checks every block and every table against the
 * hashes. Calls on_problem (may be NULL) with each thing that is wrong, up to a hundred; *problems
 * receives how many there were. What cannot be opened at all is an error. */
HK_API HK_MUST_CHECK hk_status hk_index_verify(size_t *problems, const char *path,
                                               void (*on_problem)(void *context,
                                                                  const char *message),
                                               void *context, hk_error *err);

/* ---- changes without a rebuild ------------------------------------------------------------- */

typedef enum hk_change_kind {
    HK_CHANGE_ADD_HASH = 1,
    HK_CHANGE_ADD_DIGEST = 2,
    HK_CHANGE_REMOVE = 3 /* every hash and digest with the id */
} hk_change_kind;

typedef struct hk_index_change {
    hk_change_kind kind;
    uint32_t id;
    hk_hash hash;       /* HK_CHANGE_ADD_HASH */
    hk_basis basis;     /* HK_CHANGE_ADD_DIGEST, */
    uint8_t digest[32]; /* whose first 16, 20 or 32 bytes these are */
} hk_index_change;

/* A snapshot that is being changed, by one process at a time. Any number of threads may use it. */
typedef struct hk_live hk_live;

/* Opens the snapshot and `path`.delta, which is made where it is missing. HK_ERR_SYSTEM where
 * another process changes it. Of the options it takes engine, for searching, and threads; merges
 * make what the snapshot was made as. Once `merge_at` changes lie beside the snapshot they are
 * merged into it by a thread of its own; 0: only when told. */
HK_API HK_MUST_CHECK hk_status hk_live_open(hk_live **out, const char *path, size_t merge_at,
                                            const hk_index_options *options, hk_error *err);
/* Waits for a merge that is under way. Views of it live on. */
HK_API void hk_live_free(hk_live *live);

/* Makes the changes, all or none, in the order given, and returns when they are on the disk. */
HK_API HK_MUST_CHECK hk_status hk_live_apply(hk_live *live, const hk_index_change *changes,
                                             size_t count, hk_error *err);

/* The state of this moment, for searching; owned, free with hk_index_free. Later changes and merges
 * do not touch it. */
HK_API HK_MUST_CHECK hk_status hk_live_view(hk_index **out, hk_live *live, hk_error *err);

/* Makes a new snapshot of everything and puts it in the old one's place. Changes and searches go on
 * meanwhile; ids stay. Waits for a merge that is under way, and returns how it ended. */
HK_API HK_MUST_CHECK hk_status hk_live_merge(hk_live *live, hk_error *err);

/* The distance kernels. HK_SIMD_BEST is what the processor can do. */
typedef enum hk_simd { HK_SIMD_BEST = 0, HK_SIMD_SCALAR, HK_SIMD_AVX2, HK_SIMD_AVX512 } hk_simd;

/* Chooses the kernels for the whole process; HK_ERR_USAGE where the processor lacks them. Call
 * it before other threads use the library. */
HK_API HK_MUST_CHECK hk_status hk_simd_use(hk_simd level, hk_error *err);
HK_API hk_simd hk_simd_in_use(void);
HK_API const char *hk_simd_name(hk_simd level);

/* ---- entries of lists ---------------------------------------------------------------------- */

#define HK_PHOTODNA_SIZE 144
/* Frames of an entry: hashes of overlapping parts of its picture, which stand for crops of it
 * (hk_aligner_cuts makes them). Each is HK_CUT_SIZE bytes: its number, 1..255, and its hash, first
 * digit of its text first; numbers ascend. */
#define HK_CUT_SIZE 33
#define HK_CUTS_MOST 128
#define HK_NO_QUALITY (-1)
#define HK_NO_DATE INT64_MIN

/* What a list says of one image. Strings are UTF-8, borrowed, and NULL where there is nothing to
 * say. */
typedef struct hk_entry {
    const char *id;      /* as its source calls it, and nothing else; NULL: it is its values */
    const char *name;    /* of its file, for people: several entries may have the same */
    bool has_hash;       /* hash is its PDQ hash */
    bool has_exact_hash; /* exact_hash is its hash of the exact grid */
    bool has_photodna;   /* photodna holds its PhotoDNA value, opaque to us */
    hk_hash hash, exact_hash;
    const uint8_t *cuts; /* [cut_count * HK_CUT_SIZE] its frames; borrowed */
    size_t cut_count;    /* 0..HK_CUTS_MOST; 0 unless has_hash */
    int quality;         /* of the PDQ hash, 0..100, or HK_NO_QUALITY */
    hk_digests digests;
    uint8_t photodna[HK_PHOTODNA_SIZE];
    const char *category; /* as the list's scheme has it: "1", "A2", "csam" */
    const char *tags;     /* words with a blank between */
    const char *source;   /* who says so, or in which feed */
    const char *extra;    /* what else the source says: a JSON object */
    int64_t date;         /* when the source last changed it, seconds since 1970 UTC;
                             or HK_NO_DATE */
} hk_entry;
#define HK_ENTRY_INIT                                                                              \
    {                                                                                              \
        .quality = HK_NO_QUALITY, .date = HK_NO_DATE                                               \
    }

/* ---- lists of known images ---------------------------------------------------------------- */

/* A list as matching wants it: from a file (hk_list_load) or from a store (hk_store_list). */
typedef struct hk_list hk_list;

/* A line that was left out: malformed, or well-formed but harmful (quarantined): a degenerate hash
 * or a digest of the empty file, which would match whatever is flat or empty. */
typedef struct hk_list_bad_line {
    size_t line; /* counted from 1 */
    bool quarantined;
    const char *reason; /* static */
} hk_list_bad_line;

/* Reads a list file of any format of hk_format, recognised by its content: most simply one
 * `hash[,quality][,entry][,category]` a line. Lines that cannot be used are left out and kept as
 * bad lines: the caller decides whether to go on. 64 hex digits of which nothing says whether they
 * are PDQ or SHA-256 are looked up as both. HK_ERR_IO (it does not open), HK_ERR_SYSTEM (it does
 * not read), HK_ERR_FORMAT (its header, or its structure), HK_ERR_LIMIT. */
HK_API HK_MUST_CHECK hk_status hk_list_load(hk_list **out, const char *path, const char *name,
                                            hk_error *err);
HK_API void hk_list_free(hk_list *list);

/* Reads and checks what a list from a store is searched in, `most` bytes of it, in this thread:
 * without this each block of the snapshot is read and checked by the search that first comes upon
 * it. *bytes receives how many there were; 0 of a list that lies in memory. HK_ERR_FORMAT: damaged;
 * the snapshot is removed, and whoever opens the list again has it made anew. */
HK_API HK_MUST_CHECK hk_status hk_list_warm(uint64_t *bytes, const hk_list *list, uint64_t most,
                                            hk_error *err);

/* An index of the list's hashes and digests, of a list from a file. The id of each is the number of
 * its entry, from 0 on in the order of the list. */
HK_API HK_MUST_CHECK hk_status hk_list_index(hk_index **out, const hk_list *list,
                                             const hk_index_options *options, hk_error *err);
/* The same as additions to an index, with ids from first_id on; *out is owned, free with free(). */
HK_API HK_MUST_CHECK hk_status hk_list_changes(hk_index_change **out, size_t *count,
                                               const hk_list *list, uint64_t first_id,
                                               hk_error *err);
/* Entries that are searched for. */
HK_API size_t hk_list_count(const hk_list *list);
/* The lines left out, in order; *count receives how many. Borrowed from the list. */
HK_API const hk_list_bad_line *hk_list_bad_lines(size_t *count, const hk_list *list);

/* What is known good: its digests overrule near matches with other lists (CONTRACT: verdicts). A
 * list from a store is what it was created as. Before the list is given to a matcher. */
HK_API void hk_list_set_known_good(hk_list *list, bool known_good);
HK_API bool hk_list_known_good(const hk_list *list);
/* The store's revision that the list is of; 0 for a list from a file. */
HK_API uint64_t hk_list_revision(const hk_list *list);
/* What tells this list, as it is, from any other, 64 hex digits: of a store the chain of its
 * revision, of a file the SHA-256 of its bytes. Borrowed. */
HK_API const char *hk_list_digest(const hk_list *list);

/* ---- the formats of feeds ------------------------------------------------------------------ */

typedef struct hk_format {
    const char *name;  /* "text", "csv", "vics", "nsrl", "tx" */
    const char *title; /* one line for people */
    bool reads, writes;
} hk_format;

/* Format number `index` from 0; NULL past the last. Static. */
HK_API const hk_format *hk_format_get(unsigned index);

/* ---- the store: lists with a memory -------------------------------------------------------- */

/*
 * One SQLite file holds any number of lists, everything they ever held, and who changed what, when
 * and why. Every change belongs to a revision: they are numbered through the store, each is one
 * list's and is there whole or not at all.
 *
 *      import / add --> proposed --approve--> active --retract, or the feed--> withdrawn
 *                            \--what is suspicious--> quarantined --approve--> active
 *
 * Nothing is deleted: rollback makes a new revision that looks as an older one did.
 *
 * Beside the file PATH lie PATH-wal and PATH-shm (SQLite's), PATH-lock, and for each list the
 * snapshot it is searched with (PATH.LIST.REVISION-MARK.hki). Any number of processes may read and
 * write at once; imports into one list take turns, and so do approve and rollback.
 */
typedef struct hk_store hk_store;

typedef enum hk_store_mode {
    HK_STORE_READ = 0,
    HK_STORE_WRITE,
    HK_STORE_CREATE /* write, and make the file where there is none */
} hk_store_mode;

/* Opens a store. HK_ERR_IO: it is not there, or may not be written; HK_ERR_FORMAT: it is no store,
 * is of a newer version, or is damaged. */
HK_API HK_MUST_CHECK hk_status hk_store_open(hk_store **out, const char *path, hk_store_mode mode,
                                             hk_error *err);
HK_API void hk_store_close(hk_store *store);
/* Called when something must wait for another process; may be NULL. */
HK_API void hk_store_on_wait(hk_store *store, void (*on_wait)(void *context, const char *what),
                             void *context);

/* Who makes a change and why; kept with its revision. */
typedef struct hk_act {
    const char *actor;  /* not empty */
    const char *reason; /* NULL: none given */
    int64_t at;         /* seconds since 1970 UTC; 0: now */
} hk_act;

typedef enum hk_revision_kind {
    HK_REVISION_CREATE = 0,
    HK_REVISION_IMPORT,   /* proposed entries */
    HK_REVISION_APPROVE,  /* proposed or quarantined entries became active */
    HK_REVISION_RETRACT,  /* a person withdrew or rejected entries */
    HK_REVISION_ROLLBACK, /* the list is as it was at `target` */
    HK_REVISION_KINDS
} hk_revision_kind;
HK_API const char *hk_revision_kind_name(hk_revision_kind kind);

typedef enum hk_entry_state {
    HK_ENTRY_ABSENT = 0, /* not there (yet, or by a rollback) */
    HK_ENTRY_PROPOSED,
    HK_ENTRY_ACTIVE,
    HK_ENTRY_QUARANTINED,
    HK_ENTRY_WITHDRAWN,
    HK_ENTRY_REPLACED, /* a newer version of it is active */
    HK_ENTRY_STATES
} hk_entry_state;
HK_API const char *hk_entry_state_name(hk_entry_state state);

/* Why an entry is suspicious, or-ed together. */
#define HK_SUSPECT_DEGENERATE 0x01u      /* one-bits of the hash far from 128 */
#define HK_SUSPECT_LOW_QUALITY 0x02u     /* of the hash: under the model's floor (50) */
#define HK_SUSPECT_EMPTY_FILE 0x04u      /* a digest is that of no bytes */
#define HK_SUSPECT_KNOWN_GOOD 0x08u      /* a digest is in a list of the other sort (known good) */
#define HK_SUSPECT_NEAR_KNOWN_GOOD 0x10u /* the hash is within the radius of one of those */
#define HK_SUSPECT_CROWDED 0x20u         /* the hash is within the radius of unusually many */
#define HK_SUSPECT_CONTRADICTION 0x40u   /* a hash or digest stands under several categories */
#define HK_SUSPECT_WITHDRAWN 0x80u       /* a person has withdrawn it before */
#define HK_SUSPECT_COUNT 8
/* Those that make the hash doubtful, but not the digests: in quarantine the digests are searched.
 */
#define HK_SUSPECT_OF_HASH                                                                         \
    (HK_SUSPECT_DEGENERATE | HK_SUSPECT_LOW_QUALITY | HK_SUSPECT_NEAR_KNOWN_GOOD |                 \
     HK_SUSPECT_CROWDED)
/* Name of the suspicion with bit `index` (0..HK_SUSPECT_COUNT-1); NULL out of range. */
HK_API const char *hk_suspicion_name(unsigned index);

typedef struct hk_revision {
    uint64_t number;
    hk_revision_kind kind;
    const char *list, *actor, *reason; /* reason NULL if none; borrowed, see the call */
    int64_t at;                        /* seconds since 1970 UTC */
    const char *source;                /* of an import: the names of its files; NULL if none */
    uint64_t target; /* of a rollback; of an approve: the import it let in, or 0 */
    uint64_t added, replaced, withdrawn, quarantined; /* entries; of an import: proposed */
    char mark[17]; /* hex: tells this revision from another of its number in a copy of the store */
} hk_revision;

/* ---- making and changing lists */

typedef struct hk_list_settings {
    const char *name;  /* 1..64 of a-z A-Z 0-9 . _ -, not beginning with . or - */
    const char *owner; /* these three are words for people; NULL: none */
    const char *purpose;
    const char *categories; /* the scheme of its categories: "vics-us", "iwf", ... */
    bool known_good;
    bool two_person; /* who approves must be another than who imported */
} hk_list_settings;

/* Makes a list. HK_ERR_USAGE: the name is taken, or none. */
HK_API HK_MUST_CHECK hk_status hk_store_create_list(uint64_t *revision, hk_store *store,
                                                    const hk_list_settings *settings,
                                                    const hk_act *act, hk_error *err);

/* Bringing entries in. What they change is only proposed: hk_store_approve makes it so. */
typedef struct hk_import hk_import;

typedef struct hk_import_options {
    size_t size; /* of this struct, set by the INIT */
    hk_act act;
    const char *format; /* name of a format; NULL: each file's is recognised by its content */
    const char *source; /* for entries that name none; NULL: none */
    bool whole;         /* the feed is the whole list: what it lacks is withdrawn */
    bool strict;        /* a bad line is an error, and nothing is imported */
    /* A line that cannot be used; may be NULL. */
    void (*on_bad)(void *context, const char *file, size_t line, const char *reason);
    /* About 10 times a second, may be NULL: bytes read of the file in hand, and its size. False
     * stops the import, with HK_ERR_STOPPED. */
    bool (*on_progress)(void *context, const char *file, uint64_t done, uint64_t size,
                        uint64_t entries);
    void *context;
} hk_import_options;
#define HK_IMPORT_OPTIONS_INIT                                                                     \
    {                                                                                              \
        .size = sizeof(hk_import_options)                                                          \
    }

/* What an import comes to. */
typedef struct hk_import_summary {
    uint64_t revision;       /* that it made; 0: it changes nothing, and made none */
    uint64_t added;          /* entries that are new to the list */
    uint64_t replaced;       /* entries that stand there with other values */
    uint64_t withdrawn;      /* entries the feed withdraws, or lacks though it is whole */
    uint64_t unchanged;      /* entries that stand there already, or twice in the feed */
    uint64_t kept_withdrawn; /* entries that a person has withdrawn: they stay so */
    uint64_t suspicious;     /* of those added and replaced, so far; see hk_store_screen */
    uint64_t bad_lines;
} hk_import_summary;

/* Starts an import into a list; waits for another import into it. The store is borrowed and must
 * not be used for anything else until the import is freed. Strings of the options are copied. */
HK_API HK_MUST_CHECK hk_status hk_import_open(hk_import **out, hk_store *store, const char *list,
                                              const hk_import_options *options, hk_error *err);
/* Reads one file of a feed: HK_ERR_IO (does not open), HK_ERR_SYSTEM (does not read, or the store
 * cannot be written), HK_ERR_FORMAT (no known format, or its structure is broken). */
HK_API HK_MUST_CHECK hk_status hk_import_file(hk_import *import, const char *path, hk_error *err);
/* Adds one entry; neither hash nor digest: HK_ERR_USAGE. */
HK_API HK_MUST_CHECK hk_status hk_import_entry(hk_import *import, const hk_entry *entry,
                                               hk_error *err);
/* Makes the revision. Afterwards the import can only be freed. */
HK_API HK_MUST_CHECK hk_status hk_import_finish(hk_import_summary *out, hk_import *import,
                                                hk_error *err);
/* Without hk_import_finish nothing of it stays. */
HK_API void hk_import_free(hk_import *import);

typedef struct hk_screen_options {
    size_t size;           /* of this struct, set by the INIT */
    unsigned max_distance; /* bits: what counts as near known-good material and near others */
    unsigned crowd;        /* more entries than this within max_distance are unusually many */
    unsigned threads;      /* 0: one per processor */
    /* About once a second, may be NULL. False stops: what was done is kept, and the next call goes
     * on from there. */
    bool (*on_progress)(void *context, uint64_t done, uint64_t total);
    void *context;
} hk_screen_options;
#define HK_SCREEN_OPTIONS_INIT                                                                     \
    {                                                                                              \
        sizeof(hk_screen_options), 31, 100, 0, NULL, NULL                                          \
    }

/* Looks what is proposed over for what would do harm (HK_SUSPECT_*), against itself, the list, and
 * the store's lists of the other sort. *suspicious receives how many proposed entries are. Imports
 * into the list, approve and rollback wait until it returns. HK_ERR_STOPPED where on_progress
 * stopped it. options may be NULL. */
HK_API HK_MUST_CHECK hk_status hk_store_screen(uint64_t *suspicious, hk_store *store,
                                               const char *list, const hk_screen_options *options,
                                               hk_error *err);

/* Lets in what is proposed; of it the suspicious waits in quarantine. `newest`: the newest import
 * that was looked at; 0: whatever there is. HK_ERR_USAGE: a newer one is proposed, or nothing is,
 * it is not screened yet, or the list demands another person than who imported it. */
HK_API HK_MUST_CHECK hk_status hk_store_approve(hk_revision *out, hk_store *store, const char *list,
                                                uint64_t newest, const hk_act *act, hk_error *err);
/* Single entries, all or none of them, by number (hk_listed): lets them out of quarantine, in spite
 * of what is suspicious; where they are still proposed, they will be active with the rest. */
HK_API HK_MUST_CHECK hk_status hk_store_approve_entries(hk_revision *out, hk_store *store,
                                                        const char *list, const uint32_t *entries,
                                                        size_t count, const hk_act *act,
                                                        hk_error *err);
/* Withdraws single entries, proposed ones too, all or none of them. */
HK_API HK_MUST_CHECK hk_status hk_store_retract(hk_revision *out, hk_store *store, const char *list,
                                                const uint32_t *entries, size_t count,
                                                const hk_act *act, hk_error *err);
/* Makes the list what it was at an older revision of it. */
HK_API HK_MUST_CHECK hk_status hk_store_rollback(hk_revision *out, hk_store *store,
                                                 const char *list, uint64_t revision,
                                                 const hk_act *act, hk_error *err);

/* ---- looking into a store */

typedef struct hk_list_info {
    hk_list_settings settings;
    uint64_t revision;                 /* the list's newest */
    uint64_t entries[HK_ENTRY_STATES]; /* by state; as of now */
    uint64_t proposed_withdrawals;     /* active entries that what is proposed would withdraw */
    uint64_t proposed_replacements;    /* and would replace */
    uint64_t unscreened;               /* proposed entries that hk_store_screen has not seen */
} hk_list_info;

/* The names of all lists, in byte order; *out and what it holds are one block, free with free(). */
HK_API HK_MUST_CHECK hk_status hk_store_lists(char ***out, size_t *count, hk_store *store,
                                              hk_error *err);
/* Strings are borrowed until the store's next call. HK_ERR_USAGE: no such list. */
HK_API HK_MUST_CHECK hk_status hk_store_info(hk_list_info *out, hk_store *store, const char *list,
                                             hk_error *err);

/* How many of the list's entries, of whatever state, have frames, and how many those are. */
HK_API HK_MUST_CHECK hk_status hk_store_frames(uint64_t *entries, uint64_t *frames, hk_store *store,
                                               const char *list, hk_error *err);

/* One entry as a reading finds it. */
typedef struct hk_listed {
    uint32_t number; /* the entry's, in the store; a replacement has another */
    hk_entry entry;
    hk_entry_state state;
    hk_entry_state before; /* with hk_reading_compare: at `from` */
    unsigned suspicions;   /* HK_SUSPECT_* */
    uint32_t replaces;     /* the entry of which this is a newer version; 0: none */
    const char *why;       /* of suspicions: words, one line each; NULL if none are kept */
    uint64_t imported;     /* the revision that proposed it */
} hk_listed;

/* Goes through entries in the order of their numbers. The state of one moment, whatever is
 * changed meanwhile. */
typedef struct hk_reading hk_reading;

/* The entries of a list at a revision (0: the newest) whose state is in `states`, an or of
 * (1 << hk_entry_state). */
HK_API HK_MUST_CHECK hk_status hk_reading_open(hk_reading **out, hk_store *store, const char *list,
                                               uint64_t revision, unsigned states, hk_error *err);
/* The versions of one entry: by its id as its source calls it, "#NUMBER", or a hash or digest in
 * hex that it has. */
HK_API HK_MUST_CHECK hk_status hk_reading_find(hk_reading **out, hk_store *store, const char *list,
                                               const char *what, hk_error *err);
/* The entries whose state differs between two revisions, in either direction (0: the newest). */
HK_API HK_MUST_CHECK hk_status hk_reading_compare(hk_reading **out, hk_store *store,
                                                  const char *list, uint64_t from, uint64_t to,
                                                  hk_error *err);
/* What approving would change: proposed and quarantined entries, and, with state `withdrawn` or
 * `replaced` and before `active`, those they withdraw and replace. */
HK_API HK_MUST_CHECK hk_status hk_reading_staged(hk_reading **out, hk_store *store,
                                                 const char *list, hk_error *err);
/* The next entry, borrowed until the next call; *out = NULL after the last. */
HK_API HK_MUST_CHECK hk_status hk_reading_next(const hk_listed **out, hk_reading *reading,
                                               hk_error *err);
HK_API void hk_reading_close(hk_reading *reading);

/* Calls on_revision with each revision of the list, the newest first; it returns false to stop. The
 * revision is borrowed for the call, in which the store is not to be used. */
HK_API HK_MUST_CHECK hk_status hk_store_log(hk_store *store, const char *list,
                                            bool (*on_revision)(void *context,
                                                                const hk_revision *revision),
                                            void *context, hk_error *err);
/* Calls on_change with each change of state of one entry, in the order in which they were made; as
 * hk_store_log. HK_ERR_USAGE: no such entry. */
HK_API HK_MUST_CHECK hk_status hk_store_history(hk_store *store, uint32_t entry,
                                                void (*on_change)(void *context,
                                                                  const hk_revision *revision,
                                                                  hk_entry_state state),
                                                void *context, hk_error *err);

/* Writes the entries of a list at a revision (0: the newest) whose state is in `states` into a
 * file, beside it first; "-" is stdout. *left_out receives how many hold nothing that the format
 * can say. */
HK_API HK_MUST_CHECK hk_status hk_store_export(uint64_t *written, uint64_t *left_out,
                                               hk_store *store, const char *list, uint64_t revision,
                                               unsigned states, const char *format,
                                               const char *path, hk_error *err);

/* Checks the whole store: SQLite's own check, every sum, every state against the revisions that
 * made it. Calls on_problem (may be NULL) with each thing that is wrong, up to a hundred; *problems
 * receives how many there were. on_progress may be NULL; false stops it (HK_ERR_STOPPED). */
HK_API HK_MUST_CHECK hk_status hk_store_verify(
    size_t *problems, hk_store *store, void (*on_problem)(void *context, const char *message),
    bool (*on_progress)(void *context, uint64_t done, uint64_t total), void *context,
    hk_error *err);

/* ---- searching a store */

/* A list of a store as it is now, for matching: its snapshot, with what changed since; where there
 * is none, or too much changed, a new one is made, and kept where the folder can be written. The
 * hk_list is of its own: the store may be closed. */
HK_API HK_MUST_CHECK hk_status hk_store_list(hk_list **out, hk_store *store, const char *list,
                                             hk_error *err);

/* ---- seeing through edits ------------------------------------------------------------------ */

/* What is looked up of an image: probes are hashes of it as it might lie on an entry. */
typedef enum hk_probe {
    HK_PROBE_PLAIN = 0, /* its PDQ hash */
    HK_PROBE_EXACT,     /* the hash of its exact grid */
    HK_PROBE_TRIM,      /* without its uniform borders, of the picture inside a screenshot */
    HK_PROBE_OUTFRAME,  /* as if it had been cropped: with margins that its edges go on in */
    HK_PROBE_INFRAME,   /* a part of it, as if the entry were a crop of it */
    HK_PROBE_TURN,      /* turned back by a small angle */
    HK_PROBE_SORTS
} hk_probe;
HK_API const char *hk_probe_name(hk_probe probe); /* "plain", ...; NULL out of range */

/* How many probes: each costs a search, and its share of the false matches. Those beyond the plain
 * and the exact hash are looked up only where these found nothing, and of photos alone. */
typedef enum hk_probes {
    HK_PROBES_FAST = 0, /* plain and exact in all orientations, uniform borders trimmed */
    HK_PROBES_STANDARD, /* and cropped up to 20 %, turned up to 5 degrees, bordered, framed */
    HK_PROBES_THOROUGH, /* and that mirrored, and more of it */
    HK_PROBES_SETS
} hk_probes;
HK_API const char *hk_probes_name(hk_probes probes); /* "fast", ...; NULL out of range */

/* How a query lies on an entry: where the entry's edges are, seen from the query's, in shares of
 * the query's width and height. Positive: the entry shows that much more there (the query was
 * cropped); negative: the query has that much more (a border). */
typedef struct hk_placement {
    float left, top, right, bottom;
    float angle; /* degrees by which the query was turned back first, clockwise */
} hk_placement;

/* How near one picture comes to one hash, through the best of its probes, walked to where it is
 * nearest. */
typedef struct hk_alignment {
    hk_probe probe;
    hk_orientation orientation;
    bool inverted;
    hk_placement placement;
    unsigned before;   /* distance of the probe itself, bits; <= HK_CANDIDATE_RADIUS */
    unsigned distance; /* and where the walk ended, bits; never more */
    unsigned mean;     /* of these two, rounded up: what hk_radii.aligned is a radius of. Strangers
                          can be walked near, or be near by chance, but seldom both */
} hk_alignment;

/* How near an entry must come to a probe to be aligned at all, bits. Further off the true ones are
 * few (of copies cropped by 20 % three in four come this near), and strangers a flood. */
#define HK_CANDIDATE_RADIUS 75

/* One picture's workspace, for one thread at a time; half a megabyte. */
typedef struct hk_aligner hk_aligner;
HK_API HK_MUST_CHECK hk_status hk_aligner_new(hk_aligner **out, hk_error *err);
HK_API void hk_aligner_free(hk_aligner *aligner);
/* Takes up a picture (hk_file.raster, which is copied) and makes its probes. HK_ERR_USAGE: a side
 * that is 0 or over 256, or no such set. */
HK_API HK_MUST_CHECK hk_status hk_aligner_take(hk_aligner *aligner, const uint8_t *raster,
                                               uint32_t width, uint32_t height, hk_probes probes,
                                               hk_error *err);
/* Aligns it with the image that has this hash; false: no probe comes near enough. */
HK_API bool hk_aligner_find(hk_alignment *out, hk_aligner *aligner, const hk_hash *entry);

/* Where the frame of this number lies in its picture, as a placement of the frame on the whole seen
 * from the whole: all four are 0 or negative. False: there is no frame of this number. The numbers
 * are those of models/pdq/frames.csv, from 1 on without a gap. */
HK_API bool hk_cut_placement(hk_placement *out, unsigned number);
/* The frames of the picture taken up, for an entry of it (hk_entry.cuts); returns how many. Those
 * that are degenerate, or not of a photo, are left out. */
HK_API size_t hk_aligner_cuts(uint8_t out[HK_CUTS_MOST * HK_CUT_SIZE], hk_aligner *aligner);
/* Takes one frame apart: returns its number. */
HK_API unsigned hk_cut_get(hk_hash *hash, const uint8_t cut[HK_CUT_SIZE]);

/* ---- how near is near enough -------------------------------------------------------------- */

/* What false matches may cost: gate, where a hit blocks (at most 1 expected in 1,000,000 innocent
 * images), and review, where a person looks at each (1 in 1,000); both on the list in use. */
typedef enum hk_profile { HK_PROFILE_GATE = 0, HK_PROFILE_REVIEW } hk_profile;
HK_API const char *hk_profile_name(hk_profile profile); /* "gate", "review"; NULL out of range */
/* Those expected per innocent image: 1e-6, 1e-3; -1 out of range. */
HK_API double hk_budget(hk_profile profile);

/* The widest radius that keeps within the profile's budget, for an image of this kind looked up in
 * all orientations, and inverted, among this many entries: bits, 0..60, or -1: none does, and only
 * a digest tells (exact only). Of photos a twentieth of the budget is kept for hk_exact_radius.
 * From models/pdq/calibration.csv. */
HK_API int hk_radius(hk_kind kind, hk_profile profile, uint64_t entries);
/* The radius of a second probe beside that one, the hash of the image's exact grid, looked up in as
 * many ways: the widest with which both together keep within the budget. Never wider than
 * hk_radius; -1: not looked up, as for all kinds but photos. */
HK_API int hk_exact_radius(hk_kind kind, hk_profile profile, uint64_t entries);

/* How many unrelated entries out of `entries` come this close (bits; over 128: any) in one such
 * look-up by the plain hash: the expected number, by the upper 95 % bound for one entry. The chance
 * that any does is at most that, whatever depends on what. *extrapolated (may be NULL): closer than
 * was measured, so it is what the model of the tail says. Never falls with distance or entries. */
HK_API double hk_false_match_chance(hk_kind kind, unsigned distance, uint64_t entries,
                                    bool *extrapolated);
/* The three radii of a picture that is at hand, bits, each -1 where it is not looked up so: of its
 * plain and exact hash, and how near hk_alignment.mean must be. Together they keep within the
 * budget: for photos the aligned have a third of it and what the plain radius leaves, the exact one
 * has the rest. So the plain one is never wider than hk_radius, which like hk_exact_radius is of
 * hashes without their picture; the exact one may be. Of other kinds than photos the plain one is
 * hk_radius, and the aligned has what that leaves of the budget, for a photo in a border, which as
 * a whole is none. HK_PROBES_SETS: nothing is aligned. */
typedef struct hk_radii {
    int plain, exact, aligned;
} hk_radii;
HK_API hk_radii hk_radii_of(hk_kind kind, hk_profile profile, hk_probes probes, uint64_t entries);
/* The same within any budget, false matches expected per innocent image; below 0: all are -1. Of
 * HK_PROBES_SETS nothing is aligned, and so are hk_radius and hk_exact_radius made. */
HK_API hk_radii hk_radii_within(hk_kind kind, double budget, hk_probes probes, uint64_t entries);
/* How many unrelated entries out of `entries` are expected within this mean (hk_alignment.mean) of
 * the picture once aligned, by the probes of the set, by the upper 95 % bound
 * (models/pdq/aligned.csv); *extrapolated as above. */
HK_API double hk_aligned_false_matches(hk_kind kind, int distance, hk_probes probes,
                                       uint64_t entries, bool *extrapolated);
/* The same of both probes together, each within its own distance; -1: not looked up by that one. */
HK_API double hk_false_matches(hk_kind kind, int plain, int exact, uint64_t entries,
                               bool *extrapolated);

/* ---- verdicts ----------------------------------------------------------------------------- */

typedef enum hk_verdict {
    HK_VERDICT_NOT_CHECKED = 0, /* no verdict can be given; never counted as clean */
    HK_VERDICT_NONE,
    HK_VERDICT_NEAR,
    HK_VERDICT_EXACT,
    HK_VERDICTS
} hk_verdict;
HK_API const char *hk_verdict_name(hk_verdict verdict);

/* What shows through where a picture is transparent. Viewers differ: some show black, some white.
 */
typedef enum hk_backdrop { HK_BACKDROP_BLACK = 0, HK_BACKDROP_WHITE, HK_BACKDROPS } hk_backdrop;
HK_API const char *hk_backdrop_name(hk_backdrop backdrop); /* "black"...; NULL out of range */

/* Of an animation or a file of several pages, which are hashed. A file has one verdict: the best
 * over what is hashed of it. */
typedef enum hk_frames {
    HK_FRAMES_ENDS = 0, /* the first, the middle one and the last */
    HK_FRAMES_ALL,      /* all, or so many as HK_VIEWS_MOST allows, evenly spread */
    HK_FRAMES_FIRST,    /* the first alone */
    HK_FRAMES_CHOICES
} hk_frames;
HK_API const char *hk_frames_name(hk_frames frames); /* "ends", "all", "first" */

#define HK_VIEWS_MOST 64

/* One picture that a viewer may show of a file. Pictures of one hash are one view. */
typedef struct hk_view {
    unsigned frame;       /* or page, from 1 on; 1 in a file of one picture */
    hk_backdrop backdrop; /* white only where that makes another hash than black does */
    unsigned flags;       /* HK_FLAG_*, of this view */
    hk_fingerprint fingerprint;
    bool has_exact_hash; /* as in hk_file */
    hk_hash exact_hash[HK_ORIENTATIONS];
    const uint8_t *raster; /* upright grey picture, row-major, longer side <= 256; or NULL */
    uint32_t raster_width, raster_height;
} hk_view;
typedef struct hk_match {
    const char *list; /* these three are borrowed from the list; category NULL if none */
    const char *entry;
    const char *category;
    uint32_t entry_number; /* the entry's in the store: it alone tells one of two of a name, or a
                              replacement from what it replaced; 0: the list is from a file, or the
                              match from a case. For people and the ledger, not for outsiders */
    hk_basis basis;
    const char *probe; /* by which hash of the query: hk_probe_name; "exact" where that is nearer
                          than "plain"; static; NULL for a digest */
    unsigned distance; /* these of HK_BASIS_PDQ only */
    unsigned view;     /* which of the file's views it was found by, from 0; these three are 0 for
                          a query */
    unsigned frame;    /* that view's */
    hk_backdrop backdrop;
    hk_orientation orientation;
    bool inverted; /* the query's colours are the entry's negative */
    bool aligned;  /* the distance is that of a placement, which the probe led to; see before */
    hk_placement placement;
    unsigned before; /* of an aligned one, the probe's distance. Not `distance` but the mean of
                        both, rounded up, is what hk_radii.aligned and chance are of */
    unsigned cut;    /* the distance is to this frame of the entry; 0: to the whole picture */
    double chance;   /* hk_false_matches at its distance, or the radius of a probe that goes
                        less far, among the hashes of all lists of this sort (known, known
                        good); of an aligned one hk_aligned_false_matches of its mean */
    bool chance_extrapolated; /* beyond what was measured */
    bool known_good;          /* the list is one of known-good material */
} hk_match;

typedef struct hk_matcher hk_matcher;

typedef struct hk_match_options {
    size_t size;           /* of this struct, set by the INIT */
    int max_distance;      /* bits, 0..128, for every kind, and for the mean once aligned; -1:
                              hk_radii_of the profile, and of queries hk_radius */
    size_t max_matches;    /* per file, the nearest, known before known good; 0: no bound */
    bool accept_uncertain; /* without a hit, what the hash says nothing about is none, too:
                              truncated, degenerate, low-quality, or of a kind without a radius */
    hk_profile profile;
    double budget;    /* false matches expected per innocent image, up to 1; 0: the profile's */
    hk_probes probes; /* of files that nothing else hits; hk_radii_of */
} hk_match_options;
#define HK_MATCH_OPTIONS_INIT                                                                      \
    {                                                                                              \
        sizeof(hk_match_options), -1, 100, false, HK_PROFILE_REVIEW, 0, HK_PROBES_STANDARD         \
    }

/* A matcher over `count` lists, which are borrowed and must outlive it. options may be NULL. */
HK_API HK_MUST_CHECK hk_status hk_matcher_new(hk_matcher **out, const hk_list *const *lists,
                                              size_t count, const hk_match_options *options,
                                              hk_error *err);
HK_API void hk_matcher_free(hk_matcher *matcher);
/* The radius in force for images of this kind, bits; -1: their hashes are not looked up. */
HK_API int hk_matcher_radius(const hk_matcher *matcher, hk_kind kind);
/* And that for the hash of their exact grid; -1: that is not looked up. */
HK_API int hk_matcher_exact_radius(const hk_matcher *matcher, hk_kind kind);
/* And that for the mean of what is aligned, of an image of this kind, or of a photo in it; -1:
 * nothing is, as where a list of known images has an index of FAISS that may miss what is
 * HK_CANDIDATE_RADIUS off, or takes too long for it (BHash). */
HK_API int hk_matcher_aligned_radius(const hk_matcher *matcher, hk_kind kind);
/* The hashes of known images that a look-up goes through, of frames a tenth: what the radii keep
 * to. */
HK_API uint64_t hk_matcher_entries(const hk_matcher *matcher);

/* ---- asking without a file */

#define HK_QUERY_HASHES_MOST 128
#define HK_NO_KIND (-1)

/* What somebody who holds an image says of it. */
typedef struct hk_query {
    const hk_hash *hashes; /* its PDQ hash, and other probes of the same image: turned, inverted,
                              of its exact grid, ...; borrowed. What is not among them is not
                              looked up */
    size_t hash_count;     /* 0..HK_QUERY_HASHES_MOST; 0: by digests alone */
    int quality;           /* of the PDQ hash, 0..100, or HK_NO_QUALITY */
    int kind; /* hk_kind; or HK_NO_KIND: the radius is the narrowest that any kind has */
    hk_digests digests;
} hk_query;
#define HK_QUERY_INIT                                                                              \
    {                                                                                              \
        .quality = HK_NO_QUALITY, .kind = HK_NO_KIND                                               \
    }

/* The verdict, by the rules by which a file gets its own. */
typedef struct hk_answer {
    hk_verdict verdict;
    hk_verdict otherwise; /* what it would be without any hit by hash */
    const char *reason;   /* why not_checked, of either of these; static; NULL otherwise */
    hk_match *matches;    /* as hk_file's, orientation and inversion unknown; owned */
    size_t match_count;
    size_t hit; /* which of the hashes the nearest known image was found by */
    bool matches_truncated, known_good, conflict; /* as hk_file's */
} hk_answer;

/* Looks up `count` queries together; out[count] is overwritten, free with hk_answers_clear. Any
 * number of threads. Without a hit a hash of low quality, or one that is degenerate (one-bits more
 * than 16 from 128), is not_checked, and so are digests of sorts that no list of known images has
 * ("digests_not_listed"). The radius of the profile is for 16 hashes of one image; of more it is
 * narrower, so that false matches keep within the budget. HK_ERR_USAGE: a query out of its range;
 * others as of a scan. */
HK_API HK_MUST_CHECK hk_status hk_matcher_check(hk_answer *out, const hk_matcher *matcher,
                                                const hk_query *queries, size_t count,
                                                hk_error *err);
/* Frees what the answers own; the array is the caller's. */
HK_API void hk_answers_clear(hk_answer *answers, size_t count);
/* The radius in force for such a query, bits; -1: its hashes are not looked up. */
HK_API int hk_matcher_query_radius(const hk_matcher *matcher, int kind, size_t hash_count);

/* ---- files: decode in sandboxed workers, hash, match --------------------------------------- */

typedef enum hk_file_status {
    HK_FILE_OK = 0,
    HK_FILE_TRUNCATED,
    HK_FILE_DUPLICATE,
    HK_FILE_NOT_AN_IMAGE,
    HK_FILE_TOO_SMALL,
    HK_FILE_EXCLUDED,
    HK_FILE_UNSUPPORTED,
    HK_FILE_UNREADABLE,
    HK_FILE_TOO_LARGE,
    HK_FILE_NO_ACCESS,
    HK_FILE_VANISHED,
    HK_FILE_CHANGED,
    HK_FILE_CRASHED,
    HK_FILE_TIMED_OUT,
    HK_FILE_OUT_OF_MEMORY,
    HK_FILE_STATUSES
} hk_file_status;
HK_API const char *hk_file_status_name(hk_file_status status);

/* The line of the account a status belongs to. */
typedef enum hk_file_class {
    HK_CLASS_HASHED = 0,
    HK_CLASS_DUPLICATE,
    HK_CLASS_SKIPPED,
    HK_CLASS_FAILED,
    HK_CLASSES
} hk_file_class;
HK_API hk_file_class hk_file_status_class(hk_file_status status);

/* One file's result. Everything is borrowed from the scan until its next call. */
typedef struct hk_file {
    const char *path; /* raw bytes, NUL-terminated */
    hk_file_status status;
    const char *reason;        /* in words; NULL when there is nothing to say */
    const char *format;        /* "jpeg", "png", ..., as its content says; NULL if unknown */
    uint32_t width, height;    /* as stored; 0 if unknown */
    unsigned exif_orientation; /* 1..8; 0 if unknown */
    unsigned flags;            /* HK_FLAG_*, of all its views */
    bool hashed;               /* fingerprint holds a hash: only if the file gave one */
    hk_fingerprint fingerprint;
    /* On request, and where a matcher looks hashes up, a second hash of the same picture. PDQ
     * samples at whole pixels, so that a copy of another size is sampled elsewhere; this one
     * samples at exact places, and a picture and its copy lie several times nearer to each other.
     * It never stands in for PDQ: hashes that lists exchange stay PDQ to the letter, and whoever
     * holds the material may keep this beside them. */
    bool has_exact_hash;                 /* the file gave a hash, and this one is not degenerate */
    hk_hash exact_hash[HK_ORIENTATIONS]; /* turned as fingerprint.hash; in bits as PDQ's */
    hk_digests digests;
    const uint8_t *raster; /* upright grey picture, row-major, longer side <= 256; or NULL */
    uint32_t raster_width, raster_height;
    const hk_view *views; /* all that was hashed of it; the first is what is said above. NULL of a
                             file from a case */
    size_t view_count;    /* 0: it gave no hash, or it is from a case */
    hk_verdict verdict;   /* these with a matcher only */
    const char *verdict_reason; /* why not_checked; NULL otherwise */
    const char *duplicate_of;   /* path of the first file with these bytes; NULL if none */
    const hk_match *matches;    /* exact before near, near by distance, aligned by the mean */
    size_t match_count;
    bool matches_truncated; /* max_matches cut the array */
    bool known_good;        /* a digest of it is in a known-good list */
    bool conflict;          /* known and known-good lists both hold it: for a person to decide */
} hk_file;

/* found = sum of by_class, always. */
typedef struct hk_account {
    uint64_t found;
    uint64_t by_class[HK_CLASSES];
    uint64_t by_status[HK_FILE_STATUSES];
    uint64_t by_verdict[HK_VERDICTS]; /* these with a matcher only */
    uint64_t known_good, conflicts;   /* files of which hk_file says so */
    double expected_false_matches;    /* if none of the files hashed were known: the sum of their
                                         hk_false_match_chance at the radius of their kind */
} hk_account;

typedef struct hk_progress {
    uint64_t done, found;
    uint64_t failed;
    double seconds;    /* since the scan was opened, or the phase began */
    uint64_t earlier;  /* of done: before this start of a case's run; the rate is of the rest */
    const char *phase; /* of a case's run: hk_case_state_name; NULL: a scan. While it is planned,
                          found grows and nothing is done; then done counts files, and contents
                          while they are grouped. Static */
} hk_progress;

/* Formats whose decoders see files only where they are named, or-ed together. */
#define HK_ALLOW_BMP 0x01u
#define HK_ALLOW_JXL 0x02u
#define HK_ALLOW_JP2 0x04u
#define HK_ALLOW_COUNT 3
/* "bmp", "jxl", "jp2": the format with bit `index`; NULL out of range. */
HK_API const char *hk_allow_name(unsigned index);

typedef struct hk_scan_options {
    size_t size;               /* of this struct, set by the INIT */
    unsigned workers;          /* decode processes; 0: one per processor */
    uint64_t max_pixels;       /* width x height from the header, of one picture */
    uint64_t max_bytes;        /* of an image file, held in memory while it is decoded */
    uint32_t max_pages;        /* frames or pages announced by the header */
    uint64_t worker_memory;    /* address space of a worker, bytes */
    unsigned timeout_ms;       /* for one file, 1..300000 */
    unsigned digests;          /* HK_DIGEST_*; a matcher adds what it needs */
    bool raster;               /* have the small grey raster of each picture as well */
    bool exact_hash;           /* have the hash of the exact grid of each picture as well */
    hk_frames frames;          /* of animations and files of several pages */
    unsigned allow;            /* HK_ALLOW_*: formats that are not decoded otherwise */
    bool full_decode;          /* make every pixel, also of large JPEGs */
    const hk_matcher *matcher; /* borrowed; NULL: hash only */
    const char *worker_path;   /* the decode worker; NULL: where it was installed */
    void (*on_progress)(void *context, const hk_progress *progress); /* about 10 times a second */
    void *context;
} hk_scan_options;
#define HK_SCAN_OPTIONS_INIT                                                                       \
    {                                                                                              \
        sizeof(hk_scan_options), 0, UINT64_C(1) << 28, UINT64_C(1) << 28, 100000,                  \
            UINT64_C(2) << 30, 30000, 0, false, false, HK_FRAMES_ENDS, 0, false, NULL, NULL, NULL, \
            NULL                                                                                   \
    }

typedef struct hk_scan hk_scan;

/* Walks the paths (files and folders; folders in byte order of their names, symbolic links inside
 * them not followed) and starts the workers. Bad paths are results, not errors. The calling
 * process must leave our children to us: no SIGCHLD of SIG_IGN, no waitpid(-1). */
HK_API HK_MUST_CHECK hk_status hk_scan_open(hk_scan **out, const char *const *paths, size_t count,
                                            const hk_scan_options *options, hk_error *err);
/* The next file in input order, or *out = NULL after the last. */
HK_API HK_MUST_CHECK hk_status hk_scan_next(const hk_file **out, hk_scan *scan, hk_error *err);
/* So far. */
HK_API void hk_scan_account(hk_account *out, const hk_scan *scan);
/* Kills what is still running. */
HK_API void hk_scan_free(hk_scan *scan);

/* ---- cases: a run that is kept ------------------------------------------------------------- */

/*
 * A case is one SQLite file that holds a run over evidence: every file that was found and what
 * became of it, every content with its digests, hash, verdict and matches, the plan, its progress,
 * and what people decided. It is written as the run goes on, once a second: a run that was stopped
 * at any moment goes on from there, and what it exports in the end is what it would have exported
 * without the stop. What befalls the machine and not the evidence is no part of that promise: a
 * decoder that ran out of time or memory on a busy machine, a disk that failed to read. Such files
 * are of class failed, with their reason. Evidence is only ever read.
 *
 * One process at a time may have a case open for writing, and then no other reads it.
 */
typedef struct hk_case hk_case;

typedef enum hk_case_mode { HK_CASE_READ = 0, HK_CASE_WRITE } hk_case_mode;

/* Opens a case that is there. HK_ERR_IO: it is not there, or may not be written; HK_ERR_SYSTEM:
 * another process has it open; HK_ERR_FORMAT: it is no case, is of a newer version, or is damaged.
 */
HK_API HK_MUST_CHECK hk_status hk_case_open(hk_case **out, const char *path, hk_case_mode mode,
                                            hk_error *err);
HK_API void hk_case_close(hk_case *c);

typedef enum hk_case_state {
    HK_CASE_PLANNING = 0, /* walking the folders */
    HK_CASE_RUNNING,      /* reading files */
    HK_CASE_GROUPING,     /* every file is accounted for; what looks alike is being grouped */
    HK_CASE_FINISHED,
    HK_CASE_STATES
} hk_case_state;
HK_API const char *hk_case_state_name(hk_case_state state);

typedef struct hk_case_info {
    hk_case_state state;
    unsigned shard, shards; /* part `shard` of `shards`, from 1; 1 of 1: the whole */
    hk_profile profile;
    int max_distance;      /* bits; -1: by the profile */
    int radius[3];         /* in force, by hk_kind, bits; -1: not looked up */
    int exact_radius[3];   /* the same of the exact grid's hash, */
    int aligned_radius[3]; /* and of the mean once aligned */
    hk_probes probes;
    uint64_t hashes; /* of known images, that a look-up goes through */
    const char *version, *model_checksum, *calibration_checksum; /* of who made it */
    size_t inputs, lists, sessions;
    uint64_t groups, decisions; /* of near-duplicates; contents that a person has decided on */
} hk_case_info;
/* Strings here and below are borrowed until the case's next call. */
HK_API HK_MUST_CHECK hk_status hk_case_describe(hk_case_info *out, hk_case *c, hk_error *err);

typedef struct hk_case_input {
    const char *given, *absolute; /* paths, raw bytes */
} hk_case_input;
typedef struct hk_case_list {
    const char *name;
    const char *source; /* absolute path of the store, or of the file; raw bytes */
    bool known_good;
    uint64_t revision;  /* of a store; 0: a file */
    const char *digest; /* hex: hk_list_digest */
    uint64_t entries;
} hk_case_list;
typedef struct hk_case_session {
    int64_t started, ended; /* seconds since 1970 UTC; ended 0: interrupted, or under way */
    unsigned workers;
    uint64_t done;        /* files */
    const char *machine;  /* system, release, processor and host name */
    const char *versions; /* hk_component_versions */
} hk_case_session;
/* Number `index` from 0; HK_ERR_USAGE past the last. */
HK_API HK_MUST_CHECK hk_status hk_case_input_get(hk_case_input *out, hk_case *c, size_t index,
                                                 hk_error *err);
HK_API HK_MUST_CHECK hk_status hk_case_list_get(hk_case_list *out, hk_case *c, size_t index,
                                                hk_error *err);
HK_API HK_MUST_CHECK hk_status hk_case_session_get(hk_case_session *out, hk_case *c, size_t index,
                                                   hk_error *err);

/* Of what is in the case; while files are left to be done, found is more than the classes' sum. */
HK_API HK_MUST_CHECK hk_status hk_case_account(hk_account *out, hk_case *c, hk_error *err);

/* ---- running one */

/* Settings that decide what comes out of a run, or-ed together. */
#define HK_RUN_PROFILE 0x01u
#define HK_RUN_MAX_DISTANCE 0x02u
#define HK_RUN_MAX_MATCHES 0x04u
#define HK_RUN_UNCERTAIN 0x08u
#define HK_RUN_MAX_PIXELS 0x10u
#define HK_RUN_MAX_BYTES 0x20u
#define HK_RUN_MAX_PAGES 0x40u
#define HK_RUN_TIMEOUT 0x80u
#define HK_RUN_WORKER_MEMORY 0x100u
#define HK_RUN_ARCHIVES 0x200u
#define HK_RUN_MAX_MEMBERS 0x400u
#define HK_RUN_MAX_DEPTH 0x800u
#define HK_RUN_MAX_RATIO 0x1000u
#define HK_RUN_MAX_UNPACKED 0x2000u
#define HK_RUN_SHARD 0x4000u
#define HK_RUN_FRAMES 0x8000u
#define HK_RUN_ALLOW 0x10000u
#define HK_RUN_PROBES 0x20000u
#define HK_RUN_ALL 0x3ffffu

typedef struct hk_run_options {
    size_t size;               /* of this struct, set by the INIT */
    const char *path;          /* of the case; a case that is there goes on where it stopped */
    const char *const *inputs; /* files and folders; of a case that is there they must be the same,
                                  or none, which means those */
    size_t input_count;
    const hk_case_list *sources; /* what to note of each list */
    const hk_list *const *lists; /* [list_count]; the same as when the case was begun */
    size_t list_count;
    hk_match_options match;
    hk_scan_options scan;   /* matcher, raster and exact_hash are not looked at; all three digests
                               are always taken */
    bool archives;          /* open zip, 7z and tar, in the sandbox too */
    uint64_t max_members;   /* of one archive, with all that are inside it */
    unsigned max_depth;     /* of archives inside archives */
    uint64_t max_ratio;     /* unpacked bytes for a packed one */
    uint64_t max_unpacked;  /* bytes out of one archive */
    unsigned shard, shards; /* take part `shard` of `shards`, by path; from 1 */
    unsigned chosen;        /* HK_RUN_*: settings that must be those of a case that is there; all
                               others are taken from it */
    uint64_t max_memory;    /* bytes, of this process without the lists and of all workers' address
                               space: fewer workers, then smaller ones; 0: not bounded */
} hk_run_options;
#define HK_RUN_OPTIONS_INIT                                                                        \
    {                                                                                              \
        .size = sizeof(hk_run_options), .match = HK_MATCH_OPTIONS_INIT,                            \
        .scan = HK_SCAN_OPTIONS_INIT, .archives = true, .max_members = 1000000, .max_depth = 4,    \
        .max_ratio = 1000, .max_unpacked = UINT64_C(1) << 40, .shard = 1, .shards = 1,             \
        .chosen = HK_RUN_ALL                                                                       \
    }

/* Makes the case, or goes on with it, to its end. Paths that really lie in the same place, or
 * inside another that is named, are taken once; the case must lie in none of them. HK_ERR_USAGE:
 * what was begun with other lists, paths, limits or another version cannot go on like this;
 * HK_ERR_SYSTEM: another process has it open, or the disk is full: then what was done until a
 * second ago is kept. HK_ERR_IO: it cannot be written, or of what is left to be read a folder is
 * empty or not there (a disk that is not mounted). A case that is finished is left as it is, which
 * is no error. */
HK_API HK_MUST_CHECK hk_status hk_case_run(hk_account *out, const hk_run_options *options,
                                           hk_error *err);

/* ---- reading one */

/* What a person decided of a content. */
typedef struct hk_decision {
    const char *category;
    const char *actor, *reason; /* reason NULL: none given */
    int64_t at;                 /* seconds since 1970 UTC */
    const char *carried;        /* the case it was carried over from; NULL: made in this one */
} hk_decision;

typedef struct hk_case_file {
    hk_file file;     /* as a scan gives it, without raster and exact hash; `duplicate_of` is the
                         first of its content by path */
    bool read;        /* its bytes are known: */
    uint64_t bytes;   /* how many */
    uint64_t content; /* their number in this case; 0: not known. Not for exports */
    uint64_t group;   /* of near-duplicates, from 1; 0: none */
    bool leader;      /* of its group */
    unsigned group_distance;     /* bits, to the leader */
    const hk_decision *decision; /* NULL: none */
    bool member;                 /* of an archive */
} hk_case_file;

/* Which files, or-ed together; 0: all. */
#define HK_CASE_HITS 0x01u       /* exact and near */
#define HK_CASE_CONFLICTS 0x02u  /* known and known-good lists both hit */
#define HK_CASE_GROUPED 0x04u    /* in a group; ordered by group, its leader first, then by path */
#define HK_CASE_FAILED 0x08u     /* failed */
#define HK_CASE_UNCERTAIN 0x10u  /* read, hashed or skipped, but not_checked */
#define HK_CASE_SKIPPED 0x20u    /* skipped */
#define HK_CASE_KNOWN_GOOD 0x40u /* a digest is in a known-good list */
#define HK_CASE_DECIDED 0x80u    /* a person has decided */
#define HK_CASE_FIRSTS 0x100u    /* of what the others choose, one file for each content */

/* Goes through files by the bytes of their paths. */
typedef struct hk_case_reading hk_case_reading;
HK_API HK_MUST_CHECK hk_status hk_case_reading_open(hk_case_reading **out, hk_case *c,
                                                    unsigned which, hk_error *err);
/* The next one, borrowed until the next call; *out = NULL after the last. */
HK_API HK_MUST_CHECK hk_status hk_case_reading_next(const hk_case_file **out,
                                                    hk_case_reading *reading, hk_error *err);
HK_API void hk_case_reading_close(hk_case_reading *reading);

/* ---- what people do with one */

/* Decides on every content of a group, or (group 0) on the content of the file at `path`, a member
 * of an archive too; of several files of that path, on all their contents. category NULL takes back
 * what stands. *contents receives on how many. Words are UTF-8 without control characters, of at
 * most 256 bytes, the reason 1,024. The case is open for writing. HK_ERR_USAGE: no such group or
 * file, a file whose bytes were not read, no actor, or the run is not finished. */
HK_API HK_MUST_CHECK hk_status hk_case_decide(uint64_t *contents, hk_case *c, uint64_t group,
                                              const char *path, const char *category,
                                              const hk_act *act, hk_error *err);
/* Brings the decisions of another case over, by SHA-256, with who, why and when: those that were
 * made in this case stand, and of those carried over the newest. *contents receives how many came:
 * the same ones do not come twice. The run must be finished. */
HK_API HK_MUST_CHECK hk_status hk_case_carry(uint64_t *contents, hk_case *c, const char *from,
                                             hk_error *err);
/* One decision, and what it is on. */
typedef struct hk_case_decision {
    hk_decision decision; /* category NULL: it takes back the one before */
    hk_digests digests;   /* of the content, */
    const char *path;     /* its first file by path, raw bytes, */
    uint64_t files;       /* and how many there are */
    bool stands;          /* it says a category, and none came after it */
} hk_case_decision;
/* Calls on_decision with every decision that was ever made, in their order; it returns false to
 * stop. The decision is borrowed for the call, in which the case is not to be used. */
HK_API HK_MUST_CHECK hk_status
hk_case_decisions(hk_case *c, bool (*on_decision)(void *context, const hk_case_decision *decision),
                  void *context, hk_error *err);
/* Writes what was decided as a list ("csv" or "vics"), one entry for each content, in the order of
 * paths: for hk_import_file. Of these categories, or of all where category_count is 0: what people
 * find harmless and what they find criminal does not belong in one list. Beside `path` first, for
 * its owner's eyes; "-" is stdout. HK_ERR_USAGE: the path lies where the evidence does. */
HK_API HK_MUST_CHECK hk_status hk_case_export(uint64_t *written, hk_case *c,
                                              const char *const *categories, size_t category_count,
                                              const char *format, const char *path, hk_error *err);
/* Makes a case of all its shards, in any order: it is what one run without shards would have made,
 * to the last byte of its exports, with the sessions and decisions of all. Of bytes that two shards
 * have read the better reading stands. Written beside `out_path` and renamed; shards stay as they
 * are. threads 0: one per processor. HK_ERR_USAGE: something lies at out_path, it lies where the
 * evidence does, a shard is missing, not finished, named twice or of another run, or the evidence
 * changed between their walks. */
HK_API HK_MUST_CHECK hk_status hk_case_merge(const char *out_path, const char *const *shards,
                                             size_t count, unsigned threads, hk_error *err);

/* ---- words for outputs --------------------------------------------------------------------- */

/* A copy of text, with bytes that are no UTF-8, DEL and the second block of control characters
 * (they steer terminals) as \xHH; `controls` says the same of the first block and of the marks that
 * turn the direction of text. *changed (may be NULL): there was something of that. *out is owned,
 * free with free(), as in all of these. */
HK_API HK_MUST_CHECK hk_status hk_text_escape(char **out, bool *changed, const char *text,
                                              bool controls, hk_error *err);
HK_API HK_MUST_CHECK hk_status hk_text_base64(char **out, const void *bytes, size_t count,
                                              hk_error *err);

#define HK_VIEW_WORDS_SIZE 48
/* By which view a match was found, in words: "  (frame 5)", "  (frame 5, on white)"; "" of
 * the first view and of digests. Returns out. */
HK_API const char *hk_view_words(char out[HK_VIEW_WORDS_SIZE], const hk_match *match);

#define HK_PLACEMENT_WORDS_SIZE 128
/* How what was aligned lies on its entry, in words, by hundredths of the entry for what was cut off
 * and of the query for what is around it: "cropped (left 3 %, top 8 %, right 0 %, bottom 2 %)",
 * "framed (...)", "turned by 3 degrees", "placed as the whole"; "" of other matches. Returns out.
 */
HK_API const char *hk_placement_words(char out[HK_PLACEMENT_WORDS_SIZE], const hk_match *match);

/* What a chance means, in words: "an unrelated photo comes this close to a list of 1.4 million once
 * in 20 million look-ups". entries 1: to one image. Returns out. */
#define HK_CHANCE_WORDS_SIZE 160
HK_API const char *hk_chance_words(char out[HK_CHANCE_WORDS_SIZE], hk_kind kind, double chance,
                                   uint64_t entries);

/* A file, of a scan with a matcher, as a JSON object in one line: what `herken match --json` prints
 * of it. Text that is not UTF-8 stands escaped (hk_text_escape) in KEY and as it is, in base64, in
 * KEY_b64. */
HK_API HK_MUST_CHECK hk_status hk_file_json(char **out, const hk_file *file, hk_error *err);
/* The same with what a case knows besides. */
HK_API HK_MUST_CHECK hk_status hk_case_file_json(char **out, const hk_case_file *file,
                                                 hk_error *err);
/* {"account":{...}}; with `verdicts` those too. */
HK_API HK_MUST_CHECK hk_status hk_account_json(char **out, const hk_account *account, bool verdicts,
                                               hk_error *err);

/* ---- reports ------------------------------------------------------------------------------- */

typedef enum hk_report_format {
    HK_REPORT_CSV = 0,
    HK_REPORT_JSONL,
    HK_REPORT_VICS, /* Project VIC 2.0, a case */
    HK_REPORT_HTML, /* one page that needs nothing else */
    HK_REPORT_FORMATS
} hk_report_format;
HK_API const char *hk_report_format_name(hk_report_format format);

typedef enum hk_thumbnails {
    HK_THUMBNAILS_NONE = 0,
    HK_THUMBNAILS_BLURRED,
    HK_THUMBNAILS_GREY
} hk_thumbnails;

typedef struct hk_report_options {
    size_t size;              /* of this struct, set by the INIT */
    hk_thumbnails thumbnails; /* in HTML: read from the evidence again, in the sandbox */
    hk_scan_options scan;     /* for them */
    const char *title;        /* of HTML and VICS: the case's number, or name; NULL: in HTML its
                                 file's, in VICS none, so that no byte depends on it */
} hk_report_options;
#define HK_REPORT_OPTIONS_INIT                                                                     \
    {                                                                                              \
        sizeof(hk_report_options), HK_THUMBNAILS_NONE, HK_SCAN_OPTIONS_INIT, NULL                  \
    }

/* Writes a report of a finished case beside `path` and renames it into place; "-" is stdout. CSV,
 * JSON Lines and VICS depend on the evidence, the lists, the settings, what people decided and what
 * became of each file alone, to the last byte. HK_ERR_USAGE: the run is not finished, or the path
 * lies where the evidence does. options may be NULL. */
HK_API HK_MUST_CHECK hk_status hk_report_write(hk_case *c, hk_report_format format,
                                               const char *path, const hk_report_options *options,
                                               hk_error *err);
/* Writes the manifest, a JSON object: what was searched with what, when, on which machine, and the
 * SHA-256 of the case and of each output (paths are noted as they lead from the manifest's folder).
 * key: a PEM file with an Ed25519 private key, whose signature, 64 bytes, goes into `path`.sig;
 * NULL: none, and what lies there, of an older manifest, is removed. */
HK_API HK_MUST_CHECK hk_status hk_report_manifest(hk_case *c, const char *path,
                                                  const char *const *outputs, size_t count,
                                                  const char *key, hk_error *err);
/* Checks a manifest: the SHA-256 of the case and of every output, and with `key`, a PEM file with
 * the public key, the signature. Calls on_problem (may be NULL) with each thing that is wrong;
 * *problems receives how many there were. HK_ERR_FORMAT: it is no manifest, or of a newer version.
 * No hk_case of this process may have the case open: its lock would be gone. */
HK_API HK_MUST_CHECK hk_status hk_report_verify(size_t *problems, const char *path, const char *key,
                                                void (*on_problem)(void *context,
                                                                   const char *message),
                                                void *context, hk_error *err);

/* ---- the ledger of a server ---------------------------------------------------------------- */

/*
 * Who may ask a hash-check server, how much of it, and what it has answered. Beside a store DB lie
 *
 *      DB.keys    accounts, keys, what they have used up, match ids, feedback, braked entries and
 *                 notices for people (SQLite)
 *      DB.audit   the audit log: JSON Lines, chained; older files are DB.audit.1, .2, ...
 *
 * and DB.audit-lock, which is empty; all readable by their owner alone. DB itself is never opened,
 * but to be copied.
 * What a server says of an account is called a client here: hk_account is the account of a run.
 *
 *      hk_ledger_admit --> search --> hk_ledger_answer --> the answer goes out
 *
 * One server at a time has a ledger; the commands work beside it, on DB.keys, and a running server
 * acts on what they change within a second.
 */

/* What a key is for, or-ed together. */
#define HK_SCOPE_CHECK 0x01u    /* to have hashes looked up */
#define HK_SCOPE_FEEDBACK 0x02u /* to agree or disagree with an answer */
#define HK_SCOPE_CURATE 0x04u   /* its feedback confirms entries (hk_brake) */
#define HK_SCOPE_AUDIT 0x08u    /* to read the audit log */
#define HK_SCOPE_COUNT 4
/* Name of the scope with bit `index` (0..HK_SCOPE_COUNT-1); NULL out of range. */
HK_API const char *hk_scope_name(unsigned index);

/* ---- accounts and their keys */

/* DB.keys. Belongs to one thread at a time. */
typedef struct hk_keys hk_keys;

/* Opens DB.keys of the store at `db`. create: makes it where there is none. HK_ERR_IO: it is not
 * there, or cannot be written; HK_ERR_FORMAT: it is something else, of a newer version, or damaged.
 */
HK_API HK_MUST_CHECK hk_status hk_keys_open(hk_keys **out, const char *db, bool create,
                                            hk_error *err);
HK_API void hk_keys_close(hk_keys *keys);

/* An item is one image that is asked about, whatever number of hashes and digests it comes with. */
typedef struct hk_client_settings {
    size_t size;             /* of this struct, set by the INIT */
    const char *name;        /* 1..64 of a-z A-Z 0-9 . _ -, not beginning with . or - */
    unsigned scopes;         /* HK_SCOPE_*; at least one */
    uint64_t rate;           /* items a second; 0: no bound */
    uint64_t burst;          /* items at once, at least `rate`; 0: ten seconds' worth, and at least
                                2,000 */
    uint64_t quota;          /* items a day (UTC); 0: no bound */
    uint64_t near_budget;    /* near answers a day; 0: no bound */
    const char *certificate; /* PEM file of a client certificate: the keys are good together with it
                                alone; NULL: any or none */
} hk_client_settings;
#define HK_CLIENT_SETTINGS_INIT                                                                    \
    {                                                                                              \
        sizeof(hk_client_settings), NULL, HK_SCOPE_CHECK, 2000, 0, 10000000, 10000, NULL           \
    }

/* "hk_", 58 letters and digits, and a NUL: 256 random bits with a checksum. */
#define HK_KEY_TEXT_SIZE 62

/* Makes an account with a key. The key's text is given here and never again: DB.keys holds its
 * SHA-256. HK_ERR_USAGE: the name is taken, or none; a limit is out of its range. */
HK_API HK_MUST_CHECK hk_status hk_key_create(char text[HK_KEY_TEXT_SIZE], uint64_t *key,
                                             hk_keys *keys, const hk_client_settings *settings,
                                             const hk_act *act, hk_error *err);
/* Which of an account's settings to change, or-ed together. */
#define HK_SET_SCOPES 0x01u
#define HK_SET_RATE 0x02u
#define HK_SET_BURST 0x04u
#define HK_SET_QUOTA 0x08u
#define HK_SET_NEAR 0x10u
#define HK_SET_CERTIFICATE 0x20u /* NULL: the keys are bound to none any more */
/* Changes these settings of the account settings->name, and of all its keys. HK_ERR_USAGE: no such
 * account, or a revoked one; nothing to change; a limit is out of its range, with those that stay.
 */
HK_API HK_MUST_CHECK hk_status hk_key_change(hk_keys *keys, const hk_client_settings *settings,
                                             unsigned changes, const hk_act *act, hk_error *err);
/* Gives the account a new key, good at once; its older ones are good for `grace` seconds more.
 * HK_ERR_USAGE: no such account, or a revoked one. */
HK_API HK_MUST_CHECK hk_status hk_key_rotate(char text[HK_KEY_TEXT_SIZE], uint64_t *key,
                                             hk_keys *keys, const char *name, uint64_t grace,
                                             const hk_act *act, hk_error *err);
/* Revokes one key of the account by its number, or (0) all, and the account: its name is not given
 * out again. *revoked receives how many keys were good until now. */
HK_API HK_MUST_CHECK hk_status hk_key_revoke(uint64_t *revoked, hk_keys *keys, const char *name,
                                             uint64_t key, const hk_act *act, hk_error *err);

typedef struct hk_key_info {
    uint64_t key;                   /* its number; 0: an account without keys */
    hk_client_settings settings;    /* of its account; certificate is 64 hex digits: the SHA-256 */
    int64_t created;                /* these three in seconds since 1970 UTC */
    int64_t expires;                /* 0: never */
    int64_t revoked;                /* 0: not */
    bool good;                      /* as of now */
    uint64_t used_items, used_near; /* by its account today, as of a second ago */
} hk_key_info;
/* Calls on_key with every key, by account and number; borrowed for the call, in which keys is not
 * to be used. */
HK_API HK_MUST_CHECK hk_status hk_key_list(hk_keys *keys,
                                           void (*on_key)(void *context, const hk_key_info *key),
                                           void *context, hk_error *err);

/* ---- the flood brake, and notices for people */

/*
 * An entry that suddenly draws near hits as no real material does is braked: it is answered as
 * absent, for near hits alone. Digests are never braked, and neither is an entry that two have
 * confirmed: accounts with HK_SCOPE_CURATE that agreed with one of its near hits, or persons who
 * looked at it (hk_brake_confirm). The approval of a whole import by a second person is not looking
 * at an entry. An entry here is its list, its name and, where it has one, its number, as hk_match
 * says them: a replacement is another entry, braked and confirmed by itself.
 */
typedef struct hk_brake {
    const char *list, *entry;
    uint32_t entry_number;      /* 0: none is known: it is all of this name */
    const char *client;         /* braked for this account alone; NULL: for all */
    int64_t since;              /* these two in seconds since 1970 UTC */
    int64_t released;           /* 0: it is in force */
    uint64_t hits, clients;     /* that it was braked for */
    uint64_t suppressed;        /* near hits since, as of a second ago */
    unsigned confirmations;     /* 2 and more: it will not be braked again */
    const char *actor, *reason; /* of the release; NULL: none */
} hk_brake;
/* Calls on_brake with each brake in force, or (all) with those that were released too. */
HK_API HK_MUST_CHECK hk_status hk_brake_list(hk_keys *keys, bool all,
                                             void (*on_brake)(void *context, const hk_brake *brake),
                                             void *context, hk_error *err);
/* Lets an entry answer again, for all; it is not braked for `days` days from now. number 0: all
 * that have this name. HK_ERR_USAGE: it is not braked. */
HK_API HK_MUST_CHECK hk_status hk_brake_release(hk_keys *keys, const char *list, const char *entry,
                                                uint32_t number, unsigned days, const hk_act *act,
                                                hk_error *err);
/* Says that act->actor has looked at the entry, and it is right; once two have, it is released.
 * number 0: whatever has this name, now and later. */
HK_API HK_MUST_CHECK hk_status hk_brake_confirm(unsigned *confirmations, hk_keys *keys,
                                                const char *list, const char *entry,
                                                uint32_t number, const hk_act *act, hk_error *err);

typedef enum hk_notice_kind {
    HK_NOTICE_BRAKE = 0, /* an entry is braked: its owner should look at it */
    HK_NOTICE_WALK,      /* an account seems to feel its way towards an entry */
    HK_NOTICE_NEAR,      /* an account has used up its near answers of a day */
    HK_NOTICE_DISAGREE,  /* an account says that an answer was wrong */
    HK_NOTICE_OLD_KEYS,  /* DB.keys was older than the audit log when the server started */
    HK_NOTICES
} hk_notice_kind;
HK_API const char *hk_notice_kind_name(hk_notice_kind kind);

typedef struct hk_notice {
    uint64_t number;
    int64_t at; /* seconds since 1970 UTC */
    hk_notice_kind kind;
    const char *list, *entry; /* NULL: of none */
    uint32_t entry_number;    /* 0: none is known */
    const char *client;       /* NULL: of none */
    const char *words;
    int64_t done; /* when a person was done with it; 0: open */
    const char *actor;
} hk_notice;
/* Calls on_notice with each open notice, or (all) with all of them, oldest first. */
HK_API HK_MUST_CHECK hk_status hk_notice_list(hk_keys *keys, bool all,
                                              void (*on_notice)(void *context,
                                                                const hk_notice *notice),
                                              void *context, hk_error *err);
/* A person is done with it. HK_ERR_USAGE: no such notice. */
HK_API HK_MUST_CHECK hk_status hk_notice_done(hk_keys *keys, uint64_t number, const hk_act *act,
                                              hk_error *err);

/* ---- in the server */

/* Any number of threads may use it at once. */
typedef struct hk_ledger hk_ledger;

typedef struct hk_ledger_options {
    size_t size;          /* of this struct, set by the INIT */
    unsigned sync_ms;     /* how often the audit log is put on the disk: what a power cut can lose.
                             0: before each answer. A killed process loses nothing either way */
    const char *anchor;   /* keep the log's head in this file too, on another disk; NULL: not */
    uint64_t audit_bytes; /* at which the log goes on in a new file */
    unsigned match_days;  /* how long a match id is good for feedback */
    /* The brake, by near hits of a day on one entry (ledger/brake.h says why these): */
    unsigned brake_clients; /* braked for all: this many accounts, */
    unsigned brake_hits;    /* this many hits together, */
    unsigned brake_share;   /* of which an account counts for so many at the most */
    unsigned brake_client;  /* braked for one account: this many hits of that one */
    /* Walks (ledger/walks.h): */
    unsigned walk_points;   /* at which an account is slowed, per day and picture */
    unsigned walk_delay_ms; /* for each further step; a minute at the most */
} hk_ledger_options;
#define HK_LEDGER_OPTIONS_INIT                                                                     \
    {                                                                                              \
        sizeof(hk_ledger_options), 1000, NULL, UINT64_C(1) << 30, 30, 5, 300, 100, 500, 512, 1000  \
    }

/* Opens the ledger of the store at `db`, makes DB.keys and DB.audit where they are missing, and
 * writes into the log that the server starts. What the log has beyond DB.keys, as beyond a restored
 * copy of it, is taken over first: who was made, changed, rotated and revoked stays so. options may
 * be NULL. HK_ERR_SYSTEM: another server has it, or the disk is full; HK_ERR_FORMAT: DB.keys or the
 * log's end are damaged. */
HK_API HK_MUST_CHECK hk_status hk_ledger_open(hk_ledger **out, const char *db,
                                              const hk_ledger_options *options, hk_error *err);
/* Writes what is left to be written. No other thread may be using it. */
HK_API void hk_ledger_close(hk_ledger *ledger);

typedef enum hk_admission {
    HK_ADMITTED = 0,
    HK_REFUSED_KEY,         /* no key, or none of ours (401) */
    HK_REFUSED_REVOKED,     /* revoked, or past its grace (401) */
    HK_REFUSED_CERTIFICATE, /* it is bound to another certificate (403) */
    HK_REFUSED_SCOPE,       /* the key is for something else (403) */
    HK_REFUSED_RATE,        /* too fast (429) */
    HK_REFUSED_QUOTA,       /* the day's items are used up (429) */
    HK_REFUSED_WALK,        /* slowed: it seems to feel its way towards an entry (429) */
    HK_REFUSED_LARGE,       /* more items than the burst: they will never fit (413) */
    HK_REFUSED_NOW,         /* keys cannot be looked up: DB.keys is gone or unreadable (503) */
    HK_ADMISSIONS
} hk_admission;
/* "admitted", "unknown_key", "revoked_key", ...: for machines. NULL out of range. */
HK_API const char *hk_admission_name(hk_admission admission);

typedef struct hk_caller {
    uint64_t client, key; /* numbers; 0: unknown */
    const char *name;     /* of the account; lives as long as the ledger */
    unsigned scopes;
    uint64_t items;          /* that were admitted */
    uint64_t retry_after_ms; /* of HK_REFUSED_RATE, _QUOTA, _WALK */
    bool near_closed;        /* the day's near answers are used up: hk_ledger_answer will give
                                HK_VERDICT_NOT_CHECKED for all but digest hits, so hashes need not be
                                searched for */
} hk_caller;

/* Whether who has this key (`length` bytes, any) may do this (one HK_SCOPE_*), with `items` items,
 * which are charged: what is admitted and not answered counts too. certificate: SHA-256 of the
 * client certificate (DER), once it is verified; NULL: none. Never waits; about a microsecond. */
HK_API hk_admission hk_ledger_admit(hk_caller *out, hk_ledger *ledger, const char *key,
                                    size_t length, const uint8_t certificate[32], unsigned scope,
                                    uint64_t items);

#define HK_MATCH_ID_SIZE 33 /* 32 hex digits and a NUL */

/* One item, as it was asked and searched for; hk_ledger_answer makes of it what may be answered. */
typedef struct hk_asked {
    const hk_hash *hashes; /* its PDQ hash, and other probes of the same image; borrowed */
    size_t hash_count;     /* 0: it was asked by digests alone */
    size_t hit;        /* which of them the nearest match was found by; 0 if that is not known */
    hk_match *matches; /* in: what was found, best first, known-good ones among them; out:
                          without those that are braked. Borrowed; moved within the array */
    size_t match_count;
    hk_verdict verdict;              /* in: of matching; out: to be answered */
    hk_verdict otherwise;            /* in: what it would be without any hit by hash */
    const char *reason;              /* out: why HK_VERDICT_NOT_CHECKED, if we made it so; static */
    char match_id[HK_MATCH_ID_SIZE]; /* out: of exact and near; "" for others */
} hk_asked;

typedef struct hk_answered {
    uint64_t number; /* of the record in the audit log */
    uint64_t by_verdict[HK_VERDICTS];
    uint64_t suppressed; /* near hits on braked entries */
} hk_answered;

/* Between search and answer: counts near answers and takes back those over the budget, brakes and
 * suppresses, looks for walks, gives match ids, and writes the audit record. Only if it returns
 * HK_OK may anything be answered, and then what the items say now. HK_ERR_SYSTEM: the audit log
 * cannot be written (503). address: of the caller, for the record; NULL: none. out may be NULL. */
HK_API HK_MUST_CHECK hk_status hk_ledger_answer(hk_answered *out, hk_ledger *ledger,
                                                const hk_caller *caller, hk_asked *items,
                                                size_t count, const char *address, hk_error *err);

/* Takes feedback on an answer; it is on the disk, and in the audit log, when this returns.
 * HK_ERR_USAGE: this account was given no such match id, or it has expired (404, whichever);
 * HK_ERR_LIMIT: the reason is over 1,000 bytes, or no UTF-8 (400). A second feedback takes the
 * place of the first. */
HK_API HK_MUST_CHECK hk_status hk_ledger_feedback(hk_ledger *ledger, const hk_caller *caller,
                                                  const char *match_id, bool agree,
                                                  const char *reason, const char *address,
                                                  hk_error *err);

/* Notes in the audit log that the lists were read anew, as `words` (UTF-8) says. */
HK_API HK_MUST_CHECK hk_status hk_ledger_note_reload(hk_ledger *ledger, uint64_t revision,
                                                     const char *words, hk_error *err);

/* HK_OK, or why nothing could be answered right now: for /readyz. */
HK_API HK_MUST_CHECK hk_status hk_ledger_ready(hk_ledger *ledger, hk_error *err);

/* Since it was opened; for /metrics. */
typedef struct hk_ledger_stats {
    uint64_t admissions[HK_ADMISSIONS];
    uint64_t by_verdict[HK_VERDICTS];
    uint64_t records, batches; /* of the audit log: written together with one call */
    uint64_t failed;           /* records that could not be written: answers refused */
    uint64_t suppressed, walk_steps;
    uint64_t brakes, clients; /* in force; accounts */
} hk_ledger_stats;
HK_API void hk_ledger_get_stats(hk_ledger_stats *out, hk_ledger *ledger);

/* ---- reading the audit log */

#define HK_CHAIN_TEXT_SIZE 65

/* The log's last record: noted elsewhere, it proves later that the log up to here is unchanged. */
typedef struct hk_audit_head {
    uint64_t number; /* of the record, from 1 on; 0: the log is empty */
    char chain[HK_CHAIN_TEXT_SIZE];
    int64_t at;    /* microseconds since 1970 UTC */
    unsigned file; /* it is in, from 1 on */
} hk_audit_head;
HK_API HK_MUST_CHECK hk_status hk_audit_get_head(hk_audit_head *out, const char *db, hk_error *err);

typedef struct hk_audit_check {
    size_t size;        /* of this struct, set by the INIT */
    const char *anchor; /* the file of hk_ledger_options; NULL: none */
    unsigned from_file; /* older ones have been taken away; 0: all must be there */
    uint64_t number;    /* of a head that was noted elsewhere; 0: none, */
    const char *chain;  /* and its chain, 64 hex digits */
} hk_audit_check;
#define HK_AUDIT_CHECK_INIT                                                                        \
    {                                                                                              \
        sizeof(hk_audit_check), NULL, 0, 0, NULL                                                   \
    }

typedef struct hk_audit_result {
    hk_audit_head head;
    uint64_t records, bytes;
    unsigned files;
    bool anchored;       /* DB.keys knew a head, and the log goes through it */
    uint64_t torn_bytes; /* at the end, of a record that was never acknowledged: no problem */
} hk_audit_result;

/* Reads the whole log and calls on_problem (may be NULL) with each thing that is wrong, up to a
 * hundred: an edit, a gap, a change of order, a tail that was cut off. *problems receives how many
 * there were. A server may be writing meanwhile. check may be NULL. What it cannot find: the work
 * of who can write the log, DB.keys, and the anchor's file, all three; and records of the last
 * second that are cut off before the anchor was written. A head noted elsewhere finds the first. */
HK_API HK_MUST_CHECK hk_status hk_audit_verify(
    hk_audit_result *out, size_t *problems, const char *db, const hk_audit_check *check,
    void (*on_problem)(void *context, const char *message), void *context, hk_error *err);

/* Calls on_record with each record from `first` on, in the files that are there, as its JSON object
 * of `length` bytes without the line's end; it returns false to stop. Checks the chain as it goes:
 * HK_ERR_FORMAT. */
HK_API HK_MUST_CHECK hk_status hk_audit_read(const char *db, uint64_t first,
                                             bool (*on_record)(void *context, uint64_t number,
                                                               const char *record, size_t length),
                                             void *context, hk_error *err);

/* ---- a copy of it all */

typedef struct hk_backup {
    hk_audit_head head; /* of the copied log */
    unsigned files;     /* of the log, */
    uint64_t bytes;     /* and their size */
} hk_backup;
/* Copies DB.keys, the log and DB into a folder, which is made where there is none, under their own
 * names, readable by their owner alone. A server may be running, and imports: the copy is one from
 * which a server can be started as it is, and of which no record is lost that its DB.keys knows. On
 * failure nothing of it stays. HK_ERR_USAGE: the folder holds a store of this name already;
 * HK_ERR_FORMAT: the log does not end as it should (hk_audit_verify). */
HK_API HK_MUST_CHECK hk_status hk_ledger_backup(hk_backup *out, const char *db, const char *folder,
                                                hk_error *err);

/* ---- two images ---------------------------------------------------------------------------- */

typedef struct hk_comparison {
    unsigned distance;          /* bits, the smallest over orientations and inversion */
    hk_orientation orientation; /* a, so turned, is b */
    bool inverted;
    int radius;    /* bits; -1: a is of a kind whose hash tells nothing even against one other */
    bool match;    /* distance within the radius */
    double chance; /* that an unrelated image comes this close: hk_false_match_chance among one */
    bool chance_extrapolated;
} hk_comparison;

/* Compares a with b, over a's eight orientations, as they are and inverted. When a is a bare hash
 * (orientations = 1) only hash[0] is looked at. max_distance -1: hk_radius of a's kind, under the
 * profile, among one entry. */
HK_API HK_MUST_CHECK hk_status hk_compare(hk_comparison *out, const hk_fingerprint *a,
                                          unsigned orientations, const hk_hash *b, int max_distance,
                                          hk_profile profile, hk_error *err);

/* ---- measuring ----------------------------------------------------------------------------- */

/* Times of one file in nanoseconds, medians over the repeats. */
typedef struct hk_bench_file {
    const char *path;
    hk_file_status status;
    const char *reason;
    const char *format;
    uint32_t width, height;
    uint64_t ours;     /* read, decode, grid, DCT, bits; 0: not timed */
    uint64_t digested; /* the same with MD5, SHA-1 and SHA-256 of the bytes in the same read */
    uint64_t floor;    /* read, libjpeg-turbo's own full grey decode; 0: no JPEG */
    /* Where `digested` went, in rounds of their own; bits includes quality and orientations. */
    uint64_t read, digest, decode, grid, dct, bits;
} hk_bench_file;

/* Times files in a decode worker: ours, with digests and the floor take turns `repeats` times
 * (1..1000) in one process. Walks as hk_scan_open does; of the options it takes the limits and
 * worker_path. */
typedef struct hk_bench hk_bench;
HK_API HK_MUST_CHECK hk_status hk_bench_open(hk_bench **out, const char *const *paths, size_t count,
                                             unsigned repeats, const hk_scan_options *options,
                                             hk_error *err);
/* The next file, borrowed until the next call; *out = NULL after the last. Files that cannot be
 * timed come with their status and no times. */
HK_API HK_MUST_CHECK hk_status hk_bench_next(const hk_bench_file **out, hk_bench *bench,
                                             hk_error *err);
HK_API void hk_bench_free(hk_bench *bench);

/* Median nanoseconds of the hash step alone (grid, DCT, bits, eight orientations) on generated
 * pixels of width x height. */
HK_API HK_MUST_CHECK hk_status hk_bench_hash_step(uint64_t *out_ns, uint32_t width, uint32_t height,
                                                  unsigned repeats, hk_error *err);

/* ---- what this build is -------------------------------------------------------------------- */

typedef struct hk_model_info {
    const char *id;       /* "pdq" */
    const char *checksum; /* SHA-256 of the model's frozen numbers, 64 hex digits */
    unsigned bits;
    unsigned max_distance;            /* the radius others use it with; ours is hk_radius */
    const char *calibration_checksum; /* SHA-256 of its chances of false matches, likewise */
    const char *aligned_checksum;     /* and of those of aligned ones */
} hk_model_info;

/* Model number `index` from 0; NULL past the last. Static. */
HK_API const hk_model_info *hk_model(unsigned index);

/* "0.1.0". Static. */
HK_API const char *hk_version(void);

/* "name version" lines of the libraries in use and of the decode worker's decoders, which it asks
 * a worker for (worker_path as in hk_scan_options). Free with free(). */
HK_API HK_MUST_CHECK hk_status hk_component_versions(char **out, const char *worker_path,
                                                     hk_error *err);

#ifdef __cplusplus
}
#endif
#endif
