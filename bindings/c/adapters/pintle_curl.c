#include "pintle_curl.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "pintle_openssl.h"

// libcurl runs its callbacks on the thread that performs.
static _Thread_local bool kept_connection_refused;

// --- requests -------------------------------------------------------------------------------------------------------

static CURLcode protect_context(CURL *easy, void *context, void *pintle) {
    char *url = NULL, *host = NULL;
    CURLU *parts = curl_url();
    bool is_protected = pintle != NULL && parts != NULL &&
                     curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url) == CURLE_OK && url != NULL &&
                     curl_url_set(parts, CURLUPART_URL, url, CURLU_GUESS_SCHEME) == CURLUE_OK &&
                     curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                     pintle_openssl_protect_for(pintle, context, host);
    curl_free(host);
    curl_url_cleanup(parts);
    return is_protected ? CURLE_OK : CURLE_SSL_CONNECT_ERROR;
}

// Before each request, on new connections and kept ones.
static int allow_request(void *easy, char *remote_ip, char *local_ip, int remote_port, int local_port) {
    (void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
    const struct curl_tlssessioninfo *session = NULL;
    CURLcode found = curl_easy_getinfo((CURL *)easy, CURLINFO_TLS_SSL_PTR, &session);
    // Without TLS there is nothing to decide on: a request in the clear would pass every pin by.
    if (found != CURLE_OK || session == NULL || session->backend != CURLSSLBACKEND_OPENSSL ||
        session->internals == NULL) {
        return CURL_PREREQFUNC_ABORT;
    }
    SSL *ssl = session->internals;
    bool allowed = pintle_openssl_may_request(ssl);
    kept_connection_refused = !allowed;
    return allowed ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

CURLcode pintle_curl_protect(const Pintle *pintle, CURL *easy) {
    CURLcode set[] = {
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, protect_context),
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, (void *)pintle),
        curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, allow_request),
        curl_easy_setopt(easy, CURLOPT_PREREQDATA, easy),
        // A resumed session shows no certificate to decide on.
        curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L),
    };
    for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
        if (set[i] != CURLE_OK) {
            return set[i];
        }
    }
    return CURLE_OK;
}

CURLcode pintle_curl_perform(const Pintle *pintle, CURL *easy, PintleDecision *decision) {
    kept_connection_refused = false;
    CURLcode result = pintle_curl_protect(pintle, easy);
    if (result == CURLE_OK) {
        result = curl_easy_perform(easy);
    }
    if (result == CURLE_ABORTED_BY_CALLBACK && kept_connection_refused) {
        // No byte of the request is out: a new connection is decided anew.
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        result = curl_easy_perform(easy);
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 0L);
    }
    if (decision != NULL) {
        *decision = pintle_openssl_last_decision();
    }
    return result;
}

// --- configurations -------------------------------------------------------------------------------------------------

typedef struct Received {
    size_t max_bytes;
    uint8_t *body;
    size_t len;
    char *etag;
    char *retry_after;
} Received;

static size_t take_body(char *data, size_t size, size_t count, void *user_data) {
    Received *received = user_data;
    size_t len = size * count;
    if (len > received->max_bytes - received->len) {
        return 0; // libcurl gives up
    }
    uint8_t *grown = realloc(received->body, received->len + len + 1);
    if (grown == NULL) {
        return 0;
    }
    memcpy(grown + received->len, data, len);
    received->body = grown;
    received->len += len;
    return len;
}

static size_t discard(char *data, size_t size, size_t count, void *user_data) {
    (void)data, (void)user_data;
    return size * count;
}

