// One pinned request with libcurl.
//
//   adapters=$(pkg-config --variable=adapters pintle)
//   rpath=-Wl,-rpath,$(pkg-config --variable=libdir pintle)
//   cc curl_get.c $adapters/pintle_*.c $(pkg-config --cflags --libs pintle libcurl openssl) $rpath -o curl_get
//   ./curl_get pintle.json https://api.example.com/
#include <stdio.h>
#include <stdlib.h>

#include "pintle_curl.h"

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
    if (argc != 3) {
        fprintf(stderr, "usage: %s pintle.json URL\n", argv[0]);
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

    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, argv[2]);
    const char *authorities = getenv("SSL_CERT_FILE");
    if (authorities != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, authorities);
    }
    PintleDecision decision;
    CURLcode result = pintle_curl_perform(pintle, easy, &decision);
    if (result != CURLE_OK && decision.code != NULL) {
        fprintf(stderr, "refused: %s\n", decision.code);
    } else if (result != CURLE_OK) {
        fprintf(stderr, "failed: %s\n", curl_easy_strerror(result));
    }
    curl_easy_cleanup(easy);
    pintle_free(pintle);
    free((void *)options.bundle.data);
    return result == CURLE_OK ? 0 : 1;
}
