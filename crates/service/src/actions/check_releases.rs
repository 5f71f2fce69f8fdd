use pintle_core::{State, UnixTime, verify};
use pintle_store::{Project, ReadTx, ReleaseRow};

use crate::{Service, ServiceError, claims::make_root, hex::write_hex};

/// What became of reading every stored release again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleaseCheck {
    /// How many projects there are.
    pub projects: usize,
    /// How many releases were verified.
    pub releases: usize,
    /// Which are not what they should be, and why.
    pub findings: Vec<String>,
}

impl Service {
    /// Verifies every release of every project as a device would have when it was accepted, and compares it with what
    /// was noted then: for the operator, on nobody's behalf.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn check_releases(&self) -> Result<ReleaseCheck, ServiceError> {
        let tx = self.store.read().await?;
        let mut check = ReleaseCheck::default();
        for project in tx.list_all_projects().await? {
            check.projects += 1;
            for release in tx.list_all_releases(&project.scope).await? {
                check.releases += 1;
                if let Some(problem) = self.find_problem(&tx, &project, &release).await? {
                    let (project, version) = (&project.row.id, release.version.value());
                    check.findings.push(format!("release {version} of {project}: {problem}"));
                }
            }
        }
        Ok(check)
    }

    async fn find_problem(
        &self,
        tx: &ReadTx,
        project: &Project,
        release: &ReleaseRow,
    ) -> Result<Option<String>, ServiceError> {
        let version = release.version.value();
        let Some(file) = tx.load_release_file(&project.scope, version).await? else {
            return Ok(Some("its file is missing".to_owned()));
        };
        let root = match make_root(project, &self.base_urls) {
            Ok(root) => root,
            Err(error) => return Ok(Some(format!("the project's keys are not usable: {error}"))),
        };
        let then = UnixTime::from_secs(release.accepted_at.value());
        Ok(match verify(file.as_bytes(), &root, &State::default(), then) {
            Err(error) => Some(format!("its file does not verify: {error}")),
            Ok(accepted) => {
                let digest = accepted.state.floor.map(|floor| write_hex(&floor.claims_digest)).unwrap_or_default();
                let is_same = accepted.config.claims().version == version && digest == release.claims_sha256;
                (!is_same).then(|| "its file is that of another release".to_owned())
            }
        })
    }
}
