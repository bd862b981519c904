//! A database as one line: `postgres://user@host:5432/database`.

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::side::Side;
use percent_encoding::percent_decode_str;
use url::Url;

use super::file::ConnectionForm;
use crate::problem::{Exit, Problem};

/// Reads an address into a connection. Nothing of the text is repeated in a problem: there may be a password in it.
pub(super) fn read(side: Side, text: &str, into: &mut ConnectionForm) -> Result<(), Problem> {
    let unusable = |what: &str| {
        Problem::new(194, Exit::Usage, format!("`--{side}` {what}")).next(
            "write it as `postgres://user@host:5432/database`, with `mysql` or `mariadb` for those",
        )
    };
    let url = Url::parse(text).map_err(|error| unusable(&format!("is no address: {error}")))?;
    if url.password().is_some() {
        let upper = side.to_string().to_uppercase();
        let what = format!(
            "`--{side}` holds a password, which everybody on this machine could read in the list of processes"
        );
        return Err(Problem::new(194, Exit::Usage, what).next(format!(
            "leave it out and set the variable `CUTOVER_{upper}_PASSWORD`, or name another with \
             `--{side}-password-env`, or a secret with `--{side}-secret`; and change that password, since shells keep \
             what was typed"
        )));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(unusable(
            "has something after the database; options such as `--tls` stand by themselves",
        ));
    }
    into.engine = Some(match url.scheme() {
        "postgres" | "postgresql" => Engine::Postgres,
        "mysql" => Engine::Mysql,
        "mariadb" => Engine::Mariadb,
        _ => {
            return Err(unusable(
                "begins with neither `postgres`, `mysql` nor `mariadb`",
            ));
        }
    });
    let plain = |text: &str, what: &str| {
        let decoded = percent_decode_str(text).decode_utf8();
        let decoded = decoded.map_err(|_| unusable(&format!("has a {what} that is not UTF-8")))?;
        // What is not there is left to the file or the secret.
        Ok::<_, Problem>((!decoded.is_empty()).then(|| decoded.into_owned()))
    };
    // The address of IPv6 stands in brackets, and is meant without them.
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    into.host = plain(host, "host")?.or(into.host.take());
    into.port = url.port().or(into.port);
    into.user = plain(url.username(), "user")?.or(into.user.take());
    into.database = plain(url.path().trim_start_matches('/'), "database")?.or(into.database.take());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<ConnectionForm, Problem> {
        let mut form = ConnectionForm::default();
        read(Side::Source, text, &mut form).map(|()| form)
    }

    #[test]
    fn an_address_is_read_in_all_its_parts() {
        let form = check("postgres://reader%40eu@db.example.com:5433/my%20shop").expect("is one");

        assert_eq!(form.engine, Some(Engine::Postgres));
        assert_eq!(form.user.as_deref(), Some("reader@eu"));
        assert_eq!(form.host.as_deref(), Some("db.example.com"));
        assert_eq!(form.port, Some(5433));
        assert_eq!(form.database.as_deref(), Some("my shop"));
    }

    #[test]
    fn an_address_of_ipv6_loses_its_brackets() {
        let form = check("mariadb://reader@[::1]/shop").expect("is one");

        assert_eq!(form.host.as_deref(), Some("::1"));
        assert_eq!(form.port, None);
    }

    #[test]
    fn what_an_address_leaves_out_is_taken_from_elsewhere() {
        let mut form = ConnectionForm::default();
        form.user = Some("reader".to_owned());
        read(Side::Target, "mysql://db.example.com", &mut form).expect("is one");

        assert_eq!(form.user.as_deref(), Some("reader"));
        assert_eq!(form.database, None);
    }

    #[test]
    fn a_password_is_refused_with_advice_and_not_repeated() {
        let problem =
            check("postgres://reader:hunter2@db.example.com/shop").expect_err("is refused");

        assert_eq!(problem.exit, Exit::Usage);
        let told = problem.to_string();
        assert!(told.contains("CUTOVER_SOURCE_PASSWORD"), "{told}");
        assert!(told.contains("--source-password-env"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        for text in [
            "db.example.com",
            "oracle://reader@db/hunter2",
            "postgres://reader@db/hunter2?sslmode=require",
            "postgres://reader@db:hunter2/shop",
            "",
        ] {
            let problem = check(text).expect_err(text);
            assert!(!problem.to_string().contains("hunter2"), "{problem}");
        }
    }
}
