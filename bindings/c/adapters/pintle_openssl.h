// OpenSSL (1.1.1 or 3) decided by Pintle: verification inside the handshake, on the path OpenSSL verified.
#ifndef PINTLE_OPENSSL_H
#define PINTLE_OPENSSL_H

#include <openssl/ssl.h>

#include "pintle.h"

#ifdef __cplusplus
extern "C" {
#endif

// Every connection of `context` is decided by `pintle`, which must outlive it. Takes the place of SSL_CTX_set_verify and
// of OpenSSL's own check of names, and switches the resumption of sessions off. Returns false if OpenSSL has no memory.
//
// Each SSL needs its host before the handshake: pintle_openssl_set_host.
bool pintle_openssl_protect(const Pintle *pintle, SSL_CTX *context);

// The same for a context that serves one host, where a library makes each SSL and you never see it. That library says
// the name of the host in the handshake.
bool pintle_openssl_protect_for(const Pintle *pintle, SSL_CTX *context, const char *host);

// The host `ssl` is to reach: sent as SNI where it is a name, checked against certificate and pins. Returns false if it
// is too long or OpenSSL has no memory.
bool pintle_openssl_set_host(SSL *ssl, const char *host);

// Before every request on a connection that was kept: true if it may carry one. Costs one comparison while trust stays
// as it is; decides again where it has changed. False before the handshake, and for a session that was resumed.
bool pintle_openssl_may_request(SSL *ssl);

// What was decided of `ssl`, and why; false if nothing was.
bool pintle_openssl_decision(const SSL *ssl, PintleDecision *decision);

// What was decided last on this thread, for those whose SSL is gone after a refusal; zeroed if nothing was.
PintleDecision pintle_openssl_last_decision(void);

// What `host` presents at `address` ("host:port"): certificates in the form of PintleEvidence.presented, to be freed with
// free(). They prove nothing, and nothing is sent over the connection. Returns false if there was no handshake.
bool pintle_openssl_fetch_certificate(const char *host, const char *address, uint8_t **chain, size_t *len);

#ifdef __cplusplus
}
#endif

#endif // PINTLE_OPENSSL_H
