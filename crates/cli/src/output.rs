use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use comfy_table::{Table, presets};
use pintle_api::replace_hostile;
use serde::{Deserialize, Serialize};

use crate::CommandError;

/// How a command writes its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For people; may change from version to version.
    #[default]
    Text,
    /// For programs; members are only ever added.
    Json,
}

/// Where results and talk go: data to standard output, everything else to standard error. Colour is dropped where it
/// is not wanted (`NO_COLOR`, no terminal) and never carries a meaning of its own.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Whether results are for people or programs.
    pub format: Format,
}

/// A whole list, every page of it, as programs read it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Listing<T> {
    pub(crate) items: Vec<T>,
}

impl Output {
    /// Writes a command's result: `value` as JSON, or what `text` makes of it.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn show<T: Serialize>(self, value: &T, text: impl FnOnce(&T, &mut Text)) -> Result<(), CommandError> {
        let shown = match self.format {
            Format::Json => {
                let mut json = serde_json::to_string_pretty(value)
                    .map_err(|error| CommandError::Internal(format!("the result cannot be written: {error}")))?;
                json.push('\n');
                json
            }
            Format::Text => {
                let mut shown = Text::default();
                text(value, &mut shown);
                shown.0
            }
        };
        write_stdout(shown.as_bytes())
    }

    /// Says something to the person in front of the terminal.
    pub(crate) fn say(self, text: impl FnOnce(&mut Text)) {
        let mut shown = Text::default();
        text(&mut shown);
        // Nobody can be told that standard error is gone.
        let _ = anstream::stderr().lock().write_all(shown.0.as_bytes());
    }
}

/// A failure as it is told: `error[code]: message`, then the hint; or one line of JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// Stable code.
    pub code: String,
    /// What happened and why, in one sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// Writes the failure to standard error.
    pub fn report(&self, format: Format) {
        match format {
            Format::Json => {
                // Nobody can be told that standard error is gone.
                let _ = writeln!(anstream::stderr().lock(), "{}", serde_json::json!({ "error": self }));
            }
            Format::Text => Output { format }.say(|text| {
                self.write(&paint(BAD, &format!("error[{}]", self.code)), text);
            }),
        }
    }

    /// Tells of something that stops nothing.
    pub fn warn(&self) {
        Output { format: Format::Text }.say(|text| self.write(&paint(CAREFUL, "warning"), text));
    }

    fn write(&self, label: &str, text: &mut Text) {
        text.push_line(&format!("{label}: {}", replace_hostile(&self.message)));
        if let Some(hint) = &self.hint {
            text.push_line(&format!("{}: {}", paint(STRONG, "hint"), replace_hostile(hint)));
        }
    }
}

/// Writes bytes to standard output as they are, for results that are files. A reader that went away is no failure.
///
/// # Errors
/// [`CommandError::Write`].
pub fn write_stdout(bytes: &[u8]) -> Result<(), CommandError> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CommandError::Write { path: "standard output".into(), error })
        }
        _ => Ok(()),
    }
}

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const CAREFUL: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const STRONG: Style = Style::new().bold();

pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{}{style:#}", replace_hostile(text))
}

/// Text in the making. Every value is cleaned of control characters: names and certificates come from strangers, and a
/// terminal obeys escape sequences.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// One line of plain text.
    pub fn line(&mut self, line: &str) -> &mut Self {
        self.push_line(&replace_hostile(line))
    }

    /// One line in a style.
    pub(crate) fn styled_line(&mut self, style: Style, line: &str) -> &mut Self {
        self.push_line(&paint(style, line))
    }

    /// One line that begins with a label in a style.
    pub(crate) fn labelled_line(&mut self, style: Style, label: &str, line: &str) -> &mut Self {
        self.push_line(&format!("{}  {}", paint(style, label), replace_hostile(line)))
    }

    /// An empty line.
    pub fn gap(&mut self) -> &mut Self {
        self.push_line("")
    }

    /// Names and values in two columns; empty values are left out.
    pub fn fields(&mut self, fields: &[(&str, String)]) -> &mut Self {
        let shown = || fields.iter().filter(|(_, value)| !value.is_empty());
        let width = shown().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, value) in shown() {
            self.push_line(&format!("{name:width$}  {}", replace_hostile(value)));
        }
        self
    }

    /// A table with headings; `empty` stands where there are no rows.
    pub fn table(&mut self, headings: &[&str], rows: &[Vec<String>], empty: &str) -> &mut Self {
        if rows.is_empty() {
            return self.line(empty);
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(headings);
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for row in rows {
            table.add_row(row.iter().map(|cell| replace_hostile(cell)));
        }
        for line in table.to_string().lines() {
            self.push_line(line.trim_end());
        }
        self
    }

    /// Lines that begin two columns further right.
    pub fn indented(&mut self, inner: impl FnOnce(&mut Self)) -> &mut Self {
        let mut text = Self::default();
        inner(&mut text);
        for line in text.0.lines() {
            let line = if line.is_empty() { String::new() } else { format!("  {line}") };
            self.push_line(&line);
        }
        self
    }

    fn push_line(&mut self, line: &str) -> &mut Self {
        self.0.push_str(line);
        self.0.push('\n');
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_command_the_terminal() {
        let mut text = Text::default();
        let hostile = "a\u{1b}]0;owned\u{7}b\nc\u{202E}d";
        text.line(hostile).fields(&[("name", hostile.to_owned())]).table(
            &["name"],
            &[vec![hostile.to_owned()]],
            "none",
        );
        assert!(!text.0.contains(['\u{1b}', '\u{7}', '\u{202E}']), "{:?}", text.0);
        assert_eq!(text.0.lines().count(), 4, "{:?}", text.0);
    }

    #[test]
    fn tables_are_aligned_and_end_without_blanks() {
        let mut text = Text::default();
        text.table(&["NAME", "ID"], &[vec!["a".into(), "1".into()], vec!["long".into(), "2".into()]], "none");
        assert_eq!(text.0, "NAME  ID\na     1\nlong  2\n");
    }
}
