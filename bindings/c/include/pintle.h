// Pintle: dynamic certificate pinning. Generated from bindings/c/src by cbindgen; a test holds that it is.

#ifndef PINTLE_H
#define PINTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Room for the longest name of an entry and its end.
#define PINTLE_ENTRY_BYTES 256

// How much an event matters.
typedef enum PintleSeverity {
    // Every connection that matched a pin.
    PINTLE_SEVERITY_DEBUG,
    // What runs as it should.
    PINTLE_SEVERITY_INFO,
    // What was refused or would be.
    PINTLE_SEVERITY_WARN,
    // What somebody must look at.
    PINTLE_SEVERITY_ERROR,
} PintleSeverity;

// How a connection was decided.
typedef enum PintleVerdict {
    // Refused: `code` says why.
    PINTLE_VERDICT_REFUSED,
    // Allowed: a pin matched.
    PINTLE_VERDICT_PINNED,
    // Allowed by the platform alone: permissive, and no entry.
    PINTLE_VERDICT_NOT_COVERED,
    // Allowed although `code` holds: the entry only reports.
    PINTLE_VERDICT_REPORTED,
} PintleVerdict;

// Pinning for one project, running. Several live side by side, one per project.
typedef struct Pintle Pintle;

// Where a fetch function puts its answer.
typedef struct PintleReply PintleReply;

// Bytes that belong to whoever made this. Zeroed: none.
typedef struct PintleBytes {
    // The first; NULL: none.
    const uint8_t *data;
    // How many.
    size_t len;
} PintleBytes;

// One request to make with the platform's own HTTP client: ordinary TLS, no redirect, no cache of its own, the header
// `Accept-Encoding: identity`. Valid during the call it is given to, or until its answer.
typedef struct PintleFetch {
    // Names it to `pintle_answer`.
    uint64_t id;
    // Where.
    const char *url;
    // NULL: a GET. Else what to POST, with `Content-Type: application/json`; the status of the answer is enough.
    const char *body;
    // `If-None-Match`, or NULL.
    const char *etag;
    // `User-Agent`.
    const char *user_agent;
    // Whether to send `Cache-Control: no-cache`.
    bool no_cache;
    // Give up beyond that many bytes.
    size_t max_bytes;
    // Give up after that many milliseconds, counted to the last byte.
    uint32_t timeout_ms;
} PintleFetch;

// Makes `fetch` and calls `pintle_reply` once before it returns. Called on threads of the library, several at once.
typedef void (*PintleFetcher)(void *user_data, const struct PintleFetch *fetch, struct PintleReply *reply);

// Something that happened. Valid during the call.
typedef struct PintleEvent {
    // One word, as `connection` or `config_accepted`.
    const char *kind;
    // The stable code, or NULL.
    const char *code;
    // How much it matters.
    enum PintleSeverity severity;
    // The host it is about, or NULL.
    const char *host;
    // A sentence for people.
    const char *message;
} PintleEvent;

// Is told what happened, on the thread where it happens. It may call back, but not wait for a refresh.
typedef void (*PintleListener)(void *user_data, const struct PintleEvent *event);

// Is called when nothing uses `user_data` any more.
typedef void (*PintleRelease)(void *user_data);