static void take_value(char **place, const char *name, const char *line, size_t len) {
    size_t name_len = strlen(name);
    if (len <= name_len || strncasecmp(line, name, name_len) != 0) {
        return;
    }
    const char *start = line + name_len, *end = line + len;
    while (start < end && (*start == ' ' || *start == '\t')) {
        start++;
    }
    while (end > start && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    char *value = malloc((size_t)(end - start) + 1);
    if (value != NULL) {
        memcpy(value, start, (size_t)(end - start));
        value[end - start] = '\0';
        free(*place);
        *place = value;
    }
}

static size_t take_header(char *line, size_t size, size_t count, void *user_data) {
    Received *received = user_data;
    take_value(&received->etag, "etag:", line, size * count);
    take_value(&received->retry_after, "retry-after:", line, size * count);
    return size * count;
}

static struct curl_slist *append(struct curl_slist *headers, const char *name, const char *value) {
    char line[1024];
    int len = snprintf(line, sizeof line, "%s: %s", name, value);
    // One that is too long is not sent: without an ETag the answer is merely longer.
    return len < 0 || (size_t)len >= sizeof line ? headers : curl_slist_append(headers, line);
}

// `exit` takes OpenSSL down, whatever threads are inside. So it first waits for fetches, which give up then.
static atomic_size_t running;
static atomic_bool ending;

static void end_fetches(void) {
    atomic_store(&ending, true);
    const struct timespec a_moment = {.tv_nsec = 1000000};
    for (int moments = 0; atomic_load(&running) > 0 && moments < 2000; moments++) {
        nanosleep(&a_moment, NULL);
    }
}

static bool begin_fetch(void) {
    static atomic_flag is_registered = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&is_registered)) {
        // What is registered last is called first: OpenSSL comes before.
        OPENSSL_init_ssl(0, NULL);
        atexit(end_fetches);
    }
    atomic_fetch_add(&running, 1);
    return !atomic_load(&ending);
}

// As `curl_easy_perform`, but that asks for the end once a second.
static CURLcode perform(CURL *easy) {
    CURLM *multi = curl_multi_init();
    if (multi == NULL || curl_multi_add_handle(multi, easy) != CURLM_OK) {
        curl_multi_cleanup(multi);
        return CURLE_OUT_OF_MEMORY;
    }
    CURLcode result = CURLE_ABORTED_BY_CALLBACK;
    int left = 1;
    while (left > 0 && !atomic_load(&ending) && curl_multi_perform(multi, &left) == CURLM_OK) {
        curl_multi_poll(multi, NULL, 0, left > 0 ? 50 : 0, NULL);
    }
    const CURLMsg *message = curl_multi_info_read(multi, &left);
    if (message != NULL && message->msg == CURLMSG_DONE) {
        result = message->data.result;
    }
    curl_multi_remove_handle(multi, easy);
    curl_multi_cleanup(multi);
    return result;
}

void pintle_curl_fetch(void *user_data, const PintleFetch *fetch, PintleReply *reply) {
    (void)user_data;
    if (!begin_fetch()) {
        atomic_fetch_sub(&running, 1);
        pintle_reply(reply, &(PintleAnswer){.error = "the process ends"});
        return;
    }
    Received received = {.max_bytes = fetch->max_bytes};
    PintleAnswer answer = {0};
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = append(NULL, "Accept-Encoding", "identity");
    if (fetch->etag != NULL) {
        headers = append(headers, "If-None-Match", fetch->etag);
    }
    if (fetch->no_cache) {
        headers = append(headers, "Cache-Control", "no-cache");
    }
    if (fetch->body != NULL) {
        headers = append(headers, "Content-Type", "application/json");
    }
    if (easy == NULL) {
        answer.error = "libcurl has no memory";
    } else {
        curl_easy_setopt(easy, CURLOPT_URL, fetch->url);
        curl_easy_setopt(easy, CURLOPT_USERAGENT, fetch->user_agent);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)fetch->timeout_ms);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &received);
        if (fetch->body != NULL) {
            curl_easy_setopt(easy, CURLOPT_POSTFIELDS, fetch->body);
            curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
        }
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, &received);
        CURLcode result = perform(easy);
        long status = 0;
        if (result == CURLE_OK) {
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        }
        answer = (PintleAnswer){
            .status = (uint16_t)status,
            .etag = received.etag,
            .retry_after = received.retry_after,
            .body = {received.body, received.len},
            .error = curl_easy_strerror(result),
        };
    }
    pintle_reply(reply, &answer);
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    atomic_fetch_sub(&running, 1);
    free(received.body);
    free(received.etag);
    free(received.retry_after);
}
