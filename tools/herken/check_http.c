/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check_http.c - the connection to a hash-check server, by libcurl.
 *
 * A key goes over HTTPS with a certificate that holds, or to this machine: there is no option that
 * turns this off. Redirections are not followed: they would carry the key elsewhere.
 */
#include "check_parts.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_KEY = 4096, LONGEST_HEADERS = 65536, CONNECT_MS = 10000 };

struct check_http {
    CURL *curl;
    char *url; /* of POST /v1/check */
    struct curl_slist *headers;
    check_reply *reply; /* being received */
    size_t longest, header_bytes;
};

bool check_http_built(void)
{
    return true;
}

/* ---- the key ------------------------------------------------------------------------------- */

/* Others may neither read nor change it; its group may read it, as a service's does. */
static bool is_private(const char *path, const struct stat *facts)
{
    if (!S_ISREG(facts->st_mode))
        cli_usage("%s: the key is to be in a file", path);
    else if (facts->st_uid != geteuid() && facts->st_uid != 0)
        cli_usage("%s belongs to another user: whoever can change the key file could have it sent",
                  path);
    else if (facts->st_mode & (S_IRWXO | S_IWGRP))
        cli_usage("%s can be read or changed by others: chmod 600 it, and have the key replaced if "
                  "others may have read it",
                  path);
    else
        return true;
    return false;
}

/* The key's text: printable ASCII without blanks. Owned; NULL: it says why. */
static char *read_key(const char *path)
{
    struct stat facts;
    char text[LONGEST_KEY + 1];
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &facts)) {
        cli_usage("cannot read the key in %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    const bool private = is_private(path, &facts);
    ssize_t length = private ? read(fd, text, sizeof text) : -1;
    close(fd);
    if (!private)
        return NULL;
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        length--;
    bool plain = length > 0 && length < LONGEST_KEY;
    for (ssize_t i = 0; plain && i < length; i++)
        plain = text[i] > ' ' && text[i] < 127;
    if (!plain)
        cli_usage("%s does not hold a key: one line of letters and digits", path);
    return plain ? strndup(text, (size_t)length) : NULL;
}

static bool set_headers(check_http *http, const char *key_file)
{
    char *key = read_key(key_file), *line = NULL;
    if (!key)
        return false;
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json"), *more;
    const int made = asprintf(&line, "Authorization: Bearer %s", key);
    free(key);
    more = list && made >= 0 ? curl_slist_append(list, line) : NULL;
    if (made >= 0)
        free(line);
    if (more) /* a hundred kilobytes at once: do not wait to be asked on */
        more = curl_slist_append(list, "Expect:");
    http->headers = list;
    if (!more)
        cli_say("out of memory");
    return more != NULL;
}

/* ---- the address --------------------------------------------------------------------------- */

static bool is_loopback(const char *host)
{
    struct in_addr four;
    if (!strcmp(host, "localhost") || !strcmp(host, "[::1]"))
        return true;
    return inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

/* What is wrong with an address; NULL: nothing. *plain: it is http. */
static const char *judge_address(bool *plain, CURLU *parts)
{
    char *scheme = NULL, *host = NULL, *other = NULL;
    const char *wrong = NULL;
    if (curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0))
        wrong = "it names no scheme or no host";
    else if (!curl_url_get(parts, CURLUPART_USER, &other, 0) ||
             !curl_url_get(parts, CURLUPART_PASSWORD, &other, 0))
        wrong = "the key belongs into --key-file";
    else if (!curl_url_get(parts, CURLUPART_QUERY, &other, 0) ||
             !curl_url_get(parts, CURLUPART_FRAGMENT, &other, 0))
        wrong = "it has more than a host, a port and a path";
    else if (strcmp(scheme, "https") && strcmp(scheme, "http"))
        wrong = "https, http to this machine, or unix:PATH";
    else if (!strcmp(scheme, "http") && !is_loopback(host))
        wrong = "http is for this machine alone; to another the key goes over https";
    *plain = !wrong && !strcmp(scheme, "http");
    curl_free(scheme);
    curl_free(host);
    curl_free(other);
    return wrong;
}

/* URL/v1/check. */
static int set_address(check_http *http, const char *address)
{
    const char *socket_path = strncmp(address, "unix:", 5) ? NULL : address + 5;
    const char *url = socket_path ? "http://localhost" : address;
    CURLU *parts = curl_url();
    bool plain = false;
    const char *wrong = !parts                                       ? "out of memory"
                        : curl_url_set(parts, CURLUPART_URL, url, 0) ? "it is no address"
                                                                     : judge_address(&plain, parts);
    if (!wrong && socket_path && !*socket_path)
        wrong = "unix: names no socket";
    size_t length = strlen(url);
    while (length && url[length - 1] == '/')
        length--;
    if (!wrong && asprintf(&http->url, "%.*s/v1/check", (int)length, url) < 0) {
        http->url = NULL;
        wrong = "out of memory";
    }
    curl_url_cleanup(parts);
    if (wrong)
        return cli_usage("--server %s: %s", address, wrong);
    CURLcode set = curl_easy_setopt(http->curl, CURLOPT_URL, http->url);
    if (!set && socket_path)
        set = curl_easy_setopt(http->curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
    if (!set)
        set = curl_easy_setopt(http->curl, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
    if (!set && plain) /* a proxy would see the key, and would be another machine */
        set = curl_easy_setopt(http->curl, CURLOPT_NOPROXY, "*");
    if (set)
        cli_say("--server: %s", curl_easy_strerror(set));
    return set ? CLI_SYSTEM : -1;
}

/* ---- receiving ----------------------------------------------------------------------------- */

static size_t on_body(char *data, size_t one, size_t length, void *context)
{
    check_http *http = context;
    check_reply *reply = http->reply;
    (void)one;
    if (length > http->longest - reply->length)
        return 0; /* longer than any answer: libcurl stops */
    char *grown = realloc(reply->body, reply->length + length + 1);
    if (!grown)
        return 0;
    reply->body = grown;
    memcpy(grown + reply->length, data, length);
    reply->length += length;
    grown[reply->length] = '\0';
    return length;
}

static size_t on_header(char *data, size_t one, size_t length, void *context)
{
    check_http *http = context;
    (void)data;
    (void)one;
    http->header_bytes += length;
    return http->header_bytes > LONGEST_HEADERS ? 0 : length;
}

static bool is_distrust(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CERTPROBLEM ||
           code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR ||
           code == CURLE_SSL_INVALIDCERTSTATUS || code == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}

bool check_http_post(check_reply *out, check_http *http, const char *body, size_t length,
                     size_t longest)
{
    *out = (check_reply){0};
    http->reply = out;
    http->longest = longest;
    http->header_bytes = 0;
    if (curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, body) ||
        curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length))
        return false;
    char detail[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, detail);
    const CURLcode code = curl_easy_perform(http->curl);
    curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, NULL);
    curl_off_t after = 0;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &out->status);
    curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &after);
    out->retry_after_ms = after > 0 ? (uint64_t)(after < 86400 ? after : 86400) * 1000 : 0;
    out->what = !code ? CHECK_REPLY : is_distrust(code) ? CHECK_UNTRUSTED : CHECK_NO_REPLY;
    if (code)
        snprintf(out->words, sizeof out->words, "%s", *detail ? detail : curl_easy_strerror(code));
    return code != CURLE_OUT_OF_MEMORY;
}

