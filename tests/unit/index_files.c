/* SPDX-License-Identifier: GPL-3.0-or-later */
/* index_files.c - the files and forgeries of index_model.h. */
#include "index_model.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void make_folder(char out[PATH_ROOM])
{
    const char *above = getenv("TMPDIR");
    if (!above || !*above) /* these tests wait for the disk thousands of times */
        above = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(out, PATH_ROOM, "%s/herken-index-XXXXXX", above);
    assert_non_null(mkdtemp(out));
}

/* Files only: the tests make no folders inside. */
void remove_folder(const char *path)
{
    char inside[2 * PATH_ROOM + 16];
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(inside);
    }
    if (folder)
        closedir(folder);
    rmdir(path);
}

size_t count_files(const char *path, const char *ending)
{
    size_t count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        const size_t length = strlen(entry->d_name), tail = strlen(ending);
        count += length >= tail && !strcmp(entry->d_name + length - tail, ending);
    }
    closedir(folder);
    return count;
}

uint8_t *read_file(size_t *size, const char *path)
{
    struct stat about;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &about), 0);
    *size = (size_t)about.st_size;
    uint8_t *bytes = malloc(*size + 1);
    assert_true(read(fd, bytes, *size) == (ssize_t)*size);
    close(fd);
    return bytes;
}

void write_file(const char *path, const void *bytes, size_t size)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    assert_true(fd >= 0);
    assert_true(write(fd, bytes, size) == (ssize_t)size);
    close(fd);
}

void copy_file(const char *from, const char *to)
{
    size_t size;
    uint8_t *bytes = read_file(&size, from);
    write_file(to, bytes, size);
    free(bytes);
}

bool same_files(const char *a, const char *b)
{
    size_t size_a, size_b;
    uint8_t *bytes_a = read_file(&size_a, a), *bytes_b = read_file(&size_b, b);
    const bool same = size_a == size_b && !memcmp(bytes_a, bytes_b, size_a);
    free(bytes_a);
    free(bytes_b);
    return same;
}

memory_file memory_file_of(const void *bytes, size_t size)
{
    memory_file file = {.fd = memfd_create("index", MFD_CLOEXEC), .size = size};
    assert_true(file.fd >= 0);
    assert_int_equal(ftruncate(file.fd, (off_t)size), 0);
    if (size) {
        file.bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd, 0);
        assert_true(file.bytes != MAP_FAILED);
        memcpy(file.bytes, bytes, size);
    }
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
    return file;
}

void memory_file_free(memory_file *file)
{
    if (file->size)
        munmap(file->bytes, file->size);
    close(file->fd);
}

/* ---- forgeries ----------------------------------------------------------------------------- */

hk__layout layout_of(const uint8_t *bytes)
{
    static hk__header header;
    memcpy(&header, bytes, sizeof header);
    hk__layout layout = {.count = header.hash_count,
                         .tables = header.tables,
                         .tag_bits = header.tag_bits,
                         .id_form = header.id_form};
    memcpy(layout.digest_count, header.digest_count, sizeof layout.digest_count);
    memcpy(layout.slot, header.slot, sizeof layout.slot);
    assert_true(hk__layout_place(&layout));
    return layout;
}
