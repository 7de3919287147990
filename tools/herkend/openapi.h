/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * openapi.h - openapi.json, as it was when this was built.
 */
#ifndef HERKEND_OPENAPI_H
#define HERKEND_OPENAPI_H

#include <stddef.h>

extern const char openapi_json[];
extern const size_t openapi_json_length;

#endif
