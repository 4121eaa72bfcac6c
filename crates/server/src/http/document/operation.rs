//! What the document says of one route. What follows from how a route is reached (who may call it, whether it takes
//! a body) is added here and not said again by each route: so the list of faults cannot lack the usual ones.

use super::schemas::Schemas;
use crate::http::shapes::oauth::DenialShape;
use http::Method;
use numberotp_core::caller::Scope;
use numberotp_core::fault::FaultCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// The parts of the document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Tag {
    Prices,
    Rents,
    Account,
    SignIn,
    Webhooks,
    Sandbox,
    Operating,
    Admin,
    About,
}

impl Tag {
    pub(super) const ALL: [Self; 9] = [
        Self::Prices,
        Self::Rents,
        Self::Account,
        Self::SignIn,
        Self::Webhooks,
        Self::Sandbox,
        Self::Operating,
        Self::Admin,
        Self::About,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Prices => "Prices",
            Self::Rents => "Rents",
            Self::Account => "Account",
            Self::SignIn => "Sign-in",
            Self::Webhooks => "Incoming webhooks",
            Self::Sandbox => "Sandbox only",
            Self::Operating => "Operating",
            Self::Admin => "Admin",
            Self::About => "About this API",
        }
    }
    pub(super) const fn says(self) -> &'static str {
        match self {
            Self::Prices => "What can be had, and what it costs. Open to everybody.",
            Self::Rents => "Buy a number, read its code, give it back.",
            Self::Account => "What the account has, and what happened to it.",
            Self::SignIn => "Who may come in: sign-ins of people and devices, and keys of programs.",
            Self::Webhooks => "What number providers post to this server. Signed over the raw body.",
            Self::Sandbox => "The hands of a team's tests. These addresses do not exist in production.",
            Self::Operating => "For whoever keeps the server running.",
            Self::Admin => "For the people who run the service. Every act is kept in a chain of hashes.",
            Self::About => "This document and its pages.",
        }
    }
}

/// Who may call.
#[derive(Clone, Copy)]
pub(super) enum Access {
    Everybody,
    Bearer(Scope),
    /// A signed-in person; an API key is refused.
    Person,
    /// A signed-in person whose account is an admin's.
    Admin,
    Signature,
}

/// The answer when all is well.
pub(super) enum Good {
    /// JSON of this schema; `&'static str` says what it is.
    Json(&'static str, Value),
    /// Bytes of a kind.
    Bytes(&'static str, &'static str),
}

/// What the document says of one route.
pub(in crate::http) struct Operation {
    pub(super) id: &'static str,
    pub(super) tag: Tag,
    pub(super) summary: &'static str,
    pub(super) says: &'static str,
    pub(super) access: Access,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<(bool, Value)>,
    /// Whether the body may be a form instead of JSON.
    pub(super) form: bool,
    /// The words of the standard that a refusal with 400 has, where it has the standard's form.
    pub(super) denials: &'static [&'static str],
    pub(super) good: Good,
    pub(super) headers: Vec<&'static str>,
    pub(super) tagged: bool,
    pub(super) schemas: Schemas,
    faults: BTreeSet<FaultCode>,
}

/// What every request can meet.
const EVERYWHERE: [FaultCode; 6] = [
    FaultCode::RateLimited,
    FaultCode::UriTooLong,
    FaultCode::HeadersTooLarge,
    FaultCode::Internal,
    FaultCode::Overloaded,
    FaultCode::Maintenance,
];
/// What every request with a body can meet.
const WITH_A_BODY: [FaultCode; 5] = [
    FaultCode::InvalidJson,
    FaultCode::InvalidParameter,
    FaultCode::UnsupportedMediaType,
    FaultCode::PayloadTooLarge,
    FaultCode::Timeout,
];

impl Operation {
    /// A route that everybody may call, with JSON of the type `T` when all is well.
    pub(in crate::http) fn answers<T: ToSchema>(
        id: &'static str,
        tag: Tag,
        summary: &'static str,
        good: &'static str,
    ) -> Self {
        let schemas = Schemas::of::<T>();
        let good = Good::Json(good, schemas.own.clone());
        Self { schemas, ..Self::new(id, tag, summary, good) }
    }

    /// A route that everybody may call, with a JSON object that has no fixed form.
    pub(in crate::http) fn answers_object(
        id: &'static str,
        tag: Tag,
        summary: &'static str,
        good: &'static str,
    ) -> Self {
        Self::new(id, tag, summary, Good::Json(good, json!({ "type": "object" })))
    }

    /// A route that everybody may call, with bytes of a kind when all is well.
    pub(in crate::http) fn sends(
        id: &'static str,
        tag: Tag,
        summary: &'static str,
        (kind, good): (&'static str, &'static str),
    ) -> Self {
        Self::new(id, tag, summary, Good::Bytes(kind, good))
    }

    fn new(id: &'static str, tag: Tag, summary: &'static str, good: Good) -> Self {
        let faults = EVERYWHERE.into_iter().collect();
        let (access, schemas) = (Access::Everybody, Schemas::default());
        let (parameters, headers) = (Vec::new(), Vec::new());
        Self {
            id,
            tag,
            summary,
            says: "",
            access,
            parameters,
            body: None,
            form: false,
            denials: &[],
            good,
            headers,
            tagged: false,
            schemas,
            faults,
        }
    }

