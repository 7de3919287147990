/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_version.c - `herken version`: what this build is made of. */
#include "cli.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: herken version [--json]\n\n"
    "Prints the version, the hash models with their checksums, the instruction set in use, and\n"
    "the versions of the libraries and decoders.\n";

static const struct option options[] = {CLI_COMMON_OPTIONS};

static bool print_json(const char *components)
{
    json_t *object = json_object(), *models = json_array(), *libraries = json_object();
    json_object_set_new(object, "version", json_string(hk_version()));
    for (unsigned i = 0; hk_model(i); i++) {
        const hk_model_info *model = hk_model(i);
        json_array_append_new(models, json_pack("{s:s,s:s,s:s,s:s,s:i,s:i}", "id", model->id,
                                                "sha256", model->checksum, "calibration_sha256",
                                                model->calibration_checksum, "aligned_sha256",
                                                model->aligned_checksum, "bits", (int)model->bits,
                                                "max_distance", (int)model->max_distance));
    }
    json_object_set_new(object, "models", models);
    json_object_set_new(object, "simd", json_string(hk_simd_name(hk_simd_in_use())));
    for (const char *line = components; *line;) {
        const size_t length = strcspn(line, "\n"), name = strcspn(line, " \n");
        char key[64], value[128];
        snprintf(key, sizeof key, "%.*s", (int)name, line);
        snprintf(value, sizeof value, "%.*s", (int)(length > name ? length - name - 1 : 0),
                 line + name + (length > name));
        json_object_set_new(libraries, key, json_string(value));
        line += length + (line[length] == '\n');
    }
    json_object_set_new(object, "libraries", libraries);
    return output_line(object);
}

int cmd_version(int argc, char **argv)
{
    cli_common common = CLI_COMMON_INIT;
    int code = -1, option;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        code = cli_option(&common, option, help);
    if (code < 0)
        code = cli_paths(&common, argc, argv);
    if (code < 0 && common.path_count)
        code = cli_usage("version takes no paths");
    if (code < 0) {
        hk_error err;
        char *components = NULL;
        if (hk_component_versions(&components, common.worker, &err)) {
            code = cli_fail(&err);
        } else {
            if (common.json) {
                print_json(components);
            } else {
                printf("herken %s\n", hk_version());
                for (unsigned i = 0; hk_model(i); i++)
                    printf(
                        "model %s, %u bits, sha256 %s, of its calibration %s, of the aligned %s\n",
                        hk_model(i)->id, hk_model(i)->bits, hk_model(i)->checksum,
                        hk_model(i)->calibration_checksum, hk_model(i)->aligned_checksum);
                printf("kernels %s\n%s", hk_simd_name(hk_simd_in_use()), components);
            }
            code = cli_finish(CLI_DONE);
        }
        free(components);
    }
    cli_clear(&common);
    return code;
}
