//! The closed list of public errors. A fault has an outside (code and a sentence that helps) and an inside
//! (the cause, logged once where the fault becomes an answer, never shown).
//!
//! Codes are never renamed and never reused; each has a page in `docs/errors/`.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// Declares the codes with the sentence that is shown unless the place of the fault says a better one.
macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $sentence:literal;)+) => {
        /// A public error code.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum FaultCode { $($(#[$doc])* $name,)+ }
        impl FaultCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)+];
            /// The stable word on the wire.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $code,)+ } }
            /// The sentence shown when the place of the fault has no better one.
            pub const fn sentence(self) -> &'static str { match self { $(Self::$name => $sentence,)+ } }
        }
    };
}

faults! {
    /// 400
    InvalidParameter = "INVALID_PARAMETER", "A parameter is missing or has a wrong value.";
    /// 400
    InvalidJson = "INVALID_JSON", "The body is not a JSON object. Send one, with the header Content-Type: application/json.";
    /// 400: waiting for a code of a rent that is over.
    RentClosed = "RENT_CLOSED", "This rent is closed. Rent another number.";
    /// 401
    Unauthorized = "UNAUTHORIZED", "No valid credential. Send the header Authorization: Bearer <session token, JWT or API key>.";
    /// 401
    InvalidSignature = "INVALID_SIGNATURE", "The webhook's signature is missing or wrong. Sign the raw body with the provider's secret.";
    /// 402
    InsufficientBalance = "INSUFFICIENT_BALANCE", "Insufficient credits. Top up the account or choose a cheaper offer.";
    /// 401
    InvalidCredentials = "INVALID_CREDENTIALS", "The e-mail, the password or a code is not right, or the address is not verified yet. Try again after a moment, or ask for a new code.";
    /// 401
    TotpRequired = "TOTP_REQUIRED", "This account has a second factor. Repeat the request with its code in `totp`.";
    /// 403
    InsufficientScope = "INSUFFICIENT_SCOPE", "This credential may not do that. Use one with the needed scope.";
    /// 403
    SignedInPersonRequired = "SIGNED_IN_PERSON_REQUIRED", "Only a signed-in person may do that, not an API key. Sign in and use the access token.";
    /// 403: what outlives a sign-in needs that its person proved to be there a moment ago.
    ReauthenticationRequired = "REAUTHENTICATION_REQUIRED", "Your sign-in is too long ago for that. Show your password again at POST /api/auth/confirm-password, or sign in again, and repeat the request.";
    /// 403: a change that a browser sends with its cookies has to come from a page of ours.
    CsrfRefused = "CSRF_REFUSED", "This change came with a cookie and without the proof that a page of this site sent it. Send the header Origin, or a bearer token instead of the cookie.";
    /// 403
    AdminRequired = "ADMIN_REQUIRED", "Only whoever runs this service may do that. Sign in with an account of the role admin.";
    /// 403
    SecondFactorRequired = "SECOND_FACTOR_REQUIRED", "Admins of this service need a second factor, and your sign-in has none. Sign in here, set one up at POST /api/auth/totp/start, and repeat the request.";
    /// 403
    AccountNotApproved = "ACCOUNT_NOT_APPROVED", "The account is not approved yet, so it cannot rent. Ask the operator to approve it.";
    /// 403
    AccountOnHold = "ACCOUNT_ON_HOLD", "The account is on hold, so it cannot do that. Ask the operator why.";
    /// 403
    KeySpendCap = "KEY_SPEND_CAP", "This key has spent what it may. Use another key, or make one with a higher cap.";
    /// 403
    ServiceDenied = "SERVICE_DENIED", "Numbers for this service are not offered here.";
    /// 404
    NotFound = "NOT_FOUND", "There is nothing at this address for this account. Check the path and the id.";
    /// 404
    UnknownService = "UNKNOWN_SERVICE", "This service is not known. GET /api/public/services lists the known ones.";
    /// 404
    UnknownCountry = "UNKNOWN_COUNTRY", "This country is not known. GET /api/public/countries lists the known ones.";
    /// 404
    NoNumbersAvailable = "NO_NUMBERS_AVAILABLE", "No numbers are available for this service, country and operator. Try another operator or country, or try later.";
    /// 405
    MethodNotAllowed = "METHOD_NOT_ALLOWED", "This address does not take that method. The Allow header names those that it takes.";
    /// 408
    Timeout = "TIMEOUT", "Timeout";
    /// 409
    InvalidState = "INVALID_STATE", "The rent is not in a state that allows this.";
    /// 409
    IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key was used with another request. Use a fresh key for each purchase.";
    /// 503: the first request with this key is still running.
    IdempotencyInProgress = "IDEMPOTENCY_IN_PROGRESS", "The first request with this Idempotency-Key is still running. Repeat it with the same key after the time in Retry-After.";
    /// 409
    KeyLimit = "KEY_LIMIT", "The account has as many API keys as it may have. Delete one first.";
    /// 409
    PriceAboveMax = "PRICE_ABOVE_MAX", "The price is above your maxPrice. Raise it or try later.";
    /// 409
    ResendNotSupported = "RESEND_NOT_SUPPORTED", "Another message cannot be asked for here: only some providers of pool 1 can. Have the service send it again instead.";
    /// 413
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", "The body is too large.";
    /// 414
    UriTooLong = "URI_TOO_LONG", "The address is longer than 8 KiB.";
    /// 415
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", "Send JSON, with the header Content-Type: application/json.";
    /// 429
    RateLimited = "RATE_LIMITED", "Too many requests. Wait as long as the Retry-After header says.";
    /// 431
    HeadersTooLarge = "HEADERS_TOO_LARGE", "The request's headers are larger than 32 KiB.";
    /// 500
    Internal = "INTERNAL", "Something went wrong on our side. Quote the request id if you report it.";
    /// 502
    ProviderError = "PROVIDER_ERROR", "The number provider failed. Nothing was rented and nothing was charged. Try again.";
    /// 503
    PurchaseUnconfirmed = "PURCHASE_UNCONFIRMED", "The provider has not answered yet. Within a minute this rent gets its number or the money goes back; read it by its id.";
    /// 503: queues are full.
    Overloaded = "OVERLOADED", "The server is busy. Nothing was done. Try again after the time in Retry-After.";
    /// 503: the database does not answer, or the server is stopping.
    Maintenance = "MAINTENANCE", "The service is not available at the moment. Try again after the time in Retry-After; look before you repeat a purchase, or use an Idempotency-Key.";
}

