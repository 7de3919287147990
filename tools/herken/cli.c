/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli.c - see cli.h. */
#include "cli.h"
#include "output.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char cli_common_help[] =
    "\nCommon options:\n"
    "  --json               JSON Lines on stdout, one object per file\n"
    "  --threads N          decode processes (default: one per processor)\n"
    "  --files0-from F      more paths from file F (- for stdin), each ended by a NUL byte\n"
    "  --quiet              no progress and no remarks\n"
    "  --progress MODE      auto (default), none or json, on stderr\n"
    "  --timeout SECONDS    for one file (default 30)\n"
    "  --max-pixels N       of one picture (default 256M)\n"
    "  --max-bytes N        of one image file (default 256M)\n"
    "  --max-pages N        frames or pages of one file (default 100000)\n"
    "  --frames-of WHICH    of animations and files of several pages: ends (first, middle and "
    "last;\n"
    "                       the default), all (at most 64) or first\n"
    "  --allow-format LIST  decode these as well: bmp, jxl, jp2\n"
    "  --worker-memory N    address space of a decode process (default 2G)\n"
    "  --worker PROGRAM     the decode worker (default: beside this program, or where installed)\n"
    "  --help               this text\n";

/* Whose help is pointed to. */
static const char *command;

void cli_name_command(const char *words)
{
    command = words;
}

/* Names and arguments in a message may hold anything: none of it reaches the terminal raw. */
static void say(const char *format, va_list args, bool usage)
{
    char *raw = NULL, *text = NULL;
    if (vasprintf(&raw, format, args) >= 0)
        text = output_printable(raw);
    fprintf(stderr, "herken: %s", text ? text : "out of memory");
    if (usage)
        fprintf(stderr, "; see herken%s%s --help", command ? " " : "", command ? command : "");
    fputc('\n', stderr);
    free(raw);
    free(text);
}

void cli_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args, false);
    va_end(args);
}

int cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args, true);
    va_end(args);
    return CLI_USAGE;
}

int cli_fail(const hk_error *err)
{
    cli_say("%s", err->message);
    switch (err->status) {
    case HK_ERR_USAGE:
    case HK_ERR_FORMAT:
        return CLI_USAGE;
    default:
        return CLI_SYSTEM;
    }
}

int cli_store_fail(const hk_error *err)
{
    const int code = cli_fail(err);
    return err->status == HK_ERR_FORMAT ? CLI_SYSTEM : code;
}

int cli_finish(int code)
{
    if (fflush(stdout) || ferror(stdout)) {
        cli_say("cannot write the results: %s", strerror(errno));
        return CLI_SYSTEM;
    }
    return code;
}

bool cli_number(uint64_t *out, const char *option, const char *text, uint64_t low, uint64_t high,
                bool scaled)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10), factor = 1;
    if (scaled && *end && !end[1]) {
        factor = *end == 'k' ? 1 << 10 : *end == 'M' ? 1 << 20 : *end == 'G' ? 1 << 30 : 0;
        end += factor != 0;
    }
    if (errno || end == text || *end || *text < '0' || *text > '9' ||
        __builtin_mul_overflow(value, factor, &value) || value < low || value > high) {
        cli_usage("--%s takes a whole number from %llu to %llu, not '%s'", option,
                  (unsigned long long)low, (unsigned long long)high, text);
        return false;
    }
    *out = value;
    return true;
}

bool cli_profile(hk_profile *out, const char *text)
{
    for (int p = 0; hk_profile_name((hk_profile)p); p++)
        if (!strcmp(text, hk_profile_name((hk_profile)p))) {
            *out = (hk_profile)p;
            return true;
        }
    cli_usage("--profile takes gate or review, not '%s'", text);
    return false;
}

bool cli_probes(hk_probes *out, const char *text)
{
    for (int p = 0; hk_probes_name((hk_probes)p); p++)
        if (!strcmp(text, hk_probes_name((hk_probes)p))) {
            *out = (hk_probes)p;
            return true;
        }
    cli_usage("--probes takes fast, standard or thorough, not '%s'", text);
    return false;
}

