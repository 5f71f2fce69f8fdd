//! The documents of permissions and of the audit log hold the tables of the code.

use std::{fmt::Write as _, fs, path::Path};

use pintle_api::{Concern, DriftState, FindingCode};
use pintle_service::{AlertKind, AuditAction, Permission};
use pintle_store::Role;

const ROLES: [Role; 5] = [Role::Owner, Role::Admin, Role::Publisher, Role::Editor, Role::Auditor];

/// Compares what stands between the marks of a document with `table`; `UPDATE_DOCS=1` writes it there.
fn compare(document: &str, table: &str) {
    const BEGIN: &str = "<!-- made by a test: UPDATE_DOCS=1 cargo test -p pintle-service documents -->\n";
    const END: &str = "<!-- end -->\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(document);
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(BEGIN).unwrap();
    let (found, tail) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{head}{BEGIN}{table}{END}{tail}")).unwrap();
    } else {
        assert!(found == table, "docs/{document} is out of date: run this test again with UPDATE_DOCS=1");
    }
}

#[test]
fn every_permission_is_documented_with_who_has_it() {
    let mut table = "| permission | allows | scope | owner | admin | publisher | editor | auditor |\n".to_owned();
    table.push_str("|---|---|---|:-:|:-:|:-:|:-:|:-:|\n");
    for permission in Permission::ALL {
        let scope = serde_json::to_value(permission.scope()).unwrap();
        write!(table, "| `{}` | {} | `{}` |", permission.as_str(), permission.meaning(), scope.as_str().unwrap())
            .unwrap();
        for role in ROLES {
            table.push_str(if permission.roles().contains(&role) { " yes |" } else { " |" });
        }
        table.push('\n');
    }
    compare("permissions.md", &table);
}

#[test]
fn every_action_of_the_audit_log_is_documented() {
    let mut table = "| action | what happened |\n|---|---|\n".to_owned();
    for action in AuditAction::ALL {
        writeln!(table, "| `{}` | {} |", action.as_str(), action.meaning()).unwrap();
    }
    compare("audit.md", &table);
}

#[test]
fn every_finding_of_the_guard_is_specified() {
    let mut table = "| finding | severity | raised when | for users | what to do |\n|---|---|---|---|---|\n".to_owned();
    for code in FindingCode::ALL {
        let severity = serde_json::to_value(code.severity()).unwrap();
        writeln!(
            table,
            "| `{}` | {} | {} | {} | {} |",
            code.as_str(),
            severity.as_str().unwrap(),
            code.meaning(),
            code.consequence(),
            code.advice()
        )
        .unwrap();
    }
    compare("spec/guard.md", &table);
}

#[test]
fn every_state_of_drift_is_documented() {
    let mut table = "| state | weight | when | what to do |\n|---|---|---|---|\n".to_owned();
    for state in DriftState::ALL {
        let weight = match state.concern() {
            Concern::None => "",
            Concern::Warning => "warning",
            Concern::Error => "error",
        };
        writeln!(table, "| `{}` | {weight} | {} | {} |", state.as_str(), state.meaning(), state.advice()).unwrap();
    }
    compare("howto/drift.md", &table);
}

#[test]
fn every_kind_of_alert_is_documented_with_what_to_do() {
    let mut table = "| alert | severity | raised when | what to do | told |\n|---|---|---|---|---|\n".to_owned();
    for kind in AlertKind::ALL {
        let roles: Vec<_> = kind.roles().iter().map(|role| format!("{role:?}").to_lowercase()).collect();
        let told = if roles.is_empty() { "who asks for it".to_owned() } else { roles.join(", ") };
        let (word, severity) = (kind.as_str(), kind.severity().as_str());
        writeln!(table, "| `{word}` | {severity} | {} | {} | {told} |", kind.meaning(), kind.runbook()).unwrap();
    }
    compare("howto/alerts.md", &table);
}
