// What is sent to pintle_check: OpenSSL's verdict, the path it verified (never what the server merely presented as one),
// what was presented, the stapled OCSP response and the SCTs of the TLS extension.
#include "pintle_openssl.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

// Longer names do not exist (P-2.8); a final dot and brackets may stand around them.
#define HOST_BYTES 260

typedef struct State {
    char host[HOST_BYTES];
    bool decided;
    bool accepted; // by OpenSSL, with the host's name
    PintleDecision decision;
} State;

typedef struct Buffer {
    uint8_t *data;
    size_t len;
    bool broken;
} Buffer;

static int context_index = -1; // of the Pintle in an SSL_CTX
static int host_index = -1;    // of the one host of an SSL_CTX, for those who never see the SSL
static int state_index = -1;   // of the State in an SSL
static _Thread_local PintleDecision last_decision; // OpenSSL verifies on the thread that connects
static CRYPTO_ONCE indices_once = CRYPTO_ONCE_STATIC_INIT;

static void free_state(void *parent, void *state, CRYPTO_EX_DATA *data, int index, long argl, void *argp) {
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    free(state);
}

static void make_indices(void) {
    host_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_state);
    context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    state_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_state);
}

static bool have_indices(void) {
    return CRYPTO_THREAD_run_once(&indices_once, make_indices) == 1 && context_index >= 0 && host_index >= 0 &&
           state_index >= 0;
}

static void append_certificate(Buffer *buffer, X509 *certificate) {
    int len = i2d_X509(certificate, NULL);
    if (len <= 0 || len > 0xFFFFFF) {
        buffer->broken = true;
        return;
    }
    uint8_t *grown = realloc(buffer->data, buffer->len + 3 + (size_t)len);
    if (grown == NULL) {
        buffer->broken = true;
        return;
    }
    buffer->data = grown;
    uint8_t *end = grown + buffer->len;
    *end++ = (uint8_t)(len >> 16);
    *end++ = (uint8_t)(len >> 8);
    *end++ = (uint8_t)len;
    i2d_X509(certificate, &end);
    buffer->len += 3 + (size_t)len;
}

static void append_chain(Buffer *buffer, STACK_OF(X509) *chain) {
    for (int i = 0; chain != NULL && i < sk_X509_num(chain); i++) {
        append_certificate(buffer, sk_X509_value(chain, i));
    }
}

static bool decide(const Pintle *pintle, SSL *ssl, State *state, STACK_OF(X509) *presented, STACK_OF(X509) *verified) {
    Buffer shown = {0}, path = {0};
    append_chain(&shown, presented);
    if (state->accepted) {
        append_chain(&path, verified);
    }
    const unsigned char *ocsp = NULL;
    long ocsp_len = SSL_get_tlsext_status_ocsp_resp(ssl, &ocsp);
    PintleEvidence evidence = {
        .host = state->host,
        .presented = {shown.data, shown.len},
        .verified_path = {path.data, path.len},
        .platform_accepts = state->accepted,
        .ocsp_response = {ocsp_len > 0 ? ocsp : NULL, ocsp_len > 0 ? (size_t)ocsp_len : 0},
    };
    // A broken buffer holds less than there was: nothing may be decided on it.
    bool allowed = !shown.broken && !path.broken && pintle_check(pintle, &evidence, &state->decision);
    state->decided = true;
    last_decision = state->decision;
    free(shown.data);
    free(path.data);
    return allowed;
}

static bool is_address(const char *host) {
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    ASN1_OCTET_STRING_free(address);
    return address != NULL;
}

static bool is_named(X509 *leaf, const char *host) {
    if (is_address(host)) {
        return X509_check_ip_asc(leaf, host, 0) == 1;
    }
    unsigned int flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    return X509_check_host(leaf, host, 0, flags, NULL) == 1;
}

static bool remember_host(SSL *ssl, const char *host) {
    size_t len = strlen(host);
    if (len >= HOST_BYTES || !have_indices()) {
        return false;
    }
    State *state = calloc(1, sizeof *state);
    if (state == NULL) {
        return false;
    }
    // Without brackets and final dot, as certificates write it; what is no host at all is refused by pintle_check.
    bool bracketed = len > 1 && host[0] == '[' && host[len - 1] == ']';
    memcpy(state->host, host + (bracketed ? 1 : 0), len - (bracketed ? 2 : 0));
    len = strlen(state->host);
    if (len > 0 && state->host[len - 1] == '.') {
        state->host[len - 1] = '\0';
    }
    State *earlier = SSL_get_ex_data(ssl, state_index);
    if (SSL_set_ex_data(ssl, state_index, state) != 1) {
        free(state);
        return false;
    }
    free(earlier);
    return true;
}

