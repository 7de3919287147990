/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file_status.c - the statuses of a file and the account they close. */
#include "herken.h"

static const struct {
    const char *name;
    hk_file_class class;
} statuses[HK_FILE_STATUSES] = {
    [HK_FILE_OK] = {"ok", HK_CLASS_HASHED},
    [HK_FILE_TRUNCATED] = {"truncated", HK_CLASS_HASHED},
    [HK_FILE_DUPLICATE] = {"duplicate", HK_CLASS_DUPLICATE},
    [HK_FILE_NOT_AN_IMAGE] = {"not_an_image", HK_CLASS_SKIPPED},
    [HK_FILE_TOO_SMALL] = {"too_small", HK_CLASS_SKIPPED},
    [HK_FILE_EXCLUDED] = {"excluded", HK_CLASS_SKIPPED},
    [HK_FILE_UNSUPPORTED] = {"unsupported", HK_CLASS_FAILED},
    [HK_FILE_UNREADABLE] = {"unreadable", HK_CLASS_FAILED},
    [HK_FILE_TOO_LARGE] = {"too_large", HK_CLASS_FAILED},
    [HK_FILE_NO_ACCESS] = {"no_access", HK_CLASS_FAILED},
    [HK_FILE_VANISHED] = {"vanished", HK_CLASS_FAILED},
    [HK_FILE_CHANGED] = {"changed", HK_CLASS_FAILED},
    [HK_FILE_CRASHED] = {"crashed", HK_CLASS_FAILED},
    [HK_FILE_TIMED_OUT] = {"timed_out", HK_CLASS_FAILED},
    [HK_FILE_OUT_OF_MEMORY] = {"out_of_memory", HK_CLASS_FAILED},
};

const char *hk_file_status_name(hk_file_status status)
{
    return (unsigned)status < HK_FILE_STATUSES ? statuses[status].name : NULL;
}

hk_file_class hk_file_status_class(hk_file_status status)
{
    return (unsigned)status < HK_FILE_STATUSES ? statuses[status].class : HK_CLASS_FAILED;
}
