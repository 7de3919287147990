/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json_walk.h - walks through JSON that is larger than memory, and cuts out pieces small enough to
 * be parsed.
 *
 * The walk knows brackets, strings, and what separates values; whether a piece is JSON is for the
 * parser it is given to. So a piece that does not parse leaves the walk in step with the file. What
 * is not in step, an end in the middle or a bracket that closes none of its kind, is HK_ERR_FORMAT,
 * with the line.
 */
#ifndef HK_FEED_JSON_WALK_H
#define HK_FEED_JSON_WALK_H

#include "feed/feed.h"

#define HK__JSON_DEPTH_MAX 64
#define HK__JSON_PIECE_MAX ((size_t)4 << 20)

typedef struct hk__json_walk {
    hk__source *source;
    const hk__sink *sink;
    const char *at, *end, *counted; /* the bytes in hand; up to where lines are counted */
    size_t line;                    /* number of the line at `counted` */
    char *kept;                     /* of a piece that does not lie in one place; owned */
    size_t count, capacity;         /* of kept */
} hk__json_walk;

/* A value of the file. */
typedef struct hk__json_piece {
    const char *text; /* borrowed until the next call */
    size_t length;
    size_t line;        /* where it begins */
    const char *reason; /* why it cannot be had: too long or too deep; NULL */
    bool stopped;       /* see hk__json_cut */
} hk__json_piece;

/* Source and sink are borrowed. */
void hk__json_open(hk__json_walk *out, hk__source *source, const hk__sink *sink);
void hk__json_close(hk__json_walk *walk);

/* The next character that is no blank, which is not passed; 0 at the end of the file. */
hk_status hk__json_peek(char *out, hk__json_walk *walk, hk_error *err) HK_MUST_CHECK;
/* Passes the character in hand, which was peeked at. */
void hk__json_pass(hk__json_walk *walk);
/* Passes that character. HK_ERR_FORMAT: another comes next. */
hk_status hk__json_expect(char c, hk__json_walk *walk, hk_error *err) HK_MUST_CHECK;
/* Whether another value follows the one before, in what `close` ends; passes the ',' or the end. */
hk_status hk__json_more(bool *out, char close, hk__json_walk *walk, hk_error *err) HK_MUST_CHECK;

/* Cuts out the value that comes next, whole. `stop` (NULL: none): where the value is an object with
 * an array of that name, the walk stops in the array, stopped is set, and the piece is the object
 * as it was before, closed. `resume`: goes on behind that array to the end of the object, or to
 * another such array. */
hk_status hk__json_cut(hk__json_piece *out, hk__json_walk *walk, const char *stop, bool resume,
                       hk_error *err) HK_MUST_CHECK;

/* Number of the line of the next character. */
size_t hk__json_line(hk__json_walk *walk);
/* HK_ERR_FORMAT with the file, the line, and what is wrong there. */
hk_status hk__json_broken(hk__json_walk *walk, const char *what, hk_error *err);

#endif
