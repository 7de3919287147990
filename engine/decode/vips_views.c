/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vips_views.c - all formats but JPEG and BMP to luma rows through libvips, view by view; see
 * decoders.h.
 *
 *      first picture --> (on black) (on white)
 *      other frames  --> (on black) (on white) ...     where the file has more, and views are
 * wanted
 *
 * Rows are taken with a region in this thread, strip by strip from the top, so that nothing but the
 * decoder itself holds more than a few rows.
 *
 * Strict first (fail_on = error): a decoder that stops in the middle gives the rows before it and
 * the file is `truncated`. Decoders that hold the whole picture give no rows that way: they are
 * asked once more to be lenient, and what comes of that is `truncated` too. (Whether it shows
 * anything at all is for the fingerprint to say: views.c.) A file of which one wanted frame cannot
 * be decoded, or not in reasonable time, is `truncated` as well: what was decoded may be hit, and
 * no hit proves nothing.
 *
 * A white backdrop adds 255 - alpha to what black shows; both are made in one pass, and the white
 * one is given only where a pixel was not opaque.
 */
#include "decode/decoders.h"
#include "decode/hidden.h"
#include "decode/vips.h"

#include "core/mem.h"

#include <stdio.h>
#include <string.h>

enum {
    STRIP = 16,
    TALLEST = 10000000 /* rows of an image of libvips */
};
/* Pixels of all frames up to the last one wanted, where each is made from the one before: some
 * seconds. */
static const uint64_t WORK = UINT64_C(1) << 30;

typedef struct decoding {
    hk__picture *picture; /* the view found last, once it has pixels */
    hk__canvas *canvas;
    const hk__limits *limits;
    hk__vips_source source;
    int frames;                    /* in the file */
    bool alpha;                    /* a picture of it has an alpha channel */
    unsigned given;                /* views */
    char trouble[HK__REASON_SIZE]; /* why it is truncated, the first; empty: it is not */
    char cut[HK__REASON_SIZE];     /* why not all is seen that might be; empty: all is */
} decoding;

static hk__picture candidate, on_white; /* too large for a stack */

/* ---- views --------------------------------------------------------------------------------- */

static void note_trouble(decoding *d, const hk__picture *of)
{
    if (d->trouble[0])
        return;
    if (d->frames > 1)
        snprintf(d->trouble, sizeof d->trouble, "frame %u of %d: %.*s", of->frame ? of->frame : 1,
                 d->frames, HK__REASON_SIZE - 48, of->reason);
    else
        memcpy(d->trouble, of->reason, sizeof d->trouble);
}

static void give(decoding *d, const hk__picture *view)
{
    if (d->given == HK_VIEWS_MOST) {
        snprintf(d->cut, sizeof d->cut, "%d views are hashed, and it has more", HK_VIEWS_MOST);
        return;
    }
    if (view->status == HK_FILE_TRUNCATED)
        note_trouble(d, view);
    if (d->given++ && d->picture->has_pixels)
        hk__canvas_view(d->canvas, d->picture);
    if (view != d->picture)
        *d->picture = *view;
}

/* What came of one frame. */
static void take(decoding *d, hk__picture *seen, bool transparent)
{
    if (!seen->has_pixels) {
        /* What is too small to be a picture hides none. */
        if (seen != d->picture && seen->status != HK_FILE_TOO_SMALL)
            note_trouble(d, seen);
        return;
    }
    if (transparent) {
        memcpy(&on_white, seen, offsetof(hk__picture, grid));
        on_white.backdrop = HK_BACKDROP_WHITE;
    }
    give(d, seen);
    if (transparent)
        give(d, &on_white);
}

/* ---- rows ---------------------------------------------------------------------------------- */

/* Where rows of one frame go. */
typedef struct rows {
    hk__canvas *black, *white; /* white: NULL unless there is alpha, and views are wanted */
    float *luma;               /* [2][width] */
    uint32_t width;
    int bands;
    bool transparent; /* a pixel was not opaque */
} rows;

/* PDQ's luma, alpha composited on black; and on white. */
static void row_to_luma(rows *r, const uint8_t *p)
{
    const int bands = r->bands;
    float *black = r->luma, *white = r->luma + r->width;
    for (uint32_t i = 0; i < r->width; i++, p += bands) {
        black[i] = bands < 3 ? p[0] : 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
        if (bands == 2 || bands == 4) {
            black[i] *= p[bands - 1] / 255.0f;
            white[i] = black[i] + (float)(255 - p[bands - 1]);
            r->transparent |= p[bands - 1] != 255;
        }
    }
}

