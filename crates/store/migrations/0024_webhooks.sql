-- A place of the organization's choice that is told of alerts. url, secret, former_secret: sealed with the server's own key, since an
-- URL may carry a password, too. free_at: not before this second, because it is being used or failed a short while ago.
CREATE TABLE webhook (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organization (id),
    shown_url TEXT NOT NULL,
    url TEXT NOT NULL,
    format TEXT NOT NULL,
    kinds TEXT NOT NULL,
    secret TEXT NOT NULL,
    former_secret TEXT,
    former_until BIGINT,
    free_at BIGINT NOT NULL,
    failing_since BIGINT,
    disabled_at BIGINT,
    created_by TEXT NOT NULL REFERENCES account (id),
    created_at BIGINT NOT NULL
);
CREATE INDEX webhook_by_organization ON webhook (organization_id, id);
-- What a webhook is to be told, or was. run_at: when to try, or when the lease ends; none: it is done.
CREATE TABLE webhook_message (
    id TEXT NOT NULL PRIMARY KEY,
    webhook_id TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    run_at BIGINT,
    lease TEXT,
    delivered_at BIGINT,
    error TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX webhook_message_by_webhook ON webhook_message (webhook_id, id);
CREATE INDEX webhook_message_by_time ON webhook_message (run_at);
-- A secret URL under which calendars read what ends in an organization, as far as the account may see it.
CREATE TABLE calendar_feed (
    organization_id TEXT NOT NULL REFERENCES organization (id),
    account_id TEXT NOT NULL REFERENCES account (id),
    secret_sha256 TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, account_id)
);
