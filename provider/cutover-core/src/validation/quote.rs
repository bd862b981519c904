//! Names and text within statements, as each engine reads them whatever its settings are.

use super::catalog::{Engine, TableName};

/// Quotes a name of a column, table or schema.
pub fn name(engine: Engine, name: &str) -> String {
    let quote = match engine {
        Engine::Postgres => '"',
        Engine::Mysql | Engine::Mariadb => '`',
    };
    let mut quoted = String::from(quote);
    for letter in name.chars() {
        if letter == quote {
            quoted.push(quote);
        }
        quoted.push(letter);
    }
    quoted.push(quote);
    quoted
}

/// Quotes the name of a table with its schema.
pub fn table(engine: Engine, table: &TableName) -> String {
    format!(
        "{}.{}",
        name(engine, &table.schema),
        name(engine, &table.name)
    )
}

/// Quotes a text.
///
/// What a backslash means depends on settings of the session with both engines, so a text with one is written in a way
/// that does not.
pub fn text(engine: Engine, text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if !text.contains('\\') {
        return format!("'{doubled}'");
    }
    match engine {
        Engine::Postgres => format!("E'{}'", doubled.replace('\\', "\\\\")),
        Engine::Mysql | Engine::Mariadb => {
            let digits = text.bytes().fold(String::new(), |mut digits, byte| {
                digits.extend([byte >> 4, byte & 15].map(hexadecimal));
                digits
            });
            format!("_utf8mb4 x'{digits}'")
        }
    }
}

fn hexadecimal(digit: u8) -> char {
    char::from_digit(digit.into(), 16).expect("four bits are one digit")
}

/// Quotes several texts, with commas between them.
pub fn texts<'a>(engine: Engine, texts: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(|one| text(engine, one)).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENGINES: [Engine; 3] = [Engine::Postgres, Engine::Mysql, Engine::Mariadb];

    #[test]
    fn each_engine_has_its_own_quotes() {
        let payments = TableName {
            schema: "pay".to_owned(),
            name: "payments".to_owned(),
        };

        assert_eq!(table(Engine::Postgres, &payments), "\"pay\".\"payments\"");
        assert_eq!(table(Engine::Mariadb, &payments), "`pay`.`payments`");
        assert_eq!(text(Engine::Mysql, "it's"), "'it''s'");
    }

    #[test]
    fn a_backslash_means_itself_in_every_session() {
        assert_eq!(text(Engine::Postgres, "a\\b'"), "E'a\\\\b'''");
        assert_eq!(text(Engine::Mysql, "a\\"), "_utf8mb4 x'615c'");
    }

    /// Reads a quoted name or text back and returns what is left after it.
    fn unquoted(quoted: &str, quote: char) -> (String, &str) {
        let mut rest = quoted.strip_prefix(quote).expect("it begins with a quote");
        let mut read = String::new();
        loop {
            let (part, after) = rest.split_once(quote).expect("it ends with a quote");
            read.push_str(part);
            match after.strip_prefix(quote) {
                Some(next) => {
                    read.push(quote);
                    rest = next;
                }
                None => return (read, after),
            }
        }
    }

    proptest! {
        #[test]
        fn no_name_ends_its_own_quotes(given in "[a-z\"`'\\\\ ;.]{0,12}") {
            for engine in ENGINES {
                let quote = if engine == Engine::Postgres { '"' } else { '`' };
                let quoted = name(engine, &given);
                prop_assert_eq!(unquoted(&quoted, quote), (given.clone(), ""));
            }
        }

        #[test]
        fn no_text_ends_its_own_quotes(given in "[a-z\"`' ;.]{0,12}") {
            for engine in ENGINES {
                let quoted = text(engine, &given);
                prop_assert_eq!(unquoted(&quoted, '\''), (given.clone(), ""));
            }
        }

        #[test]
        fn a_text_with_a_backslash_has_none_that_could_quote_its_end(given in "[a-z'\\\\]{0,12}") {
            let postgres = text(Engine::Postgres, &given);
            if let Some(escaped) = postgres.strip_prefix('E') {
                let plain = escaped.replace("\\\\", "\\");
                prop_assert_eq!(unquoted(&plain, '\''), (given.clone(), ""));
            }
            prop_assert!(!text(Engine::Mysql, &given).contains('\\'));
        }
    }
}
