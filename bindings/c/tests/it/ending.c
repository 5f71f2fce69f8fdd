// Ends while configurations are fetched: `ending pintle.json`.
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "pintle_curl.h"

enum { COUNT = 8 };
static atomic_size_t begun;

static void fetch(void *user_data, const PintleFetch *wanted, PintleReply *reply) {
    atomic_fetch_add(&begun, 1);
    pintle_curl_fetch(user_data, wanted, reply);
}

int main(int argc, char **argv) {
    static uint8_t bundle[65536];
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        return 2;
    }
    PintleOptions options = {.bundle = {bundle, fread(bundle, 1, sizeof bundle, file)}, .fetch = fetch};
    fclose(file);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    static Pintle *held[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        if (pintle_open(&options, &held[i]) != NULL) {
            fprintf(stderr, "%s\n", pintle_last_message());
            return 3;
        }
    }
    while (atomic_load(&begun) < COUNT) {
        sched_yield();
    }
    return 0;
}
