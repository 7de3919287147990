/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls.c - see tls.h. */
#include "tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FILE_MOST = 1 << 20, VERIFY_AGAIN = 60 };

const char tls_priorities[] = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

struct tls_credentials {
    gnutls_certificate_credentials_t all;
    bool asks;        /* for certificates of clients */
    unsigned holders; /* under the lock */
};

struct tls {
    const settings *settings;
    tls_files first; /* texts of the start */
    atomic_uint generation;

    pthread_mutex_t lock; /* of these: */
    struct tls_credentials *now;
};

/* ---- the server's own ---------------------------------------------------------------------- */

static hk_status read_text(char **out, const char *path, hk_error *err)
{
    if (!path)
        return HK_OK;
    FILE *file = fopen(path, "rbe");
    char *text = file ? malloc(FILE_MOST + 1) : NULL;
    const size_t length = text ? fread(text, 1, FILE_MOST + 1, file) : 0;
    if (!text || ferror(file) || !length || length > FILE_MOST) {
        snprintf(err->message, sizeof err->message, "cannot read %s: %s", path,
                 file && length > FILE_MOST ? "too large" : strerror(errno));
        err->status = HK_ERR_IO;
        free(text);
        if (file)
            fclose(file);
        return err->status;
    }
    fclose(file);
    text[length] = '\0';
    *out = text;
    return HK_OK;
}

static hk_status wrong(hk_error *err, const char *what, const char *path, int code)
{
    snprintf(err->message, sizeof err->message, "%s %s: %s", what, path, gnutls_strerror(code));
    err->status = HK_ERR_FORMAT;
    return err->status;
}

static hk_status check_dates(const char *text, const char *path, hk_error *err)
{
    gnutls_x509_crt_t crt;
    const gnutls_datum_t pem = {(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
    int code = gnutls_x509_crt_init(&crt);
    if (code)
        return wrong(err, "cannot read", path, code);
    code = gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM);
    const time_t now = time(NULL);
    const bool over = !code && (gnutls_x509_crt_get_expiration_time(crt) < now ||
                                gnutls_x509_crt_get_activation_time(crt) > now);
    gnutls_x509_crt_deinit(crt);
    if (code)
        return wrong(err, "no certificate is in", path, code);
    if (!over)
        return HK_OK;
    snprintf(err->message, sizeof err->message,
             "the certificate in %s has expired, or is not good "
             "yet",
             path);
    err->status = HK_ERR_FORMAT;
    return err->status;
}

static hk_status fill(gnutls_certificate_credentials_t all, const tls_files *files,
                      const settings *s, hk_error *err)
{
    const gnutls_datum_t cert = {(unsigned char *)files->cert, (unsigned)strlen(files->cert)};
    const gnutls_datum_t key = {(unsigned char *)files->key, (unsigned)strlen(files->key)};
    int code = gnutls_certificate_set_x509_key_mem(all, &cert, &key, GNUTLS_X509_FMT_PEM);
    if (code < 0)
        return wrong(err, "certificate and key do not go together:", s->tls_cert, code);
    if (files->client_ca) {
        const gnutls_datum_t ca = {(unsigned char *)files->client_ca,
                                   (unsigned)strlen(files->client_ca)};
        code = gnutls_certificate_set_x509_trust_mem(all, &ca, GNUTLS_X509_FMT_PEM);
        if (code <= 0)
            return wrong(err, "no certificate is in", s->client_ca, code);
    }
    return check_dates(files->cert, s->tls_cert, err);
}

static void clear(tls_files *files)
{
    if (files->key)
        explicit_bzero(files->key, strlen(files->key));
    free(files->cert);
    free(files->key);
    free(files->client_ca);
    *files = (tls_files){0};
}

static hk_status read_files(tls_files *out, const settings *s, hk_error *err)
{
    tls_files files = {0};
    hk_status status = read_text(&files.cert, s->tls_cert, err);
    if (!status)
        status = read_text(&files.key, s->tls_key, err);
    if (!status)
        status = read_text(&files.client_ca, s->client_ca, err);
    if (status)
        clear(&files);
    else
        *out = files;
    return status;
}

static void free_credentials(struct tls_credentials *c)
{
    if (!c)
        return;
    gnutls_certificate_free_credentials(c->all);
    free(c);
}

static hk_status make(struct tls_credentials **out, const tls_files *files, const settings *s,
                      hk_error *err)
{
    struct tls_credentials *c = calloc(1, sizeof *c);
    if (!c || gnutls_certificate_allocate_credentials(&c->all)) {
        free(c);
        *err = (hk_error){HK_ERR_NO_MEMORY, "out of memory"};
        return err->status;
    }
    c->holders = 1;
    c->asks = files->client_ca != NULL;
    const hk_status status = fill(c->all, files, s, err);
    if (status)
        free_credentials(c);
    else
        *out = c;
    return status;
}

/* ---- holding ------------------------------------------------------------------------------- */

static struct tls_credentials *hold(tls *t, unsigned *generation)
{
    pthread_mutex_lock(&t->lock);
    t->now->holders++;
    *generation = atomic_load(&t->generation);
    struct tls_credentials *c = t->now;
    pthread_mutex_unlock(&t->lock);
    return c;
}

static void let_go(tls *t, struct tls_credentials *c)
{
    pthread_mutex_lock(&t->lock);
    const bool last = c && !--c->holders;
    pthread_mutex_unlock(&t->lock);
    if (last)
        free_credentials(c);
}

hk_status tls_open(tls **out, const settings *s, hk_error *err)
{
    *out = NULL;
    if (!s->tls_cert)
        return HK_OK;
    tls *t = calloc(1, sizeof *t);
    if (!t) {
        *err = (hk_error){HK_ERR_NO_MEMORY, "out of memory"};
        return err->status;
    }
    t->settings = s;
    pthread_mutex_init(&t->lock, NULL);
    hk_status status = read_files(&t->first, s, err);
    if (!status)
        status = make(&t->now, &t->first, s, err);
    if (status)
        tls_close(t);
    else
        *out = t;
    return status;
}

hk_status tls_reload(tls *t, hk_error *err)
{
    tls_files files;
    struct tls_credentials *fresh = NULL;
    if (!t)
        return HK_OK;
    hk_status status = read_files(&files, t->settings, err);
    if (status)
        return status;
    status = make(&fresh, &files, t->settings, err);
    clear(&files);
    if (status)
        return status;
    pthread_mutex_lock(&t->lock);
    struct tls_credentials *before = t->now;
    t->now = fresh;
    atomic_fetch_add(&t->generation, 1);
    pthread_mutex_unlock(&t->lock);
    let_go(t, before);
    return HK_OK;
}

void tls_close(tls *t)
{
    if (!t)
        return;
    free_credentials(t->now);
    clear(&t->first);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

const tls_files *tls_texts(const tls *t)
{
    return &t->first;
}

/* ---- connections --------------------------------------------------------------------------- */

static gnutls_session_t session_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info ? info->tls_session : NULL;
}

/* Gives the session the credentials of now, in place of those that it has. */
static bool use_now(tls *t, gnutls_session_t session, guard_certificate *known)
{
    struct tls_credentials *c = hold(t, &known->generation);
    if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, c->all)) {
        let_go(t, c);
        return false;
    }
    let_go(t, known->credentials);
    known->credentials = c;
    return true;
}

