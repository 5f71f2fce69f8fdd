// What pinning costs in C: `bench FOLDER PORT`, by `cargo xtask bench sdk`. A line of JSON for each figure.
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pintle_curl.h"
#include "pintle_openssl.h"

#define HOST "localhost"
#define MAX_TIMES 20000

static char path[4096], url[64], ca[4096], public_key[64];
static uint64_t taken[MAX_TIMES];

static void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, pintle_last_message());
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int compare(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void tell(const char *name, uint64_t *times, size_t count) {
    qsort(times, count, sizeof *times, compare);
    printf("{\"name\":\"%s\",\"least\":%llu,\"p50\":%llu,\"p99\":%llu}\n", name, (unsigned long long)times[0],
           (unsigned long long)times[count / 2], (unsigned long long)times[count * 99 / 100]);
}

static PintleBytes read_file(const char *name) {
    FILE *file = fopen(name, "rb");
    static uint8_t bytes[1 << 20];
    if (file == NULL) {
        fail(name);
    }
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return (PintleBytes){bytes, len};
}

static Pintle *set_up(const char *storage) {
    PintleOptions options = {.bundle = read_file(path), .storage_dir = storage, .fetch = pintle_curl_fetch,
                             .dangerous_allow_http_loopback = true};
    Pintle *pintle = NULL;
    if (pintle_open(&options, &pintle) != NULL || pintle_ready(pintle, 15000) != NULL) {
        fail("set-up");
    }
    return pintle;
}

// One connection of its own. `pintle` NULL: not pinned, or by curl's own pin where `by_curl`.
static uint64_t connect_once(const Pintle *pintle, bool by_curl) {
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    if (by_curl) {
        curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, public_key);
    }
    if (pintle != NULL && pintle_curl_protect(pintle, easy) != CURLE_OK) {
        fail("protect");
    }
    uint64_t begun = now();
    CURLcode result = curl_easy_perform(easy);
    uint64_t took = now() - begun;
    if (result != CURLE_OK) {
        fail(curl_easy_strerror(result));
    }
    curl_easy_cleanup(easy);
    return took;
}

// As CURLOPT_PINNEDPUBLICKEY wants it, of the first certificate in `chain`.
static void name_public_key(const uint8_t *chain, size_t len) {
    const uint8_t *der = chain + 3;
    X509 *leaf = d2i_X509(NULL, &der, (long)len - 3);
    uint8_t *spki = NULL, digest[32], text[48];
    int spki_len = leaf == NULL ? -1 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &spki);
    if (spki_len < 0 || EVP_Digest(spki, (size_t)spki_len, digest, NULL, EVP_sha256(), NULL) != 1) {
        fail("public key");
    }
    EVP_EncodeBlock(text, digest, sizeof digest);
    snprintf(public_key, sizeof public_key, "sha256//%s", (char *)text);
    OPENSSL_free(spki);
    X509_free(leaf);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: bench FOLDER PORT\n");
        return 2;
    }
    char storage[4096];
    snprintf(storage, sizeof storage, "%s/storage", argv[1]);
    snprintf(path, sizeof path, "%s/pintle.json", argv[1]);
    snprintf(ca, sizeof ca, "%s/ca.pem", argv[1]);
    snprintf(url, sizeof url, "https://" HOST ":%s/", argv[2]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    pintle_free(set_up(storage));

    Pintle *held[200];
    for (size_t i = 0; i < 200; i++) {
        uint64_t begun = now();
        held[i] = set_up(storage);
        taken[i] = now() - begun;
    }
    tell("set-up", taken, 200);
    for (size_t i = 1; i < 200; i++) {
        pintle_free(held[i]);
    }
    Pintle *pintle = held[0];

    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%s", argv[2]);
    uint8_t *chain;
    size_t len;
    if (!pintle_openssl_fetch_certificate(HOST, address, &chain, &len)) {
        fail("chain");
    }
    name_public_key(chain, len);
    PintleEvidence evidence = {
        .host = HOST, .presented = {chain, len}, .verified_path = {chain, len}, .platform_accepts = true};
    PintleDecision decision;
    for (size_t i = 0; i < MAX_TIMES; i++) {
        uint64_t begun = now();
        bool allowed = pintle_check(pintle, &evidence, &decision);
        taken[i] = now() - begun;
        if (!allowed) {
            fail(decision.code);
        }
    }
    tell("decision", taken, MAX_TIMES);

    enum { TIMES = 300 };
    uint64_t unpinned[TIMES], by_curl[TIMES], pinned[TIMES];
    for (size_t i = 0; i < TIMES; i++) {
        unpinned[i] = connect_once(NULL, false);
        by_curl[i] = connect_once(NULL, true);
        pinned[i] = connect_once(pintle, false);
    }
    tell("handshake, unpinned", unpinned, TIMES);
    tell("handshake, curl's own pin", by_curl, TIMES);
    tell("handshake, pinned", pinned, TIMES);
    free(chain);
    pintle_free(pintle);
    return 0;
}
