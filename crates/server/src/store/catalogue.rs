//! Every statement and every bulk of the store in one list, for the test that prepares them on both databases.
//! Guards that none is forgotten there: a module of the store with statements has its line here.

use super::db::{Bulk, Statement};
use super::{
    account, act, activation, api_key, audit, backup, device_grant, directory, email_code, guess, hot,
    idempotency, identity, job, ledger, log, mail, message, number, offer, password, person, provider_key,
    refresh, sandbox, scenario, second_factor, session, setting, tx,
};

/// Every statement of the store, for the test that prepares them on both databases.
pub fn catalogue() -> Vec<Statement> {
    [
        tx::CATALOGUE,
        account::CATALOGUE,
        act::CATALOGUE,
        activation::CATALOGUE,
        api_key::CATALOGUE,
        audit::CATALOGUE,
        backup::CATALOGUE,
        email_code::CATALOGUE,
        guess::CATALOGUE,
        directory::CATALOGUE,
        device_grant::CATALOGUE,
        hot::CATALOGUE,
        hot::UNREAD,
        idempotency::CATALOGUE,
        identity::CATALOGUE,
        job::CATALOGUE,
        ledger::CATALOGUE,
        log::CATALOGUE,
        mail::CATALOGUE,
        message::CATALOGUE,
        number::CATALOGUE,
        offer::CATALOGUE,
        password::CATALOGUE,
        person::CATALOGUE,
        provider_key::CATALOGUE,
        refresh::CATALOGUE,
        sandbox::CATALOGUE,
        scenario::CATALOGUE,
        second_factor::CATALOGUE,
        session::CATALOGUE,
        setting::CATALOGUE,
    ]
    .concat()
}

/// Every bulk of the store, for the same test.
pub fn bulks() -> Vec<Bulk> {
    [hot::BULKS, idempotency::BULKS, ledger::BULKS, number::BULKS, offer::BULKS].concat()
}
