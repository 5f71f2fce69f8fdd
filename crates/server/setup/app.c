#include <stdio.h>

#include "pintle_curl.h"

int main(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);

    const char *urls[] = {"https://cdn.example.com"};
    PintleOptions options = {
        .organization = "org_01jd0000000000000000000000",
        .project = "prj_01jd0000000000000000000000",
        .public_key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEpALWvPL4G+VO3AoT5e8JR9O/tfe12a9K8Jbof3VKYz5Lfv9iz5XMqUa5xaoY/52+V7t5x305l69KNnghfapkBA==",
        .recovery_key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAERLIwTuIpSHBzjKZHj8Wjxp/8tHEmV99sK8LN56QPFVHY915BsY7hFQHVWoxzBHgYcrlGPoGZrsxx2WtIV58o8g==",
        .urls = urls,
        .urls_len = sizeof urls / sizeof urls[0],
        .storage_dir = "/var/lib/myapp/pins",
        .fetch = pintle_curl_fetch,
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
    curl_easy_setopt(easy, CURLOPT_URL, "https://api.example.com/");
    PintleDecision decision;
    CURLcode result = pintle_curl_perform(pintle, easy, &decision);
    curl_easy_cleanup(easy);
    pintle_free(pintle);
    return result == CURLE_OK ? 0 : 1;
}
