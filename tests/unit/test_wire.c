/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_wire.c - what the engine believes of a decode worker, and messages and descriptors over a
 * socket; all with hostile bytes.
 */
#include "unit.h"

#include "decode/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    START = offsetof(hk__reply, picture),
    HEADER = START + offsetof(hk__picture, grid),
    ONE_GRID = START + offsetof(hk__picture, exact_grid),
    BOTH_GRIDS = START + offsetof(hk__picture, raster),
    FUZZ = 100000
};

static const uint64_t ID = 0x1122334455667788;

/* ---- replies ------------------------------------------------------------------------------- */

static hk__reply *good_reply(void)
{
    hk__reply *reply = calloc(1, sizeof *reply);
    hk__picture *p = &reply->picture;
    reply->version = HK__WIRE_VERSION;
    reply->message = HK__MESSAGE_REPLY;
    reply->member = HK__NO_MEMBER;
    reply->id = ID;
    reply->digests.present = HK_DIGEST_MD5 | HK_DIGEST_SHA256;
    p->status = HK_FILE_OK;
    p->format = HK__FORMAT_JPEG;
    p->width = 640;
    p->height = 480;
    p->exif_orientation = 6;
    p->flags = HK_FLAG_ANIMATED;
    p->has_pixels = p->has_exact = true;
    for (int i = 0; i < HK__GRID_SIZE; i++)
        p->grid[i] = p->exact_grid[i] = (float)(i % 256);
    p->raster_width = 192;
    p->raster_height = 256;
    return reply;
}

static void good_replies_are_accepted(void **state)
{
    (void)state;
    hk__reply *reply = good_reply();
    hk__picture *p = &reply->picture;
    assert_int_equal(hk__reply_size(reply), BOTH_GRIDS + 192 * 256);
    assert_true(hk__reply_check(reply, hk__reply_size(reply), ID));
    p->raster_width = p->raster_height = HK__RASTER_SIDE;
    assert_true(hk__reply_check(reply, hk__reply_size(reply), ID));
    assert_true(hk__reply_size(reply) <= sizeof *reply);
    p->raster_width = p->raster_height = 1;
    assert_true(hk__reply_check(reply, hk__reply_size(reply), ID));
    p->raster_width = p->raster_height = 0;
    assert_true(hk__reply_check(reply, hk__reply_size(reply), ID));
    p->grid[0] = p->exact_grid[0] = -0.25f; /* rounding of a sum of weights */
    p->grid[1] = p->exact_grid[1] = 255.25f;
    assert_true(hk__reply_check(reply, hk__reply_size(reply), ID));
    p->status = HK_FILE_TRUNCATED;
    p->flags = HK_FLAG_TRUNCATED;
    assert_true(hk__reply_check(reply, hk__reply_size(reply), ID));
    reply->more = 1;
    p->frame = UINT32_MAX;
    p->backdrop = HK_BACKDROP_WHITE;
    assert_true(hk__reply_check(reply, hk__reply_size(reply), ID));
    reply->more = 0;

    p->has_pixels = p->has_exact = false;
    p->flags = 0;
    for (int s = 0; s < HK_FILE_STATUSES; s++) {
        p->status = (hk_file_status)s;
        assert_int_equal(hk__reply_size(reply), HEADER);
        assert_int_equal(hk__reply_check(reply, HEADER, ID),
                         s != HK_FILE_OK && s != HK_FILE_TRUNCATED);
    }
    p->status = HK_FILE_DUPLICATE; /* of what? */
    reply->digests.present = HK_DIGEST_MD5 | HK_DIGEST_SHA1;
    assert_false(hk__reply_check(reply, HEADER, ID));
    free(reply);
}

/* What was not asked for is not sent, and what is not there is not looked at. */
static void replies_are_cut_after_what_they_hold(void **state)
{
    (void)state;
    hk__reply *reply = good_reply();
    hk__picture *p = &reply->picture;
    const size_t raster = 192 * 256;
    for (int exact = 0; exact < 2; exact++)
        for (int with_raster = 0; with_raster < 2; with_raster++) {
            p->has_exact = exact;
            p->exact_grid[7] = exact ? 7 : NAN;
            p->raster_width = with_raster ? 192 : 0;
            p->raster_height = with_raster ? 256 : 0;
            const size_t size = with_raster ? BOTH_GRIDS + raster : exact ? BOTH_GRIDS : ONE_GRID;
            assert_int_equal(hk__reply_size(reply), size);
            assert_true(hk__reply_check(reply, size, ID));
            assert_false(hk__reply_check(reply, size - 1, ID));
            assert_false(hk__reply_check(reply, size == ONE_GRID ? BOTH_GRIDS : ONE_GRID, ID));
        }
    free(reply);
}

