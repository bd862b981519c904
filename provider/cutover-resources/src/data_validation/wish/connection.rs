//! What is wrong with a connection, as far as it can be told without reaching anything.

use pulumi_value::{Output, PropertyPath};

use super::super::args::{ValidationConnection, ValidationTlsMode};
use super::reader::Reader;

impl Reader {
    /// Looks at a connection. What is not known yet counts as given.
    pub(crate) fn connection(&mut self, path: &PropertyPath, given: &ValidationConnection) {
        let has_secret = given.secret_arn.is_some();
        let needed = [
            ("host", given.host.is_some()),
            ("database", given.database.is_some()),
            ("user", given.user.is_some()),
        ];
        for (key, is_there) in needed {
            if !is_there && !has_secret {
                self.malformed(path.key(key), "is required without `secretArn`");
            }
        }
        if given.password.is_some() && given.password_env.is_some() {
            let reason = "`password` is given too; there can be one of them";
            self.malformed(path.key("passwordEnv"), reason);
        }
        if given.password.is_none() && given.password_env.is_none() && !has_secret {
            let reason = "is required without `passwordEnv` and `secretArn`";
            self.malformed(path.key("password"), reason);
        }
        let texts = [
            ("host", &given.host),
            ("database", &given.database),
            ("user", &given.user),
            ("secretArn", &given.secret_arn),
        ];
        for (key, text) in texts {
            self.not_empty(path.key(key), text.as_ref());
        }
        if given.port.as_ref().and_then(Output::get) == Some(&0) {
            self.malformed(path.key("port"), "is not a port");
        }
        self.tls(&path.key("tls"), given);
    }

    pub(crate) fn not_empty(&mut self, path: PropertyPath, text: Option<&Output<String>>) {
        let is_empty = text.and_then(Output::get).is_some_and(String::is_empty);
        if is_empty {
            self.malformed(path, "is empty");
        }
    }

    fn tls(&mut self, path: &PropertyPath, given: &ValidationConnection) {
        let Some(tls) = &given.tls else {
            return;
        };
        if tls.ca.is_some() && tls.ca_file.is_some() {
            let reason = "`ca` is given too; there can be one of them";
            self.malformed(path.key("caFile"), reason);
        }
        let idle = matches!(
            tls.mode.unwrap_or_default(),
            ValidationTlsMode::Require | ValidationTlsMode::Off
        );
        for (key, is_there) in [("ca", tls.ca.is_some()), ("caFile", tls.ca_file.is_some())] {
            if idle && is_there {
                let reason = "has no effect: this `mode` verifies no certificate";
                self.malformed(path.key(key), reason);
            }
        }
        let pem = tls.ca.as_ref().and_then(Output::get);
        if pem.is_some_and(|pem| !pem.contains("-----BEGIN CERTIFICATE-----")) {
            let reason = "holds no certificate in PEM";
            self.malformed(path.key("ca"), reason);
        }
    }
}
