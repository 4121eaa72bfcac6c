//! What the document says of `/api/public/…`.

use crate::app::prices::{PriceTree, RentPriceTree};
use crate::http::document::{Operation, Tag, text};
use crate::http::shapes::vocabulary::{Known, KnownCountry, KnownOperator, KnownService};
use numberotp_core::fault::FaultCode;

const SERVICE: &str = "A service, by slug, code or name.";
const COUNTRY: &str = "A country, by ISO code, id or name.";

pub(in crate::http) fn prices() -> Operation {
    Operation::answers::<PriceTree<'_>>(
        "listPrices",
        Tag::Prices,
        "Prices of one-time numbers",
        "The prices.",
    )
    .says("A filter that matches nothing gives an empty `data`.")
    .query("service", SERVICE, &text())
    .query("country", COUNTRY, &text())
    .tagged()
    .tells("Age")
}

pub(in crate::http) fn rent_prices() -> Operation {
    let (id, good) = ("listRentPrices", "The prices.");
    Operation::answers::<RentPriceTree<'_>>(id, Tag::Prices, "Prices of longer rents, by hours", good)
        .says("A filter that matches nothing gives an empty `data`.")
        .query_needed("service", SERVICE, &serde_json::json!({ "type": "string", "minLength": 1 }))
        .query("country", COUNTRY, &text())
        .query("operator", "Only this operator's lengths; `any` for all.", &text())
        .tagged()
        .tells("Age")
}

pub(in crate::http) fn services() -> Operation {
    let (id, good) = ("listServices", "The services on offer.");
    Operation::answers::<Known<KnownService<'_>>>(id, Tag::Prices, "Services on offer", good)
        .around::<KnownService<'_>>()
        .query("country", COUNTRY, &text())
        .fails([FaultCode::UnknownCountry])
}

pub(in crate::http) fn countries() -> Operation {
    let (id, good) = ("listCountries", "The countries on offer.");
    Operation::answers::<Known<KnownCountry<'_>>>(id, Tag::Prices, "Countries on offer", good)
        .around::<KnownCountry<'_>>()
        .query("service", SERVICE, &text())
        .fails([FaultCode::UnknownService])
}

pub(in crate::http) fn operators() -> Operation {
    let (id, good) = ("listOperators", "The operators on offer.");
    Operation::answers::<Known<KnownOperator<'_>>>(id, Tag::Prices, "Operators on offer", good)
        .around::<KnownOperator<'_>>()
        .query("service", SERVICE, &text())
        .query("country", COUNTRY, &text())
        .fails([FaultCode::UnknownService, FaultCode::UnknownCountry])
}
