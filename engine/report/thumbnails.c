/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * thumbnails.c - see thumbnails.h.
 *
 * How blurred is blurred: of the picture eight pixels along its longer side are kept, each the mean
 * of a thirty-second of the raster or more, and nothing else enters the page. The browser enlarges
 * them to smooth blotches. A filter over a picture of full size would not do: it can be undone in
 * part, and faces come back. What eight by eight grey means have lost is lost: people name scenes
 * at 32 x 32 colour pixels, and know familiar faces at some 7 x 10 of the face alone, which here
 * would have to fill the whole picture. What is left is where it is light and where dark, enough to
 * see that two files are the same picture.
 */
#include "report/thumbnails.h"

#include "core/error.h"
#include "core/mem.h"

#include <string.h>

typedef struct wanted {
    uint64_t content;
    uint8_t sha256[32];
    char *path; /* absolute; owned */
} wanted;

typedef struct place {
    char *given, *absolute; /* owned */
} place;

struct hk__thumbnails {
    const hk_report_options *options;
    place *places; /* the case's inputs */
    size_t place_count;
    wanted *list;
    size_t count, capacity, drawn; /* drawn: of the list, so far */
    hk_scan *scan;                 /* NULL: nothing was drawn yet */
    const hk_file *next;           /* what the scan gave out last and nobody took */
};

static hk_status copy_inputs(hk__thumbnails *t, hk_case *c, hk_error *err)
{
    hk_case_info info;
    hk_status status = hk_case_describe(&info, c, err);
    if (status)
        return status;
    t->places = hk__alloc(info.inputs ? info.inputs : 1, sizeof *t->places);
    if (!t->places)
        return hk__fail_memory(err);
    for (size_t i = 0; i < info.inputs; i++) {
        hk_case_input input;
        status = hk_case_input_get(&input, c, i, err);
        if (status)
            return status;
        if (!input.given || !input.absolute)
            continue;
        place *p = &t->places[t->place_count++];
        p->given = hk__strndup(input.given, strlen(input.given));
        p->absolute = hk__strndup(input.absolute, strlen(input.absolute));
        if (!p->given || !p->absolute)
            return hk__fail_memory(err);
    }
    return HK_OK;
}

hk_status hk__thumbnails_new(hk__thumbnails **out, hk_case *c, const hk_report_options *options,
                             hk_error *err)
{
    if (options->thumbnails == HK_THUMBNAILS_NONE) {
        *out = NULL;
        return HK_OK;
    }
    hk__thumbnails *t = hk__alloc(1, sizeof *t);
    if (!t)
        return hk__fail_memory(err);
    t->options = options;
    const hk_status status = copy_inputs(t, c, err);
    if (status)
        hk__thumbnails_free(t);
    else
        *out = t;
    return status;
}

void hk__thumbnails_free(hk__thumbnails *t)
{
    if (!t)
        return;
    hk_scan_free(t->scan);
    for (size_t i = 0; i < t->place_count; i++) {
        hk__free(t->places[i].given);
        hk__free(t->places[i].absolute);
    }
    for (size_t i = 0; i < t->count; i++)
        hk__free(t->list[i].path);
    hk__free(t->places);
    hk__free(t->list);
    hk__free(t);
}

/* ---- what is wanted ------------------------------------------------------------------------ */

/* The longest input that the path begins with; NULL: none. */
static const place *place_of(const hk__thumbnails *t, const char *path)
{
    const place *best = NULL;
    size_t best_length = 0;
    for (size_t i = 0; i < t->place_count; i++) {
        const size_t length = strlen(t->places[i].given);
        if (!length || strncmp(path, t->places[i].given, length) != 0 || length < best_length)
            continue;
        if (path[length] && path[length] != '/' && path[length - 1] != '/')
            continue;
        best = &t->places[i];
        best_length = length;
    }
    return best;
}

static bool can_have(const hk_case_file *file)
{
    return file->file.hashed && !file->member && !file->file.duplicate_of;
}