    /// Names a type that the answer is made around, such as `T` of `Answer<T>`: a type does not know that of itself.
    pub(in crate::http) fn around<T: ToSchema>(mut self) -> Self {
        self.schemas.add::<T>();
        self
    }

    /// More than the summary tells.
    pub(in crate::http) fn says(mut self, says: &'static str) -> Self {
        self.says = says;
        self
    }

    /// Needs a token with this scope, of an account that is not suspended.
    pub(in crate::http) fn needs(self, scope: Scope) -> Self {
        self.needs_scope(scope).fails([FaultCode::AccountOnHold])
    }

    /// Needs a token with this scope; a suspended account's too.
    pub(in crate::http) fn needs_scope(mut self, scope: Scope) -> Self {
        self.access = Access::Bearer(scope);
        self.fails([FaultCode::Unauthorized, FaultCode::InsufficientScope])
    }

    /// Needs a person who signed in.
    pub(in crate::http) fn needs_person(mut self) -> Self {
        self.access = Access::Person;
        self.fails([FaultCode::Unauthorized, FaultCode::SignedInPersonRequired])
    }

    /// Needs an admin who signed in.
    pub(in crate::http) fn needs_admin(mut self) -> Self {
        self.access = Access::Admin;
        let stopped =
            [FaultCode::SignedInPersonRequired, FaultCode::AccountOnHold, FaultCode::SecondFactorRequired];
        self.fails([FaultCode::Unauthorized, FaultCode::AdminRequired]).fails(stopped)
    }

    /// Needs a provider's signature over the body.
    pub(in crate::http) fn signed(mut self) -> Self {
        self.access = Access::Signature;
        self.fails([FaultCode::InvalidSignature])
    }

    /// Takes a key of the query.
    pub(in crate::http) fn query(mut self, name: &str, says: &str, schema: &Value) -> Self {
        self.parameters.push(json!({ "name": name, "in": "query", "description": says, "schema": schema }));
        self
    }

    /// Takes a key of the query that must be there.
    pub(in crate::http) fn query_needed(mut self, name: &str, says: &str, schema: &Value) -> Self {
        let parameter =
            json!({ "name": name, "in": "query", "required": true, "description": says, "schema": schema });
        self.parameters.push(parameter);
        self.fails([FaultCode::InvalidParameter])
    }

    /// Takes `page` and `limit`.
    pub(in crate::http) fn paged(self) -> Self {
        let number =
            |default: u8| json!({ "type": "integer", "format": "int64", "minimum": 1, "default": default });
        self.query("page", "The page, from 1; past the end there is nothing.", &number(1))
            .query("limit", "Most entries of a page; more than 100 is taken as 100.", &number(20))
            .fails([FaultCode::InvalidParameter])
    }

    /// Takes a header that the document describes under `components`.
    pub(in crate::http) fn header(mut self, name: &str) -> Self {
        self.parameters.push(json!({ "$ref": format!("#/components/parameters/{name}") }));
        self.fails([FaultCode::InvalidParameter])
    }

    /// Needs a body: a JSON object.
    pub(in crate::http) fn body(mut self, schema: Value) -> Self {
        self.body = Some((true, schema));
        self.fails(WITH_A_BODY)
    }

    /// Takes a body that is JSON or a form, from no page of another site.
    pub(in crate::http) fn form(self, schema: Value) -> Self {
        Self { form: true, ..self.body(schema).fails([FaultCode::CsrfRefused]) }
    }

    /// Refuses with 400 in these words, in the form of RFC 6749.
    pub(in crate::http) fn denies(self, words: &'static [&'static str]) -> Self {
        let mut denying = Self { denials: words, ..self };
        denying.schemas.add::<DenialShape>();
        denying
    }

    /// Takes a body, which may be left out.
    pub(in crate::http) fn optional_body(mut self, schema: Value) -> Self {
        self.body = Some((false, schema));
        self.fails(WITH_A_BODY)
    }

    /// Answers with this header, which the document describes under `components`, where it applies.
    pub(in crate::http) fn tells(mut self, header: &'static str) -> Self {
        self.headers.push(header);
        self
    }

    /// Carries a tag, and says so to whoever has the answer already.
    pub(in crate::http) fn tagged(mut self) -> Self {
        self.tagged = true;
        self.tells("ETag")
    }

    /// Can meet these faults, beside the usual ones.
    pub(in crate::http) fn fails(mut self, codes: impl IntoIterator<Item = FaultCode>) -> Self {
        self.faults.extend(codes);
        self
    }

    /// With what follows from its method: a change may come with a cookie, and then has to say where it comes from.
    pub(super) fn reached_by(self, method: &Method) -> Self {
        let by_somebody = matches!(self.access, Access::Bearer(_) | Access::Person | Access::Admin);
        if by_somebody && !method.is_safe() { self.fails([FaultCode::CsrfRefused]) } else { self }
    }

    /// Every fault it can meet.
    pub(super) fn faults(&self) -> impl Iterator<Item = FaultCode> + '_ {
        self.faults.iter().copied()
    }
}

/// A text of the query or of a body.
pub(in crate::http) fn text() -> Value {
    json!({ "type": "string" })
}
