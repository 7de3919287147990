/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run.c - the phases of a run that is kept in a case (run.h; hk_case_run, herken.h). */
#include "batch/run.h"

#include "batch/walk.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static const uint64_t second = 1000000000, tell_every = 100000000;
enum { FINE_SECONDS = 60, FINE_TICK = 1, TICK = 10 }; /* of the time line */

/* ---- telling and keeping ------------------------------------------------------------------- */

static void tell_now(hk__run *run)
{
    const hk_scan_options *scan = &run->options->scan;
    run->told = hk__clock_ns();
    run->progress.seconds = (double)(run->told - run->started) / 1e9;
    if (scan->on_progress)
        scan->on_progress(scan->context, &run->progress);
}

void hk__run_tell(hk__run *run)
{
    if (hk__clock_ns() - run->told >= tell_every)
        tell_now(run);
}

static hk_status tick(hk__run *run, uint64_t now, hk_error *err)
{
    run->ticked = now;
    return hk__case_tick(run->c, run->session, run->progress.done - run->progress.earlier,
                         run->progress.failed, err);
}

hk_status hk__run_keep_going(hk__run *run, hk_error *err)
{
    const uint64_t now = hk__clock_ns();
    hk_status status = HK_OK;
    hk__run_tell(run);
    if (now - run->committed < second)
        return HK_OK;
    const uint64_t wait = now - run->started < FINE_SECONDS * second ? FINE_TICK : TICK;
    if (now - run->ticked >= wait * second)
        status = tick(run, now, err);
    if (!status)
        status = hk__case_commit(run->c, err);
    run->committed = hk__clock_ns();
    return status;
}

static void begin_phase(hk__run *run, hk_case_state phase)
{
    run->progress = (hk_progress){.phase = hk_case_state_name(phase)};
    run->started = run->committed = run->ticked = hk__clock_ns();
    tell_now(run);
}

/* ---- planning ------------------------------------------------------------------------------ */

static hk_status plan_file(void *context, size_t input, const hk__planned *planned, hk_error *err)
{
    hk__run *run = context;
    const hk_run_options *options = run->options;
    run->walked++;
    if (options->shards > 1 &&
        XXH64(planned->path, strlen(planned->path), 0) % options->shards + 1 != options->shard)
        return HK_OK;
    run->progress.found++;
    hk__run_tell(run);
    return hk__case_plan(run->c, input, planned->path, planned->status, planned->reason, err);
}

/* All of it is one transaction: what was planned before a kill is gone. */
static hk_status plan(hk__run *run, hk_error *err)
{
    const size_t count = run->inputs.count;
    hk_status status = HK_OK;
    const char **given = hk__alloc(count, sizeof *given);
    if (!given)
        return hk__fail_memory(err);
    for (size_t i = 0; !status && i < count; i++) {
        given[i] = run->inputs.input[i].given;
        status = hk__case_add_input(run->c, given[i], run->inputs.input[i].absolute, err);
    }
    run->walked = 0;
    if (!status)
        status = hk__walk(given, count, plan_file, run, err);
    if (!status) {
        char walked[24];
        snprintf(walked, sizeof walked, "%" PRIu64, run->walked);
        status = hk__case_set(run->c, "walked", walked, err); /* hk_case_merge counts on it */
    }
    if (!status)
        status = hk__case_set_state(run->c, HK_CASE_RUNNING, err);
    if (!status)
        status = hk__case_commit(run->c, err);
    if (!status)
        tell_now(run);
    hk__free(given);
    return status;
}

/* ---- the case ------------------------------------------------------------------------------ */

/* The machine, and what is at work on it. Owned by the caller: free. */
static hk_status session_facts(char **machine, char **versions, const hk_run_options *options,
                               hk_error *err)
{
    struct utsname names;
    if (uname(&names) || asprintf(machine, "%s %s %s %s", names.sysname, names.release,
                                  names.machine, names.nodename) < 0) {
        *machine = NULL;
        return hk__fail_memory(err);
    }
    return hk_component_versions(versions, options->scan.worker_path, err);
}

