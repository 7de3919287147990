/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * say.h - words on stderr, and to the service manager.
 */
#ifndef HERKEND_SAY_H
#define HERKEND_SAY_H

/* "herkend: ...", one line; control characters and what is no ASCII become '?'. Any thread. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for what every request may come upon: once a second at the most. */
void say_seldom(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Tells systemd, over the socket that NOTIFY_SOCKET names; nothing where it names none. */
void say_state(const char *state);

#endif
