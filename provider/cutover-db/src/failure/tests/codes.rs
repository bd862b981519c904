//! Codes that no test can make a server give.

use cutover_core::validation::facts::DbFailureClass as Class;

use crate::failure::{mysql, postgres};

#[test]
fn a_text_larger_than_a_packet_is_too_big() {
    let message = "Result of repeat() was larger than max_allowed_packet (16777216) - truncated";
    assert_eq!(
        mysql::conclude(1301, Some("HY000"), message).class,
        Class::TooBig
    );
    let message = "Got a packet bigger than 'max_allowed_packet' bytes";
    assert_eq!(
        mysql::conclude(1153, Some("08S01"), message).class,
        Class::TooBig
    );
    let message = "stack depth limit exceeded";
    assert_eq!(postgres::conclude("54001", message).class, Class::TooBig);
}

#[test]
fn a_server_that_goes_down_or_comes_up_is_lost_for_now() {
    for (code, message) in [
        (
            "57P01",
            "terminating connection due to administrator command",
        ),
        ("57P03", "the database system is starting up"),
        ("08006", "connection failure"),
    ] {
        let concluded = postgres::conclude(code, message);
        assert_eq!(concluded.class, Class::Lost, "{code}");
        assert_eq!(concluded.message, message);
    }
    for number in [1053, 1077, 1927, 4031] {
        assert_eq!(
            mysql::conclude(number, Some("08S01"), "gone").class,
            Class::Lost,
            "{number}"
        );
    }
}

#[test]
fn a_server_that_has_become_a_replica_is_another_than_before() {
    let message = "The MariaDB server is running with the --read-only option so it cannot execute this statement";
    assert_eq!(
        mysql::conclude(1290, Some("HY000"), message).class,
        Class::Changed
    );
    let message = "The MySQL server is running with the --secure-file-priv option so it cannot execute this statement";
    assert_eq!(
        mysql::conclude(1290, Some("HY000"), message).class,
        Class::Unsupported
    );
    let message = "cannot execute INSERT in a read-only transaction";
    assert_eq!(postgres::conclude("25006", message).class, Class::Changed);
}

#[test]
fn a_code_that_is_not_known_is_said_in_words_without_the_message() {
    let concluded = postgres::conclude("22P02", "invalid input syntax for type integer: \"4111\"");
    assert_eq!(
        concluded.message,
        "a text is not of the form of its type (what the server said may quote a value)"
    );
    let concluded = mysql::conclude(1366, Some("22007"), "Incorrect integer value: '4111'");
    assert_eq!(
        concluded.message,
        "a text is not of the form of its type (what the server said may quote a value)"
    );
}