/* ---- opening ------------------------------------------------------------------------------- */

static CURLcode set_all(check_http *http, const check_server *server)
{
    const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_SSL_VERIFYPEER, 1},
        {CURLOPT_SSL_VERIFYHOST, 2},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_POST, 1},
        {CURLOPT_TIMEOUT_MS, (long)server->timeout_ms},
        {CURLOPT_CONNECTTIMEOUT_MS,
         (long)(server->timeout_ms < CONNECT_MS ? server->timeout_ms : CONNECT_MS)},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    };
    const struct {
        CURLoption option;
        const char *value;
    } texts[] = {
        {CURLOPT_CAINFO, server->ca},
        {CURLOPT_CAPATH, server->ca ? "" : NULL}, /* --ca stands in for what the system trusts */
        {CURLOPT_SSLCERT, server->cert},
        {CURLOPT_SSLKEY, server->cert_key},
    };
    CURLcode code = CURLE_OK;
    for (size_t i = 0; !code && i < sizeof numbers / sizeof *numbers; i++)
        code = curl_easy_setopt(http->curl, numbers[i].option, numbers[i].value);
    for (size_t i = 0; !code && i < sizeof texts / sizeof *texts; i++)
        if (texts[i].value)
            code = curl_easy_setopt(http->curl, texts[i].option,
                                    *texts[i].value ? texts[i].value : NULL);
    if (!code)
        code = curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, http->headers);
    if (!code)
        code = curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, on_body);
    if (!code)
        code = curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, http);
    if (!code)
        code = curl_easy_setopt(http->curl, CURLOPT_HEADERFUNCTION, on_header);
    if (!code)
        code = curl_easy_setopt(http->curl, CURLOPT_HEADERDATA, http);
    return code;
}

/* A file that is not there would otherwise look like a server that is away. */
static int check_files(const check_server *server)
{
    const char *const files[] = {server->ca, server->cert, server->cert_key};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i] && access(files[i], R_OK))
            return cli_usage("cannot read %s: %s", files[i], strerror(errno));
    return -1;
}

int check_http_open(check_http **out, const check_server *server)
{
    int code = check_files(server);
    if (code >= 0)
        return code;
    check_http *http = calloc(1, sizeof *http);
    if (http && !curl_global_init(CURL_GLOBAL_DEFAULT))
        http->curl = curl_easy_init();
    if (!http || !http->curl) {
        cli_say("out of memory");
        free(http);
        return CLI_SYSTEM;
    }
    code = set_address(http, server->url);
    if (code < 0 && !set_headers(http, server->key_file))
        code = CLI_USAGE;
    const CURLcode set = code < 0 ? set_all(http, server) : CURLE_OK;
    if (set) {
        cli_say("--server: %s", curl_easy_strerror(set));
        code = CLI_SYSTEM;
    }
    if (code < 0)
        *out = http;
    else
        check_http_close(http);
    return code;
}

void check_http_close(check_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->headers);
    free(http->url);
    free(http);
    curl_global_cleanup();
}
