// Does what it reads, a line at a time, and answers in a line: "ok TEXT", "refused CODE" or "error TEXT".
//
//   get libcurl|OpenSSL HOST PORT  over a connection that is kept
//   refresh | strict | permissive | certificate HOST PORT | reconfigure FILE | report URL
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pintle_curl.h"
#include "pintle_openssl.h"

static Pintle *pintle;
static const char *ca_file;
static CURL *easy;
static SSL_CTX *context;
static BIO *kept;
static char kept_address[300];
static int releases;

static void release(void *user_data) {
    (void)user_data;
    releases++;
}

static void listen_to(void *user_data, const PintleEvent *event) {
    (void)user_data;
    fprintf(stderr, "%s %s %s\n", event->kind, event->code == NULL ? "-" : event->code, event->message);
    pintle_generation(pintle); // a listener may call back
}

static PintleBytes read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    char *data = malloc(65536);
    size_t len = file == NULL ? 0 : fread(data, 1, 65536, file);
    if (file != NULL) {
        fclose(file);
    }
    return (PintleBytes){(const uint8_t *)data, len};
}

static void say_refused(PintleDecision decision, const char *error) {
    if (decision.verdict == PINTLE_VERDICT_REFUSED && decision.code != NULL) {
        printf("refused %s\n", decision.code);
    } else {
        printf("error %s\n", error);
    }
}

static size_t drop(char *data, size_t size, size_t count, void *user_data) {
    (void)data, (void)user_data;
    return size * count;
}

static void get_by_curl(const char *host, const char *port) {
    char url[400];
    snprintf(url, sizeof url, "https://%s:%s/", host, port);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
    PintleDecision decision;
    CURLcode result = pintle_curl_perform(pintle, easy, &decision);
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_OK) {
        printf("ok %ld\n", status);
    } else {
        say_refused(decision, curl_easy_strerror(result));
    }
}

static void drop_kept(void) {
    BIO_free_all(kept);
    kept = NULL;
}

static void get_by_openssl(const char *host, const char *port) {
    char address[300], request[400], answer[4096];
    snprintf(address, sizeof address, "%s:%s", host, port);
    SSL *ssl = NULL;
    if (kept != NULL) {
        BIO_get_ssl(kept, &ssl);
        if (strcmp(address, kept_address) != 0 || !pintle_openssl_may_request(ssl)) {
            drop_kept();
        }
    }
    if (kept == NULL) {
        kept = BIO_new_ssl_connect(context);
        BIO_get_ssl(kept, &ssl);
        BIO_set_conn_hostname(kept, address);
        if (!pintle_openssl_set_host(ssl, host) || BIO_do_connect(kept) != 1 || !pintle_openssl_may_request(ssl)) {
            drop_kept();
            say_refused(pintle_openssl_last_decision(), "no connection");
            return;
        }
        strcpy(kept_address, address);
    }
    snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host);
    BIO_write(kept, request, (int)strlen(request));
    size_t len = 0;
    int more = 1;
    answer[0] = '\0';
    while (more > 0 && strstr(answer, "\r\n\r\nok") == NULL && len < sizeof answer - 1) {
        more = BIO_read(kept, answer + len, (int)(sizeof answer - 1 - len));
        len += more > 0 ? (size_t)more : 0;
        answer[len] = '\0';
    }
    if (strncmp(answer, "HTTP/1.1 ", 9) == 0) {
        printf("ok %.3s\n", answer + 9);
    } else {
        printf("error no answer\n");
    }
}

static void show_certificate(const char *host, const char *port) {
    char address[300];
    snprintf(address, sizeof address, "%s:%s", host, port);
    uint8_t *chain = NULL;
    size_t len = 0;
    if (!pintle_openssl_fetch_certificate(host, address, &chain, &len)) {
        printf("error no handshake\n");
        return;
    }
    printf("ok %zu\n", len);
    free(chain);
}

static void say(const char *code) {
    printf(code == NULL ? "ok\n" : "refused %s\n", code);
}

// As the library asks for it; the reply has no place to go to.
static void send_report(const char *url) {
    PintleFetch report = {.url = url, .body = "{}", .user_agent = "driver", .timeout_ms = 5000};
    pintle_curl_fetch(NULL, &report, NULL);
    say(NULL);
}

static void act(const char *what, const char *first, const char *second, const char *third) {
    if (strcmp(what, "get") == 0 && strcmp(first, "libcurl") == 0) {
        get_by_curl(second, third);
    } else if (strcmp(what, "get") == 0) {
        get_by_openssl(second, third);
    } else if (strcmp(what, "certificate") == 0) {
        show_certificate(first, second);
    } else if (strcmp(what, "report") == 0) {
        send_report(first);
    } else if (strcmp(what, "refresh") == 0) {
        say(pintle_refresh(pintle, 15000));
    } else if (strcmp(what, "reconfigure") == 0) {
        PintleBytes bundle = read_file(first);
        say(pintle_reconfigure(pintle, bundle, 15000));
        free((void *)bundle.data);
    } else {
        say(pintle_set_mode(pintle, strcmp(what, "permissive") == 0));
    }
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 4) {
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    ca_file = argv[2];
    PintleOptions options = {
        .bundle = read_file(argv[1]),
        .storage_dir = argv[3],
        .fetch_timeout_secs = 2,
        .fetch = pintle_curl_fetch,
        .listen = listen_to,
        .release = release,
        .dangerous_allow_http_loopback = true,
    };
    const char *code = pintle_open(&options, &pintle);
    free((void *)options.bundle.data);
    say(code == NULL ? pintle_ready(pintle, 15000) : code);
    easy = curl_easy_init();
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_load_verify_locations(context, ca_file, NULL);
    pintle_openssl_protect(pintle, context);

    char line[1024], what[32], first[300], second[300], third[300];
    while (fgets(line, sizeof line, stdin) != NULL) {
        what[0] = first[0] = second[0] = third[0] = '\0';
        sscanf(line, "%31s %299s %299s %299s", what, first, second, third);
        act(what, first, second, third);
    }
    drop_kept();
    SSL_CTX_free(context);
    curl_easy_cleanup(easy);
    pintle_free(pintle);
    curl_global_cleanup();
    return 0;
}
