//! Puts signed configurations where apps fetch them.
//!
//! An [`Address`] names a file of a project and owns its path, media type and cache header; a [`Bucket`] is a place that
//! stores files under such addresses; [`publish`] brings one verified release to one bucket:
//!
//! ```text
//! verify ─► releases/{ver}.jws ─► read back ─► pins.jws, if not newer ─► read back ─► pintle.json ─► Live
//! ```
//!
//! It can be run again after a failure at any step, and by several publishers at once: the pointer only moves forward.
//! It does not retry, keep time or know a database: that is its caller's business.
//!
//! A [`Place`] is a target in one line of text, without secrets; [`open()`] makes a bucket of it, with neither server nor
//! database around. [`probe()`] tries whether it can be used, and says what is missing; [`Purge`] tells a CDN of a change.
//!
//! Features: `aws`, `gcp` and `azure` add the object stores of those clouds. `contract` adds `check_contract`, the behaviour every bucket must show.

mod bucket;
mod cause;
#[cfg(feature = "cloud")]
mod cloud;
#[cfg(feature = "contract")]
mod contract;
mod credentials;
mod directory;
#[cfg(feature = "http")]
mod http;
mod object;
mod open;
mod place;
mod probe;
#[cfg(feature = "http")]
mod public;
#[cfg(feature = "http")]
mod purge;
mod staged;

pub use bucket::{Bucket, BucketError, Condition, Stored, StoredHeaders, Tag};
pub use cause::Cause;
#[cfg(feature = "contract")]
pub use contract::{ContractBreach, check_contract};
pub use credentials::CredentialSource;
pub use directory::DirectoryBucket;
pub use object::{Address, Object};
pub use open::{Environment, OpenError, open};
pub use place::{Place, PlaceError};
pub use probe::{Finding, Step, Trouble, probe};
#[cfg(feature = "http")]
pub use public::{PublicError, read_public};
#[cfg(feature = "http")]
pub use purge::{Purge, PurgeError};
pub use staged::{Outcome, Publication, PublishError, publish, unpublish};
