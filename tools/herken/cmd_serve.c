/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_serve.c - `herken serve`: becomes herkend, the server beside this program, so that the
 * command itself has no HTTP in it. */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int cmd_serve(int argc, char **argv)
{
    char *server = cli_find_server();
    (void)argc;
    if (!server) {
        cli_say("herkend is not there: this was built without libmicrohttpd-dev");
        return CLI_SYSTEM;
    }
    argv[0] = server;
    execv(server, argv);
    cli_say("cannot start %s: %s", server, strerror(errno));
    return CLI_SYSTEM;
}
