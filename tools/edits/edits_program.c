/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * edits_program.c - herken-edits: writes every edited copy of one picture into a folder.
 *
 * The picture is decoded once and held as 8-bit sRGB; each copy hangs on the seed, the picture's
 * name and the edit alone, so that one copy can be made again without the others. It reads pictures
 * of one's own, so it is not sandboxed as the decoder of strangers' files is.
 */
#include "edits.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: herken-edits [OPTIONS] IMAGE FOLDER\n"
    "       herken-edits --list\n\n"
    "Writes the copies of IMAGE that the recipe of `herken bench recall` names into FOLDER, as\n"
    "EDIT.jpg or EDIT.webp. What cannot be made is named on stdout, as the edit, a tab and why.\n\n"
    "  --seed N         of what is left to chance (default 1)\n"
    "  --name NAME      what the chance hangs on besides (default: IMAGE)\n"
    "  --max-side N     shrink a picture whose longer side is longer, pixels (default 2048)\n"
    "  --only EDITS     make these alone, separated by commas\n"
    "  --list           the names of the edits, a tab and a reason behind those that this machine\n"
    "                   cannot make\n"
    "  --help           this text\n"
    "Exit code 1 if the picture cannot be read, 2 for wrong usage.\n";

/* Where the font is missing another would be taken, and copies would not be the same everywhere. */
static bool find_font(void)
{
    static const char *const places[] = {
        "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf",
        "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans-Bold.ttf",
        "/usr/share/fonts/TTF/DejaVuSans-Bold.ttf",
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (!access(places[i], R_OK))
            return true;
    return false;
}

typedef struct wish {
    const char *image, *folder, *name, *only;
    uint64_t seed;
    int max_side;
    bool list;
} wish;

static bool number(uint64_t *out, const char *text, uint64_t low, uint64_t high)
{
    char *end;
    const uint64_t value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value < low || value > high) {
        fprintf(stderr, "herken-edits: '%s' is not a number from %llu to %llu\n", text,
                (unsigned long long)low, (unsigned long long)high);
        return false;
    }
    *out = value;
    return true;
}

/* Returns -1 to go on, or an exit code. */
static int take(wish *w, int argc, char **argv)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"name", required_argument, NULL, 'n'},
                                            {"only", required_argument, NULL, 'o'},
                                            {"max-side", required_argument, NULL, 'm'},
                                            {"list", no_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    uint64_t side = 2048;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        bool ok = true;
        if (option == 's')
            ok = number(&w->seed, optarg, 0, UINT64_MAX);
        else if (option == 'm')
            ok = number(&side, optarg, 16, 100000);
        else if (option == 'n')
            w->name = optarg;
        else if (option == 'o')
            w->only = optarg;
        else if (option == 'l')
            w->list = true;
        else if (option == 'h')
            return fputs(help, stdout) < 0;
        else
            ok = false;
        if (!ok)
            return 2;
    }
    if (!w->list && argc - optind != 2) {
        fputs("herken-edits: it takes a picture and a folder; see herken-edits --help\n", stderr);
        return 2;
    }
    w->max_side = (int)side;
    w->image = w->list ? NULL : argv[optind];
    w->folder = w->list ? NULL : argv[optind + 1];
    if (!w->name)
        w->name = w->image;
    return -1;
}

/* Prints libvips' words on one line. */
static void say_why(FILE *file)
{
    char words[200];
    g_strlcpy(words, *vips_error_buffer() ? vips_error_buffer() : "libvips gave no reason",
              sizeof words);
    words[strcspn(words, "\n")] = '\0';
    fprintf(file, "%s\n", words);
    vips_error_clear();
}

/* ---- the picture --------------------------------------------------------------------------- */

/* Takes the place of `*image`; false where it could not be made. */
static bool became(VipsImage **image, int failed, VipsImage **next)
{
    g_object_unref(*image);
    *image = failed ? NULL : *next;
    return !failed;
}

