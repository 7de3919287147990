/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json_alone.c - what the JSON library alone takes for the entries of a feed of make_feed vics, one
 * a line: the floor that reading such a feed is measured against.
 *
 * usage: json_alone FILE
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    static char line[1 << 16];
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    unsigned long entries = 0;
    if (!file) {
        fputs("usage: json_alone FILE\n", stderr);
        return 2;
    }
    while (fgets(line, sizeof line, file)) {
        size_t length = strcspn(line, "\n");
        if (length && line[length - 1] == ',')
            length--;
        if (strncmp(line, "{\"MediaID\"", 10))
            continue;
        json_t *entry = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
        if (!entry)
            return 1;
        json_decref(entry);
        entries++;
    }
    printf("%lu entries\n", entries);
    return 0;
}
