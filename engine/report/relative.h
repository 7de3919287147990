/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * relative.h - how one place is reached from another, for what is to be found again after the
 * folder of both was moved or copied.
 */
#ifndef HK_REPORT_RELATIVE_H
#define HK_REPORT_RELATIVE_H

#include "herken.h"

/* The absolute path of a file, links followed; it need not be there, but its folder must. Owned by
 * the caller, hk__free. HK_ERR_IO: no such folder. */
hk_status hk__absolute(char **out, const char *path, hk_error *err) HK_MUST_CHECK;

/* The way from the folder of `from` to `to`, both absolute: "a.csv", "../out/a.csv". Owned by the
 * caller; NULL without memory. */
char *hk__relative(const char *from, const char *to);

/* The other way round: what `way` leads to from the folder of `from`. Likewise. */
char *hk__follow(const char *from, const char *way);

#endif
