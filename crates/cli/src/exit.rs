use std::process::ExitCode;

macro_rules! statuses {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $meaning:literal;)*) => {
        /// Exit status by kind of outcome: stable, the same for every command.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ExitStatus {
            $($(#[$doc])* $variant = $number,)*
        }

        impl ExitStatus {
            /// Every status, in rising order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// What it means, for the help text.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)*
                }
            }
        }
    };
}

statuses! {
    /// Done, or the connection is allowed.
    Success = 0, "done; `check`: the app would connect";
    /// The demonstration showed something else than it promises, or an examination found something wrong.
    Failed = 1, "`demo`: something did not go as promised; `doctor`, `status`: something is wrong";
    /// The command line.
    Usage = 2, "the command line is wrong, or an answer is needed and nobody can be asked";
    /// A file, key or value.
    Input = 3, "a file, key, password or value cannot be used";
    /// Token or permission.
    Auth = 4, "not signed in, or not permitted";
    /// A thing that is not there.
    NotFound = 5, "no such organization, project, domain, pin, release or file";
    /// Somebody or something else was first.
    Conflict = 6, "it exists already, is in use, or changed meanwhile";
    /// A verification failed.
    Refused = 7, "a configuration is not authentic; `check`: the app would refuse; `release`, `guard`, `drift`: users would be cut off, or are";
    /// The network or the other side.
    Unavailable = 8, "server, CDN or site cannot be reached, or did not finish in time";
    /// The user said no.
    Declined = 9, "you said no; nothing was changed";
    /// A defect.
    Internal = 70, "a defect of pintle or of the server";
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status as u8)
    }
}
