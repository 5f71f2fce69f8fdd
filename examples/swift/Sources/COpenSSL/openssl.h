// What Swift cannot see of OpenSSL, because it is made of macros.
#pragma once
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Connects to `address` ("host:port") and shakes hands, for `host`. NULL: it came to nothing.
static inline BIO *openssl_connect(SSL_CTX *context, const char *address, const char *host, SSL **ssl) {
    BIO *connection = BIO_new_ssl_connect(context);
    if (connection == NULL) {
        return NULL;
    }
    BIO_get_ssl(connection, ssl);
    BIO_set_conn_hostname(connection, address);
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(host);
    if (ip == NULL) {
        SSL_set_tlsext_host_name(*ssl, host);
    }
    ASN1_OCTET_STRING_free(ip);
    if (BIO_do_connect(connection) == 1) {
        return connection;
    }
    BIO_free_all(connection);
    return NULL;
}

static inline int openssl_count(const STACK_OF(X509) *chain) {
    return chain == NULL ? 0 : sk_X509_num(chain);
}

static inline X509 *openssl_certificate(const STACK_OF(X509) *chain, int index) {
    return sk_X509_value(chain, index);
}
