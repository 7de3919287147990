/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls.c - see tls.h. */
#include "tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FILE_MOST = 1 << 20, VERIFY_AGAIN = 60 };

const char tls_priorities[] = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

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

/* The HTTP library would only say that it does not start. */
static hk_status check(const tls_files *files, const settings *s, hk_error *err)
{
    gnutls_certificate_credentials_t all;
    const gnutls_datum_t cert = {(unsigned char *)files->cert, (unsigned)strlen(files->cert)};
    const gnutls_datum_t key = {(unsigned char *)files->key, (unsigned)strlen(files->key)};
    int code = gnutls_certificate_allocate_credentials(&all);
    if (code)
        return wrong(err, "cannot read", s->tls_cert, code);
    hk_status status = HK_OK;
    code = gnutls_certificate_set_x509_key_mem(all, &cert, &key, GNUTLS_X509_FMT_PEM);
    if (code < 0)
        status = wrong(err, "certificate and key do not go together:", s->tls_cert, code);
    if (!status && files->client_ca) {
        const gnutls_datum_t ca = {(unsigned char *)files->client_ca,
                                   (unsigned)strlen(files->client_ca)};
        code = gnutls_certificate_set_x509_trust_mem(all, &ca, GNUTLS_X509_FMT_PEM);
        if (code <= 0)
            status = wrong(err, "no certificate is in", s->client_ca, code);
    }
    gnutls_certificate_free_credentials(all);
    return status ? status : check_dates(files->cert, s->tls_cert, err);
}

hk_status tls_read(tls_files *out, const settings *s, hk_error *err)
{
    tls_files files = {0};
    hk_status status = read_text(&files.cert, s->tls_cert, err);
    if (!status)
        status = read_text(&files.key, s->tls_key, err);
    if (!status)
        status = read_text(&files.client_ca, s->client_ca, err);
    if (!status && files.cert)
        status = check(&files, s, err);
    if (status)
        tls_clear(&files);
    else
        *out = files;
    return status;
}

void tls_clear(tls_files *files)
{
    if (files->key)
        explicit_bzero(files->key, strlen(files->key));
    free(files->cert);
    free(files->key);
    free(files->client_ca);
    *files = (tls_files){0};
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

bool tls_client(const uint8_t **sha256, struct MHD_Connection *connection, guard_certificate *known)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    const int64_t now = guard_clock();
    *sha256 = NULL;
    if (!info || !info->tls_session)
        return true;
    if (!known->verified || now - known->verified >= VERIFY_AGAIN) {
        unsigned count = 0;
        gnutls_session_t session = info->tls_session;
        const gnutls_datum_t *peers = gnutls_certificate_get_peers(session, &count);
        known->there = peers && count;
        known->good = known->there && verify(known->sha256, session, peers);
        known->verified = now;
    }
    if (known->good)
        *sha256 = known->sha256;
    return !known->there || known->good;
}
