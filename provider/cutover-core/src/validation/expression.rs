//! Expressions and defaults, written so that those that mean the same are mostly equal.
//!
//! Nothing is parsed: what is not recognised is compared as it is, and then differs at worst where it means the same.

use super::catalog::Engine;

/// What engines call the same default, the name that stands for it last.
const SAME_DEFAULTS: [(&str, &str); 17] = [
    ("clock_timestamp()", "current_timestamp"),
    ("curdate()", "current_date"),
    ("current_date()", "current_date"),
    ("current_timestamp()", "current_timestamp"),
    ("current_timestamp", "current_timestamp"),
    ("false", "0"),
    ("gen_random_uuid()", "uuid"),
    ("json_array()", "[]"),
    ("json_object()", "{}"),
    ("localtimestamp", "current_timestamp"),
    ("localtimestamp()", "current_timestamp"),
    ("now()", "current_timestamp"),
    ("statement_timestamp()", "current_timestamp"),
    ("transaction_timestamp()", "current_timestamp"),
    ("true", "1"),
    ("uuid()", "uuid"),
    ("uuid_generate_v4()", "uuid"),
];

/// What MySQL prints in front of a text, for its character set.
const INTRODUCERS: [&str; 4] = ["_utf8mb4'", "_utf8mb3'", "_utf8'", "_latin1'"];

/// What stands for the next value of a sequence or counter.
pub(super) const COUNTED: &str = "the next number";

/// Writes an expression without what makes no difference: blanks, case, quotes of names, brackets around the whole.
pub(super) fn expression(text: &str) -> String {
    let mut plain = without_blanks(&text.replace("\\'", "'"));
    for introducer in INTRODUCERS {
        plain = plain.replace(introducer, "'");
    }
    while let Some(inner) = without_brackets(&plain) {
        plain = inner.to_owned();
    }
    plain
}

/// Writes a default so that it can be compared with that of any engine; `None` for null.
pub(super) fn default(engine: Engine, text: Option<&str>) -> Option<String> {
    let text = text?.trim();
    let plain = without_digits(without_cast(&expression(text)));
    if plain.starts_with("nextval(") || plain == "auto_increment" {
        return Some(COUNTED.to_owned());
    }
    if plain == "null" {
        return None;
    }
    if let Some((_, same)) = SAME_DEFAULTS.iter().find(|(name, _)| *name == plain) {
        return Some((*same).to_owned());
    }
    // MySQL prints text as it is, in its own case.
    let is_bare = engine == Engine::Mysql && !text.contains(['(', '\'']);
    let value = if is_bare { text } else { plain.as_str() };
    let value = value
        .strip_prefix('b')
        .filter(|bits| bits.starts_with('\''))
        .unwrap_or(value);
    Some(without_zeros(unquoted(value)))
}

fn without_blanks(text: &str) -> String {
    let mut plain = String::new();
    let mut is_apart = false;
    let mut quote = None;
    for letter in text.trim().chars() {
        if let Some(end) = quote {
            if letter == end {
                quote = None;
            }
            if letter != end || end == '\'' {
                plain.push(letter);
            }
            continue;
        }
        let is_word = letter.is_alphanumeric() || letter == '_' || matches!(letter, '"' | '`');
        if is_apart
            && is_word
            && plain.ends_with(|last: char| last.is_alphanumeric() || last == '_')
        {
            plain.push(' ');
        }
        is_apart = letter.is_whitespace();
        match letter {
            '\'' => {
                quote = Some(letter);
                plain.push(letter);
            }
            '"' | '`' => quote = Some(letter),
            _ if is_apart => (),
            _ => plain.extend(letter.to_lowercase()),
        }
    }
    plain
}

