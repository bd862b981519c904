//! Who calls which service, as the `Authorization` header says.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use crate::protocol::Protocol;
use crate::refusal::Refusal;
use crate::server::Options;

/// How the header of a signed request begins: AWS Signature Version 4.
const ALGORITHM: &str = "AWS4-HMAC-SHA256 ";

/// How a credential scope ends.
const TERMINATION: &str = "aws4_request";

/// Returns the service that the credential scope names.
///
/// # Errors
/// When the request is not signed, not signed like that, or by somebody unknown.
pub(crate) fn read_service<'h>(
    headers: &'h HeaderMap,
    protocol: Protocol,
    options: &Options,
) -> Result<&'h str, Refusal> {
    let json = protocol == Protocol::Json;
    let Some(header) = headers.get(AUTHORIZATION) else {
        let message = "Request is missing Authentication Token";
        return Err(if json {
            Refusal::sender("MissingAuthenticationTokenException", message)
        } else {
            Refusal::new("MissingAuthenticationToken", 403, message)
        });
    };
    let Some((key, service)) = header.to_str().ok().and_then(read_scope) else {
        // The header is not repeated: it may hold a signature.
        let message = "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters, and \
                       a credential scope of the form key/date/region/service/aws4_request.";
        return Err(if json {
            Refusal::sender("IncompleteSignatureException", message)
        } else {
            Refusal::sender("IncompleteSignature", message)
        });
    };
    match &options.access_keys {
        Some(known) if !known.contains(key) => {
            let message = "The security token included in the request is invalid.";
            Err(if json {
                Refusal::sender("UnrecognizedClientException", message)
            } else {
                Refusal::new("InvalidClientTokenId", 403, message)
            })
        }
        _ => Ok(service),
    }
}

/// Reads the access key and the service.
fn read_scope(header: &str) -> Option<(&str, &str)> {
    let fields = header.strip_prefix(ALGORITHM)?;
    let field = |name: &str| {
        fields
            .split(',')
            .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
            .filter(|value| !value.is_empty())
    };
    field("SignedHeaders")?;
    field("Signature")?;
    let mut scope = field("Credential")?.split('/');
    let parts = [(); 5].map(|()| scope.next().filter(|part| !part.is_empty()));
    match (parts, scope.next()) {
        (
            [
                Some(key),
                Some(_),
                Some(_),
                Some(service),
                Some(TERMINATION),
            ],
            None,
        ) => Some((key, service)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_names_key_and_service() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/route53/aws4_request, \
                      SignedHeaders=host;x-amz-date, Signature=0123";

        assert_eq!(read_scope(header), Some(("AKIA", "route53")));
    }

    #[test]
    fn what_is_not_a_whole_scope_is_none() {
        let rest = "SignedHeaders=host, Signature=0123";
        for credential in [
            "",
            "AKIA",
            "AKIA/20260101/us-east-1/route53",
            "AKIA/20260101/us-east-1/route53/aws4",
            "AKIA/20260101/us-east-1//aws4_request",
            "AKIA/20260101/us-east-1/route53/aws4_request/more",
        ] {
            let header = format!("{ALGORITHM}Credential={credential}, {rest}");
            assert_eq!(read_scope(&header), None, "{credential}");
        }
        assert_eq!(
            read_scope(
                "AWS4-HMAC-SHA256 Credential=AKIA/d/r/route53/aws4_request, SignedHeaders=h"
            ),
            None
        );
    }
}
