/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * make_feed.c - a made-up feed for benchmarks/lists.sh: random hashes with 128 one-bits, as PDQ has
 * them, and random MD5s. The same seed gives the same feed.
 *
 * usage: make_feed csv|vics|good COUNT [SEED]
 *   csv   pdq,md5
 *   vics  Project VIC 2.0, some 700 bytes an entry
 *   good  md5 alone, as known-good lists have it
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

/* SplitMix64 */
static uint64_t next(void)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void make_hash(uint64_t word[4])
{
    int ones = 0;
    for (int i = 0; i < 4; i++)
        ones += __builtin_popcountll(word[i] = next());
    while (ones != 128) {
        const uint64_t r = next(), bit = UINT64_C(1) << (r & 63);
        uint64_t *w = &word[r >> 6 & 3];
        if (!(*w & bit) == (ones < 128)) {
            *w ^= bit;
            ones += ones < 128 ? 1 : -1;
        }
    }
}

static void print_vics(uint64_t i, const uint64_t hash[4], const uint64_t md5[2])
{
    printf("%s\n{\"MediaID\":%" PRIu64 ",\"Category\":%d,\"MD5\":\"%016" PRIX64 "%016" PRIX64
           "\",\"SHA1\":\"%016" PRIX64 "%016" PRIX64 "%08" PRIX32 "\",\"MediaSize\":%" PRIu64
           ",\"MimeType\":\"image/jpeg\",\"RelativeFilePath\":\"Files\\\\%03" PRIu64 "\\\\%" PRIu64
           ".jpg\",\"DateUpdated\":\"2021-03-04T05:06:07Z\",\"Series\":null,"
           "\"VictimIdentified\":null,\"OffenderIdentified\":null,\"IsDistributed\":true,"
           "\"IsPrecategorized\":\"true\",\"Tags\":\"made up\",\"AlternativeHashes\":[{"
           "\"HashName\":\"PDQ\",\"HashValue\":\"%016" PRIx64 "%016" PRIx64 "%016" PRIx64
           "%016" PRIx64 "\"}],\"MediaFiles\":[{\"MD5\":\"%016" PRIX64 "%016" PRIX64
           "\",\"FileName\":\"%" PRIu64 ".jpg\",\"FilePath\":\"C:\\\\Users\\\\x\\\\%" PRIu64
           "\",\"Created\":\"2019-01-02T03:04:05Z\",\"Unallocated\":false}]}",
           i ? "," : "", i, (int)(md5[0] % 3), md5[0], md5[1], md5[1], md5[0], (uint32_t)md5[0],
           md5[0] % 5000000, i % 1000, i, hash[3], hash[2], hash[1], hash[0], md5[0], md5[1], i,
           i);
}

int main(int argc, char **argv)
{
    static char buffer[1 << 20];
    const char *format = argc > 2 ? argv[1] : "";
    const uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    const int vics = !strcmp(format, "vics"), good = !strcmp(format, "good");
    if (!vics && !good && strcmp(format, "csv")) {
        fputs("usage: make_feed csv|vics|good COUNT [SEED]\n", stderr);
        return 2;
    }
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    fputs(vics   ? "{\"@odata.context\":\"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/"
                   "2.0.xml/Default/$metadata#Media\",\"value\":["
          : good ? "md5\n"
                 : "pdq,md5\n",
          stdout);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t hash[4];
        make_hash(hash);
        const uint64_t md5[2] = {next(), next()};
        if (vics)
            print_vics(i, hash, md5);
        else if (good)
            printf("%016" PRIx64 "%016" PRIx64 "\n", md5[0], md5[1]);
        else
            printf("%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 ",%016" PRIx64
                   "%016" PRIx64 "\n",
                   hash[3], hash[2], hash[1], hash[0], md5[0], md5[1]);
    }
    if (vics)
        fputs("\n]}\n", stdout);
    return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