hk_status hk__thumbnails_want(hk__thumbnails *t, const hk_case_file *file, hk_error *err)
{
    if (!t || !can_have(file) || t->count == HK__THUMBNAILS_MOST)
        return HK_OK;
    const place *from = place_of(t, file->file.path);
    if (!from)
        return HK_OK;
    if (t->count == t->capacity) {
        const size_t capacity = t->capacity ? t->capacity * 2 : 64;
        wanted *grown = hk__realloc(t->list, capacity, sizeof *grown);
        if (!grown)
            return hk__fail_memory(err);
        t->list = grown;
        t->capacity = capacity;
    }
    const char *rest = file->file.path + strlen(from->given);
    const size_t length = strlen(from->absolute), more = strlen(rest);
    char *path = hk__alloc(length + more + 2, 1);
    if (!path)
        return hk__fail_memory(err);
    /* "evidence/" with "a.jpg" behind it, or "evidence" with "/a.jpg". */
    const bool glue = more && *rest != '/' && (!length || from->absolute[length - 1] != '/');
    memcpy(path, from->absolute, length);
    memcpy(path + length, "/", glue);
    memcpy(path + length + glue, rest, more);
    wanted *w = &t->list[t->count++];
    w->content = file->content;
    w->path = path;
    memcpy(w->sha256, file->file.digests.sha256, sizeof w->sha256);
    return HK_OK;
}

/* ---- from the sandbox ---------------------------------------------------------------------- */

static hk_status start(hk__thumbnails *t, hk_error *err)
{
    const char **paths = hk__alloc(t->count, sizeof *paths);
    if (!paths)
        return hk__fail_memory(err);
    for (size_t i = 0; i < t->count; i++)
        paths[i] = t->list[i].path;
    hk_scan_options scan = t->options->scan;
    scan.digests = HK_DIGEST_SHA256;
    scan.raster = true;
    scan.exact_hash = false;
    scan.frames = HK_FRAMES_FIRST;
    scan.allow = (1u << HK_ALLOW_COUNT) - 1; /* what the case has a hash of was allowed */
    scan.matcher = NULL;
    scan.on_progress = NULL;
    hk_status status = hk_scan_open(&t->scan, paths, t->count, &scan, err);
    hk__free(paths);
    return status ? status : hk_scan_next(&t->next, t->scan, err);
}

/* Where a file stood a folder may stand now, and the scan walks it. */
static bool lies_in(const char *path, const char *folder)
{
    const size_t length = strlen(folder);
    return !strncmp(path, folder, length) && path[length] == '/';
}

/* What the scan has to say of the next file that is wanted; *out = NULL: nothing. It is given out
 * until the next call. */
static hk_status take(const hk_file **out, hk__thumbnails *t, const wanted *w, hk_error *err)
{
    hk_status status = t->scan ? HK_OK : start(t, err);
    if (!status && t->next && t->drawn && !strcmp(t->next->path, t->list[t->drawn - 1].path))
        status = hk_scan_next(&t->next, t->scan, err);
    while (!status && t->next && t->drawn && lies_in(t->next->path, t->list[t->drawn - 1].path) &&
           strcmp(t->next->path, w->path) != 0)
        status = hk_scan_next(&t->next, t->scan, err);
    if (!status)
        *out = t->next && !strcmp(t->next->path, w->path) ? t->next : NULL;
    return status;
}

/* ---- pixels -------------------------------------------------------------------------------- */

void hk__make_smaller(uint8_t *out, uint32_t *out_width, uint32_t *out_height, unsigned side,
                      const uint8_t *grey, uint32_t width, uint32_t height)
{
    const uint32_t longer = width > height ? width : height;
    const uint32_t w = longer <= side ? width : width * side / longer;
    const uint32_t h = longer <= side ? height : height * side / longer;
    *out_width = w ? w : 1;
    *out_height = h ? h : 1;
    for (uint32_t y = 0; y < *out_height; y++)
        for (uint32_t x = 0; x < *out_width; x++) {
            const uint32_t top = y * height / *out_height, bottom = (y + 1) * height / *out_height;
            const uint32_t left = x * width / *out_width, right = (x + 1) * width / *out_width;
            uint64_t sum = 0;
            for (uint32_t row = top; row < bottom; row++)
                for (uint32_t column = left; column < right; column++)
                    sum += grey[(size_t)row * width + column];
            const uint64_t count = (uint64_t)(bottom - top) * (right - left);
            out[(size_t)y * *out_width + x] = (uint8_t)((sum + count / 2) / count);
        }
}

