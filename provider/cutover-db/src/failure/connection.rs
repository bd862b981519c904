//! Connections that do not come about, or break.

use std::error::Error;
use std::io;
use std::io::ErrorKind;

use cutover_core::validation::facts::DbFailureClass;
use rustls::{AlertDescription, CertificateError};

use super::Concluded;

/// How the standard library begins the error of a name that cannot be resolved, which has no kind of its own.
const NO_SUCH_NAME: &str = "failed to lookup address information";

/// How the driver says that a server has no TLS.
const NO_TLS: &str = "server does not support TLS";

/// Concludes from an error of a socket, or of the TLS in it.
pub(super) fn broken(error: &io::Error) -> Concluded {
    if let Some(error) = error.get_ref().and_then(|error| error.downcast_ref()) {
        return refused_by_tls(error);
    }
    let text = error.to_string();
    if text.starts_with(NO_SUCH_NAME) {
        return Concluded::new(
            DbFailureClass::Unreachable,
            "the host's name is not known: check it, and that this machine can resolve names of the database's network",
        );
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => Concluded::new(
            DbFailureClass::Unreachable,
            "the connection was refused: nothing listens on this port, or a firewall forbids it",
        ),
        ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Concluded::new(
                DbFailureClass::Unreachable,
                format!("there is no way to the host: {text}"),
            )
        }
        ErrorKind::AddrNotAvailable | ErrorKind::NetworkDown | ErrorKind::PermissionDenied => {
            Concluded::new(DbFailureClass::Unreachable, text)
        }
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof => {
            Concluded::new(DbFailureClass::Lost, "the server closed the connection")
        }
        _ => Concluded::new(
            DbFailureClass::Lost,
            format!("the connection broke: {text}"),
        ),
    }
}

/// Concludes from an error of setting up TLS.
pub(super) fn without_tls(error: &(dyn Error + Send + Sync + 'static)) -> Concluded {
    if let Some(error) = error.downcast_ref() {
        return refused_by_tls(error);
    }
    let text = error.to_string();
    if text == NO_TLS {
        return Concluded::new(
            DbFailureClass::NoTls,
            "the server has no TLS: switch it on there, or say that the connection need not be encrypted",
        );
    }
    // The driver quotes the whole of the certificates that it cannot read.
    if text.starts_with("Invalid certificate") {
        return Concluded::new(
            DbFailureClass::Untrusted,
            "the certificates of authorities that were given are not PEM",
        );
    }
    Concluded::new(DbFailureClass::Untrusted, text)
}

fn refused_by_tls(error: &rustls::Error) -> Concluded {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(why) => {
            Concluded::new(DbFailureClass::Untrusted, not_to_be_trusted(why))
        }
        Tls::PeerIncompatible(_)
        | Tls::AlertReceived(
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity,
        ) => Concluded::new(
            DbFailureClass::NoTls,
            "the server has no version or cipher of TLS in common with us: TLS 1.2 is the least",
        ),
        _ => Concluded::new(
            DbFailureClass::Untrusted,
            format!("TLS does not come about: {error}"),
        ),
    }
}

fn not_to_be_trusted(why: &CertificateError) -> String {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: is this machine's clock right?".to_owned()
        }
        CertificateError::NotValidForName => {
            "the server's certificate is for another name than the host's".to_owned()
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => format!(
            "the server's certificate is not for `{}` but for {}",
            expected.to_str(),
            presented.join(", ")
        ),
        CertificateError::UnknownIssuer => {
            "the server's certificate is of an authority that is not trusted: give that authority's certificate".to_owned()
        }
        other => format!("the server's certificate is refused: {other}"),
    }
}
