/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_manifest.c - any bytes as a manifest, in a folder with one file that some may name: a check
 * ends, with an error or a number of problems, and what it says is fit for a terminal.
 */
#include "herken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static char folder[32] = "/tmp/herken-fuzz-XXXXXX", path[48], output[48];

#define MUST(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static void write_file(const char *name, const void *bytes, size_t count)
{
    FILE *file = fopen(name, "wb");
    MUST(file && fwrite(bytes, 1, count, file) == count && !fclose(file));
}

static void remove_files(void)
{
    unlink(path);
    unlink(output);
    rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    MUST(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/MANIFEST", folder);
    snprintf(output, sizeof output, "%s/a", folder);
    write_file(output, "a", 1);
    atexit(remove_files);
    return 0;
}

static void count_one(void *context, const char *message)
{
    for (const char *p = message; *p; p++)
        MUST((unsigned char)*p >= 0x20 && *p != 0x7f);
    ++*(size_t *)context;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    size_t problems = 0, told = 0;
    hk_error err;
    write_file(path, bytes, count);
    const hk_status status = hk_report_verify(&problems, path, NULL, count_one, &told, &err);
    MUST(!status || status == HK_ERR_FORMAT || status == HK_ERR_LIMIT);
    MUST(status || problems == told);
    return 0;
}