static void put_row(rows *r, const uint8_t *row)
{
    if (r->bands == 1) {
        hk__canvas_row_u8(r->black, row);
        return;
    }
    row_to_luma(r, row);
    hk__canvas_row_f32(r->black, r->luma);
    if (r->white)
        hk__canvas_row_f32(r->white, r->luma + r->width);
}

static bool begin_rows(rows *r, const hk__picture *picture)
{
    r->transparent = false;
    return !hk__canvas_begin(r->black, picture->width, picture->height, picture->exif_orientation,
                             NULL) &&
           (!r->white || !hk__canvas_begin(r->white, picture->width, picture->height,
                                           picture->exif_orientation, NULL));
}

static bool open_rows(rows *r, decoding *d, const VipsImage *image)
{
    const bool alpha = image->Bands == 2 || image->Bands == 4;
    d->alpha |= alpha;
    *r = (rows){.black = d->canvas, .width = (uint32_t)image->Xsize, .bands = image->Bands};
    r->luma = hk__alloc(r->width, 2 * sizeof *r->luma);
    if (alpha && hk__canvas_has_views(d->canvas))
        r->white = hk__canvas_twin(d->canvas);
    return r->luma && (r->white || !alpha || !hk__canvas_has_views(d->canvas));
}

/* The pixels of the picture, and of on_white; missing rows are as nobody paints them. */
static void end_rows(rows *r, hk__picture *picture)
{
    hk__canvas_fill(r->black, 0);
    hk__canvas_finish(picture, r->black);
    if (r->white) {
        hk__canvas_fill(r->white, 255);
        hk__canvas_finish(&on_white, r->white);
    }
    r->transparent = r->transparent && r->white;
}

/* Calls on_row for all rows from the top, until it returns false. Returns the rows that came before
 * that, or before an error. */
static uint32_t read_rows(VipsImage *image, bool (*on_row)(void *context, const uint8_t *row),
                          void *context)
{
    const uint32_t height = (uint32_t)image->Ysize;
    VipsRegion *region = vips_region_new(image);
    uint32_t y = 0;
    bool more = true;
    while (region && more && y < height) {
        const uint32_t count = height - y < STRIP ? height - y : STRIP;
        VipsRect strip = {0, (int)y, image->Xsize, (int)count};
        if (vips_region_prepare(region, &strip))
            break;
        for (uint32_t i = 0; more && i < count; i++, y += more)
            more = on_row(context, VIPS_REGION_ADDR(region, 0, (int)y));
    }
    if (region)
        g_object_unref(region);
    return y;
}

/* ---- one page ------------------------------------------------------------------------------ */

static bool take_row(void *context, const uint8_t *row)
{
    put_row(context, row);
    return true;
}

static void begin_picture(hk__picture *picture, const decoding *d, VipsImage *image)
{
    /* libheif turns the picture itself; its EXIF tag only repeats that. */
    const bool turned = d->source.format == HK__FORMAT_HEIC || d->source.format == HK__FORMAT_AVIF;
    picture->exif_orientation = turned ? 1 : (uint32_t)vips_image_get_orientation(image);
    if (d->frames > 1)
        picture->flags |= HK_FLAG_ANIMATED;
}

/* One attempt at one page; -1: that which is shown first. Returns false if it may be worth a
 * lenient one. */
