/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * write_page.c - writes the page of a made-up case, for tests of how browsers take it.
 * usage: write_page night|hostile|empty FILE
 */
#include "../unit/page_unit.h"

#include "report/report.h"

static void make_hostile(unit_case *u)
{
    static const char *const names[] = {
        "evidence/<script>document.title='owned'</script>.jpg",
        "evidence/\"><img src=x onerror=alert(1)>.jpg",
        "evidence/</td></table><h1>pwned</h1>.jpg",
        "evidence/&lt;b&gt;&#60;.jpg",
        "evidence/' onmouseover='alert(1).jpg",
        "evidence/<!-- .jpg",
        "evidence/</style></title><svg onload=alert(1)>.jpg",
        "evidence/gpj.\xe2\x80\xae"
        "exe.jpg",
        "evidence/\x1b[31mred\x07.jpg",
        "evidence/\xff\xfe broken \xc3.jpg",
        "evidence/\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d.jpg",
        "evidence/javascript:alert(1)",
    };
    unit_case_make(u);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const hk_match match = unit_near("police", names[i], names[i], 5);
        unit_add_matched(u, names[i], 100 + i, HK_VERDICT_NEAR, &match, 1);
        char path[256];
        snprintf(path, sizeof path, "evidence/bad%s", names[i]);
        unit_case_add_failed(u, path, HK_FILE_NO_ACCESS, names[i]);
    }
    char *path = malloc(4096); /* no place to break it */
    assert_non_null(path);
    memset(path, 'W', 4095);
    memcpy(path, "evidence/", 9);
    path[4095] = '\0';
    const hk_match match = unit_near("police", path, path, 5);
    unit_add_matched(u, path, 200, HK_VERDICT_NEAR, &match, 1);
    free(path);
    unit_night_finish(u);
}

int main(int argc, char **argv)
{
    unit_case u;
    if (argc != 3)
        return 2;
    if (!strcmp(argv[1], "night")) {
        unit_night_make(&u);
    } else if (!strcmp(argv[1], "hostile")) {
        make_hostile(&u);
    } else {
        unit_case_make(&u);
        unit_case_finish(&u);
    }
    FILE *out = fopen(argv[2], "w");
    assert_non_null(out);
    const hk_report_options options = HK_REPORT_OPTIONS_INIT;
    unit_ok(hk__report_html(out, u.c, &options, &unit_error));
    assert_int_equal(fclose(out), 0);
    unit_case_remove(&u);
    return 0;
}
