/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * faulty_worker.c - a decode worker that misbehaves on request: a JPEG whose bytes go on with
 * "PLANT:" and a word does what the word says, inside the real sandbox. Other files are decoded.
 */
#include "decode/wire.h"
#include "decode/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int crash_next; /* late damage: the file after this one pays */

static void try_to(hk__picture *picture, const char *what, int escaped)
{
    if (escaped)
        hk__picture_fail(picture, HK_FILE_UNREADABLE, "ESCAPED: %s", what);
    else
        hk__picture_fail(picture, HK_FILE_UNREADABLE, "refused: %s", what);
}

static void misbehave(hk__picture *picture, hk__canvas *canvas, const char *word)
{
    if (!strcmp(word, "crash")) {
        raise(SIGSEGV);
    } else if (!strcmp(word, "abort")) {
        abort();
    } else if (!strcmp(word, "hang")) {
        for (volatile unsigned i = 0;; i++)
            continue;
    } else if (!strcmp(word, "sleep")) {
        for (;;)
            usleep(1000000);
    } else if (!strcmp(word, "bomb")) {
        for (;;) /* as decoders do that use GLib */
            memset(g_malloc(64 << 20), 1, 64 << 20);
    } else if (!strcmp(word, "malloc")) {
        void *volatile block; /* as decoders do that check */
        while ((block = malloc(64 << 20)))
            memset(block, 1, 64 << 20);
        hk__picture_fail(picture, HK_FILE_OUT_OF_MEMORY, "no memory");
    } else if (!strcmp(word, "exit")) {
        _exit(0);
    } else if (!strcmp(word, "lie")) { /* a taken-over worker sends what it likes */
        static hk__reply lie;
        lie.version = HK__WIRE_VERSION;
        lie.message = HK__MESSAGE_REPLY;
        lie.picture.status = (hk_file_status)77;
        hk__send(HK__WORKER_SOCKET, &lie, hk__reply_size(&lie), -1);
    } else if (!strcmp(word, "flood")) {
        static char flood[1 << 17];
        hk__send(HK__WORKER_SOCKET, flood, sizeof flood, -1);
    } else if (!strcmp(word, "more")) { /* a grid that nobody asked for */
        hk__canvas_want_exact(canvas, true);
        if (!hk__canvas_begin(canvas, 64, 64, 1, NULL)) {
            hk__canvas_fill(canvas, 99);
            hk__canvas_finish(picture, canvas);
        }
    } else if (!strcmp(word, "late")) {
        crash_next = 1;
        hk__picture_fail(picture, HK_FILE_UNREADABLE, "sowed damage");
    } else if (!strcmp(word, "open")) {
        try_to(picture, word, open("/etc/passwd", O_RDONLY) >= 0);
    } else if (!strcmp(word, "stat")) {
        struct stat facts;
        try_to(picture, word,
               syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &facts, AT_EMPTY_PATH) == 0);
    } else if (!strcmp(word, "xcpu")) { /* what the kernel does at the limit of CPU time */
        raise(SIGXCPU);
    } else if (!strcmp(word, "create")) {
        try_to(picture, word, open("/tmp/herken-escaped", O_WRONLY | O_CREAT, 0600) >= 0);
    } else if (!strcmp(word, "execmem")) {
        try_to(picture, word,
               mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0) != MAP_FAILED);
    } else if (!strcmp(word, "socket")) {
        try_to(picture, word, socket(AF_INET, SOCK_STREAM, 0) >= 0);
    } else if (!strcmp(word, "fork")) {
        try_to(picture, word, fork() >= 0);
    } else if (!strcmp(word, "exec")) {
        char *arguments[] = {(char *)"sh", NULL};
        execv("/bin/sh", arguments);
        try_to(picture, word, 0);
    } else if (!strcmp(word, "kill")) {
        try_to(picture, word, kill(getppid(), 0) == 0);
    } else if (!strcmp(word, "unlink")) {
        try_to(picture, word, unlink("/tmp/herken-nothing") == 0 || errno == ENOENT);
    }
}

static void decode(hk__picture *picture, hk__canvas *canvas, const uint8_t *bytes, size_t count,
                   const hk__limits *limits)
{
    static const char mark[] = "\xff\xd8\xffPLANT:";
    if (crash_next) {
        crash_next = 0;
        raise(SIGSEGV);
    }
    if (count < sizeof mark || memcmp(bytes, mark, sizeof mark - 1)) {
        hk__decode(picture, canvas, bytes, count, limits);
        return;
    }
    char word[32] = {0};
    picture->format = HK__FORMAT_JPEG;
    for (size_t i = 0; i < sizeof word - 1 && sizeof mark - 1 + i < count; i++)
        word[i] = (char)bytes[sizeof mark - 1 + i];
    misbehave(picture, canvas, word);
}

int main(int argc, char **argv)
{
    return hk__worker_main(argc, argv, decode);
}
