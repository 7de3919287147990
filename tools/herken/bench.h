/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench.h - the benches of `herken bench`; argv[0] is the bench's name. */
#ifndef HERKEN_BENCH_H
#define HERKEN_BENCH_H

int bench_hash(int argc, char **argv);
int bench_search(int argc, char **argv);
int bench_recall(int argc, char **argv);
int bench_serve(int argc, char **argv);

#endif
