/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_index.c - `herken index`: snapshots of lists, made, searched, checked and changed. */
#include "cli.h"
#include "output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: herken index build --list FILE --out SNAP [OPTIONS]\n"
    "       herken index search SNAP [OPTIONS] HASH... | -\n"
    "       herken index info SNAP [--json]\n"
    "       herken index verify SNAP [--json]\n"
    "       herken index add SNAP --list FILE [--skip-bad-lines]\n"
    "       herken index remove SNAP ID...\n"
    "       herken index merge SNAP [--threads N]\n\n"
    "A snapshot is a list as one file that opens at once, however long the list: its hashes, "
    "tables\n"
    "to find them by, and its digests. It holds no names: an entry's id is its number in the "
    "list,\n"
    "from 0; what is added later counts on from there. Additions and removals go into SNAP.delta\n"
    "beside it and are searched with it; `merge` makes them part of a new snapshot.\n\n"
    "`search` takes PDQ hashes and SHA-256 (64 hex digits, looked up as both), SHA-1 (40) and MD5\n"
    "(32); - reads them from stdin, one a line. Exit code 0: none is there, 1: at least one is,\n"
    "3: none was found, but the engine is one that may miss some.\n"
    "`verify` reads everything: exit code 1 if anything is wrong.\n\n"
    "  --list FILE          as for herken match\n"
    "  --out SNAP           where the snapshot shall lie; an older one there is replaced\n"
    "  --skip-bad-lines     go on without the malformed lines of a list\n"
    "  --max-distance N     radius in bits; for build: the one to be fastest at (default 31)\n"
    "  --max-hits N         hits given for each hash, the nearest (default 100, 0 for all)\n"
    "  --bytes-per-hash N   of the snapshot without digests, at most (default: 128 for short "
    "lists,\n"
    "                       90 for those of over 32 million)\n"
    "  --engine NAME        auto (default), mih or flat; for build and search also\n"
    "                       faiss:FACTORY[:nflip=N][:nprobe=N], which is written in FAISS' format\n"
    "  --faiss-module FILE  herken-faiss.so (default: of this build, or where installed)\n"
    "  --json               JSON Lines\n"
    "  --threads N          to make tables with (default 1)\n"
    "  --quiet              no remarks\n"
    "  --help               this text\n";

enum { LIST = CLI_OWN, OUT, SKIP_BAD_LINES, MAX_DISTANCE, MAX_HITS, BYTES, ENGINE, MODULE };
static const struct option options[] = {
    {"list", required_argument, NULL, LIST},
    {"out", required_argument, NULL, OUT},
    {"skip-bad-lines", no_argument, NULL, SKIP_BAD_LINES},
    {"max-distance", required_argument, NULL, MAX_DISTANCE},
    {"max-hits", required_argument, NULL, MAX_HITS},
    {"bytes-per-hash", required_argument, NULL, BYTES},
    {"engine", required_argument, NULL, ENGINE},
    {"faiss-module", required_argument, NULL, MODULE},
    {"json", no_argument, NULL, CLI_JSON},
    {"threads", required_argument, NULL, CLI_THREADS},
    {"quiet", no_argument, NULL, CLI_QUIET},
    {"help", no_argument, NULL, CLI_HELP},
    {NULL, 0, NULL, 0},
};

typedef struct request {
    cli_common common;
    const char *snapshot, *list, *out;
    bool skip_bad_lines;
    size_t max_hits;
    hk_index_options index;
    char *module;
    char **rest; /* what stands after the snapshot */
    size_t rest_count;
} request;

/* ---- build and info ------------------------------------------------------------------------ */

static json_t *info_object(const char *path, const hk_index *index)
{
    hk_index_info info;
    hk_index_describe(&info, index);
    json_t *object = json_object(), *digests = json_object();
    output_path(object, "snapshot", path);
    json_object_set_new(object, "engine", json_string(info.engine));
    json_object_set_new(object, "hashes", json_integer((json_int_t)info.hashes));
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        json_object_set_new(digests, hk_basis_name((hk_basis)basis),
                            json_integer((json_int_t)info.digests[basis]));
    json_object_set_new(object, "digests", digests);
    json_object_set_new(object, "next_id", json_integer((json_int_t)info.next_id));
    json_object_set_new(object, "bytes", json_integer((json_int_t)info.bytes));
    json_object_set_new(object, "tables", json_integer(info.tables));
    if (info.tables) {
        json_object_set_new(object, "group_bits", json_integer(info.group_bits));
        json_object_set_new(object, "tag_bits", json_integer(info.tag_bits));
    }
    json_object_set_new(object, "added", json_integer((json_int_t)info.added));
    json_object_set_new(object, "removed", json_integer((json_int_t)info.removed));
    return object;
}

