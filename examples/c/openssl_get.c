// One pinned request with OpenSSL alone.
//
//   adapters=$(pkg-config --variable=adapters pintle)
//   rpath=-Wl,-rpath,$(pkg-config --variable=libdir pintle)
//   cc openssl_get.c $adapters/pintle_*.c $(pkg-config --cflags --libs pintle libcurl openssl) $rpath -o openssl_get
//   ./openssl_get pintle.json api.example.com 443
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pintle_curl.h" // fetches the configuration
#include "pintle_openssl.h"

static PintleBytes read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    char *data = malloc(65536);
    if (file == NULL || data == NULL) {
        perror(path);
        exit(1);
    }
    size_t len = fread(data, 1, 65536, file);
    fclose(file);
    return (PintleBytes){(const uint8_t *)data, len};
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: %s pintle.json HOST PORT\n", argv[0]);
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    PintleOptions options = {
        .bundle = read_file(argv[1]),
        .fetch = pintle_curl_fetch,
        // For a CDN on this machine, in trials.
        .dangerous_allow_http_loopback = getenv("PINTLE_DANGEROUS_HTTP") != NULL,
    };
    Pintle *pintle = NULL;
    const char *code = pintle_open(&options, &pintle);
    if (code == NULL) {
        code = pintle_ready(pintle, 15000);
    }
    if (code != NULL) {
        fprintf(stderr, "failed: %s: %s\n", code, pintle_last_message());
        return 1;
    }

    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_default_verify_paths(context);
    pintle_openssl_protect(pintle, context);

    char address[300], request[400], answer[4096];
    snprintf(address, sizeof address, "%s:%s", argv[2], argv[3]);
    BIO *connection = BIO_new_ssl_connect(context);
    SSL *ssl = NULL;
    BIO_get_ssl(connection, &ssl);
    BIO_set_conn_hostname(connection, address);
    pintle_openssl_set_host(ssl, argv[2]);

    int status = 1;
    if (BIO_do_connect(connection) == 1 && pintle_openssl_may_request(ssl)) {
        snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", argv[2]);
        BIO_write(connection, request, (int)strlen(request));
        int len = BIO_read(connection, answer, sizeof answer - 1);
        answer[len > 0 ? len : 0] = '\0';
        fputs(answer, stdout);
        status = 0;
    } else {
        PintleDecision decision = pintle_openssl_last_decision();
        if (decision.code != NULL) {
            fprintf(stderr, "refused: %s\n", decision.code);
        } else {
            fprintf(stderr, "failed: no connection\n");
        }
    }
    BIO_free_all(connection);
    SSL_CTX_free(context);
    pintle_free(pintle);
    free((void *)options.bundle.data);
    return status;
}
