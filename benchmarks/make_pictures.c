/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * make_pictures.c - made-up JPEG files for benchmarks/night.sh: waves and noise, each file of its
 * own seed, so that no two have the same bytes or hash. A thousand to a folder.
 *
 * usage: make_pictures FOLDER COUNT WIDTH HEIGHT [SEED]
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <jpeglib.h>

enum { WAVES = 12 };

static uint64_t state;

/* SplitMix64 */
static uint64_t next(void)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static double uniform(void)
{
    return (double)(next() >> 11) / 9007199254740992.0;
}

static void draw(unsigned char *pixels, int width, int height)
{
    double fx[WAVES], fy[WAVES], phase[WAVES], size[WAVES];
    for (int w = 0; w < WAVES; w++) {
        fx[w] = (uniform() - 0.5) * 60 / width;
        fy[w] = (uniform() - 0.5) * 60 / height;
        phase[w] = uniform() * 6.283185307;
        size[w] = 10 + 25 * uniform();
    }
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            double value = 128 + 12 * (uniform() - 0.5);
            for (int w = 0; w < WAVES; w++)
                value += size[w] * cos(fx[w] * x + fy[w] * y + phase[w]);
            pixels[y * width + x] = value < 0 ? 0 : value > 255 ? 255 : (unsigned char)value;
        }
}

static int write_jpeg(const char *path, unsigned char *pixels, int width, int height)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    FILE *file = fopen(path, "wb");
    if (!file)
        return -1;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = 1;
    jpeg.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 80, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = pixels + (size_t)jpeg.next_scanline * (size_t)width;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return fclose(file);
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    const long count = atol(argv[2]);
    const int width = atoi(argv[3]), height = atoi(argv[4]);
    unsigned char *pixels = malloc((size_t)width * (size_t)height);
    char path[4096];
    if (!pixels)
        return 1;
    for (long i = 0; i < count; i++) {
        state = (argc > 5 ? strtoull(argv[5], NULL, 10) : 1) * 1000000007u + (uint64_t)i;
        snprintf(path, sizeof path, "%s/%04ld", argv[1], i / 1000);
        if (i % 1000 == 0)
            mkdir(path, 0777);
        snprintf(path, sizeof path, "%s/%04ld/%06ld.jpg", argv[1], i / 1000, i);
        draw(pixels, width, height);
        if (write_jpeg(path, pixels, width, height)) {
            perror(path);
            return 1;
        }
    }
    free(pixels);
    return 0;
}
