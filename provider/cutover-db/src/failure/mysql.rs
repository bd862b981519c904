//! What the numbers of MySQL and MariaDB mean for us. They share those below 1900; the rest is one's or the other's.
//! Numbers are those of "MySQL Error Reference" (server errors) and MariaDB's "Error Codes".

use cutover_core::validation::facts::DbFailureClass;

use super::Concluded;

/// Concludes from a number, its SQLSTATE, and the message. The message is kept only where the number is one that we know.
pub(super) fn conclude(number: u16, state: Option<&str>, message: &str) -> Concluded {
    match class(number, message) {
        Some((class, "")) => Concluded::new(class, message),
        Some((class, next)) => Concluded::new(class, format!("{message}: {next}")),
        None => Concluded::new(
            DbFailureClass::Other,
            format!(
                "{} (what the server said may quote a value)",
                meaning(number, state.unwrap_or_default())
            ),
        ),
    }
}

/// The class of a number, and what to do where the message does not say so; `None` where the message may quote values.
fn class(number: u16, message: &str) -> Option<(DbFailureClass, &'static str)> {
    use DbFailureClass as Class;
    Some(match number {
        // Wrong password, no password, a plugin that we lack, an expired password, a locked account.
        // A host that is not allowed, or was blocked after many errors.
        1045 | 1698 | 1251 | 1275 | 1524 | 1820 | 1862 | 3118 | 3955 | 4151 | 1129 | 1130 => {
            (Class::Login, "")
        }
        3159 => (Class::Login, "the server takes encrypted connections only"),
        1049 => (Class::NoDatabase, ""),
        1044 | 1142 | 1143 | 1227 | 1370 | 1410 | 1419 => (Class::Denied, ""),
        1051 | 1054 | 1109 | 1146 | 1356 => (Class::Missing, ""),
        1290 if message.contains("read-only") || message.contains("read_only") => (
            Class::Changed,
            "the server follows another one, or is closed to writes",
        ),
        1128 | 1193 | 1231 | 1235 | 1286 | 1289 | 1290 | 1305 => (Class::Unsupported, ""),
        1792 | 1836 => (
            Class::Changed,
            "the server follows another one, or the statement writes and may only read",
        ),
        1052
        | 1055
        | 1056
        | 1060
        | 1063..=1066
        | 1111
        | 1140
        | 1149
        | 1222
        | 1241
        | 1247
        | 1248 => (Class::Malformed, ""),
        1317 | 1969 | 3024 => (Class::TimedOut, ""),
        1038 | 1153 | 1162 | 1301 => (Class::TooBig, ""),
        1021 | 1037 | 1040 | 1041 | 1114 | 1135 | 1203 | 1205 | 1206 | 1213 | 1226 | 3572 => {
            (Class::Busy, "")
        }
        1053 | 1077 | 1079 | 1080 | 1152 | 1158..=1161 | 1184 | 1927 | 3168 | 3169 | 4031 => {
            (Class::Lost, "")
        }
        _ => return None,
    })
}

/// The meaning of a number whose message may quote a value.
fn meaning(number: u16, state: &str) -> &'static str {
    match number {
        1242 => "a query in place of a value gave more than one row",
        1048 | 1364 => "a value is null and must not be",
        1216 | 1217 | 1451 | 1452 => "a foreign key is violated",
        1022 | 1062 | 1169 | 1586 => "a unique key is violated",
        3819 | 4025 => "a check constraint is violated",
        1264 | 1690 => "a number is out of the range of its type",
        1265 | 1406 => "a value is too long for its type",
        1292 | 1366 | 1411 | 1525 => "a text is not of the form of its type",
        1365 => "a division by zero",
        1300 | 3854 => "bytes are not text in their character set",
        3140 | 3141 | 3143 | 4038 => "a text is not JSON",
        1644 | 1645 => "a procedure or trigger of the database raised an error",
        _ => match state.get(..2).unwrap_or_default() {
            "21" => "a cardinality violation",
            "22" => "a value is not right for what was to be done with it",
            "23" => "a constraint is violated",
            "45" => "a procedure or trigger of the database raised an error",
            _ => "the server refused it",
        },
    }
}