bool tls_begin(tls *t, struct MHD_Connection *connection, guard_certificate *known)
{
    gnutls_session_t session = t ? session_of(connection) : NULL;
    if (!t)
        return true;
    if (!session || !use_now(t, session, known))
        return false;
    gnutls_certificate_server_set_request(session, known->credentials->asks ? GNUTLS_CERT_REQUEST
                                                                            : GNUTLS_CERT_IGNORE);
    return true;
}

void tls_end(tls *t, guard_certificate *known)
{
    if (t && known->credentials)
        let_go(t, known->credentials);
    known->credentials = NULL;
}

/* ---- those of clients ---------------------------------------------------------------------- */

static bool verify(uint8_t sha256[32], gnutls_session_t session, const gnutls_datum_t *peer)
{
    unsigned faults;
    size_t size = 32;
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT};
    return !gnutls_certificate_verify_peers(session, &purpose, 1, &faults) && !faults &&
           !gnutls_fingerprint(GNUTLS_DIG_SHA256, peer, sha256, &size) && size == 32;
}

bool tls_client(const uint8_t **sha256, tls *t, struct MHD_Connection *connection,
                guard_certificate *known)
{
    gnutls_session_t session = t ? session_of(connection) : NULL;
    const int64_t now = guard_clock();
    *sha256 = NULL;
    if (!t)
        return true;
    if (!session)
        return false;
    if (known->generation != atomic_load(&t->generation)) {
        if (!use_now(t, session, known))
            return false;
        known->verified = 0;
    }
    if (!known->verified || now - known->verified >= VERIFY_AGAIN) {
        unsigned count = 0;
        const gnutls_datum_t *peers = gnutls_certificate_get_peers(session, &count);
        known->there = peers && count;
        known->good = known->there && verify(known->sha256, session, peers);
        known->verified = now;
    }
    if (known->good)
        *sha256 = known->sha256;
    return !known->there || known->good;
}
