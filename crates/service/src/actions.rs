//! One file per action, each a method of [`Service`](crate::Service).

mod accept_release;
mod accept_statement;
mod add_domain;
mod add_pin;
mod authenticate;
mod check_ready;
mod create_organization;
mod create_project;
mod find_answer;
mod list_domains;
mod list_organizations;
mod list_projects;
mod list_releases;
mod list_statements;
mod measure;
mod prepare_release;
mod publish_release;
mod read_bundle;
mod read_ct_logs;
mod read_draft;
mod read_organization;
mod read_project;
mod read_published;
mod read_release;
mod register_key;
mod remove_domain;
mod remove_pin;
mod replace_ct_logs;
mod save_answer;
mod set_up;
mod update_domain;
mod update_draft;
mod whoami;

pub use set_up::FirstRun;
