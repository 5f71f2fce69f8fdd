// What Swift cannot see of OpenSSL, because it is made of macros.
#pragma once
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static inline void openssl_name(SSL *ssl, const char *host) {
    SSL_set_tlsext_host_name(ssl, host);
}

static inline int openssl_count(const STACK_OF(X509) *chain) {
    return chain == NULL ? 0 : sk_X509_num(chain);
}

static inline X509 *openssl_certificate(const STACK_OF(X509) *chain, int index) {
    return sk_X509_value(chain, index);
}