static void print_info(const request *r, const char *path, const hk_index *index)
{
    if (r->common.json) {
        output_line(info_object(path, index));
        return;
    }
    hk_index_info info;
    hk_index_describe(&info, index);
    printf("%zu hashes, %zu MD5, %zu SHA-1, %zu SHA-256; the next id is %" PRIu64 "\n", info.hashes,
           info.digests[0], info.digests[1], info.digests[2], info.next_id);
    printf("%.1f MB, ", (double)info.bytes / 1e6);
    if (!strncmp(info.engine, "faiss:", 6))
        printf("engine %s\n", info.engine);
    else if (info.tables)
        printf("%u tables of %u-bit groups with %u-bit tags\n", info.tables, info.group_bits,
               info.tag_bits);
    else
        printf("no tables: every search is a scan\n");
    if (info.added || info.removed)
        printf("%zu added and %zu removed since it was made: herken index merge\n", info.added,
               info.removed);
}

static int build(request *r)
{
    hk_error err;
    hk_list *list = NULL;
    hk_index *index = NULL;
    if (!r->list || !r->out || r->snapshot)
        return cli_usage("index build takes --list FILE and --out SNAP");
    int code = cli_load_list(&list, r->list, r->skip_bad_lines, r->common.quiet);
    if (code < 0) {
        hk_status status = hk_list_index(&index, list, &r->index, &err);
        if (!status)
            status = hk_index_save(index, r->out, &err);
        if (!status)
            print_info(r, r->out, index);
        code = status ? cli_fail(&err) : CLI_DONE;
    }
    hk_index_free(index);
    hk_list_free(list);
    return code;
}

static int info(request *r)
{
    hk_error err;
    hk_index *index;
    if (r->rest_count)
        return cli_usage("index info takes one snapshot");
    if (hk_index_open(&index, r->snapshot, &r->index, &err))
        return cli_store_fail(&err);
    print_info(r, r->snapshot, index);
    hk_index_free(index);
    return CLI_DONE;
}

/* ---- search -------------------------------------------------------------------------------- */

/* One thing to look up: a digest, a hash, or what may be either. */
typedef struct query {
    bool is_hash, is_digest;
    hk_hash hash;
    hk_basis basis;
    uint8_t digest[32];
} query;

static int digit(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

static bool parse_query(query *out, const char *text)
{
    static const size_t digits[] = {32, 40, 64};
    const size_t length = strlen(text);
    memset(out, 0, sizeof *out);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        if (length != digits[basis])
            continue;
        for (size_t i = 0; i < length; i++) {
            const int d = digit(text[i]);
            if (d < 0)
                return false;
            out->digest[i / 2] = (uint8_t)(out->digest[i / 2] << 4 | d);
        }
        out->is_digest = true;
        out->basis = (hk_basis)basis;
        out->is_hash = !hk_hash_parse(&out->hash, text, length, NULL);
        return true;
    }
    return false;
}

static void print_hits(const request *r, const char *text, const query *q, const hk_hits *hits,
                       const uint32_t *ids, size_t id_count)
{
    if (r->common.json) {
        json_t *object = json_object(), *array = json_array();
        json_object_set_new(object, "query", json_string(text));
        for (size_t i = 0; i < id_count; i++)
            json_array_append_new(array, json_pack("{s:I,s:s}", "id", (json_int_t)ids[i], "basis",
                                                   hk_basis_name(q->basis)));
        for (size_t i = 0; i < hits->count; i++)
            json_array_append_new(array, json_pack("{s:I,s:s,s:i}", "id",
                                                   (json_int_t)hits->hit[i].item, "basis", "pdq",
                                                   "distance", (int)hits->hit[i].distance));
        json_object_set_new(object, "hits", array);
        if (hits->truncated)
            json_object_set_new(object, "truncated", json_true());
        if (hits->approximate)
            json_object_set_new(object, "approximate", json_true());
        output_line(object);
        return;
    }
    for (size_t i = 0; i < id_count; i++)
        printf("%s  same %-6s  %" PRIu32 "\n", text, hk_basis_name(q->basis), ids[i]);
    for (size_t i = 0; i < hits->count; i++)
        printf("%s  %3" PRIu32 " bits    %" PRIu32 "\n", text, hits->hit[i].distance,
               hits->hit[i].item);
}

/* What came of all that was looked up. */
typedef struct outcome {
    size_t asked;
    bool found, unsure; /* unsure: not found by an engine that may have missed it */
} outcome;