static State *state_of(SSL *ssl) {
    State *state = SSL_get_ex_data(ssl, state_index);
    const char *host = state == NULL ? SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), host_index) : NULL;
    return host != NULL && remember_host(ssl, host) ? SSL_get_ex_data(ssl, state_index) : state;
}

// In place of OpenSSL's own verification, which it calls.
static int verify(X509_STORE_CTX *store_context, void *unused) {
    (void)unused;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store_context, SSL_get_ex_data_X509_STORE_CTX_idx());
    const Pintle *pintle = ssl == NULL ? NULL : SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index);
    State *state = ssl == NULL ? NULL : state_of(ssl);
    X509 *leaf = X509_STORE_CTX_get0_cert(store_context);
    bool allowed = false;
    if (pintle != NULL && state != NULL && leaf != NULL) {
        state->accepted = X509_verify_cert(store_context) == 1 &&
                          X509_STORE_CTX_get_error(store_context) == X509_V_OK && is_named(leaf, state->host);
        // What the server sent begins with its leaf.
        allowed = decide(pintle, ssl, state, X509_STORE_CTX_get0_untrusted(store_context),
                         X509_STORE_CTX_get0_chain(store_context));
    }
    X509_STORE_CTX_set_error(store_context, allowed ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
    return allowed ? 1 : 0;
}

bool pintle_openssl_protect(const Pintle *pintle, SSL_CTX *context) {
    if (!have_indices() || SSL_CTX_set_ex_data(context, context_index, (void *)pintle) != 1) {
        return false;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, verify, NULL);
    // A resumed session shows no certificate to decide on.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    return true;
}

bool pintle_openssl_protect_for(const Pintle *pintle, SSL_CTX *context, const char *host) {
    if (!pintle_openssl_protect(pintle, context)) {
        return false;
    }
    size_t bytes = strlen(host) + 1;
    char *copy = malloc(bytes);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, host, bytes);
    char *earlier = SSL_CTX_get_ex_data(context, host_index);
    if (SSL_CTX_set_ex_data(context, host_index, copy) != 1) {
        free(copy);
        return false;
    }
    free(earlier);
    return true;
}

bool pintle_openssl_set_host(SSL *ssl, const char *host) {
    if (!remember_host(ssl, host)) {
        return false;
    }
    const State *state = SSL_get_ex_data(ssl, state_index);
    return is_address(state->host) || SSL_set_tlsext_host_name(ssl, state->host) == 1;
}

bool pintle_openssl_may_request(SSL *ssl) {
    State *state = have_indices() ? SSL_get_ex_data(ssl, state_index) : NULL;
    const Pintle *pintle = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index);
    if (pintle == NULL || state == NULL || !state->decided || SSL_session_reused(ssl)) {
        return false;
    }
    if (state->decision.generation == pintle_generation(pintle)) {
        return state->decision.verdict != PINTLE_VERDICT_REFUSED;
    }
    // Whether OpenSSL accepted the chain does not change; what the pins say does.
    return decide(pintle, ssl, state, SSL_get_peer_cert_chain(ssl), SSL_get0_verified_chain(ssl));
}

bool pintle_openssl_decision(const SSL *ssl, PintleDecision *decision) {
    const State *state = have_indices() ? SSL_get_ex_data(ssl, state_index) : NULL;
    if (state == NULL || !state->decided) {
        return false;
    }
    *decision = state->decision;
    return true;
}

PintleDecision pintle_openssl_last_decision(void) {
    return last_decision;
}

bool pintle_openssl_fetch_certificate(const char *host, const char *address, uint8_t **chain, size_t *len) {
    Buffer shown = {0};
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    BIO *connection = context == NULL ? NULL : BIO_new_ssl_connect(context);
    SSL *ssl = NULL;
    // It looks, and says nothing: whoever answers is shown, true or forged.
    if (connection != NULL && BIO_get_ssl(connection, &ssl) == 1 && ssl != NULL) {
        SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
        BIO_set_conn_hostname(connection, address);
        if ((is_address(host) || SSL_set_tlsext_host_name(ssl, host) == 1) && BIO_do_connect(connection) == 1) {
            append_chain(&shown, SSL_get_peer_cert_chain(ssl));
        }
    }
    BIO_free_all(connection);
    SSL_CTX_free(context);
    if (shown.broken || shown.len == 0) {
        free(shown.data);
        return false;
    }
    *chain = shown.data;
    *len = shown.len;
    return true;
}
