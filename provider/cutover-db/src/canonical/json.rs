//! JSON by its meaning.
//!
//! The parser splits a value into its members and leaves those as they are written, so that no number passes through
//! binary floating point. Unlike other forms this one allocates.

use serde_json::value::RawValue;

use super::decimal::write_json_number;

/// How deep values may be nested to be understood; ours. `serde_json` draws the same line for what it builds.
const DEEPEST: u32 = 128;

/// Writes a JSON text in canonical form: keys sorted, of equal keys the last, no blanks.
///
/// What is not JSON that can be understood (nested too deep, half a surrogate pair) stays as it is, behind a `!`, which no
/// JSON begins with: equal to what is written the same.
pub(super) fn write_json(out: &mut Vec<u8>, text: &[u8]) {
    let start = out.len();
    let written = std::str::from_utf8(text)
        .ok()
        .and_then(|text| serde_json::from_str::<&RawValue>(text).ok())
        .and_then(|value| write_value(out, value.get(), DEEPEST));
    if written.is_none() {
        out.truncate(start);
        out.push(b'!');
        out.extend_from_slice(text);
    }
}

fn write_value(out: &mut Vec<u8>, text: &str, depth: u32) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match text.as_bytes().first()? {
        b'{' => write_object(out, text, depth),
        b'[' => {
            let members: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            write_members(out, (b'[', b']'), members, |out, member| {
                write_value(out, member.get(), depth)
            })
        }
        b'"' => write_text(out, &serde_json::from_str::<String>(text).ok()?),
        b't' | b'f' | b'n' => {
            out.extend_from_slice(text.as_bytes());
            Some(())
        }
        _ => {
            write_json_number(out, text.as_bytes());
            Some(())
        }
    }
}

fn write_object(out: &mut Vec<u8>, text: &str, depth: u32) -> Option<()> {
    // A map keeps the last of equal keys, and sorts by bytes.
    let members: std::collections::BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    write_members(out, (b'{', b'}'), members, |out, (key, value)| {
        write_text(out, &key)?;
        out.push(b':');
        write_value(out, value.get(), depth)
    })
}

fn write_members<T>(
    out: &mut Vec<u8>,
    (open, close): (u8, u8),
    members: impl IntoIterator<Item = T>,
    write: impl Fn(&mut Vec<u8>, T) -> Option<()>,
) -> Option<()> {
    out.push(open);
    for (place, member) in members.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(out, member)?;
    }
    out.push(close);
    Some(())
}

fn write_text(out: &mut Vec<u8>, text: &str) -> Option<()> {
    serde_json::to_writer(out, text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        let mut out = Vec::new();
        write_json(&mut out, text.as_bytes());
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn json_of_one_meaning_has_one_text() {
        for (written, expected) in [
            (
                r#" { "b" : 1.50 , "a":[ 1e2, true,null ] } "#,
                r#"{"a":[100,true,null],"b":1.5}"#,
            ),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (r#"{"aa":1,"b":2}"#, r#"{"aa":1,"b":2}"#),
            (r#""\u00e9\/\u0041""#, "\"é/A\""),
            (r#""\ud83d\ude00""#, "\"😀\""),
            (r#""a\nb\u0001""#, r#""a\nb\u0001""#),
            ("-0.0", "0"),
            (
                "12345678901234567890.123456789",
                "12345678901234567890.123456789",
            ),
            ("{}", "{}"),
        ] {
            assert_eq!(canonical(written), expected, "{written}");
        }
    }

    #[test]
    fn json_that_differs_only_where_floating_point_is_blind_differs() {
        assert_ne!(
            canonical("0.1000000000000000055511151231257827"),
            canonical("0.1")
        );
        assert_ne!(canonical("9007199254740993"), canonical("9007199254740992"));
    }

    #[test]
    fn what_is_not_understood_stays_as_it_is_and_is_no_json() {
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));

        for text in [deep.as_str(), r#""\ud800""#, "not json", ""] {
            assert_eq!(canonical(text), format!("!{text}"));
        }
    }
}
