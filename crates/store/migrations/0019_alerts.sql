-- A condition that members should know of, or a thing that happened once. open_key: names the condition while it holds, so that
-- it is raised once; stage: grows as it becomes more urgent.
CREATE TABLE alert (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organization (id),
    project_id TEXT REFERENCES project (id),
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    stage BIGINT NOT NULL,
    raised_at BIGINT NOT NULL,
    told_at BIGINT NOT NULL,
    resolved_at BIGINT,
    open_key TEXT,
    UNIQUE (organization_id, open_key)
);
CREATE INDEX alert_by_organization ON alert (organization_id, id);
CREATE INDEX alert_by_project ON alert (project_id);
-- When something of a project ends: a certificate that a domain serves, a pin, the configuration that is published.
CREATE TABLE due_date (
    project_id TEXT NOT NULL REFERENCES project (id),
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    noted_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, kind, subject)
);
-- What a member chose; without a row, what the member's role suggests. wanted, unwanted: kinds of alerts, beside those of the role.
CREATE TABLE notification_choice (
    organization_id TEXT NOT NULL REFERENCES organization (id),
    account_id TEXT NOT NULL REFERENCES account (id),
    mail TEXT NOT NULL,
    wanted TEXT NOT NULL,
    unwanted TEXT NOT NULL,
    digest_at BIGINT,
    PRIMARY KEY (organization_id, account_id)
);
CREATE INDEX notification_choice_by_account ON notification_choice (account_id);
-- What a member is still to be told. change: raised, worsened or resolved.
CREATE TABLE alert_notice (
    account_id TEXT NOT NULL REFERENCES account (id),
    alert_id TEXT NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    change TEXT NOT NULL,
    mail TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, alert_id, change)
);
CREATE INDEX alert_notice_by_alert ON alert_notice (alert_id);