/* Each case makes one field of a good reply wrong. */
#define WRONG(what)                                                                                \
    do {                                                                                           \
        hk__reply *reply = good_reply();                                                           \
        hk__picture *p = &reply->picture;                                                          \
        size_t size = hk__reply_size(reply);                                                       \
        uint64_t id = ID;                                                                          \
        (void)p;                                                                                   \
        assert_true(hk__reply_check(reply, size, id));                                             \
        what;                                                                                      \
        if (hk__reply_check(reply, size, id))                                                      \
            print_error("accepted: %s\n", #what);                                                  \
        assert_false(hk__reply_check(reply, size, id));                                            \
        free(reply);                                                                               \
    } while (0)

#define WRONG_BYTES(place, value)                                                                  \
    WRONG(memcpy(&(place), &(const int){value},                                                    \
                 sizeof(int) < sizeof(place) ? sizeof(int) : sizeof(place)))

static void replies_with_one_bad_field_are_refused(void **state)
{
    (void)state;
    WRONG(reply->version = 0);
    WRONG(reply->version = HK__WIRE_VERSION + 1);
    WRONG(reply->message = 0);
    WRONG(reply->message = HK__MESSAGE_MEMBER);
    WRONG(reply->id++);
    WRONG(reply->id = 0);
    WRONG(id ^= UINT64_C(1) << 63);
    WRONG_BYTES(p->status, HK_FILE_STATUSES);
    WRONG_BYTES(p->status, -1);
    WRONG_BYTES(p->status, 0x7fffffff);
    WRONG(p->status = HK_FILE_DUPLICATE);  /* with pixels */
    WRONG(p->status = HK_FILE_UNREADABLE); /* with pixels */
    WRONG(p->status = HK_FILE_TRUNCATED);  /* without its flag */
    WRONG(p->flags |= HK_FLAG_TRUNCATED);  /* without its status */
    WRONG(p->flags |= HK_FLAG_DEGENERATE);
    WRONG(p->flags |= HK_FLAG_LOW_QUALITY);
    WRONG(p->flags |= HK_FLAG_DC_ONLY);
    WRONG(p->flags |= 1u << 31);
    WRONG_BYTES(p->format, HK__FORMATS);
    WRONG_BYTES(p->format, -1);
    WRONG(p->backdrop = HK_BACKDROPS);
    WRONG(p->backdrop = UINT32_MAX);
    WRONG(reply->more = 2);
    WRONG(reply->more = UINT32_MAX);
    WRONG((p->has_pixels = p->has_exact = false, p->status = HK_FILE_TOO_SMALL, size = HEADER,
           reply->more = 1)); /* than nothing */
    WRONG(p->exif_orientation = 9);
    WRONG(p->exif_orientation = UINT32_MAX);
    WRONG(reply->digests.present = 8);
    WRONG(reply->digests.present = UINT32_MAX);
    WRONG(memset(&p->has_pixels, 2, 1));
    WRONG(memset(&p->has_pixels, 255, 1));
    WRONG(p->has_pixels = false);                  /* at the size with pixels */
    WRONG((p->has_pixels = false, size = HEADER)); /* ok without pixels */
    WRONG(memset(&p->has_exact, 2, 1));
    WRONG(memset(&p->has_exact, 255, 1));
    WRONG((p->has_pixels = false, p->status = HK_FILE_TOO_SMALL, size = HEADER)); /* exact alone */
    WRONG((p->raster_width = p->raster_height = 0, size = ONE_GRID)); /* exact not there */
}

static void replies_with_a_bad_grid_are_refused(void **state)
{
    (void)state;
    static const int cells[] = {0, 1, 2048, HK__GRID_SIZE - 1};
    static const float values[] = {NAN, -NAN, INFINITY, -INFINITY, 300, -2, 1e30f};
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        for (size_t v = 0; v < COUNT_OF(values); v++) {
            WRONG(p->grid[cells[i]] = values[v]);
            WRONG(p->exact_grid[cells[i]] = values[v]);
            WRONG((p->exact_grid[cells[i]] = values[v], p->raster_width = p->raster_height = 0,
                   size = BOTH_GRIDS));
        }
    }
}

