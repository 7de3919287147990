/* SPDX-License-Identifier: GPL-3.0-or-later */
/* old_faiss_module.c - a FAISS module of another version, which must not be used. */
#include "index/faiss_module.h"

const hk__faiss_calls hk__faiss_module = {.version = HK__FAISS_MODULE_VERSION + 1};
