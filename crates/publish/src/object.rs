use std::fmt;

use pintle_core::{OrganizationId, ProjectId};

/// A file that a project publishes (P-7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Object {
    /// `pins.jws`: the current configuration.
    Pointer,
    /// `releases/{ver}.jws`: one release, which never changes.
    Release {
        /// Release number.
        version: u64,
    },
    /// `pintle.json`: what apps embed (P-1.2).
    Bundle,
    /// `probe.jws`: shows whether a target can be used. Nobody fetches it but whoever put it there, and it is gone again
    /// when the test ends; no [`Address`] is parsed into it, so that no server of ours shows one.
    Probe,
}

/// A file of one project: what a bucket stores things under.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The organization.
    pub organization: OrganizationId,
    /// The project.
    pub project: ProjectId,
    /// The file.
    pub object: Object,
}

impl Object {
    /// `Content-Type` (P-2.1).
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pointer | Self::Release { .. } | Self::Probe => "application/jose",
            Self::Bundle => "application/json",
        }
    }

    /// `Cache-Control` (P-7.2).
    pub fn cache_control(self) -> &'static str {
        match self {
            Self::Pointer | Self::Bundle | Self::Probe => {
                "public, max-age=60, stale-while-revalidate=30, stale-if-error=604800"
            }
            Self::Release { .. } => "public, max-age=31536000, immutable",
        }
    }

    fn parse(file: &str) -> Option<Self> {
        match file {
            "pins.jws" => Some(Self::Pointer),
            "pintle.json" => Some(Self::Bundle),
            _ => {
                let digits = file.strip_prefix("releases/")?.strip_suffix(".jws")?;
                let version: u64 = digits.parse().ok()?;
                // One spelling each: no sign, no leading zero.
                (version.to_string() == digits).then_some(Self::Release { version })
            }
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pointer => f.write_str("pins.jws"),
            Self::Release { version } => write!(f, "releases/{version}.jws"),
            Self::Bundle => f.write_str("pintle.json"),
            Self::Probe => f.write_str("probe.jws"),
        }
    }
}

impl Address {
    /// Reads `{organization}/{project}/{file}`; `None` for anything that is not the path of an object.
    pub fn parse(path: &str) -> Option<Self> {
        let mut parts = path.splitn(3, '/');
        Some(Self {
            organization: OrganizationId::parse(parts.next()?).ok()?,
            project: ProjectId::parse(parts.next()?).ok()?,
            object: Object::parse(parts.next()?)?,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.organization, self.project, self.object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_every_path_it_writes() {
        for path in ["o/p/pins.jws", "o/p/pintle.json", "o/p/releases/1.jws", "o/p/releases/9007199254740991.jws"] {
            assert_eq!(Address::parse(path).map(|address| address.to_string()).as_deref(), Some(path));
        }
    }

    #[test]
    fn knows_no_other_path() {
        for path in [
            "",
            "o/p",
            "o/p/",
            "o/p/pins.jws/",
            "o/p/PINS.jws",
            "o/../pins.jws",
            "o//pins.jws",
            "o/p/releases/01.jws",
            "o/p/releases/+1.jws",
            "o/p/releases/.jws",
            "o/p/releases/1",
            "o/p/../p/pins.jws",
            "o/p/x/pins.jws",
        ] {
            assert_eq!(Address::parse(path), None, "{path}");
        }
    }

    #[test]
    fn only_what_never_changes_is_immutable() {
        assert!(Object::Release { version: 1 }.cache_control().contains("immutable"));
        for object in [Object::Pointer, Object::Bundle] {
            assert!(object.cache_control().contains("max-age=60,"));
        }
    }
}
