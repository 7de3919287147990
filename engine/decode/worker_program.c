/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker_program.c - the program herken-worker; see worker.h. */
#include "decode/worker.h"

int main(int argc, char **argv)
{
    return hk__worker_main(argc, argv, hk__decode);
}