static hk_status begin_session(hk__run *run, int64_t started, hk_error *err)
{
    char *machine = NULL, *versions = NULL;
    hk_status status = session_facts(&machine, &versions, run->options, err);
    if (!status)
        status = hk__case_session_begin(&run->session, run->c,
                                        &(hk_case_session){.started = started,
                                                           .workers = run->workers,
                                                           .machine = machine,
                                                           .versions = versions},
                                        err);
    free(machine);
    free(versions);
    return status;
}

/* Opens the case, or makes it where there is none. What a kill left of a case that was just being
 * made is an empty file. */
static hk_status open_case(hk_case **out, const char *path, hk_error *err)
{
    struct stat facts;
    if (stat(path, &facts) && errno == ENOENT)
        return hk__case_create(out, path, err);
    hk_status status = HK_ERR_FORMAT;
    if (!S_ISREG(facts.st_mode) || facts.st_size > 0)
        status = hk_case_open(out, path, HK_CASE_WRITE, err);
    if (status == HK_ERR_FORMAT && !stat(path, &facts) && S_ISREG(facts.st_mode) &&
        facts.st_size == 0) /* now, or after SQLite undid what was half done */
        status = hk__case_create(out, path, err);
    return status;
}

/* A case that has no plan yet: what is noted and what is planned go to the disk together. */
static hk_status begin_case(hk__run *run, const hk__inputs *named, int64_t started, hk_error *err)
{
    if (!named->count || !run->options->list_count)
        return hk__fail(err, HK_ERR_USAGE,
                        "%s: nothing is planned in this case yet: name the paths and the lists",
                        run->c->path);
    begin_phase(run, HK_CASE_PLANNING);
    hk_status status = hk__sql_run(run->c->db,
                                   "DELETE FROM file; DELETE FROM input; DELETE FROM list;"
                                   "DELETE FROM session; DELETE FROM tick",
                                   err);
    if (!status)
        status = hk__run_keep_settings(run->c, run->options, run->matcher, err);
    if (!status)
        status = hk__run_keep_lists(run->c, run->options, true, err);
    if (!status)
        status = begin_session(run, started, err);
    if (!status) {
        run->inputs = *named;
        status = plan(run, err);
        run->inputs = (hk__inputs){NULL, 0}; /* they are the caller's */
    }
    return status;
}

static hk_status make_matcher(hk__run *run, hk_error *err)
{
    const hk_run_options *o = run->options;
    hk_matcher_free(run->matcher);
    run->matcher = NULL;
    return o->list_count ? hk_matcher_new(&run->matcher, o->lists, o->list_count, &o->match, err)
                         : HK_OK;
}

/* What was not chosen is the case's: how many workers there are, and what is near, follow. */
static hk_status take_settings(hk__run *run, hk_error *err)
{
    const hk_match_options before = run->options->match, *now = &run->options->match;
    hk_status status = hk__run_take_settings(run->options, run->c, err);
    if (status)
        return status;
    hk__run_size(&run->workers, &run->worker_memory, run->options);
    const bool same = before.max_distance == now->max_distance && before.profile == now->profile &&
                      before.max_matches == now->max_matches &&
                      before.accept_uncertain == now->accept_uncertain &&
                      before.probes == now->probes;
    return same ? HK_OK : make_matcher(run, err);
}

/* A case that goes on, or is looked at again: nothing that decides its results may differ. */
static hk_status compare_case(hk__run *run, const hk__inputs *named, hk_case_state state,
                              hk_error *err)
{
    hk_status status = HK_OK;
    if (run->options->list_count) {
        status = hk__run_keep_lists(run->c, run->options, false, err);
    } else if (state != HK_CASE_FINISHED) {
        status = hk__fail(err, HK_ERR_USAGE, "%s: the run is not finished: name its lists",
                          run->c->path);
    }
    if (!status)
        status = hk__run_keep_settings(run->c, run->options, run->matcher, err);
    if (!status && named->count)
        status = hk__inputs_compare(named, &run->inputs, run->c, err);
    return status;
}

static void tell_groups(void *context, uint64_t done, uint64_t total)
{
    hk__run *run = context;
    run->progress.done = done;
    run->progress.found = total;
    hk__run_tell(run);
}

