/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check_parts.h - `herken check`, the provider's gate: its parts, and what they hand to each other.
 *
 *      check_run     paths -> scan -> verdict, or a batch of items for the server
 *      check_item    what is asked of a file: hashes and digests, never its path or its bytes
 *      check_ask     a batch -> answers; waits and asks again, within its patience
 *      check_answer  what a server's answer says, which may be anything
 *      check_http    the connection (libcurl), the key, which addresses are allowed
 *      check_queue   what could not be asked, kept on the disk; check_drain asks it later
 *      check_report  a line for each file, the account, the exit code
 *      check_hook    --on-hit
 *      check_watch   --watch; check_spool moves files out of the folder
 *
 * Nothing becomes `none` but by a look-up that took place: whatever else happens to a file ends as
 * `not_checked`.
 */
#ifndef HERKEN_CHECK_PARTS_H
#define HERKEN_CHECK_PARTS_H

#include "cli.h"

#include <jansson.h>
#include <sys/stat.h>

enum {
    CHECK_BATCH = 1000,      /* items of one request: what the server takes */
    CHECK_REASON_SIZE = 64,  /* of a server's reason, with its NUL */
    CHECK_MATCH_ID_SIZE = 65 /* of its match id */
};

/* ---- a file and what became of it ---------------------------------------------------------- */

/* A file that the server is asked about. */
typedef struct check_subject {
    char *path; /* raw bytes; owned */
    hk_file_status status;
    char *detail;          /* why, in words; owned; NULL: nothing to say */
    const char *otherwise; /* why it is not_checked although the server finds nothing: static;
                              NULL: then it is none */
    char *item;            /* the item as JSON, without its ref; owned. NULL: nothing to ask by */
    int64_t row;           /* its number in the queue; 0: it is not there */
} check_subject;

/* Makes a subject of a scanned file. HK_ERR_NO_MEMORY is its only error. */
hk_status check_subject_make(check_subject *out, const hk_file *file) HK_MUST_CHECK;
void check_subject_clear(check_subject *subject);

/* The verdict on a subject. */
typedef struct check_answer {
    hk_verdict verdict;
    bool asked;                     /* the server has given it */
    bool queued;                    /* it will be asked later */
    char reason[CHECK_REASON_SIZE]; /* why not_checked; "" */
    char match_id[CHECK_MATCH_ID_SIZE];
    json_t *categories; /* array of strings; owned; NULL: none */
} check_answer;

/* What is reported. Everything is borrowed. */
typedef struct check_result {
    const char *path;
    hk_file_status status;
    const char *detail;
    hk_verdict verdict;
    const char *reason;   /* why not_checked; NULL otherwise */
    const char *match_id; /* of a server; NULL: none */
    const json_t *categories;
    bool queued;
    const hk_file *file; /* of a local look-up; NULL: of a server */
} check_result;

/* ---- --on-hit ------------------------------------------------------------------------------ */

enum { CHECK_HOOKS_AT_ONCE = 4 };

/* The programs that run now. */
typedef struct check_hooks {
    const char *program; /* --on-hit; NULL: none */
    unsigned timeout_ms; /* for one run */
    struct check_hook {
        pid_t pid; /* 0: free */
        uint64_t started;
        bool *failed; /* set where it fails; may be NULL */
    } running[CHECK_HOOKS_AT_ONCE];
    uint64_t failures;
} check_hooks;

/* Runs the program for a hit, once there is room: PROGRAM VERDICT PATH, and the rest in its
 * environment. *failed (may be NULL) is set to true if it cannot be run, fails or takes too long,
 * at the latest when check_hooks_wait returns. */
void check_hooks_run(check_hooks *hooks, const check_result *result, bool *failed);
void check_hooks_wait(check_hooks *hooks);

/* ---- reporting ----------------------------------------------------------------------------- */

typedef struct check_report {
    bool json, all, flush; /* flush: write each batch out at once */
    bool asked;            /* verdicts are a server's */
    bool drained;          /* nothing to do is no reason to worry */
    uint64_t entries;      /* that a local look-up goes through */
    hk_account account;    /* with the verdicts that were reported */
    uint64_t queued;
    check_hooks hooks;
    bool failed; /* the system failed: results are not complete */
} check_report;

/* Prints a line, counts, runs --on-hit. False: it cannot be written; report->failed is set. */
bool check_report_file(check_report *report, const check_result *result, bool *hook_failed);
/* The same of a subject and its answer. */
bool check_report_answer(check_report *report, const check_subject *subject,
                         const check_answer *answer, bool *hook_failed);
/* Writes out what was printed. False: that failed, as above. */
bool check_report_flush(check_report *report);
/* Waits for --on-hit, prints the account; the exit code. */
int check_report_end(check_report *report);

/* ---- the server ---------------------------------------------------------------------------- */

typedef struct check_server {
    const char *url; /* https://HOST[:PORT][/PREFIX], http:// to loopback, unix:PATH; NULL: local */
    const char *key_file, *ca, *cert, *cert_key; /* PEM files; NULL: none */
    unsigned timeout_ms;                         /* for one request */
    unsigned patience_ms; /* for a server that is away, waiting and asking again */
} check_server;

typedef struct check_http check_http;

/* What a request led to. Text is owned. */
typedef struct check_reply {
    enum {
        CHECK_NO_REPLY = 0, /* connection refused, cut off, too slow, too long: try again */
        CHECK_UNTRUSTED,    /* its certificate does not hold, or ours is refused */
        CHECK_REPLY         /* with a status and a body */
    } what;
    long status;
    char *body; /* [length] and a NUL; NULL: none */
    size_t length;
    uint64_t retry_after_ms; /* 0: not said */
    char words[160];         /* what went wrong with the connection */
} check_reply;