/* Reads the NUL-ended paths of a file. */
static bool read_paths(cli_common *common, const char *name)
{
    FILE *file = !strcmp(name, "-") ? stdin : fopen(name, "rbe");
    size_t size = 0, capacity = 1 << 16, ends = 0;
    char *text = file ? malloc(capacity) : NULL;
    if (!text) {
        cli_say("cannot open %s: %s", name, strerror(errno));
        return false;
    }
    for (size_t n; (n = fread(text + size, 1, capacity - size - 1, file)) > 0;) {
        size += n;
        if (size < capacity - 1)
            continue;
        char *grown = realloc(text, capacity *= 2);
        if (!grown) {
            free(text);
            cli_say("out of memory");
            return false;
        }
        text = grown;
    }
    const bool failed = ferror(file);
    const int error = errno;
    if (file != stdin)
        fclose(file);
    if (failed) {
        cli_say("cannot read the paths in %s: %s", name, strerror(error));
        free(text);
        return false;
    }
    text[size] = '\0';
    for (size_t i = 0; i < size; i++)
        ends += text[i] == '\0';
    common->paths = calloc(ends + 2, sizeof *common->paths);
    common->path_text = text;
    if (!common->paths) {
        cli_say("out of memory");
        return false;
    }
    for (char *p = text; p < text + size; p += strlen(p) + 1)
        if (*p)
            common->paths[common->path_count++] = p;
    return true;
}

/* The argument that getopt stumbled over. */
static const char *arguments_end;
static char *const *arguments;

void cli_arguments(int argc, char **argv)
{
    opterr = 0; /* getopt's own messages print arguments raw */
    arguments = argv;
    arguments_end = argc > 0 ? argv[argc - 1] : "";
}

static const char *cli_argument(void)
{
    return optind > 0 && arguments[optind - 1] ? arguments[optind - 1] : arguments_end;
}

static bool take_frames(cli_common *common, const char *text)
{
    const char *name;
    for (int i = 0; (name = hk_frames_name((hk_frames)i)); i++)
        if (!strcmp(name, text)) {
            common->scan.frames = (hk_frames)i;
            return true;
        }
    return false;
}

/* Names with commas between. */
static bool allow_formats(cli_common *common, const char *text)
{
    for (;;) {
        const size_t length = strcspn(text, ",");
        const char *name;
        unsigned i = 0;
        while ((name = hk_allow_name(i)) && (strlen(name) != length || memcmp(name, text, length)))
            i++;
        if (!name)
            return false;
        common->scan.allow |= 1u << i;
        if (!text[length])
            return true;
        text += length + 1;
    }
}

