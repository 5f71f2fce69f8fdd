//! How the demo speaks: a heading, then one line for each thing that just happened, with its time.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

/// With the mark and the time, a line has 80 columns.
const PROMISE_WIDTH: usize = 42;
const DETAIL_WIDTH: usize = 24;

/// Prints what happens and counts what did not.
pub(super) struct Stage {
    started: Instant,
    kept: u32,
    broken: u32,
    colour: bool,
    since_last: Instant,
}

impl Stage {
    pub(super) fn open() -> Self {
        let now = Instant::now();
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { started: now, kept: 0, broken: 0, colour, since_last: now }
    }

    pub(super) fn say(&mut self, line: impl Display) {
        self.print(&format!("{line}\n"));
    }

    pub(super) fn heading(&mut self, text: &str) {
        let bold = self.paint("1", text);
        self.print(&format!("\n{bold}\n"));
        self.since_last = Instant::now();
    }

    /// One promise of Pintle: kept if `happened`, with a word on how.
    pub(super) fn promise(&mut self, promise: &str, happened: bool, detail: impl Display) {
        let took = self.since_last.elapsed();
        let mark = if happened { self.paint("32", "ok") } else { self.paint("31;1", "NO") };
        if happened {
            self.kept += 1;
        } else {
            self.broken += 1;
        }
        let detail = detail.to_string();
        let detail = self.paint("2", &format!("{detail:<DETAIL_WIDTH$}"));
        self.print(&format!("  {mark}  {promise:<PROMISE_WIDTH$} {detail} {}\n", in_millis(took)));
        self.since_last = Instant::now();
    }

    /// The closing line, and whether every promise was kept.
    pub(super) fn close(mut self) -> bool {
        let total = self.kept + self.broken;
        let seconds = self.started.elapsed().as_secs_f64();
        let all_kept = self.broken == 0;
        let verdict = format!("{} of {total} as promised, in {seconds:.1} s", self.kept);
        let verdict = self.paint(if all_kept { "1;32" } else { "1;31" }, &verdict);
        self.print(&format!("\n{verdict}\n"));
        all_kept
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A closed pipe must not stop the demo: its exit status still tells how it went.
    fn print(&mut self, text: &str) {
        let mut out = io::stdout().lock();
        let _closed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

fn in_millis(duration: Duration) -> String {
    format!("{:>3} ms", duration.as_millis())
}

#[cfg(test)]
mod tests {
    use super::Stage;

    #[test]
    fn one_broken_promise_is_enough_to_fail() {
        let mut stage = Stage::open();
        stage.promise("kept", true, "");
        stage.promise("broken", false, "");
        assert!(!stage.close());
    }
}
