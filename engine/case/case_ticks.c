/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case_ticks.c - reading how far each session was at which moment (case.h). */
#include "case/case.h"
#include "case/case_text.h"

hk_status hk__case_ticks(hk_case *c, void (*on_tick)(void *context, const hk__case_tick_row *tick),
                         void *context, hk_error *err)
{
    sqlite3_stmt *get;
    bool more = true;
    hk_status status =
        hk__sql_prepare(&get, c->db, err,
                        "SELECT s.number, t.at, t.done, t.failed FROM tick t JOIN"
                        " (SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM session) s"
                        " ON s.id = t.session ORDER BY t.session, t.at",
                        "");
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&more, get, err)) && more) {
        hk__case_row row = {c, get, false};
        const hk__case_tick_row tick = {
            .session = (size_t)hk__case_row_number(&row, 0, 0, INT64_MAX),
            .at = hk__case_row_number(&row, 1, 0, INT64_MAX),
            .done = (uint64_t)hk__case_row_number(&row, 2, 0, INT64_MAX),
            .failed = (uint64_t)hk__case_row_number(&row, 3, 0, INT64_MAX),
        };
        status = hk__case_row_end(&row, err);
        if (!status)
            on_tick(context, &tick);
    }
    sqlite3_finalize(get);
    return status;
}