/* Looks one up. Returns -1 to go on, or an exit code. */
static int look_up(const request *r, const hk_index *index, const char *text, outcome *o)
{
    hk_error err;
    query q;
    if (!parse_query(&q, text))
        return cli_usage("'%s' is no hash: 64 hex digits for PDQ or SHA-256, 40 for SHA-1, 32 for "
                         "MD5",
                         text);
    hk_hits hits = {0};
    uint32_t *ids = NULL;
    size_t id_count = 0;
    hk_status status = hk_index_find_digest(&ids, &id_count, index, q.basis, q.digest, &err);
    if (!status && q.is_hash)
        status =
            hk_index_within(&hits, index, &q.hash, 1, r->index.max_distance, r->max_hits, &err);
    if (!status) {
        const bool found = id_count || hits.count;
        o->asked++;
        o->found |= found;
        o->unsure |= !found && hits.approximate;
        if (hits.truncated && !r->common.json && !r->common.quiet)
            cli_say("%s has more hits than %zu: --max-hits", text, r->max_hits);
        print_hits(r, text, &q, &hits, ids, id_count);
    }
    hk_hits_free(&hits);
    free(ids);
    return status ? cli_store_fail(&err) : -1;
}

static int search_stdin(const request *r, const hk_index *index, outcome *o)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    int code = -1;
    while (code < 0 && (length = getline(&line, &room, stdin)) >= 0) {
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
            line[--length] = '\0';
        if (strlen(line) != (size_t)length)
            code = cli_usage("a line of stdin holds a NUL byte: hashes are text");
        else if (length > 0)
            code = look_up(r, index, line, o);
    }
    free(line);
    if (code < 0 && ferror(stdin)) {
        cli_say("cannot read the hashes from stdin");
        code = CLI_SYSTEM;
    }
    return code;
}

static int search(request *r)
{
    hk_error err;
    hk_index *index;
    outcome o = {0};
    if (!r->rest_count)
        return cli_usage("no hashes to look up: name some, or - for stdin");
    if (hk_index_open(&index, r->snapshot, &r->index, &err))
        return cli_store_fail(&err);
    int code = -1;
    for (size_t i = 0; code < 0 && i < r->rest_count; i++)
        code = !strcmp(r->rest[i], "-") ? search_stdin(r, index, &o)
                                        : look_up(r, index, r->rest[i], &o);
    hk_index_free(index);
    if (code >= 0)
        return code;
    if (!o.asked) /* an empty pipe is not "none is there" */
        return cli_usage("no hashes to look up: stdin held none");
    if (o.found)
        return CLI_MATCH;
    if (o.unsure)
        cli_say("not found, but %s may miss what is there: look it up with an exact engine",
                r->index.engine);
    return o.unsure ? CLI_PARTIAL : CLI_DONE;
}

/* ---- verify -------------------------------------------------------------------------------- */

static void say_problem(void *context, const char *message)
{
    const request *r = context;
    if (r->common.json)
        output_line(json_pack("{s:s}", "problem", message));
    else
        printf("%s\n", message);
}

static int verify(request *r)
{
    hk_error err;
    size_t problems;
    if (r->rest_count)
        return cli_usage("index verify takes one snapshot");
    const hk_status status = hk_index_verify(&problems, r->snapshot, say_problem, r, &err);
    if (status == HK_ERR_FORMAT) { /* so wrong that it cannot be opened */
        say_problem(r, err.message);
        problems = 1;
    } else if (status) {
        return cli_store_fail(&err);
    }
    if (r->common.json)
        output_line(json_pack("{s:b,s:I}", "ok", problems == 0, "problems", (json_int_t)problems));
    else if (problems)
        printf("%zu problems: make the snapshot anew from its list\n", problems);
    else
        printf("every block and every table is as it should be\n");
    return problems ? CLI_MATCH : CLI_DONE;
}

/* ---- changes ------------------------------------------------------------------------------- */

static int report_change(request *r, hk_live *live)
{
    hk_error err;
    hk_index *view;
    if (hk_live_view(&view, live, &err))
        return cli_store_fail(&err);
    print_info(r, r->snapshot, view);
    hk_index_free(view);
    return CLI_DONE;
}

static hk_status add_list(hk_live *live, const hk_list *list, hk_error *err)
{
    hk_index *view = NULL;
    hk_index_change *changes = NULL;
    size_t count;
    hk_index_info before;
    hk_status status = hk_live_view(&view, live, err);
    if (status)
        return status;
    hk_index_describe(&before, view);
    status = hk_list_changes(&changes, &count, list, before.next_id, err);
    if (!status)
        status = hk_live_apply(live, changes, count, err);
    free(changes);
    hk_index_free(view);
    return status;
}

