//! How far a text of SQL reaches. It is not understood: it must only not become two statements, or swallow what follows.

/// What is wrong with a text as one statement, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// There is nothing in it.
    Empty,
    /// A quote, or a comment in asterisks, has no end.
    Unclosed,
    /// Something follows after a semicolon.
    Several,
    /// A bracket closes that was not opened, or the other way round.
    Brackets,
    /// A comment reaches to the end, and would hide what follows.
    OpenComment,
}

/// Finds what is wrong with a text that is to be a statement of its own.
pub(super) fn flaw_of_statement(text: &str) -> Option<Flaw> {
    match Scan::of(text) {
        Err(flaw) => Some(flaw),
        Ok(scan) if scan.code.trim_matches([';', ' ']).is_empty() => Some(Flaw::Empty),
        Ok(scan) => {
            let (_, after) = scan.code.split_once(';').unwrap_or_default();
            (!after.trim_matches([';', ' ']).is_empty()).then_some(Flaw::Several)
        }
    }
}

/// Finds what is wrong with a text that is to be put into brackets as a condition.
pub(super) fn flaw_of_condition(text: &str) -> Option<Flaw> {
    match Scan::of(text) {
        Err(flaw) => Some(flaw),
        Ok(scan) if scan.code.trim().is_empty() => Some(Flaw::Empty),
        Ok(scan) if scan.code.contains(';') => Some(Flaw::Several),
        Ok(scan) if !is_balanced(&scan.code) => Some(Flaw::Brackets),
        Ok(scan) if scan.ends_in_comment => Some(Flaw::OpenComment),
        Ok(_) => None,
    }
}

/// A text without comments, where a `q` stands for everything between quotes, and a blank for white space.
struct Scan {
    code: String,
    ends_in_comment: bool,
}

impl Scan {
    fn of(text: &str) -> Result<Self, Flaw> {
        let mut scan = Self {
            code: String::new(),
            ends_in_comment: false,
        };
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let (_, after) = rest.split_at(letter.len_utf8());
            rest = match letter {
                '\'' | '"' | '`' => {
                    scan.code.push('q');
                    after_quote(after, letter)?
                }
                '$' => match dollar_tag(rest) {
                    Some(tag) => {
                        scan.code.push('q');
                        let (_, body) = rest.split_at(tag.len());
                        body.split_once(tag).ok_or(Flaw::Unclosed)?.1
                    }
                    None => after,
                },
                '-' if after.starts_with('-') => {
                    let next = after.split_once('\n').map(|(_, next)| next);
                    scan.ends_in_comment = next.is_none();
                    next.unwrap_or_default()
                }
                '/' if after.starts_with('*') => after.split_once("*/").ok_or(Flaw::Unclosed)?.1,
                _ => {
                    let is_blank = letter.is_whitespace();
                    scan.code.push(if is_blank { ' ' } else { letter });
                    after
                }
            };
        }
        Ok(scan)
    }
}

/// Goes on after the end of a quote. A doubled quote ends one text and begins the next, which comes to the same.
fn after_quote(rest: &str, quote: char) -> Result<&str, Flaw> {
    let (_, after) = rest.split_once(quote).ok_or(Flaw::Unclosed)?;
    Ok(after)
}

/// Reads what begins and ends a text of PostgreSQL such as `$$it's$$`.
fn dollar_tag(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('$')?;
    let (name, _) = inner.split_once('$')?;
    let is_tag = !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .chars()
            .all(|letter| letter.is_alphanumeric() || letter == '_');
    let length = name.len().checked_add("$$".len())?;
    is_tag.then(|| text.get(..length)).flatten()
}

fn is_balanced(code: &str) -> bool {
    let mut depth = 0_u32;
    for letter in code.chars() {
        let next = match letter {
            '(' => depth.checked_add(1),
            ')' => depth.checked_sub(1),
            _ => Some(depth),
        };
        match next {
            Some(next) => depth = next,
            None => return false,
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_may_end_with_a_semicolon_and_have_no_other_after_it() {
        let flaw = flaw_of_statement;

        assert_eq!(flaw("SELECT id FROM payments"), None);
        assert_eq!(flaw("SELECT ';' AS \"a;b\" ; -- ; done"), None);
        assert_eq!(flaw("SELECT $x$ ; $x$, $1"), None);
        assert_eq!(flaw("SELECT 1; DROP TABLE payments"), Some(Flaw::Several));
        assert_eq!(flaw("SELECT 'it''s'; SELECT 2"), Some(Flaw::Several));
        assert_eq!(
            flaw("SELECT 1 /* ; */ ; /* */ SELECT 2"),
            Some(Flaw::Several)
        );
        assert_eq!(flaw("SELECT 'a"), Some(Flaw::Unclosed));
        assert_eq!(flaw("SELECT /* 1"), Some(Flaw::Unclosed));
        assert_eq!(flaw(" ; -- nothing"), Some(Flaw::Empty));
    }

    #[test]
    fn a_condition_stays_within_its_brackets() {
        let flaw = flaw_of_condition;

        assert_eq!(flaw("amount < 0 AND (a OR note = ')')"), None);
        assert_eq!(flaw("amount < 0 -- why\n AND x"), None);
        assert_eq!(flaw("amount < 0 -- why"), Some(Flaw::OpenComment));
        assert_eq!(flaw("true) OR (true"), Some(Flaw::Brackets));
        assert_eq!(flaw("(true"), Some(Flaw::Brackets));
        assert_eq!(flaw("true;"), Some(Flaw::Several));
        assert_eq!(flaw("  "), Some(Flaw::Empty));
    }
}