static void put_little(uint8_t *to, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

enum {
    BMP_HEAD = 54,
    BMP_MOST = BMP_HEAD + 1024 + HK__THUMBNAIL_SIDE * ((HK__THUMBNAIL_SIDE + 3) & ~3)
};

/* A bitmap of 256 greys; rows from the bottom up, each on a boundary of four bytes. */
static size_t make_bmp(uint8_t out[BMP_MOST], const uint8_t *grey, uint32_t width, uint32_t height)
{
    const uint32_t stride = (width + 3) & ~UINT32_C(3), pixels = BMP_HEAD + 1024;
    const size_t size = pixels + (size_t)stride * height;
    memset(out, 0, size);
    memcpy(out, "BM", 2);
    put_little(out + 2, (uint32_t)size, 4);
    put_little(out + 10, pixels, 4);
    put_little(out + 14, 40, 4); /* the second header's size */
    put_little(out + 18, width, 4);
    put_little(out + 22, height, 4);
    put_little(out + 26, 1, 2); /* planes */
    put_little(out + 28, 8, 2); /* bits */
    put_little(out + 34, stride * height, 4);
    put_little(out + 46, 256, 4); /* colours */
    for (uint32_t level = 0; level < 256; level++)
        put_little(out + BMP_HEAD + 4 * level, level * 0x010101, 4);
    for (uint32_t y = 0; y < height; y++)
        memcpy(out + pixels + (size_t)(height - 1 - y) * stride, grey + (size_t)y * width, width);
    return size;
}

static void draw_base64(FILE *out, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        const size_t left = count - i;
        const unsigned v = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
                           (left > 2 ? bytes[i + 2] : 0);
        fputc(digits[v >> 18], out);
        fputc(digits[v >> 12 & 63], out);
        fputc(left > 1 ? digits[v >> 6 & 63] : '=', out);
        fputc(left > 2 ? digits[v & 63] : '=', out);
    }
}

static void draw_picture(FILE *out, const hk_file *file, bool blurred)
{
    uint8_t grey[HK__THUMBNAIL_SIDE * HK__THUMBNAIL_SIDE], bmp[BMP_MOST];
    uint32_t width, height;
    hk__make_smaller(grey, &width, &height, blurred ? HK__BLURRED_SIDE : HK__THUMBNAIL_SIDE,
                     file->raster, file->raster_width, file->raster_height);
    const uint32_t longer = width > height ? width : height;
    const size_t size = make_bmp(bmp, grey, width, height);
    fprintf(out,
            "<details class=thumb><summary>%s thumbnail</summary><img alt=\"%s thumbnail\" "
            "width=%u height=%u src=\"data:image/bmp;base64,",
            blurred ? "Blurred" : "Grey", blurred ? "Blurred" : "Grey",
            width * HK__THUMBNAIL_SIDE / longer, height * HK__THUMBNAIL_SIDE / longer);
    draw_base64(out, bmp, size);
    fputs("\"></details>", out);
}

hk_status hk__thumbnails_draw(FILE *out, hk__thumbnails *t, const hk_case_file *file, hk_error *err)
{
    const hk_file *now = NULL;
    if (!t || file->file.duplicate_of || !file->file.hashed)
        return HK_OK; /* the first of its bytes has it; or it is no picture */
    if (t->drawn == t->count || t->list[t->drawn].content != file->content) {
        fprintf(out, "<p class=note>No thumbnail: %s</p>",
                file->member ? "it lies in an archive."
                             : "this page has as many as it takes, or its place is not known.");
        return HK_OK;
    }
    const wanted *w = &t->list[t->drawn];
    const hk_status status = take(&now, t, w, err);
    if (status)
        return status;
    t->drawn++;
    if (!now)
        fputs("<p class=note>No thumbnail: no file stands in its place now.</p>", out);
    else if (!(now->digests.present & HK_DIGEST_SHA256))
        fprintf(out, "<p class=note>No thumbnail: it can no longer be read (%s).</p>",
                hk_file_status_name(now->status));
    else if (memcmp(now->digests.sha256, w->sha256, sizeof w->sha256) != 0)
        fputs("<p class=note>No thumbnail: the file was changed after the run.</p>", out);
    else if (!now->raster || !now->raster_width || !now->raster_height)
        fprintf(out, "<p class=note>No thumbnail: it was not decoded this time (%s).</p>",
                hk_file_status_name(now->status));
    else
        draw_picture(out, now, t->options->thumbnails == HK_THUMBNAILS_BLURRED);
    return HK_OK;
}
