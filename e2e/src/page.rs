//! Pages of `docs/howto`, whose commands are run as they stand there.

use std::{collections::VecDeque, fs, path::Path};

use crate::run_line;

/// What is left to run of a page.
#[derive(Debug)]
pub struct Page {
    name: &'static str,
    commands: VecDeque<String>,
    variables: Vec<(String, String)>,
}

impl Page {
    /// The page `docs/howto/{name}.md`: every line of its `sh` blocks is a command, up to a comment.
    ///
    /// # Panics
    /// There is no such page, or it has no command.
    #[must_use]
    pub fn open(name: &'static str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/howto/{name}.md"));
        let text = fs::read_to_string(path).unwrap();
        let blocks = text.split("\n```").filter_map(|block| block.strip_prefix("sh\n"));
        let lines = blocks.flat_map(str::lines).map(|line| line.split('#').next().unwrap_or_default().trim());
        let commands: VecDeque<_> = lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
        assert!(!commands.is_empty(), "{name} has no commands");
        Self { name, commands, variables: Vec::new() }
    }

    /// With what the page leaves to its reader, as variables of the shell.
    #[must_use]
    pub fn with_variables(mut self, variables: &[(&str, &str)]) -> Self {
        self.variables = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        self
    }

    /// Runs its next command, which is `command`, in `folder`; questions are answered with yes. What it said.
    ///
    /// # Panics
    /// It is another one, or fails.
    pub fn run(&mut self, folder: &Path, command: &str) -> String {
        assert_eq!(self.commands.pop_front().as_deref(), Some(command), "the next command of {}", self.name);
        let set: String = self.variables.iter().map(|(name, value)| format!("{name}='{value}'\n")).collect();
        run_line(folder, &format!("{set}{command}"))
    }

    /// Nothing is left.
    ///
    /// # Panics
    /// Something is.
    pub fn finish(self) {
        assert!(self.commands.is_empty(), "{} has commands that nobody ran: {:?}", self.name, self.commands);
    }
}