static bool attempt(hk__picture *picture, bool *transparent, decoding *d, VipsFailOn fail_on,
                    int page)
{
    const bool lenient = fail_on == VIPS_FAIL_ON_NONE;
    rows r = {0};
    bool final = true;
    hk__vips_begin();
    VipsImage *image = hk__vips_open(&d->source, fail_on, page, 1);
    if (!image) {
        hk__vips_fail(picture, HK_FILE_UNREADABLE);
        return lenient;
    }
    if (page < 0) {
        /* The pages of JPEG 2000 are one picture at several sizes. */
        d->frames = hk__format_allow(d->source.format) ? 1 : vips_image_get_n_pages(image);
        if (vips_image_get_typeof(image, "heif-primary") &&
            !vips_image_get_int(image, "heif-primary", &page) && page >= 0)
            picture->frame = (uint32_t)page + 1;
    }
    begin_picture(picture, d, image);
    if ((uint64_t)d->frames > d->limits->max_pages) {
        hk__picture_fail(picture, HK_FILE_TOO_LARGE,
                         "%d frames or pages, more than the limit of %u (--max-pages)", d->frames,
                         d->limits->max_pages);
        goto out;
    }
    if (!hk__picture_admit(picture, (uint64_t)image->Xsize, (uint64_t)image->Ysize, d->limits))
        goto out;
    image = hk__vips_plain(image);
    if (!image) {
        hk__vips_fail(picture, HK_FILE_UNSUPPORTED);
        goto out;
    }
    if (!open_rows(&r, d, image) || !begin_rows(&r, picture)) {
        hk__picture_fail(picture, HK_FILE_OUT_OF_MEMORY, "no memory for its rows");
        goto out;
    }

    const uint32_t count = read_rows(image, take_row, &r);
    if (count == 0) {
        hk__vips_fail(picture, HK_FILE_UNREADABLE);
        final = lenient;
        goto out;
    }
    if (count < picture->height || lenient) {
        hk__vips_fail(picture, HK_FILE_TRUNCATED);
        if (picture->status == HK_FILE_OUT_OF_MEMORY)
            goto out;
        picture->flags |= HK_FLAG_TRUNCATED;
    } else {
        picture->status = HK_FILE_OK;
    }
    end_rows(&r, picture);
    *transparent = r.transparent;
out:
    hk__free(r.luma);
    if (image)
        g_object_unref(image);
    vips_error_clear();
    return final;
}

static void decode_page(hk__picture *picture, decoding *d, int page)
{
    bool transparent = false;
    if (!attempt(picture, &transparent, d, VIPS_FAIL_ON_ERROR, page)) {
        char strict[HK__REASON_SIZE];
        memcpy(strict, picture->reason, sizeof strict);
        attempt(picture, &transparent, d, VIPS_FAIL_ON_NONE, page);
        /* The strict attempt knows what is wrong; the lenient one only that something was left. */
        if (picture->status == HK_FILE_TRUNCATED || picture->status == HK_FILE_UNREADABLE)
            hk__picture_fail(picture, picture->status, "%s%s",
                             picture->status == HK_FILE_TRUNCATED ? "decoded in part: " : "",
                             strict);
    }
    take(d, picture, transparent);
}

/* ---- other frames -------------------------------------------------------------------------- */

/* Frame number i of those that are wanted, out of `frames`. */
typedef struct wanted {
    int frames, count, first;
} wanted;

static int frame_of(const wanted *w, int i)
{
    if (w->count == 1)
        return w->first;
    return (int)((int64_t)i * (w->frames - 1) / (w->count - 1));
}

static bool is_wanted(const wanted *w, int frame)
{
    for (int i = 0; i < w->count; i++)
        if (frame_of(w, i) == frame)
            return frame != w->first;
    return false;
}

static void begin_candidate(const decoding *d, int frame)
{
    memset(&candidate, 0, offsetof(hk__picture, grid));
    candidate.format = d->source.format;
    candidate.frame = (uint32_t)frame + 1;
    candidate.flags = HK_FLAG_ANIMATED;
}

/* Pages lie each by itself in the file. */
static void decode_pages(decoding *d, const wanted *w)
{
    for (int page = 0; page < w->frames; page++) {
        if (!is_wanted(w, page))
            continue;
        begin_candidate(d, page);
        decode_page(&candidate, d, page);
    }
}

/* Frames are each made from the one before: they are read once, one below the other. */
typedef struct reel {
    decoding *d;
    const wanted *wanted;
    rows rows;
    uint32_t width, height, orientation; /* of a frame */
    uint32_t y;
    bool taking;
} reel;

static bool take_reel_row(void *context, const uint8_t *row)
{
    reel *r = context;
    const int frame = (int)(r->y / r->height);
    if (r->y % r->height == 0) {
        r->taking = is_wanted(r->wanted, frame);
        begin_candidate(r->d, frame);
        candidate.width = r->width;
        candidate.height = r->height;
        candidate.exif_orientation = r->orientation;
        if (r->taking && !begin_rows(&r->rows, &candidate)) {
            vips_error("herken", "out of memory for its rows");
            return false;
        }
    }
    if (r->taking)
        put_row(&r->rows, row);
    if (++r->y % r->height == 0 && r->taking) {
        end_rows(&r->rows, &candidate);
        take(r->d, &candidate, r->rows.transparent);
    }
    return true;
}