static void replies_with_a_bad_raster_are_refused(void **state)
{
    (void)state;
    static const uint32_t sides[][2] = {{0, 5},         {5, 0},         {257, 256},
                                        {256, 257},     {1000, 1},      {UINT32_MAX, 1},
                                        {65536, 65536}, {0x80000000, 2}};
    for (size_t i = 0; i < COUNT_OF(sides); i++) {
        WRONG((p->raster_width = sides[i][0], p->raster_height = sides[i][1]));
        WRONG((p->raster_width = sides[i][0], p->raster_height = sides[i][1],
               size = hk__reply_size(reply)));
        WRONG((p->raster_width = sides[i][0], p->raster_height = sides[i][1], size = BOTH_GRIDS));
    }
}

static void replies_of_the_wrong_size_are_refused(void **state)
{
    (void)state;
    WRONG(size--);
    WRONG(size++);
    WRONG(size = 0);
    WRONG(size = 4);
    WRONG(size = HEADER - 1);
    WRONG(size = HEADER);
    WRONG(size = ONE_GRID);
    WRONG(size = BOTH_GRIDS);
    WRONG(size = sizeof *reply);
    WRONG(p->raster_height--);
    hk__reply *reply = good_reply();
    reply->picture.has_pixels = reply->picture.has_exact = false;
    reply->picture.status = HK_FILE_TOO_SMALL;
    assert_true(hk__reply_check(reply, HEADER, ID));
    assert_false(hk__reply_check(reply, HEADER - 1, ID));
    assert_false(hk__reply_check(reply, HEADER + 1, ID));
    free(reply);
}

static void reasons_are_made_printable_and_end(void **state)
{
    (void)state;
    hk__reply *reply = good_reply();
    memset(reply->picture.reason, 'A', HK__REASON_SIZE);
    reply->picture.reason[3] = '\x1b';
    reply->picture.reason[4] = '\n';
    assert_true(hk__reply_check(reply, hk__reply_size(reply), ID));
    assert_int_equal(strlen(reply->picture.reason), HK__REASON_SIZE - 1);
    assert_memory_equal(reply->picture.reason, "AAA??A", 6);
    free(reply);
}

static void accepted_replies_keep_to_their_ranges_whatever_comes(void **state)
{
    (void)state;
    hk__reply *good = good_reply(), *reply = malloc(sizeof *reply);
    const size_t whole = hk__reply_size(good);
    uint64_t seed = 11;
    int accepted = 0;
    for (int round = 0; round < FUZZ; round++) {
        uint8_t *bytes = (uint8_t *)reply;
        const uint64_t r = next_random(&seed);
        size_t size = r & 1 ? whole : r & 2 ? HEADER : r >> 8 & 0x1ffff;
        memcpy(reply, good, round % 64 ? BOTH_GRIDS : sizeof *reply);
        if (r & 4) /* the facts of the picture at random; else a few bytes anywhere */
            for (size_t i = 0; i < 24; i++)
                ((uint8_t *)&reply->picture)[i] = (uint8_t)next_random(&seed) & (r & 8 ? 7 : 255);
        else
            for (uint64_t n = 1 + (r >> 4) % 4; n; n--)
                bytes[next_random(&seed) % (r & 16 ? HEADER : whole)] = (uint8_t)next_random(&seed);
        if (!hk__reply_check(reply, size, ID))
            continue;
        const hk__picture *p = &reply->picture;
        uint8_t has_pixels, has_exact;
        memcpy(&has_pixels, &p->has_pixels, 1);
        memcpy(&has_exact, &p->has_exact, 1);
        accepted++;
        assert_true((unsigned)p->status < HK_FILE_STATUSES);
        assert_true(p->status != HK_FILE_DUPLICATE ||
                    (!p->has_pixels && reply->digests.present & HK_DIGEST_SHA256));
        assert_true((unsigned)p->format < HK__FORMATS && p->exif_orientation <= 8);
        assert_true(has_pixels <= 1 && has_exact <= has_pixels);
        assert_true(memchr(p->reason, '\0', sizeof p->reason) != NULL);
        assert_int_equal(size, hk__reply_size(reply));
        for (int i = 0; has_pixels && i < HK__GRID_SIZE; i++)
            assert_true(p->grid[i] >= -1 && p->grid[i] <= 256);
        for (int i = 0; has_exact && i < HK__GRID_SIZE; i++)
            assert_true(p->exact_grid[i] >= -1 && p->exact_grid[i] <= 256);
        if (has_pixels)
            assert_true(p->raster_width <= HK__RASTER_SIDE && p->raster_height <= HK__RASTER_SIDE);
    }
    assert_true(accepted > 100 && accepted < FUZZ);
    free(reply);
    free(good);
}

/* ---- notices -------------------------------------------------------------------------------- */

