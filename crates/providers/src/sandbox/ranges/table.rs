//! The table of reserved ranges: one row per authority and kind of number.
//!
//! A row belongs here only when `docs/sandbox-numbers.md` names its authority and source. The validity of
//! each row was measured over all of its numbers; it must never be guessed.

use super::{FictionRange, Role, Validity};

const OFCOM: &str = "Ofcom, numbers for drama (United Kingdom)";
const BNETZA: &str = "Bundesnetzagentur, notice 148/2021 (Germany)";
const ARCEP: &str = "Arcep, national numbering plan, decision 2018-0881 (France)";
const PTS: &str = "PTS, numbers for books and films (Sweden)";
const ACMA: &str = "ACMA, numbers for creative works (Australia)";
const COMREG: &str = "ComReg, numbering conditions of use 15/136 (Ireland)";

/// 555-0100 to 555-0199 behind an area code of the North American Numbering Plan (the tail holds area + 555).
const NANP: FictionRange = FictionRange {
    iso: "US",
    head: "1",
    tails: &[],
    digits: 4,
    first: 100,
    last: 199,
    validity: Validity::FixedOrMobile,
    role: Role::HandedOut,
    authority: "NANPA, 555 line number guidelines ATIS-0300115 (North America)",
};

/// Blocks of a thousand fixed-line numbers.
const THOUSANDS: FictionRange =
    FictionRange { digits: 3, first: 0, last: 999, validity: Validity::Fixed, authority: OFCOM, ..NANP };

/// Blocks of ten thousand fixed-line numbers.
const TEN_THOUSANDS: FictionRange = FictionRange { digits: 4, last: 9_999, ..THOUSANDS };

/// Single mobile numbers.
const SINGLES: FictionRange =
    FictionRange { digits: 0, first: 0, last: 0, validity: Validity::Mobile, ..NANP };

/// Every range the sandbox knows. A country appears in as many rows as it has kinds of numbers.
pub(super) const RANGES: &[FictionRange] = &[
    FictionRange {
        iso: "US",
        tails: &[
            "201555", "202555", "203555", "205555", "206555", "212555", "213555", "214555", "215555",
            "216555", "301555", "303555", "305555", "310555", "312555", "313555", "314555", "317555",
            "323555", "330555", "360555", "402555", "404555", "405555", "408555", "410555", "412555",
            "415555", "502555", "503555", "504555", "505555", "512555", "513555", "516555", "602555",
            "612555", "615555", "617555", "619555", "702555", "703555", "713555", "716555", "718555",
            "801555", "804555", "813555", "816555", "916555",
        ],
        ..NANP
    },
    FictionRange {
        iso: "CA",
        tails: &[
            "204555", "226555", "236555", "250555", "289555", "306555", "403555", "416555", "418555",
            "438555", "450555", "506555", "514555", "519555", "587555", "604555", "613555", "647555",
            "709555", "902555",
        ],
        ..NANP
    },
    FictionRange { iso: "PR", tails: &["787555", "939555"], ..NANP },
    FictionRange { iso: "VI", tails: &["340555"], ..NANP },
    FictionRange { iso: "GU", tails: &["671555"], ..NANP },
    FictionRange { iso: "MP", tails: &["670555"], ..NANP },
    FictionRange { iso: "DO", tails: &["809555", "829555", "849555"], ..NANP },
    FictionRange { iso: "JM", tails: &["876555"], validity: Validity::Mobile, ..NANP },
    FictionRange {
        iso: "GB",
        head: "44",
        tails: &[
            "2079460", "1134960", "1144960", "1164960", "1174960", "1184960", "1214960", "1314960",
            "1414960", "1514960", "1614960", "1914980", "2920180",
        ],
        ..THOUSANDS
    },
    FictionRange {
        iso: "GB",
        head: "44",
        tails: &["7700900", "1154960", "1632960"],
        validity: Validity::PossibleOnly,
        role: Role::Recognised,
        ..THOUSANDS
    },
    FictionRange { iso: "GB", head: "44", tails: &["3069990"], role: Role::Recognised, ..THOUSANDS },
    FictionRange {
        iso: "DE",
        head: "49",
        tails: &["17139200", "176040690"],
        digits: 2,
        last: 99,
        validity: Validity::Mobile,
        authority: BNETZA,
        ..THOUSANDS
    },
    FictionRange {
        iso: "DE",
        head: "491",
        tails: &[
            "5228817386",
            "5228895456",
            "5254599371",
            "729925904",
            "729968532",
            "729973185",
            "729973186",
            "729980752",
            "749091317",
            "749464308",
        ],
        authority: BNETZA,
        ..SINGLES
    },
    FictionRange {
        iso: "DE",
        head: "49",
        tails: &["3023125", "6990009", "4066969", "2214710", "8999998"],
        role: Role::Recognised,
        authority: BNETZA,
        ..THOUSANDS
    },
    FictionRange {
        iso: "FR",
        head: "33",
        tails: &["19900", "26191", "35301", "46571", "53649"],
        authority: ARCEP,
        ..TEN_THOUSANDS
    },
    FictionRange {
        iso: "FR",
        head: "33",
        tails: &["63998"],
        validity: Validity::PossibleOnly,
        role: Role::Recognised,
        authority: ARCEP,
        ..TEN_THOUSANDS
    },
    FictionRange {
        iso: "SE",
        head: "46",
        tails: &["701740"],
        digits: 3,
        first: 605,
        last: 699,
        validity: Validity::Mobile,
        authority: PTS,
        ..NANP
    },
    FictionRange {
        iso: "SE",
        head: "46",
        tails: &["3139006", "4062804", "8465004", "9803192"],
        digits: 2,
        last: 99,
        role: Role::Recognised,
        authority: PTS,
        ..THOUSANDS
    },
    FictionRange {
        iso: "AU",
        head: "61491",
        tails: &[
            "570006", "570110", "570156", "570157", "570158", "570159", "570313", "570737", "571266",
            "571491", "571804", "572549", "572665", "572983", "573087", "573770", "574118", "574632",
            "575254", "575789", "576398", "576801", "577426", "577644", "578148", "578888", "578957",
            "579212", "579455", "579760",
        ],
        authority: ACMA,
        ..SINGLES
    },
    FictionRange {
        iso: "AU",
        head: "61",
        tails: &["25550", "27010", "35550", "37010", "75550", "77010", "85550", "87010"],
        role: Role::Recognised,
        authority: ACMA,
        ..TEN_THOUSANDS
    },
    FictionRange {
        iso: "IE",
        head: "353",
        tails: &["2091"],
        digits: 5,
        last: 99_999,
        validity: Validity::PossibleOnly,
        authority: COMREG,
        ..THOUSANDS
    },
];