/// A public error on its way out.
#[derive(Debug)]
pub struct Fault {
    /// The stable code.
    pub code: FaultCode,
    /// The sentence for people.
    pub message: Cow<'static, str>,
    /// Seconds until a retry makes sense, for 429 and 503.
    pub retry_after_s: Option<u32>,
    /// The rent that the fault is about, in its public form.
    pub rent: Option<String>,
    /// The rent's state, where clients look for it (`/wait`).
    pub status: Option<&'static str>,
    /// What happened inside. Logged once, never shown.
    pub cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A fault with its code's own sentence. The 503s carry a `Retry-After` from the start.
    pub fn new(code: FaultCode) -> Self {
        let retry_after_s = match code {
            FaultCode::PurchaseUnconfirmed | FaultCode::Maintenance => Some(5),
            FaultCode::IdempotencyInProgress => Some(2),
            FaultCode::Overloaded => Some(1),
            _ => None,
        };
        let message = Cow::Borrowed(code.sentence());
        Self { code, message, retry_after_s, rent: None, status: None, cause: None }
    }

    /// 400 about one parameter: `field` and what is wrong with it.
    pub fn parameter(field: &str, problem: &str) -> Self {
        Self::new(FaultCode::InvalidParameter).saying(format!("`{field}` {problem}."))
    }

    /// With a better sentence.
    #[must_use]
    pub fn saying(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
        self
    }

    /// With the rent it is about.
    #[must_use]
    pub fn about(mut self, rent: String) -> Self {
        self.rent = Some(rent);
        self
    }

    /// With the rent's state.
    #[must_use]
    pub fn in_state(mut self, status: &'static str) -> Self {
        self.status = Some(status);
        self
    }

    /// With its inside cause.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_upper_snake_and_have_a_sentence() {
        let words: BTreeSet<_> = FaultCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), FaultCode::ALL.len());
        for code in FaultCode::ALL {
            assert!(code.as_str().bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{code:?}");
            assert!(!code.sentence().is_empty());
        }
    }
}
