/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scenes.h - generated pictures that can be looked at through any frame: what a copy of one shows
 * is worked out, not resampled, so that where it lies on its original is known.
 */
#ifndef TESTS_SCENES_H
#define TESTS_SCENES_H

#include "unit.h"

#include "herken.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SCENE_WAVES = 120, SCENE_WIDTH = 160, SCENE_HEIGHT = 120 };

/* Waves over the unit square, the finer the weaker, as in photos. */
typedef struct scene {
    struct {
        double across, down, phase, height;
    } wave[SCENE_WAVES];
} scene;

/* How a copy was made: seen through `placement`, mirrored first where that is asked for. */
typedef struct copy {
    hk_placement placement; /* what is found should say this */
    bool mirrored;
    int border; /* grey level of what lies outside the scene; -1: there the scene goes on */
} copy;

static inline double scene_share(uint64_t *seed)
{
    return (double)(next_random(seed) >> 11) / 9007199254740992.;
}

/* Number 0 to 30; of the kind that photos are. */
static inline scene make_scene(unsigned number)
{
    uint64_t seed = number + 3;
    scene s;
    for (int i = 0; i < SCENE_WAVES; i++) {
        const double cycles = .8 * pow(10, scene_share(&seed)), turn = 6.2832 * scene_share(&seed);
        s.wave[i].across = 6.2832 * cycles * cos(turn);
        s.wave[i].down = 6.2832 * cycles * sin(turn);
        s.wave[i].phase = 6.2832 * scene_share(&seed);
        s.wave[i].height = 7 / pow(cycles, .4);
    }
    return s;
}

static inline double scene_at(const scene *s, double u, double v)
{
    double level = 128;
    for (int i = 0; i < SCENE_WAVES; i++)
        level +=
            s->wave[i].height * cos(s->wave[i].across * u + s->wave[i].down * v + s->wave[i].phase);
    return level < 0 ? 0 : level > 255 ? 255 : level;
}

static inline uint8_t copy_at(const scene *s, const copy *c, double x, double y, double width,
                              double height)
{
    const hk_placement *p = &c->placement;
    const double angle = (double)p->angle * 3.14159265358979 / 180;
    const double dx = x - width / 2, dy = y - height / 2;
    const double tx = (cos(angle) * dx - sin(angle) * dy) / width + .5;
    const double ty = (sin(angle) * dx + cos(angle) * dy) / height + .5;
    double u = (tx + (double)p->left) / (1 + (double)p->left + (double)p->right);
    double v = (ty + (double)p->top) / (1 + (double)p->top + (double)p->bottom);
    if (c->border >= 0 && p->angle == 0 && (u < 0 || u > 1 || v < 0 || v > 1))
        return (uint8_t)c->border;
    u = c->mirrored ? 1 - u : u;
    return (uint8_t)lrint(scene_at(s, u, v));
}

static inline void draw(uint8_t *out, uint32_t width, uint32_t height, const scene *s,
                        const copy *c)
{
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            out[y * width + x] = copy_at(s, c, x + .5, y + .5, width, height);
}

/* The PDQ hash of the scene itself. */
static inline hk_fingerprint print_of(const scene *s)
{
    static uint8_t pixels[SCENE_WIDTH * SCENE_HEIGHT];
    hk_hasher *hasher;
    hk_fingerprint fp;
    draw(pixels, SCENE_WIDTH, SCENE_HEIGHT, s, &(copy){0});
    assert_int_equal(hk_hasher_new(&hasher, SCENE_WIDTH, SCENE_HEIGHT, NULL), HK_OK);
    for (uint32_t y = 0; y < SCENE_HEIGHT; y++)
        assert_int_equal(hk_hasher_row_u8(hasher, pixels + y * SCENE_WIDTH, NULL), HK_OK);
    assert_int_equal(hk_hasher_finish(&fp, hasher, NULL), HK_OK);
    hk_hasher_free(hasher);
    return fp;
}

/* A crop that cut this much off the scene's sides, as a placement. */
static inline copy cropped(float left, float top, float right, float bottom)
{
    const float width = 1 - left - right, height = 1 - top - bottom;
    return (copy){.placement = {left / width, top / height, right / width, bottom / height, 0}};
}

#endif