static hk__notice good_notice(void)
{
    hk__notice n = {.version = HK__WIRE_VERSION,
                    .message = HK__MESSAGE_MEMBER,
                    .id = ID,
                    .number = 12,
                    .depth = 3,
                    .name_size = HK__NAME_MAX};
    memset(n.name, '\xff', sizeof n.name);
    return n;
}

static bool notice_is_wrong(const hk__notice *n, size_t size)
{
    return !hk__notice_check(n, size, ID, 4);
}

#define WRONG_NOTICE(what)                                                                         \
    do {                                                                                           \
        hk__notice n = good_notice();                                                              \
        size_t size = hk__notice_size(&n);                                                         \
        assert_false(notice_is_wrong(&n, size));                                                   \
        what;                                                                                      \
        if (!notice_is_wrong(&n, size))                                                            \
            print_error("accepted: %s\n", #what);                                                  \
        assert_true(notice_is_wrong(&n, size));                                                    \
    } while (0)

static void notices_with_one_bad_field_are_refused(void **state)
{
    (void)state;
    WRONG_NOTICE(n.version--);
    WRONG_NOTICE(n.message = 0);
    WRONG_NOTICE(n.message = HK__MESSAGE_REPLY);
    WRONG_NOTICE(n.message = HK__MESSAGE_BEAT + 1);
    WRONG_NOTICE(n.id++);
    WRONG_NOTICE(n.number = HK__NO_MEMBER);
    WRONG_NOTICE(n.depth = 4);
    WRONG_NOTICE(n.depth = UINT32_MAX);
    WRONG_NOTICE(n.name_size = 0);
    WRONG_NOTICE((n.name_size = 0, size = offsetof(hk__notice, name)));
    WRONG_NOTICE(n.name_size++);
    WRONG_NOTICE(n.name_size = UINT32_MAX);
    WRONG_NOTICE(n.name_size--);
    WRONG_NOTICE(size--);
    WRONG_NOTICE(size++);
    WRONG_NOTICE(size = 0);
    WRONG_NOTICE(size = offsetof(hk__notice, name) - 1);
    WRONG_NOTICE(n.name[0] = '\0');
    WRONG_NOTICE(n.name[HK__NAME_MAX - 1] = '\0');
    WRONG_NOTICE(n.message = HK__MESSAGE_BEAT); /* with a name */
}

static void notices_are_cut_after_the_name_and_beats_before(void **state)
{
    (void)state;
    hk__notice n = good_notice();
    n.name_size = 1;
    n.name[1] = '\0'; /* no more of it */
    assert_int_equal(hk__notice_size(&n), offsetof(hk__notice, name) + 1);
    assert_true(hk__notice_check(&n, hk__notice_size(&n), ID, 4));
    n.message = HK__MESSAGE_BEAT;
    n.name_size = n.depth = UINT32_MAX;
    n.number = HK__NO_MEMBER;
    assert_int_equal(hk__notice_size(&n), offsetof(hk__notice, name));
    assert_true(hk__notice_check(&n, hk__notice_size(&n), ID, 4));
}

/* ---- the socket ----------------------------------------------------------------------------- */

static void make_pair(int pair[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static int descriptors_open(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void messages_arrive_whole_and_apart(void **state)
{
    (void)state;
    int pair[2], fd = 77;
    char text[100];
    make_pair(pair);
    assert_int_equal(hk__send(pair[0], "first", 5, -1), 0);
    assert_int_equal(hk__send(pair[0], "second", 6, -1), 0);
    assert_int_equal(hk__receive(pair[1], text, sizeof text, &fd), 5);
    assert_memory_equal(text, "first", 5);
    assert_int_equal(fd, -1);
    assert_int_equal(hk__receive(pair[1], text, sizeof text, NULL), 6);
    assert_memory_equal(text, "second", 6);

    hk__reply *reply = good_reply(), *got = calloc(1, sizeof *got);
    const size_t size = hk__reply_size(reply);
    assert_int_equal(hk__send(pair[0], reply, size, -1), 0);
    assert_int_equal(hk__receive(pair[1], got, sizeof *got, NULL), size);
    assert_memory_equal(got, reply, size);
    assert_true(hk__reply_check(got, size, ID));
    free(reply);
    free(got);
    close(pair[0]);
    close(pair[1]);
}

static void descriptors_travel_with_their_message(void **state)
{
    (void)state;
    int pair[2], pipes[2], fd = -1;
    char text[16] = "";
    make_pair(pair);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(hk__send(pair[0], "take", 4, pipes[0]), 0);
    assert_int_equal(hk__send(pair[0], "none", 4, -1), 0);
    close(pipes[0]);
    assert_int_equal(hk__receive(pair[1], text, sizeof text, &fd), 4);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(pipes[1], "through", 7), 7);
    assert_int_equal(read(fd, text, sizeof text), 7);
    assert_memory_equal(text, "through", 7);
    close(fd);
    assert_int_equal(hk__receive(pair[1], text, sizeof text, &fd), 4);
    assert_int_equal(fd, -1);
    close(pipes[1]);
    close(pair[0]);
    close(pair[1]);
}

static void descriptors_nobody_asked_for_are_refused(void **state)
{
    (void)state;
    int pair[2];
    char text[16];
    make_pair(pair);
    const int before = descriptors_open();
    assert_int_equal(hk__send(pair[1], "gift", 4, STDERR_FILENO), 0);
    errno = 0;
    assert_int_equal(hk__receive(pair[0], text, sizeof text, NULL), -1);
    assert_int_equal(errno, EMSGSIZE);
    assert_int_equal(descriptors_open(), before);
    close(pair[0]);
    close(pair[1]);
}

/* One message carries one descriptor. More of them must not stay open unseen. */
static void second_descriptor_of_a_message_is_not_left_open(void **state)
{
    (void)state;
    int pair[2], fd = -1;
    char text[16];
    const int both[2] = {STDIN_FILENO, STDERR_FILENO};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof both)];
    } control = {0};
    struct iovec data = {(void *)"two", 3};
    struct msghdr packet = {.msg_iov = &data,
                            .msg_iovlen = 1,
                            .msg_control = control.space,
                            .msg_controllen = sizeof control.space};
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof both);
    memcpy(CMSG_DATA(&control.header), both, sizeof both);
    make_pair(pair);
    const int before = descriptors_open();
    assert_int_equal(sendmsg(pair[0], &packet, MSG_NOSIGNAL), 3);
    hk__receive(pair[1], text, sizeof text, &fd);
    if (fd >= 0)
        close(fd);
    assert_int_equal(descriptors_open(), before);
    close(pair[0]);
    close(pair[1]);
}