static void decode_reel(decoding *d, const wanted *w)
{
    reel r = {.d = d, .wanted = w};
    uint32_t count = 0;
    hk__vips_begin();
    VipsImage *image = hk__vips_open(&d->source, VIPS_FAIL_ON_ERROR, 0, w->frames);
    int height = image ? vips_image_get_page_height(image) : 0;
    if (image && height > 0 && height * (int64_t)w->frames == image->Ysize) {
        r.orientation = (uint32_t)vips_image_get_orientation(image);
        image = hk__vips_plain(image);
        r.width = image ? (uint32_t)image->Xsize : 0;
        r.height = (uint32_t)height;
        if (image && hk__picture_admit(&candidate, r.width, r.height, d->limits) &&
            open_rows(&r.rows, d, image))
            count = read_rows(image, take_reel_row, &r);
    }
    if (!image || count < (uint32_t)image->Ysize) {
        begin_candidate(d, r.height ? (int)(count / r.height) : 0);
        hk__vips_fail(&candidate, HK_FILE_UNREADABLE);
        note_trouble(d, &candidate);
    }
    hk__free(r.rows.luma);
    if (image)
        g_object_unref(image);
    vips_error_clear();
}

/* The frames after the first. Says so where some of those that are wanted will not be looked at. */
static void decode_others(decoding *d)
{
    const bool rolled = d->source.format == HK__FORMAT_GIF || d->source.format == HK__FORMAT_WEBP;
    const hk__picture *first = d->picture;
    const int most = d->alpha ? HK_VIEWS_MOST / 2 : HK_VIEWS_MOST;
    wanted w = {.frames = d->frames, .first = first->frame ? (int)first->frame - 1 : 0};
    if (rolled && first->status == HK_FILE_TOO_SMALL) /* and so are all */
        return;
    if (rolled) {
        const uint64_t pixels = (uint64_t)first->width * first->height;
        const uint64_t work = pixels ? WORK / pixels : 1;
        const uint64_t tall = first->height ? TALLEST / first->height : 1;
        const uint64_t reach = work < tall ? work : tall;
        if ((uint64_t)w.frames > reach)
            w.frames = reach ? (int)reach : 1;
        if (w.frames < d->frames)
            snprintf(d->trouble, sizeof d->trouble, "only the first %d of %d frames are looked at",
                     w.frames, d->frames);
    }
    w.count = d->limits->frames == HK_FRAMES_ALL ? w.frames : 3;
    w.count = w.count < w.frames ? w.count : w.frames;
    if (w.count > most) {
        w.count = most;
        snprintf(d->cut, sizeof d->cut, "%d of %d frames are hashed", w.count, d->frames);
    }
    if (rolled && w.frames > 1)
        decode_reel(d, &w);
    else if (!rolled)
        decode_pages(d, &w);
}

/* ---- the file ------------------------------------------------------------------------------ */

void hk__decode_vips(hk__picture *picture, hk__canvas *canvas, const uint8_t *bytes, size_t count,
                     const hk__limits *limits)
{
    decoding d = {.picture = picture,
                  .canvas = canvas,
                  .limits = limits,
                  .source = {picture->format, bytes, count},
                  .frames = 1};
    const unsigned allow = hk__format_allow(picture->format);
    if (allow)
        hk__vips_allow(picture->format, true);
    decode_page(picture, &d, -1);
    if (hk__canvas_has_views(canvas) && limits->frames != HK_FRAMES_FIRST &&
        picture->status != HK_FILE_TOO_LARGE && picture->status != HK_FILE_OUT_OF_MEMORY) {
        const char *hidden = hk__hidden_frames(picture->format, bytes, count, (unsigned)d.frames,
                                               picture->width, picture->height);
        if (d.frames > 1) {
            if (!picture->has_pixels && picture->status != HK_FILE_TOO_SMALL)
                note_trouble(&d, picture);
            decode_others(&d);
        }
        if (hidden && (picture->has_pixels || picture->status == HK_FILE_TOO_SMALL)) {
            picture->flags |= HK_FLAG_ANIMATED;
            snprintf(d.trouble, sizeof d.trouble, "%s", hidden);
        }
    }
    if (picture->has_pixels && d.trouble[0]) {
        picture->flags |= HK_FLAG_TRUNCATED;
        hk__picture_fail(picture, HK_FILE_TRUNCATED, "%s", d.trouble);
    } else if (picture->has_pixels && d.cut[0]) {
        hk__picture_fail(picture, picture->status, "%s", d.cut);
    } else if (picture->status == HK_FILE_TOO_SMALL && d.trouble[0]) {
        /* The first picture is nothing to look for, but what was not decoded may be. */
        hk__picture_fail(picture, HK_FILE_UNREADABLE, "%s", d.trouble);
    }
    if (allow)
        hk__vips_allow(picture->format, false);
}