/// Returns what stands within brackets that enclose the whole.
fn without_brackets(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut depth = 0_i32;
    let mut is_text = false;
    for letter in inner.chars() {
        match letter {
            '\'' => is_text = !is_text,
            '(' if !is_text => depth = depth.saturating_add(1),
            ')' if !is_text => depth = depth.saturating_sub(1),
            _ => (),
        }
        if depth < 0 {
            return None;
        }
    }
    Some(inner)
}

/// Leaves out PostgreSQL's casts at the end.
fn without_cast(text: &str) -> &str {
    let mut text = text;
    while let Some((value, kind)) = text.rsplit_once("::") {
        let is_type = kind
            .chars()
            .all(|letter| letter.is_alphanumeric() || " _.,()[]".contains(letter));
        // `nextval('x'::regclass)` is not a cast of the whole.
        if !is_type || kind.matches('(').count() != kind.matches(')').count() {
            break;
        }
        text = without_brackets(value).unwrap_or(value);
    }
    text
}

/// Leaves out how many digits of a second count: `now(6)`.
fn without_digits(text: &str) -> String {
    match text.rsplit_once('(') {
        Some((function, digits))
            if digits
                .strip_suffix(')')
                .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) =>
        {
            format!("{function}()")
        }
        _ => text.to_owned(),
    }
}

fn unquoted(text: &str) -> String {
    let inner = text
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    inner.map_or_else(|| text.to_owned(), |inner| inner.replace("''", "'"))
}

/// Leaves out zeros at the end of a decimal.
fn without_zeros(text: String) -> String {
    let is_decimal = text.contains('.') && text.parse::<f64>().is_ok();
    if is_decimal {
        let trimmed = text.trim_end_matches('0');
        trimmed.trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(text: &str) -> Option<String> {
        default(Engine::Postgres, Some(text))
    }

    fn mysql(text: &str) -> Option<String> {
        default(Engine::Mysql, Some(text))
    }

    fn mariadb(text: &str) -> Option<String> {
        default(Engine::Mariadb, Some(text))
    }

    #[test]
    fn expressions_differ_by_what_they_mean() {
        assert_eq!(
            expression("((\"amount\" >=  0))"),
            expression("`amount`>=0")
        );
        assert_eq!(
            expression("`currency` IN (_utf8mb4\\'EUR\\')"),
            expression("currency in ('EUR')")
        );
        assert_ne!(expression("a = 'X'"), expression("a = 'x'"));
        assert_ne!(expression("(a) or (b)"), expression("a) or (b"));
        assert_ne!(expression("not null"), expression("notnull"));
    }

    #[test]
    fn defaults_of_different_engines_are_the_same() {
        assert_eq!(postgres("now()"), mysql("CURRENT_TIMESTAMP(6)"));
        assert_eq!(postgres("now()"), mariadb("current_timestamp()"));
        assert_eq!(postgres("CURRENT_TIMESTAMP"), mysql("CURRENT_TIMESTAMP"));
        assert_eq!(postgres("true"), mysql("1"));
        assert_eq!(postgres("false"), mysql("b'0'"));
        assert_eq!(postgres("'PENDING'::character varying"), mysql("PENDING"));
        assert_eq!(postgres("'pending'::text"), mariadb("'pending'"));
        assert_eq!(postgres("0"), mysql("0.00"));
        assert_eq!(postgres("('0'::numeric)::numeric(12,2)"), mysql("0.00"));
        assert_eq!(postgres("gen_random_uuid()"), mysql("uuid()"));
        assert_eq!(
            postgres("nextval('payments_id_seq'::regclass)").as_deref(),
            Some(COUNTED)
        );
        assert_eq!(postgres("NULL::character varying"), None);
    }

    #[test]
    fn defaults_that_mean_something_else_differ() {
        assert_ne!(postgres("'a'::text"), postgres("'A'::text"));
        assert_ne!(postgres("10"), mysql("1"));
        assert_ne!(postgres("now()"), postgres("CURRENT_DATE"));
        assert_ne!(postgres("''::text"), None);
    }
}