int cli_option(cli_common *common, int code, const char *help)
{
    uint64_t value;
    switch (code) {
    case CLI_JSON:
        common->json = true;
        return -1;
    case CLI_THREADS:
        if (!cli_number(&value, "threads", optarg, 1, 1024, false))
            return CLI_USAGE;
        common->scan.workers = (unsigned)value;
        return -1;
    case CLI_QUIET:
        common->quiet = true;
        return -1;
    case CLI_PROGRESS:
        if (!strcmp(optarg, "auto"))
            common->progress = CLI_PROGRESS_AUTO;
        else if (!strcmp(optarg, "none"))
            common->progress = CLI_PROGRESS_NONE;
        else if (!strcmp(optarg, "json"))
            common->progress = CLI_PROGRESS_JSON;
        else
            return cli_usage("--progress takes auto, none or json, not '%s'", optarg);
        return -1;
    case CLI_HELP:
        fputs(help, stdout);
        fputs(cli_common_help, stdout);
        return cli_finish(CLI_DONE);
    case CLI_MAX_PIXELS:
        return cli_number(&common->scan.max_pixels, "max-pixels", optarg, 25, UINT64_C(1) << 40,
                          true)
                   ? -1
                   : CLI_USAGE;
    case CLI_MAX_BYTES:
        return cli_number(&common->scan.max_bytes, "max-bytes", optarg, 1, UINT64_C(1) << 40, true)
                   ? -1
                   : CLI_USAGE;
    case CLI_MAX_PAGES:
        if (!cli_number(&value, "max-pages", optarg, 1, UINT32_MAX, false))
            return CLI_USAGE;
        common->scan.max_pages = (uint32_t)value;
        return -1;
    case CLI_FRAMES_OF:
        return take_frames(common, optarg)
                   ? -1
                   : cli_usage("--frames-of takes ends, all or first, not '%s'", optarg);
    case CLI_ALLOW_FORMAT:
        return allow_formats(common, optarg)
                   ? -1
                   : cli_usage("--allow-format takes bmp, jxl and jp2, not '%s'", optarg);
    case CLI_WORKER_MEMORY:
        return cli_number(&common->scan.worker_memory, "worker-memory", optarg, UINT64_C(256) << 20,
                          UINT64_C(1) << 44, true)
                   ? -1
                   : CLI_USAGE;
    case CLI_TIMEOUT:
        if (!cli_number(&value, "timeout", optarg, 1, 300, false))
            return CLI_USAGE;
        common->scan.timeout_ms = (unsigned)value * 1000;
        return -1;
    case CLI_WORKER:
        free(common->worker);
        common->worker = strdup(optarg);
        return common->worker ? -1 : CLI_SYSTEM;
    case CLI_FILES0:
        if (common->paths)
            return cli_usage("--files0-from can be given once");
        return read_paths(common, optarg) ? -1 : CLI_USAGE;
    default:
        return cli_usage("%s: not an option here, or without its value", cli_argument());
    }
}

/* The first of `places` that is there, seen from the folder of this program. Owned. */
static char *beside(const char *const places[], size_t count, int mode)
{
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0)
        return NULL;
    program[n] = '\0';
    char *slash = strrchr(program, '/');
    for (size_t i = 0; slash && i < count; i++) {
        char *path = NULL;
        if (asprintf(&path, "%.*s/%s", (int)(slash - program), program, places[i]) < 0)
            return NULL;
        if (!access(path, mode))
            return path;
        free(path);
    }
    return NULL;
}

/* The worker of this very build: beside the program, or where an installed tree keeps it. */
static char *find_worker(void)
{
    static const char *const places[] = {"herken-worker", "../libexec/herken/herken-worker"};
    return beside(places, sizeof places / sizeof *places, X_OK);
}

char *cli_find_edits(void)
{
    static const char *const places[] = {"herken-edits", "../libexec/herken/herken-edits"};
    return beside(places, sizeof places / sizeof *places, X_OK);
}

char *cli_find_server(void)
{
    static const char *const places[] = {"herkend", "../libexec/herken/herkend"};
    return beside(places, sizeof places / sizeof *places, X_OK);
}

char *cli_find_faiss(void)
{
    static const char *const places[] = {"../lib/herken-faiss.so", "../lib/herken/herken-faiss.so"};
    return beside(places, sizeof places / sizeof *places, R_OK);
}

int cli_paths(cli_common *common, int argc, char **argv)
{
    const size_t more = (size_t)(argc - optind);
    char **all = realloc(common->paths, (common->path_count + more + 1) * sizeof *all);
    if (!all) {
        cli_say("out of memory");
        return CLI_SYSTEM;
    }
    /* Those on the command line first. */
    memmove(all + more, all, common->path_count * sizeof *all);
    memcpy(all, argv + optind, more * sizeof *all);
    common->paths = all;
    common->path_count += more;
    if (!common->worker)
        common->worker = find_worker();
    common->scan.worker_path = common->worker;
    return -1;
}

void cli_clear(cli_common *common)
{
    free(common->worker);
    free(common->paths);
    free(common->path_text);
}