/* False where this build has no libcurl. */
bool check_http_built(void);
/* Looks at the address and reads the key. Returns -1 to go on, or an exit code. */
int check_http_open(check_http **out, const check_server *server);
/* POST /v1/check with a body; an answer over `longest` bytes is none. False: no memory. */
bool check_http_post(check_reply *out, check_http *http, const char *body, size_t length,
                     size_t longest);
void check_http_close(check_http *http);

/* Reads an answer's body: answers[i] is filled for ref[i] where it has one. False, and words why:
 * nothing in it can be relied on, and answers are as they were. Each ref is of CHECK_REF_SIZE. */
enum { CHECK_REF_SIZE = 24, CHECK_WORDS_SIZE = 160 };
bool check_answers_read(check_answer *answers, const char (*refs)[CHECK_REF_SIZE], size_t count,
                        const char *body, size_t length, char words[CHECK_WORDS_SIZE]);
void check_answer_clear(check_answer *answer);

typedef struct check_asker {
    check_http *http;
    uint64_t patience_ns;
    uint64_t away_since;   /* clock; 0: it answers */
    uint64_t next_try;     /* clock: not before */
    uint64_t delay_ns;     /* the next back-off */
    const bool *stop;      /* set: no more waiting; may be NULL */
    bool quiet, told_away; /* that it is away was said */
    bool once;             /* one try, no waiting: whoever calls comes again */
} check_asker;

/* Asks about the subjects that have an item; every answer is set, those of the others too: where
 * the server was not asked, or has not answered, `asked` is false and the reason says why. False:
 * the system failed. */
bool check_ask(check_answer *answers, check_asker *asker, const check_subject *subjects,
               size_t count);
/* Whether another try makes sense now. */
bool check_ask_ready(const check_asker *asker);

/* ---- the queue ----------------------------------------------------------------------------- */

/*
 * DIR/queue.db (SQLite, one row an item) and DIR/drain.lock, both for their owner alone. What was
 * put is on the disk when check_queue_put returns; a row goes when its verdict was reported. Any
 * number of processes may put; one at a time drains.
 */
typedef struct check_queue check_queue;

/* Makes DIR where it is missing. Says what is wrong and returns NULL on failure. */
check_queue *check_queue_open(const char *folder);
void check_queue_close(check_queue *queue);
/* Puts those subjects whose answer was not `asked` and that have an item, and marks the answers as
 * queued. False: it says why, and nothing was put. */
bool check_queue_put(check_queue *queue, const check_subject *subjects, check_answer *answers,
                     size_t count);
/* The oldest rows behind row `after`, up to CHECK_BATCH; *count 0: none. */
bool check_queue_take(check_subject *out, size_t *count, check_queue *queue, int64_t after);
/* Drops rows of which done[i] is set. */
bool check_queue_drop(check_queue *queue, const check_subject *subjects, const bool *done,
                      size_t count);
/* To be the only one that drains; false: another process does. */
bool check_queue_lock(check_queue *queue);
void check_queue_unlock(check_queue *queue);

/* ---- running ------------------------------------------------------------------------------- */

typedef struct check_request {
    cli_common common;
    const char *db, *stored; /* --db, --lists */
    hk_match_options match;
    bool profiled; /* --profile was given */
    bool probed;   /* --probes was given */
    check_server server;
    const char *queue_folder, *watch;
    const char *clean_to, *hit_to, *unsure_to;
    bool drain;

    cli_lists lists; /* these of a local look-up */
    hk_matcher *matcher;
    struct stat seen_db[2]; /* the store and its log when the lists were loaded */
    check_asker asker;      /* and these of a server */
    check_queue *queue;     /* NULL: none */
    check_report report;
    bool stop; /* told to end */
    /* For --watch; NULL: none. The first is called for each file once it is reported, the second
       before: it says where to note that --on-hit failed for it. */
    void (*on_result)(struct check_request *r, const char *path, hk_verdict verdict, bool queued,
                      bool *hook_failed);
    bool *(*hook_place)(struct check_request *r, const char *path);
} check_request;

/* Opens the lists or the connection, and the queue. Returns -1 to go on, or an exit code. */
int check_open(check_request *r);
/* Loads the lists anew where the store was written to since. As above. */
int check_renew(check_request *r);
void check_close(check_request *r);

/* Checks the paths and reports them, without the account. Returns -1, or an exit code where the
 * system failed. */
int check_paths(check_request *r, const char *const *paths, size_t count);
/* Asks what waits in the queue. The same. */
int check_drain(check_request *r);
/* Watches the folder until it is told to stop. The same. */
int check_watch(check_request *r);

/* ---- the spool folder ---------------------------------------------------------------------- */

typedef struct check_spool {
    int folder, clean, hit, unsure; /* descriptors; -1: files stay */
} check_spool;

/* Opens the folders. Returns -1, or an exit code. */
int check_spool_open(check_spool *spool, const check_request *r);
void check_spool_close(check_spool *spool);
/* Whether it is the file that it was: same inode, size and times. */
bool check_spool_same(const struct stat *a, const struct stat *b);
/* Whether somebody has it open for writing, as far as the system tells. */
bool check_spool_written(const check_spool *spool, const char *name);
/* Renames it into the folder of its verdict; where its name is taken, NAME.1, NAME.2, ... False: it
 * says why. A file that is gone is no failure. */
bool check_spool_move(const check_spool *spool, const char *name, int target);

/* Nanoseconds of a clock that only goes forward. */
uint64_t check_clock(void);
/* Waits until the clock shows `until`, or *stop (may be NULL) is set. */
void check_sleep(uint64_t until, const bool *stop);

#endif
