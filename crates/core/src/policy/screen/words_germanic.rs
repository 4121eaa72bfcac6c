//! Words of German, Dutch, Swedish, Danish, Norwegian, Finnish and Estonian by which the screen tells a
//! bank's or an authority's message. See `lexicon`.
//!
//! Guards: a word that ordinary services use every day has too few points to withhold a message alone. Must
//! never hold a sentence of one sender.

use super::lexicon::{Class, Group, group};

pub(super) const GROUPS: &[Group] = &[
    group(
        Class::Pay,
        5,
        "freigabe der zahlung|zahlung freigeben|zahlung bestatigen|zur zahlung|om de betaling|betaling bevestigen|\
         betaling goed te keuren|bekrefte betalingen|godkenn betaling*|godkende betaling*|godkanna betalning*|\
         bekrafta betalning*|vahvista maksu|maksun vahvist*",
    ),
    group(Class::Nod, 2, "betrag|bedrag|belopp|belob|belop|summa"),
    group(
        Class::Bank,
        6,
        // German, Dutch.
        "bankkonto*|bankverbindung|onlinebanking|online banking|telefonbanking|banking|sparkasse*|volksbank*|\
         raiffeisen*|girokonto*|girocard|ec karte|uberweisung*|uberweisen|dauerauftrag*|lastschrift*|\
         geldautomat*|bargeld*|kontostand*|verrechnungskonto|depotkonto|wertpapier*|bausparkasse|mobiletan|\
         pushtan*|smstan|chiptan|phototan|tan fur|ihre tan|kartenzahlung*|kreditantrag*|ratenkredit|darlehen*|\
         zahlungsfreigabe|zahlungsauftrag|iban|tagesgeld*|\
         bankieren|bankpas*|bankrekening*|bankapp|overboeking*|overschrijving*|betaalrekening|spaarrekening*|\
         betaalpas*|geldautomaat|gepind|pinautomaat|tan code|tancode|ideal betaling|betaalopdracht|\
         hypotheek|betaalverzoek|rekeningnummer|\
         banken|bankid|internetbank*|natbank|netbank*|nettbank*|mobilbank*|bankdosa|autogiro|bankgiro|plusgiro|\
         overforing*|overforsel*|kortkop*|kortkjop|kortbetaling*|kortbetalning*|bankomat*|uttag|lonekonto|\
         betalningsmottagare|netbanki|lanetilbud|minibank*|vipps|mobilepay|lanelofte|ditt lan|lan pa|\
         pankki*|pankin|pankkitunnus*|verkkopankki*|verkkopankin|mobiilipankki|tilisiirto*|kateisnosto*|\
         pankkikortti|korttimaksu*|luottokortti|otto automaat*|lainasi|lainahakemus|\
         pank|pangad|panga|pangakonto|internetipank*|makse kinnit*|pangakaart*|sularaha*|laenu*|swedbank|\
         maksekorraldus*|pangaautomaat*",
    ),
    group(
        Class::Staff,
        6,
        "bankmitarbeiter*|die bank fragt|ihre bank fragt|mitarbeiter der bank|bank vraagt nooit|de bank vraagt|\
         medewerkers van de bank|banken fragar aldrig|banken spor aldrig|pankki ei",
    ),
    group(
        Class::Card,
        5,
        "kreditkarte*|debitkarte*|karte endet|karte endziffer|karte mit den endziffern|kartenende|creditcard*|\
         kredietkaart*|pas eindigend|betaalkaart|kreditkort*|debetkort*|bankkort*|betalkort*|betalingskort*|\
         kort som slutar|kort som slutter|kort som ender|kortti paattyy|maksukortti*|deebetkaart|krediitkaart",
    ),
    group(Class::Card, 2, "karte|kaart|kort|kortti|kortet|kaardi*"),
    group(
        Class::Tail,
        3,
        "endet auf|endziffer*|eindigend op|eindigt op|som slutar|som slutter|der slutter|som ender|paattyy|lopeb",
    ),
    group(
        Class::Pay,
        4,
        "transaktion*|transactie*|buchung uber|abbuchung*|abgehoben|opgenomen|afgeschreven|transaksjon*|hævet|haevet|tapahtuma tililla|tehing*|auftrag vom|order kauf|order verkauf",
    ),
    group(
        Class::Pay,
        3,
        "zahlung*|bezahlung|kauf|einkauf*|uberwiesen|betaling*|betalen|aankoop|betalning*|kop|kopet|kjop|kob|\
         maksu|maksun|maksaa|osto|oston|makse|ostu|freigabe|empfanger",
    ),
    group(
        Class::Funds,
        5,
        "verfugbar*|guthaben|beschikbaar saldo|disponibelt|kaytettavissa|tililtasi|tilin saldo|kontoauszug|rekeningafschrift|kontojaak|kryptowahrung*",
    ),
    group(Class::Funds, 3, "saldo|rente|zinsen|monatsrate|termijn"),
    group(Class::Funds, 2, "konto|rekening|tili|tilille"),
    group(Class::Loan, 4, "kredit|kredite|lening|leningen|laina|laen|ratenzahlung|krediet|lanesoknad"),
    group(
        Class::Nod,
        2,
        "genehmigt|bewilligt|goedgekeurd|beviljat|godkant|innvilget|bevilget|hyvaksytty|kinnitatud|fallig",
    ),
    group(Class::Amount, 2, "kr|kronor|kroner|euroa|franken|sfr|dkr|nkr|eurot"),
    group(
        Class::State,
        6,
        "finanzamt*|elster|steuer*|bundesagentur|arbeitsagentur|rentenversicherung*|burgeramt|burgerburo|rathaus|\
         bundid|bund id|bundesamt|bundes*|ministerium|behorde*|behorden*|ausweis app|ausweisapp|personalausweis|\
         reisepass|aufenthaltstitel|fuhrerschein*|kraftfahrt bundesamt|zulassungsstelle|handy signatur|\
         id austria|finanzonline|oesterreich gv|gv at|krankenkasse*|gesundheitskarte|familienkasse|\
         auslanderbehorde|wahlamt|standesamt|deutsche rente*|\
         belastingdienst|belasting*|digid|mijnoverheid|mijn overheid|gemeente|overheid|rijksoverheid|uwv|svb|\
         toeslagen|rijbewijs|itsme|mijn uwv|ministerie|kadaster|rdw|\
         skatteverket|skatt|skattestyrelsen|skatteetaten|skatte*|forsakringskassan|arbetsformedlingen|\
         pensionsmyndigheten|migrationsverket|transportstyrelsen|regeringen|myndighet*|freja eid|folkeregister*|\
         mitid|mit id|nemid|borger dk|tastselv|altinn|minid|id porten|idporten|buypass|nav no|helsenorge|\
         kommune*|kommunen|verohallinto*|omavero*|veroilmoitus|suomi fi|omakela|digi ja vaestotietovirasto|\
         poliisi|viranomai*|maksu ja tolliamet|maksuamet|emta|smart id|smartid|mobiil id|eesti ee|riigi*|sotsiaalkindlustus*|\
         haigekassa|tervisekassa|skatturinn|island is",
    ),
    group(Class::State, 5, "polizei|gericht|politie|rente beantrag*|minister|wahl|valgkort|rostlangd"),
    group(Class::State, 4, "zoll|skat"),
    group(Class::BankLabel, 6, "swish|tikkie|nets"),
    group(Class::StateLabel, 6, "kela|vero|skat|zoll"),
    group(
        Class::Paper,
        3,
        "pass beantragen|paspoort|pas aanvragen|identiteitskaart|korkort|forerkort|passi|ajokortti|visum|id kaart",
    ),
    group(
        Class::Safe,
        0,
        "bankdaten|bankdetails|bankverbindung nie|kontodaten|kreditkartendaten|kreditkartennummer*|kartendaten|\
         kartennummer*|zahlungsdaten|bankgegevens|kaartgegevens|creditcardgegevens|betaalgegevens|bankuppgifter|\
         kortuppgifter|kortnummer|bankopplysninger|kortopplysninger|kortoplysninger|bankoplysninger|bankid eller|\
         om bankid|pankkitiedot|pankkitietoja|korttitietoja|kortin tietoja|pangaandmeid|kaardiandmeid|\
         datenbank*|samenbank|sitzbank|parkbank|lebensmittelbank|blutbank|voedselbank|bloedbank|matbank|\
         gutscheinkarte|geschenkkarte|cadeaukaart|klantenkaart|kundenkarte|simkarte|simkaart|sim kort|\
         bibliothek|bibliotheek|bibliotek|kirjasto|lan av bocker|leihfrist|steuern sie|steuerung*|am steuer|\
         polizeibericht|pas op|deine zahlungsinfo*|zollfrei|bundesliga*|stadtwerke|datenbanken|werkbank|\
         kein geld|skattjakt",
    ),
    group(
        Class::Trade,
        2,
        "bestellung*|lieferung*|paket|sendung|rechnung*|faktura*|factuur*|lasku|gutschein*|tickets|danke fur|bestelling|bezorg*|pakket|abonnement*|\
         bedankt voor|bestallning*|leverans*|paketet|paket|biljett*|bestilling*|levering*|pakke|pakken|billett*|\
         tilaus*|paketti*|toimitus*|tellimus*|pakk",
    ),
    group(
        Class::Denial,
        0,
        "nie nach|niemals nach|fragen nie|fragt nie|fragen niemals|bitten sie nie|fordern nie|bitten dich nie|\
         vragen nooit|vragen je nooit|vragen u nooit|nooit om|fragar aldrig|ber aldrig|sporger aldrig|\
         beder aldrig|spor aldrig|ber deg aldri|sporre aldri|spor aldri|emme koskaan|ei koskaan|ei kysy*|\
         emme kysy*|me ei kusi|ei kusi",
    ),
];
