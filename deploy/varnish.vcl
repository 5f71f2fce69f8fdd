# Varnish as the edge of a CDN, before the server's own origin. Put something that speaks TLS before it (hitch, HAProxy,
# nginx). Tested with Debian's Varnish:
#
#   varnishd -f /etc/varnish/pintle.vcl -a 127.0.0.1:6081 -s malloc,256m
#
# What to adapt: the backend.
#
# How fresh apps see a release: as the files' Cache-Control says, 60 s and 30 s more while Varnish asks anew. While the origin
# is down, the last copy is served for 7 days.
vcl 4.1;

backend origin {
    .host = "127.0.0.1";
    .port = "8440";
    .connect_timeout = 2s;
    .first_byte_timeout = 5s;
    .between_bytes_timeout = 5s;
}

sub vcl_recv {
    if (req.method != "GET" && req.method != "HEAD") {
        return (synth(405));
    }
    # Whatever is written behind a question mark, the file is the same: nobody gets past the cache with it.
    set req.url = regsub(req.url, "\?.*$", "");
    if (req.url !~ "^/cdn/") {
        return (synth(404));
    }
    # No cookie, no authorization, no address of the client: the origin needs none of them.
    unset req.http.Cookie;
    unset req.http.Authorization;
    unset req.http.X-Forwarded-For;
    if (req.restarts == 0) {
        unset req.http.X-Pintle-Origin-Down;
    }
    if (req.http.X-Pintle-Origin-Down) {
        # stale-if-error
        set req.grace = 7d;
    } else {
        # stale-while-revalidate
        set req.grace = 30s;
    }
    return (hash);
}

sub vcl_hash {
    hash_data(req.url);
    return (lookup);
}

sub vcl_backend_fetch {
    unset bereq.http.X-Pintle-Origin-Down;
}

sub vcl_backend_response {
    if (beresp.status >= 500) {
        # What is in the cache is better than that.
        return (abandon);
    }
    # How long a copy may be served at most, and be asked about with If-None-Match.
    set beresp.grace = 7d;
    set beresp.keep = 8d;
}

sub vcl_deliver {
    if (resp.status >= 500 && req.restarts == 0) {
        set req.http.X-Pintle-Origin-Down = "1";
        return (restart);
    }
    unset resp.http.X-Varnish;
    unset resp.http.Via;
}

sub vcl_synth {
    # The origin does not answer: is there an older copy?
    if (resp.status == 503 && req.restarts == 0) {
        set req.http.X-Pintle-Origin-Down = "1";
        return (restart);
    }
}