// How to set up pinning. Zero it, then give `bundle`, or the four values beside it, and a way to fetch.
typedef struct PintleOptions {
    // `pintle.json`; else the four that follow.
    struct PintleBytes bundle;
    // Organization id.
    const char *organization;
    // Project id.
    const char *project;
    // Public key, in base64 as the dashboard shows it.
    const char *public_key;
    // Base URLs.
    const char *const *urls;
    // How many.
    size_t urls_len;
    // Beside the four: recovery public key, or NULL.
    const char *recovery_key;
    // Beside the four: when the app was built, in seconds since 1970, or 0.
    uint64_t built_at;
    // A signed configuration shipped inside the app, for its very first start.
    struct PintleBytes seed;
    // Lets hosts without an entry pass by the platform's word alone, and tells the listener. False: they are refused.
    bool permissive;
    // Longest time to the last byte of a configuration, 1 to 120 seconds; 0: 10.
    uint32_t fetch_timeout_secs;
    // Where the configuration is kept across restarts; NULL: in memory only.
    const char *storage_dir;
    // A collector's URL: it is sent sums of violations, at most once an hour, by the fetch function (`PintleFetch.body`):
    // entry, code and release, nothing about the user or the device. NULL: nobody is told anything.
    const char *report_to;
    // Lets `http` URLs of this machine pass, for tests and trials.
    bool dangerous_allow_http_loopback;
    // Handed to the three functions that follow.
    void *user_data;
    // Makes one request. NULL: the caller drives, by `pintle_next` and `pintle_answer`.
    PintleFetcher fetch;
    // Is told events, or NULL.
    PintleListener listen;
    // A `PintleSeverity`: events that matter less are not told.
    uint32_t least_severity;
    // Called once, when nothing uses `user_data` any more; or NULL.
    PintleRelease release;
} PintleOptions;

// What is known of a connection. Zero it, then fill in.
//
// Chains are certificates in DER one after the other, leaf first, each after its length in three bytes, big-endian.
typedef struct PintleEvidence {
    // The host the app wants to reach: a DNS name or an IP address.
    const char *host;
    // What the server presented.
    struct PintleBytes presented;
    // The path that the TLS library **verified**, up to a trust anchor; NULL if it says none. Never what was presented.
    struct PintleBytes verified_path;
    // Whether the TLS library accepts chain, name and dates.
    bool platform_accepts;
    // The OCSP response that was stapled, or NULL.
    struct PintleBytes ocsp_response;
    // The SignedCertificateTimestampList of the TLS extension, or NULL.
    struct PintleBytes sct_list;
    // Whether to refuse with `retry_after_refresh` rather than to wait for news (six seconds at most, once a minute).
    bool cannot_wait;
} PintleEvidence;

// What was decided.
typedef struct PintleDecision {
    // How.
    enum PintleVerdict verdict;
    // The code of a refusal or of a reported violation; else NULL. Valid for ever.
    const char *code;
    // When `pintle_generation` differs from it, the connection must be decided again before it carries a request.
    uint64_t generation;
    // Name of the entry; empty if none was reached.
    char entry[PINTLE_ENTRY_BYTES];
    // Of a match: position of the pin in the entry.
    size_t pin;
    // Of a match: position in the path, 0 being the leaf.
    size_t position;
    // The log list is older than 70 days, so that Certificate Transparency only reports.
    bool ct_list_stale;
} PintleDecision;

// What came of a fetch.
typedef struct PintleAnswer {
    // HTTP status; 0: no complete answer came.
    uint16_t status;
    // `ETag`, or NULL.
    const char *etag;
    // `Retry-After`, or NULL.
    const char *retry_after;
    // The body.
    struct PintleBytes body;
    // Why there was no answer, for logs; or NULL.
    const char *error;
} PintleAnswer;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Sets up pinning. Starts from what `storage_dir` keeps and from the seed; with a `fetch` function it refreshes in the
// background from now on. It does not wait for the network: `pintle_ready` does.
//
// Returns NULL and sets `*pintle`, or the code of the failure (`setup_invalid`) and sets `*pintle` to NULL.
//
// # Safety
// `options` and what it points to must be valid during the call, its `user_data` until `release` is called with it, and
// its functions callable from any thread. `pintle` must be valid for a write.
const char *pintle_open(const struct PintleOptions *options, struct Pintle **pintle);

// Ends it. Returns at once; functions given in the options may still be running on other threads until `release` has been
// called. NULL is fine.
//
// # Safety
// `pintle` comes from `pintle_open`, and nobody uses it any more.
void pintle_free(struct Pintle *pintle);

// The protocol level this library speaks (P-9.3).
uint32_t pintle_protocol_level(void);

// The version of this library, as "0.1.0".
const char *pintle_version(void);