static hk_status remove_ids(hk_live *live, const request *r, hk_error *err)
{
    hk_index_change *changes = calloc(r->rest_count, sizeof *changes);
    hk_status status = HK_OK;
    if (!changes) {
        *err = (hk_error){HK_ERR_NO_MEMORY, "out of memory"};
        return err->status;
    }
    for (size_t i = 0; !status && i < r->rest_count; i++) {
        uint64_t id;
        if (!cli_number(&id, "id", r->rest[i], 0, UINT32_MAX, false))
            status = HK_ERR_USAGE;
        else
            changes[i] = (hk_index_change){.kind = HK_CHANGE_REMOVE, .id = (uint32_t)id};
    }
    if (status)
        snprintf(err->message, sizeof err->message, "nothing was removed");
    err->status = status;
    if (!status)
        status = hk_live_apply(live, changes, r->rest_count, err);
    free(changes);
    return status;
}

static int change(request *r, const char *what)
{
    hk_error err = {0};
    hk_live *live = NULL;
    hk_list *list = NULL;
    int code = -1;
    if (!strcmp(what, "add") && (!r->list || r->rest_count))
        return cli_usage("index add takes one snapshot and --list FILE");
    if (!strcmp(what, "remove") && !r->rest_count)
        return cli_usage("index remove takes a snapshot and the ids to remove");
    if (!strcmp(what, "merge") && r->rest_count)
        return cli_usage("index merge takes one snapshot");
    if (!strcmp(what, "add"))
        code = cli_load_list(&list, r->list, r->skip_bad_lines, r->common.quiet);
    if (code < 0) {
        hk_status status = hk_live_open(&live, r->snapshot, 0, &r->index, &err);
        if (!status)
            status = list                     ? add_list(live, list, &err)
                     : !strcmp(what, "merge") ? hk_live_merge(live, &err)
                                              : remove_ids(live, r, &err);
        code = status ? cli_store_fail(&err) : report_change(r, live);
    }
    hk_live_free(live);
    hk_list_free(list);
    return code;
}

static int add(request *r)
{
    return change(r, "add");
}

static int remove_entries(request *r)
{
    return change(r, "remove");
}

static int merge(request *r)
{
    return change(r, "merge");
}

/* ---- the command --------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int (*run)(request *r);
} verbs[] = {{"build", build},          {"search", search}, {"info", info},
             {"verify", verify},        {"add", add},       {"merge", merge},
             {"remove", remove_entries}};

static int run(request *r, const char *verb)
{
    for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++) {
        if (strcmp(verb, verbs[v].name) != 0)
            continue;
        if (!r->snapshot && verbs[v].run != build)
            return cli_usage("index %s takes a snapshot", verb);
        return cli_finish(verbs[v].run(r));
    }
    return cli_usage("index does build, search, info, verify, add, remove or merge, not '%s'",
                     verb);
}

static int take_option(request *r, int option)
{
    uint64_t value;
    switch (option) {
    case LIST:
        r->list = optarg;
        return -1;
    case OUT:
        r->out = optarg;
        return -1;
    case SKIP_BAD_LINES:
        r->skip_bad_lines = true;
        return -1;
    case MAX_DISTANCE:
        if (!cli_number(&value, "max-distance", optarg, 0, HK_HASH_BITS, false))
            return CLI_USAGE;
        r->index.max_distance = (unsigned)value;
        return -1;
    case MAX_HITS:
        if (!cli_number(&value, "max-hits", optarg, 0, UINT32_MAX, false))
            return CLI_USAGE;
        r->max_hits = (size_t)value;
        return -1;
    case BYTES:
        if (!cli_number(&value, "bytes-per-hash", optarg, 35, 1024, false))
            return CLI_USAGE;
        r->index.bytes_per_hash = (unsigned)value;
        return -1;
    case ENGINE:
        r->index.engine = optarg;
        return -1;
    case MODULE:
        r->index.faiss_module = optarg;
        return -1;
    case CLI_THREADS:
        if (!cli_number(&value, "threads", optarg, 1, 1024, false))
            return CLI_USAGE;
        r->index.threads = (unsigned)value;
        return -1;
    case CLI_HELP:
        fputs(help, stdout);
        return cli_finish(CLI_DONE);
    default:
        return cli_option(&r->common, option, help);
    }
}

int cmd_index(int argc, char **argv)
{
    request r = {.common = CLI_COMMON_INIT, .max_hits = 100, .index = HK_INDEX_OPTIONS_INIT};
    int code = -1, option;
    const char *verb = argc > 1 && *argv[1] != '-' ? argv[1] : "";
    if (*verb)
        optind = 2;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        code = take_option(&r, option);
    if (code < 0) {
        r.snapshot = optind < argc ? argv[optind] : NULL;
        r.rest = argv + optind + 1;
        r.rest_count = r.snapshot ? (size_t)(argc - optind - 1) : 0;
        r.module = r.index.faiss_module ? NULL : cli_find_faiss();
        if (r.module)
            r.index.faiss_module = r.module;
        code = run(&r, verb);
    }
    free(r.module);
    cli_clear(&r.common);
    return code;
}
