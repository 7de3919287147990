/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_list.c - a plain list file. */
#include "herken.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char path[64];
    hk_list *list = NULL;
    const int fd = memfd_create("list", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, count) != (ssize_t)count)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    /* Whatever is in it, it loads, with its bad lines named; but for a header that cannot be meant.
     */
    const hk_status status = hk_list_load(&list, path, "fuzz", NULL);
    if (status) {
        close(fd);
        return status == HK_ERR_FORMAT ? 0 : (abort(), 0);
    }
    size_t bad;
    const hk_list_bad_line *lines = hk_list_bad_lines(&bad, list);
    for (size_t i = 1; i < bad; i++)
        if (lines[i].line < lines[i - 1].line) /* one line may hold two faults */
            abort();
    hk_list_free(list);
    close(fd);
    return 0;
}
