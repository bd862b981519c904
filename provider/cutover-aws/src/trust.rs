//! Trust policies between their JSON and what is known about them.

use cutover_core::service_roles::{Effect, Statement, TrustPolicy};
use serde_json::{Value, json};

/// Reads a document as IAM returns it: JSON, percent-encoded.
pub(crate) fn parse(encoded: &str) -> TrustPolicy {
    let document =
        percent_decoded(encoded).and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let statements = document
        .as_ref()
        .and_then(|document| document.get("Statement"));
    let statements: Option<Vec<_>> = statements
        .map(one_or_many)
        .and_then(|all| all.into_iter().map(statement).collect());
    statements.map_or(TrustPolicy::Unreadable, TrustPolicy::Statements)
}

/// Writes a document as IAM takes it.
///
/// `None` for one that was not read and so cannot be written.
pub(crate) fn render(trust: &TrustPolicy) -> Option<String> {
    let TrustPolicy::Statements(statements) = trust else {
        return None;
    };
    let statements: Vec<_> = statements
        .iter()
        .map(|statement| {
            let effect = match statement.effect {
                Effect::Allow => "Allow",
                Effect::Deny => "Deny",
            };
            json!({ "Effect": effect, "Principal": { "Service": statement.services }, "Action": statement.actions })
        })
        .collect();
    Some(json!({ "Version": "2012-10-17", "Statement": statements }).to_string())
}

/// Reads a statement; one that says what it is *not* about cannot be judged and makes the document unreadable.
fn statement(statement: &Value) -> Option<Statement> {
    let effect = match statement.get("Effect")?.as_str()? {
        "Allow" => Effect::Allow,
        "Deny" => Effect::Deny,
        _ => return None,
    };
    let services = match statement.get("Principal")? {
        Value::String(everybody) if everybody == "*" => vec!["*".to_owned()],
        Value::Object(kinds) => kinds
            .get("Service")
            .map_or_else(|| Some(Vec::new()), texts)?,
        _ => return None,
    };
    let conditional = statement.get("Condition").is_some();
    Some(Statement {
        effect,
        services,
        actions: texts(statement.get("Action")?)?,
        conditional,
    })
}

fn texts(value: &Value) -> Option<Vec<String>> {
    one_or_many(value)
        .into_iter()
        .map(|text| text.as_str().map(str::to_owned))
        .collect()
}

fn one_or_many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(many) => many.iter().collect(),
        one => vec![one],
    }
}

/// Undoes percent-encoding (RFC 3986, section 2.1); `None` when it is malformed or not UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            decoded.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(document: &str, admits: bool) {
        assert_eq!(parse(document).admits_dms(), admits, "{document}");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = render(&TrustPolicy::for_dms()).expect("statements can be written");

        assert_eq!(parse(&text), TrustPolicy::for_dms());
    }

    #[test]
    fn reads_what_the_console_writes() {
        check(
            "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Sid%22%3A%22%22%2C%22Effect%22%3A%22Allow%22%2C\
             %22Principal%22%3A%7B%22Service%22%3A%22dms.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D",
            true,
        );
    }

    #[test]
    fn reads_single_statements_lists_and_other_principals() {
        check(
            r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root",
               "Service":["ec2.amazonaws.com","dms.amazonaws.com"]},"Action":["sts:TagSession","sts:AssumeRole"]}}"#,
            true,
        );
    }

    #[test]
    fn what_cannot_be_judged_admits_nobody() {
        check("", false);
        check("%", false);
        check("%zz", false);
        check("{}", false);
        check(
            r#"{"Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#,
            false,
        );
        check(
            r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"dms.amazonaws.com"},"NotAction":"s3:*"}]}"#,
            false,
        );
        check(
            r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":7},"Action":"sts:AssumeRole"}]}"#,
            false,
        );
    }
}
