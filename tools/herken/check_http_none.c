/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check_http_none.c - where there is no libcurl to build with. */
#include "check_parts.h"

bool check_http_built(void)
{
    return false;
}

int check_http_open(check_http **out, const check_server *server)
{
    (void)out;
    (void)server;
    return cli_usage("--server: this herken was built without libcurl (libcurl4-openssl-dev)");
}

bool check_http_post(check_reply *out, check_http *http, const char *body, size_t length,
                     size_t longest)
{
    (void)http;
    (void)body;
    (void)length;
    (void)longest;
    *out = (check_reply){0};
    return true;
}

void check_http_close(check_http *http)
{
    (void)http;
}
