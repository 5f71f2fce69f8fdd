use std::fmt;

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $hint:literal,)*) => {
        /// Why a bucket cannot be used, as far as it can be told.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Cause {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Cause {
            /// Every cause.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What it means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)* }
            }

            /// What to do about it.
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$name => $hint,)* }
            }
        }
    };
}

causes! {
    /// The bucket does not allow it.
    Denied = "target_denied",
        "allow these credentials to read, write and remove files; on S3 that is s3:GetObject, s3:PutObject and \
         s3:DeleteObject on the files, and s3:ListBucket on the bucket, without which S3 calls a missing file denied",
    /// There are no credentials to use it with.
    CredentialsMissing = "target_credentials_missing",
        "set the variables of your cloud (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, GOOGLE_APPLICATION_CREDENTIALS, \
         AZURE_STORAGE_ACCOUNT_KEY), name a file, or run on a machine that has a role",
    /// The credentials are wrong or no longer valid.
    CredentialsRefused = "target_credentials_refused",
        "compare them with what the cloud's console shows; make new ones if they were revoked or have expired",
    /// There is no such bucket.
    BucketMissing = "target_bucket_missing",
        "correct the bucket's name, its region or the endpoint, or make the bucket first",
    /// The bucket is in another region.
    RegionWrong = "target_region_wrong",
        "name the region that the bucket was made in",
    /// The clock of this machine and that of the bucket disagree.
    ClockOff = "target_clock_off",
        "set the clock of this machine, by NTP",
    /// The bucket cannot write on condition that nobody else wrote.
    ConditionsUnsupported = "target_conditions_unsupported",
        "use a store that honours If-None-Match and If-Match when it writes: without them two publishers can undo each \
         other's releases",
    /// Nothing answers there.
    Unreachable = "target_unreachable",
        "check the endpoint's name and port, DNS, the firewall and the proxy",
    /// The answer did not come in time.
    TimedOut = "target_timed_out",
        "check the network between here and the target; what was begun is tried again",
    /// Too many requests.
    Throttled = "target_throttled",
        "wait: it is tried again, less and less often",
    /// There is no room left.
    Full = "target_full",
        "make room on that file system",
    /// The file system can be read only.
    ReadOnly = "target_read_only",
        "mount it so that it can be written, or name another directory",
    /// The target failed.
    Unknown = "target_failed",
        "read what the target says; `pintle targets test` tries each step on its own",
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.meaning().trim_end_matches('.'))
    }
}
