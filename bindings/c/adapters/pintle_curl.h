// libcurl (7.80 or later, built with OpenSSL) decided by Pintle, and Pintle fetching by libcurl.
#ifndef PINTLE_CURL_H
#define PINTLE_CURL_H

#include <curl/curl.h>

#include "pintle.h"

#ifdef __cplusplus
extern "C" {
#endif

// For PintleOptions.fetch. Call curl_global_init before pintle_open.
void pintle_curl_fetch(void *user_data, const PintleFetch *fetch, PintleReply *reply);

// curl_easy_perform, pinned. A kept connection is decided again before it carries a request, and replaced where trust has
// left it. Only https; redirects are decided as requests of their own. TLS to an HTTPS proxy is refused.
//
// What was decided last is written to `decision`, which may be NULL: after an error it says whether the pins refused.
CURLcode pintle_curl_perform(const Pintle *pintle, CURL *easy, PintleDecision *decision);

// For curl_multi: protects `easy` as pintle_curl_perform does, until curl_easy_reset. A kept connection that trust has left
// ends the transfer with CURLE_ABORTED_BY_CALLBACK before a byte of the request is sent: start it again.
CURLcode pintle_curl_protect(const Pintle *pintle, CURL *easy);

#ifdef __cplusplus
}
#endif

#endif // PINTLE_CURL_H
