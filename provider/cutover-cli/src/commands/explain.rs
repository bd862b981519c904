//! Explains an error code, from the page that ships with the command.

use std::fmt;

use cutover_core::shift::problem::Code;
use serde::Serialize;

use crate::cli::ExplainArgs;
use crate::console::{Console, Table};
use crate::problem::{Exit, Problem};

/// The page that explains every code.
const PAGE: &str = include_str!("../../../../docs/errors.md");

/// One code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Section {
    code: String,
    title: String,
    text: String,
}

/// Every code, without its text.
#[derive(Debug, Serialize)]
struct Listing {
    codes: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    code: String,
    title: String,
}

pub(crate) fn run(args: &ExplainArgs, console: &mut Console<'_>) -> Result<Exit, Problem> {
    let sections = sections(PAGE);
    let Some(asked) = &args.code else {
        let entry = |section: Section| Entry {
            code: section.code,
            title: section.title,
        };
        console.report(&Listing {
            codes: sections.into_iter().map(entry).collect(),
        });
        return Ok(Exit::Done);
    };
    let code = code(asked).map(|code| code.to_string());
    match sections
        .into_iter()
        .find(|section| Some(&section.code) == code.as_ref())
    {
        Some(section) => {
            console.report(&section);
            Ok(Exit::Done)
        }
        None => Err(Problem::new(
            193,
            Exit::Usage,
            format!("`{asked}` is no code of an error"),
        )
        .next("run `cutover explain` for a list")),
    }
}

/// Reads a code as people write it: `CUT-118`, `cut118`, `118`.
fn code(text: &str) -> Option<Code> {
    let text = text.trim().to_ascii_uppercase();
    let digits = text.strip_prefix("CUT").unwrap_or(&text);
    digits
        .strip_prefix('-')
        .unwrap_or(digits)
        .parse()
        .ok()
        .map(Code)
}

/// Cuts the page at its headings of the form `## CUT-118: title`.
fn sections(page: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let (code, title) = heading.split_once(": ").unwrap_or((heading, ""));
            sections.push(Section {
                code: code.to_owned(),
                title: title.to_owned(),
                text: String::new(),
            });
        } else if let Some(section) = sections.last_mut() {
            section.text.push_str(line);
            section.text.push('\n');
        }
    }
    for section in &mut sections {
        section.text = section.text.trim().to_owned();
    }
    sections.retain(|section| code(&section.code).is_some());
    sections
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}\n\n{}", self.code, self.title, self.text)
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(&["code", "what"]);
        for entry in &self.codes {
            table.row(vec![entry.code.clone(), entry.title.clone()]);
        }
        table.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_write_it() {
        for text in ["CUT-007", "cut-7", "CUT007", "7", " 007 "] {
            assert_eq!(code(text), Some(Code(7)), "{text}");
        }
        assert_eq!(code("seven"), None);
    }

    #[test]
    fn the_page_is_cut_at_its_headings() {
        let page = "# Errors\n\nBefore.\n\n## CUT-001: one\n\nFirst.\n\n    indented\n\n## About\n\nno code\n";

        let sections = sections(page);

        assert_eq!(sections.len(), 1);
        assert_eq!(sections[0].title, "one");
        assert_eq!(sections[0].text, "First.\n\n    indented");
    }

    #[test]
    fn every_code_of_this_command_is_explained() {
        let explained = sections(PAGE);

        for number in (1..=9).chain(180..=195) {
            let code = Code(number).to_string();
            let section = explained.iter().find(|section| section.code == code);
            assert!(
                section.is_some_and(|section| !section.text.is_empty()),
                "{code}"
            );
        }
    }
}