static void messages_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    int pair[2], fd = -1;
    char text[10] = "unchanged";
    make_pair(pair);
    assert_int_equal(hk__send(pair[0], "0123456789", 10, -1), 0);
    errno = 0;
    assert_int_equal(hk__receive(pair[1], text, 4, &fd), -1);
    assert_int_equal(errno, EMSGSIZE);
    assert_memory_equal(text + 4, "anged", 5);
    assert_int_equal(hk__send(pair[0], "next", 4, -1), 0);
    assert_int_equal(hk__receive(pair[1], text, 4, &fd), 4);
    close(pair[0]);
    close(pair[1]);
}

static void closed_connection_is_seen_at_both_ends(void **state)
{
    (void)state;
    int pair[2], fd = 5;
    char text[10];
    make_pair(pair);
    close(pair[0]);
    assert_int_equal(hk__receive(pair[1], text, sizeof text, &fd), 0);
    assert_int_equal(fd, -1);
    errno = 0;
    assert_int_equal(hk__send(pair[1], "x", 1, -1), -1); /* and no SIGPIPE */
    assert_int_equal(errno, EPIPE);
    close(pair[1]);
    assert_int_equal(hk__receive(-1, text, sizeof text, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_replies_are_accepted),
        cmocka_unit_test(replies_are_cut_after_what_they_hold),
        cmocka_unit_test(replies_with_one_bad_field_are_refused),
        cmocka_unit_test(replies_with_a_bad_grid_are_refused),
        cmocka_unit_test(replies_with_a_bad_raster_are_refused),
        cmocka_unit_test(replies_of_the_wrong_size_are_refused),
        cmocka_unit_test(reasons_are_made_printable_and_end),
        cmocka_unit_test(accepted_replies_keep_to_their_ranges_whatever_comes),
        cmocka_unit_test(notices_with_one_bad_field_are_refused),
        cmocka_unit_test(notices_are_cut_after_the_name_and_beats_before),
        cmocka_unit_test(messages_arrive_whole_and_apart),
        cmocka_unit_test(descriptors_travel_with_their_message),
        cmocka_unit_test(descriptors_nobody_asked_for_are_refused),
        cmocka_unit_test(second_descriptor_of_a_message_is_not_left_open),
        cmocka_unit_test(messages_that_do_not_fit_are_refused),
        cmocka_unit_test(closed_connection_is_seen_at_both_ends),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
