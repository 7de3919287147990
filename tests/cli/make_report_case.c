/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * make_report_case.c - the case of the report tests as a file, so that the command has one.
 * usage: make_report_case FILE EVIDENCE [STATE]
 */
#define GOLDEN ""
#include "report_unit.h"

int main(int argc, char **argv)
{
    unit_case u;
    if (argc < 3)
        return 2;
    unit_report_make(&u, 0, 1);
    unit_ok(hk__sql_do(u.c->db, &unit_error, "UPDATE input SET absolute = ?1", "t", argv[2]));
    for (int state = 0; argc > 3 && state < HK_CASE_STATES; state++)
        if (!strcmp(hk_case_state_name((hk_case_state)state), argv[3]))
            unit_ok(hk__case_set_state(u.c, (hk_case_state)state, &unit_error));
    unit_ok(hk__case_commit(u.c, &unit_error));
    hk_case_close(u.c);
    u.c = NULL;
    if (rename(u.path, argv[1]))
        return 1;
    unit_case_remove(&u);
    return 0;
}