/* Upright, 8-bit sRGB, transparency on black as herken sees it, in memory. NULL on failure. */
static VipsImage *read_picture(const char *path, int max_side)
{
    /* A source: a file's name would be searched for options in brackets. */
    VipsSource *source = vips_source_new_from_file(path);
    VipsImage *image = NULL, *next = NULL;
    if (source) {
        image = vips_image_new_from_source(source, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
        g_object_unref(source);
    }
    if (!image)
        return NULL;
    const int longer = image->Xsize > image->Ysize ? image->Xsize : image->Ysize;
    if (longer > max_side &&
        !became(&image, vips_resize(image, &next, (double)max_side / longer, NULL), &next))
        return NULL;
    if (vips_image_hasalpha(image) && !became(&image, vips_flatten(image, &next, NULL), &next))
        return NULL;
    if (!became(&image, vips_colourspace(image, &next, VIPS_INTERPRETATION_sRGB, NULL), &next) ||
        !became(&image, vips_cast_uchar(image, &next, NULL), &next))
        return NULL;
    VipsImage *held = vips_image_copy_memory(image); /* before it is turned: sequential */
    if (!became(&image, !held, &held) || !became(&image, vips_autorot(image, &next, NULL), &next))
        return NULL;
    return image;
}

/* ---- copies -------------------------------------------------------------------------------- */

/* Whether a list, separated by commas, names it; no list names all. */
static bool is_wanted(const char *only, const char *name)
{
    const size_t length = strlen(name);
    for (const char *p = only; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
        if (strcspn(p, ",") == length && !memcmp(p, name, length))
            return true;
    return !only;
}

static bool is_known(const char *name, size_t length)
{
    size_t i = 0;
    while (i < edits_count &&
           (strncmp(edits_all[i].name, name, length) || edits_all[i].name[length]))
        i++;
    return i < edits_count;
}

/* FNV-1a, with a NUL after each text. */
static uint64_t mixed(uint64_t state, const char *text)
{
    do {
        state = (state ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    } while (*text++);
    return state;
}

static void make_copy(const wish *w, const edits_edit *edit, VipsImage *picture,
                      VipsImage *const *words)
{
    char *path = g_strdup_printf("%s/%s%s", w->folder, edit->name, edit->suffix);
    edits_bench bench = {vips_image_new(), w->seed * UINT64_C(0x9e3779b97f4a7c15), words};
    bench.state = mixed(mixed(bench.state ^ UINT64_C(0xcbf29ce484222325), w->name), edit->name);
    VipsImage *copy = picture;
    for (int i = 0; copy && i < EDITS_STEPS && edit->step[i].make; i++)
        copy = edit->step[i].make(&bench, copy, edit->step[i].strength);
    const bool ok = copy && !vips_image_write_to_file(copy, path, NULL);
    if (!ok) {
        printf("%s\t", edit->name);
        say_why(stdout);
        *strrchr(path, '[') = '\0';
        unlink(path); /* what there is of it is no copy */
    }
    g_object_unref(bench.owner);
    g_free(path);
}

/* Draws the words if a wanted edit needs them; words[0] is NULL if none does. */
static bool draw_words(VipsImage *words[EDITS_WORDS], const wish *w, bool has_font)
{
    bool needed = false;
    for (size_t i = 0; i < edits_count; i++)
        needed =
            needed || (is_wanted(w->only, edits_all[i].name) && edits_has_words(&edits_all[i]));
    return !needed || !has_font || edits_draw_words(words);
}

static int make_copies(const wish *w, bool has_font)
{
    VipsImage *words[EDITS_WORDS] = {NULL}, *picture = NULL;
    if (draw_words(words, w, has_font))
        picture = read_picture(w->image, w->max_side);
    if (picture) {
        for (size_t i = 0; i < edits_count; i++)
            if (is_wanted(w->only, edits_all[i].name) && !edits_lacks(&edits_all[i], has_font))
                make_copy(w, &edits_all[i], picture, words);
        g_object_unref(picture);
    } else {
        fprintf(stderr, "herken-edits: %s: ", w->image);
        say_why(stderr);
    }
    for (int i = 0; words[0] && i < EDITS_WORDS; i++)
        g_object_unref(words[i]);
    return picture ? 0 : 1;
}

static void print_list(bool has_font)
{
    for (size_t i = 0; i < edits_count; i++) {
        const char *lacks = edits_lacks(&edits_all[i], has_font);
        printf("%s%s%s\n", edits_all[i].name, lacks ? "\t" : "", lacks ? lacks : "");
    }
}

int main(int argc, char **argv)
{
    wish w = {.seed = 1};
    int code = take(&w, argc, argv);
    if (code >= 0)
        return code;
    const bool has_font = find_font();
    for (const char *p = w.only; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
        if (!is_known(p, strcspn(p, ","))) {
            fprintf(stderr, "herken-edits: no edit '%.*s'; see herken-edits --list\n",
                    (int)strcspn(p, ","), p);
            return 2;
        }
    code = 0;
    if (w.list) {
        print_list(has_font);
    } else {
        if (VIPS_INIT(argv[0])) {
            fprintf(stderr, "herken-edits: libvips does not start: %s", vips_error_buffer());
            return 1;
        }
        vips_concurrency_set(1); /* herken starts one of us for each processor */
        vips_cache_set_max(0);
        vips_block_untrusted_set(TRUE);
        code = make_copies(&w, has_font);
        vips_shutdown();
    }
    return fflush(stdout) || ferror(stdout) ? 1 : code;
}