/* SQLite says that nothing was changed: not since the last commit. */
static hk_status say_kept(hk__run *run, hk_status status, hk_error *err)
{
    const int code = sqlite3_errcode(run->c->db);
    return status == HK_ERR_SYSTEM && (code == SQLITE_FULL || code == SQLITE_IOERR)
               ? hk__fail(err, status,
                          "%s: %s; what was done until a second before is kept: make room, and "
                          "the same command goes on",
                          run->c->path,
                          code == SQLITE_FULL ? "the disk is full"
                                              : "cannot be written: is the disk full, or failing?")
               : status;
}

/* Everything from the state in which the case is to its end. */
static hk_status go_on(hk__run *run, hk_case_state state, hk_error *err)
{
    hk_status status = HK_OK;
    uint64_t done = 0;
    if (state < HK_CASE_GROUPING) {
        hk_account account;
        begin_phase(run, HK_CASE_RUNNING);
        status = hk_case_account(&account, run->c, err);
        run->progress.found = account.found;
        for (int k = 0; k < HK_CLASSES; k++)
            run->progress.done += account.by_class[k];
        run->progress.earlier = run->progress.done;
        run->progress.failed = account.by_class[HK_CLASS_FAILED];
        if (!status)
            status = hk__run_files(run, err);
        done = run->progress.done - run->progress.earlier;
        if (!status)
            status = tick(run, hk__clock_ns(), err);
        if (!status)
            status = hk__case_set_state(run->c, HK_CASE_GROUPING, err);
        if (!status)
            status = hk__case_commit(run->c, err);
        if (!status)
            tell_now(run);
    }
    if (status)
        return status;
    begin_phase(run, HK_CASE_GROUPING);
    status = hk__case_group(run->c, run->workers, tell_groups, run, err);
    if (!status) {
        run->progress.done = run->progress.found;
        tell_now(run);
    }
    if (!status)
        status = hk__case_set_state(run->c, HK_CASE_FINISHED, err);
    if (!status)
        status = hk__case_session_end(run->c, run->session, done, err);
    return status ? status : hk__case_commit(run->c, err);
}

static hk_status run_case(hk__run *run, const hk__inputs *named, hk_error *err)
{
    const int64_t started = (int64_t)time(NULL);
    hk_case_info info;
    hk_status status = hk__inputs_keep_clear(named, run->options->path, err);
    if (!status)
        status = open_case(&run->c, run->options->path, err);
    if (!status)
        status = hk_case_describe(&info, run->c, err);
    if (status)
        return status;
    const bool fresh = info.state == HK_CASE_PLANNING;
    if (fresh)
        status = begin_case(run, named, started, err);
    if (!status)
        status = hk__inputs_of_case(&run->inputs, run->c, err);
    if (!status && !fresh)
        status = take_settings(run, err);
    if (!status && !fresh)
        status = compare_case(run, named, info.state, err);
    if (status || info.state == HK_CASE_FINISHED)
        return status;
    if (!fresh) {
        status = hk__inputs_keep_clear(&run->inputs, run->options->path, err);
        if (!status)
            status = hk__inputs_are_there(&run->inputs, run->c, err);
        if (!status)
            status = begin_session(run, started, err);
        if (!status)
            status = hk__case_commit(run->c, err);
    }
    return status ? status : say_kept(run, go_on(run, info.state, err), err);
}

hk_status hk_case_run(hk_account *out, const hk_run_options *options, hk_error *err)
{
    hk__inputs named = {NULL, 0};
    hk_run_options own;
    hk__run run = {.options = &own};
    hk_status status = hk__run_check(options, err);
    if (!status) {
        own = *options;
        status = make_matcher(&run, err);
    }
    if (!status && options->input_count)
        status = hk__inputs_find(&named, options->inputs, options->input_count, err);
    if (!status) {
        hk__run_size(&run.workers, &run.worker_memory, &own);
        status = run_case(&run, &named, err);
    }
    if (!status)
        status = hk_case_account(out, run.c, err);
    hk_case_close(run.c);
    hk__inputs_clear(&run.inputs);
    hk__inputs_clear(&named);
    hk_matcher_free(run.matcher);
    return status;
}