// Decides a connection. True: it may carry requests while `pintle_generation` stays what the decision says.
//
// Whatever is wrong with the arguments refuses: NULL with `internal_error`, a chain that cannot be split with
// `certificate_unparsable`, a host that is no text with `host_invalid`. `decision` may be NULL.
//
// # Safety
// `pintle` comes from `pintle_open` and is not freed during the call; `evidence` and what it points to are valid during
// the call; `decision` is valid for a write.
bool pintle_check(const struct Pintle *pintle, const struct PintleEvidence *evidence, struct PintleDecision *decision);

// The generation of trust now. A connection decided under another one must be decided again, or dropped, before it
// carries a request: call it before every request on a kept connection. 0 for NULL, which no decision carries.
//
// # Safety
// `pintle` comes from `pintle_open` and is not freed during the call.
uint64_t pintle_generation(const struct Pintle *pintle);

// What the last function that returned a code on this thread has to say about it: valid until the next one.
const char *pintle_last_message(void);

// The stable codes (P-8.1), counted from 0: NULL beyond the last. Valid for ever.
const char *pintle_code(size_t index);

// Gives the answer of a fetch function. Copies what it needs.
//
// Returns NULL, or `setup_invalid`: nothing was answered.
//
// # Safety
// `reply` is what the fetch function was given and has not returned from; `answer` is valid during the call.
const char *pintle_reply(struct PintleReply *reply, const struct PintleAnswer *answer);

// Waits until a configuration is in force: at once where one was kept or embedded, else until the first refresh is over or
// `timeout_ms` have passed. Until then every connection is refused with `config_missing`.
//
// Returns NULL, or why there is none (`fetch_failed`, or the code of a file that was refused).
//
// # Safety
// `pintle` comes from `pintle_open` and is not freed during the call.
const char *pintle_ready(const struct Pintle *pintle,
                         uint32_t timeout_ms);

// Refreshes now and waits until that is over, or `timeout_ms` have passed.
//
// Returns NULL, or why the refresh failed; the configuration in force stays.
//
// # Safety
// `pintle` comes from `pintle_open` and is not freed during the call.
const char *pintle_refresh(const struct Pintle *pintle, uint32_t timeout_ms);

// Takes up another project or key: everything from now on is decided by the root of `bundle`, for this process only, so
// it is to be given again at each start. Waits for its configuration as `pintle_ready` does; with 0 it does not wait.
// Whoever can change what is passed here decides what the app trusts.
//
// Returns NULL, or the code of the failure; with `setup_invalid` nothing has changed.
//
// # Safety
// `pintle` comes from `pintle_open` and is not freed during the call; `bundle` is valid during the call.
const char *pintle_reconfigure(const struct Pintle *pintle, struct PintleBytes bundle, uint32_t timeout_ms);

// Changes what happens to hosts without an entry, as `permissive` of the options.
//
// Returns NULL, or `setup_invalid` for NULL.
//
// # Safety
// `pintle` comes from `pintle_open` and is not freed during the call.
const char *pintle_set_mode(const struct Pintle *pintle, bool permissive);

// For a caller without a `fetch` function. True: make `*fetch`, give what came of it to `pintle_answer`, and ask again at
// once for more. False: nothing to fetch for `*wait_ms` milliseconds, or until an answer, a refresh or a check.
//
// What `*fetch` points to is valid until it is answered, or sixteen later ones were asked for.
//
// # Safety
// `pintle` comes from `pintle_open` and is not freed during the call; `fetch` and `wait_ms` are valid for a write.
bool pintle_next(const struct Pintle *pintle,
                 struct PintleFetch *fetch,
                 uint64_t *wait_ms);

// Gives what came of fetch `id`. Copies what it needs; the fetch's strings are gone afterwards.
//
// Returns NULL where it was of use, else why not: the code of a file that was refused, or `fetch_failed`. An answer that
// comes too late is of no use and no failure.
//
// # Safety
// `pintle` comes from `pintle_open` and is not freed during the call; `answer` is valid during the call.
const char *pintle_answer(const struct Pintle *pintle,
                          uint64_t id,
                          const struct PintleAnswer *answer);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PINTLE_H */
