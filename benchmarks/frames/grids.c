/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grids.c - see grids.h. */
#include "grids.h"

#include <stdlib.h>
#include <string.h>

static bool add(grid *to, unsigned places, double scale)
{
    for (unsigned i = 0; i < places; i++)
        for (unsigned j = 0; j < places; j++) {
            if (to->count == GRID_MOST)
                return false;
            const double across = places > 1 ? (double)i / (places - 1) : .5;
            const double down = places > 1 ? (double)j / (places - 1) : .5;
            const double spare = 1 - scale;
            to->scale[to->count] = scale;
            to->across[to->count] = across;
            to->down[to->count] = down;
            to->frame[to->count++] =
                (hk_placement){-(float)(spare * across), -(float)(spare * down),
                               -(float)(spare * (1 - across)), -(float)(spare * (1 - down)), 0};
        }
    return true;
}

bool grid_read(grid *out, const char *name)
{
    out->name = name;
    out->count = 0;
    if (!strcmp(name, "none"))
        return true;
    while (!strcmp(name, "model") &&
           hk_cut_placement(&out->frame[out->count], (unsigned)out->count + 1))
        if (++out->count == GRID_MOST)
            return false;
    if (out->count)
        return true;
    for (const char *at = name;; at++) {
        char *end;
        const unsigned long places = strtoul(at, &end, 10);
        if (end == at || *end != '@' || places < 1 || places > 20)
            return false;
        at = end + 1;
        const double scale = strtod(at, &end);
        if (end == at || !(scale > .3 && scale < 1) || !add(out, (unsigned)places, scale))
            return false;
        at = end;
        if (!*at)
            return true;
        if (*at != '+')
            return false;
    }
}
