/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bomb.c - writes a grey PNG of WIDTH x HEIGHT white pixels that is small on disk. usage: bomb
 * WIDTH HEIGHT OUT */
#include <png.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    FILE *file = argc == 4 ? fopen(argv[3], "wb") : NULL;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!file || !info || setjmp(png_jmpbuf(png)))
        return 1;
    const unsigned width = (unsigned)atoi(argv[1]), height = (unsigned)atoi(argv[2]);
    unsigned char *row = malloc(width);
    if (!row)
        return 1;
    png_init_io(png, file);
    png_set_compression_level(png, 9);
    png_set_user_limits(png, 1000000, 1000000);
    png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (unsigned y = 0; y < height; y++) {
        memset(row, y * 8 / height % 2 ? 255 : 0, width); /* stripes: something to hash */
        png_write_row(png, row);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(row);
    return fclose(file) != 0;
}
