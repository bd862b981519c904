//! Answers that are not the one asked for, before they have a form.

use std::fmt::Display;

use cutover_sim::cloud::AwsError;

/// Why a request is not answered as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A service says no.
    Said(Said),
    /// No answer comes.
    Lost,
}

/// What a service says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// As AWS names it.
    pub(crate) code: &'static str,
    /// Of the HTTP answer.
    pub(crate) status: u16,
    /// In its order.
    pub(crate) messages: Vec<String>,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self::Said(Said {
            code,
            status,
            messages: vec![message.into()],
        })
    }

    /// Refuses a request that is not right.
    pub(crate) fn sender(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, 400, message)
    }

    /// Refuses a request that cannot be read.
    pub(crate) fn malformed(code: &'static str, error: &impl Display) -> Self {
        Self::sender(code, error.to_string())
    }
}

impl Said {
    /// Says whose fault it is, as AWS does.
    pub(crate) fn at_fault(&self) -> &'static str {
        if self.status < 500 {
            "Sender"
        } else {
            "Receiver"
        }
    }

    /// Returns everything that is said as one text. Several messages stand in brackets, as those of Route 53 do.
    pub(crate) fn message(&self) -> String {
        match self.messages.as_slice() {
            [message] if self.code != "InvalidChangeBatch" => message.clone(),
            messages => format!("[{}]", messages.join(", ")),
        }
    }
}

impl From<AwsError> for Refusal {
    fn from(error: AwsError) -> Self {
        if error.is_lost() {
            return Self::Lost;
        }
        Self::Said(Said {
            code: error.code,
            status: error.status,
            messages: error.messages,
        })
    }
}
