//! Certificates, made on the spot.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::{Error, Tls};

/// What a server shows, and what a client must trust for it. All of it is PEM.
pub(crate) struct Certificates {
    pub(crate) authority: String,
    pub(crate) server: String,
    pub(crate) server_key: String,
}

impl Certificates {
    /// Makes an authority and a server's certificate by it; `None` where nothing is encrypted.
    pub(crate) fn make(tls: Tls) -> Result<Option<Self>, Error> {
        let names = match tls {
            Tls::Off => return Ok(None),
            Tls::Valid | Tls::Expired => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            Tls::WrongHost => vec!["elsewhere.example".to_owned()],
        };
        let mut params = CertificateParams::new(names)?;
        if tls == Tls::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }

        let authority_key = KeyPair::generate()?;
        let mut authority_params = CertificateParams::new([])?;
        authority_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = authority_params.self_signed(&authority_key)?;
        let issuer = Issuer::new(authority_params, authority_key);

        let key = KeyPair::generate()?;
        Ok(Some(Self {
            authority: authority.pem(),
            server: params.signed_by(&key, &issuer)?.pem(),
            server_key: key.serialize_pem(),
        }))
    }
}
