// One pinned GET with libcurl.
//
//   cc curl_get.c pintle_curl.c pintle_openssl.c $(pkg-config --cflags --libs pintle libcurl openssl) -o curl_get
//   ./curl_get pintle.json https://api.example.com/
#include <stdio.h>
#include <stdlib.h>

#include "pintle_curl.h"

static PintleBytes read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    char *data = malloc(65536);
    size_t len = file != NULL && data != NULL ? fread(data, 1, 65536, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    return (PintleBytes){(const uint8_t *)data, len};
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: %s pintle.json URL [CA-FILE]\n", argv[0]);
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);

    PintleOptions options = {
        .bundle = read_file(argv[1]),
        .fetch = pintle_curl_fetch,
        .dangerous_allow_http_loopback = getenv("PINTLE_DANGEROUS_HTTP") != NULL,
    };
    Pintle *pintle = NULL;
    const char *code = pintle_open(&options, &pintle);
    if (code == NULL) {
        code = pintle_ready(pintle, 15000);
    }
    if (code != NULL) {
        fprintf(stderr, "%s: %s\n", code, pintle_last_message());
        return 1;
    }

    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, argv[2]);
    if (argc > 3) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, argv[3]);
    }
    PintleDecision decision;
    CURLcode result = pintle_curl_perform(pintle, easy, &decision);
    if (result != CURLE_OK) {
        fprintf(stderr, "%s: %s\n", curl_easy_strerror(result), decision.code == NULL ? "no decision" : decision.code);
    }
    curl_easy_cleanup(easy);
    pintle_free(pintle);
    free((void *)options.bundle.data);
    return result == CURLE_OK ? 0 : 1;
}
