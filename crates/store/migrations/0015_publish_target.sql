-- Where the releases of a project go besides the built-in origin. A target names a destination of the operator's
-- configuration, which knows the place and its credentials: neither is kept here.
CREATE TABLE publish_target (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    destination TEXT NOT NULL,
    added_by TEXT NOT NULL REFERENCES account (id),
    added_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, destination)
);
