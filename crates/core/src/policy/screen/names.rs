//! Names of banks, payment services, exchanges and authorities that send messages.
//!
//! Guards: a name that is also an everyday word, a person's or another brand's stands under a label class and
//! counts only where the whole sender or the opening label says it. Must never hold the name of an ordinary
//! service.

use super::lexicon::{Class, Group, Index, Meaning, group};
use crate::activation::WithheldBecause;

/// Names of refused services that are words of some language.
const COMMON: [&str; 32] = [
    "affirm",
    "banks",
    "bizum",
    "branch",
    "caixa",
    "cashew",
    "chime",
    "curve",
    "cumbuca",
    "forte",
    "gemini",
    "genome",
    "liberty",
    "nifty",
    "notarielle",
    "penta",
    "pingpong",
    "pintu",
    "podeli",
    "privy",
    "socios",
    "square",
    "treasury",
    "trustee",
    "uphold",
    "valora",
    "vantage",
    "verse",
    "vivid",
    "wallet",
    "yonder",
    "zilch",
];

/// Enters the name of a service that may not be rented: as a word where nobody could write it in a sentence,
/// else as a label.
pub(super) fn enter(index: &mut Index, name: &str, kind: WithheldBecause) {
    let plain = name.to_lowercase();
    let word = plain.chars().count() >= 5 && !COMMON.contains(&plain.as_str());
    let class = match (kind, word) {
        _ if BARE.iter().any(|group| group.words.split('|').any(|bare| bare == plain)) => return,
        (WithheldBecause::Bank, true) => Class::Bank,
        (WithheldBecause::Bank, false) => Class::BankLabel,
        (WithheldBecause::Government, true) => Class::State,
        (WithheldBecause::Government, false) => Class::StateLabel,
    };
    index.add(&plain, Meaning { class, points: 6 });
}

pub(super) const MONEY: &[Group] = &[
    group(
        Class::Bank,
        6,
        // Payment services and transfers, world-wide.
        "paypal|venmo|cash app|cashapp|zelle|alipay|alipayplus|wechat pay|weixin pay|payoneer|skrill|neteller|\
         paysafecard|paysafe|revolut|transferwise|westernunion|western union|moneygram|worldremit|remitly|lemfi|\
         sendwave|taptap send|xoom|paysend|transfergo|koronapay|profee|azimo|afriex|chipper cash|sling money|\
         ria money|payeer|perfect money|webmoney|qiwi|yoomoney|юmoney|юмани|юкасса|киви|золотая корона|корона пей|\
         сбербанк|сбп|тинькофф|tinkoff|т банк|t bank|tbank|альфа банк|alfabank|втб|газпромбанк|райффайзен*|росбанк|\
         россельхозбанк|совкомбанк|почта банк|sberbank|sberpay|sber|vtb|mir pay|mirpay|kaspi|kaspi kz|halyk|\
         homebank|jusan|forte bank|fortebank|privatbank|приватбанк|privat 24|приват 24|monobank|монобанк|ощадбанк|\
         easypay|global 24|wallet one|wayforpay|stripe|klarna|afterpay|clearpay|affirm|zilch|scalapay|laybuy|\
         paidy|sezzle|sumup|mypos|worldpay|adyen|airwallex|wallester|trustly|paysera|n 26|bunq|monzo|monese|\
         starling bank|vivid money|lydia app|lunchpad bank|pleo|satispay|postepay|poste italiane|bancoposta|nexi|\
         unicredit|intesa sanpaolo|bnl bnp|bnp paribas|societe generale|credit agricole|boursorama|boursobank|\
         hello bank|orange bank|paylib|lyf pay|santander|bbva|caixabank|bankinter|openbank|ing direct|bizum|\
         abanca|kutxabank|unicaja|ibercaja|deutsche bank|commerzbank|postbank|comdirect|dkb|targobank|\
         consorsbank|sparda|paydirekt|giropay|vimpay|trade republic|scalable capital|abn amro|rabobank|triodos|\
         knab|belfius|kbc|bpost bank|payconiq|swedbank|nordea|handelsbanken|danske bank|mobilepay|vipps|\
         sparebank*|dnb|klarna bank|op pankki|aktia|lhv|luminor|citadele|mkb|otp bank|erste|k h bank|pko|pko bp|\
         ipko|mbank|bank pekao|bank millennium|blik|przelewy 24|payu|fio banka|csob|ceska sporitelna|\
         komercni banka|air bank|moneta money|tatra banka|vub banka|banca transilvania|bcr|brd|fibank|dsk|unibank",
    ),
    group(
        Class::Bank,
        6,
        // The Americas.
        "wells fargo|wellsfargo|bank of america|bofa|citibank|citi card*|usaa|us bank|usbank|pnc bank|td bank|\
         truist|navy federal|capital one|capitalone|ally bank|schwab|fidelity investments|robinhood|webull|etrade|\
         amex safekey|amex|american express|barclaycard|viva wallet|discover card|chime bank|credit karma|creditkarma|experian|equifax|transunion|\
         moneylion|dave banking|earnin|sofi|synchrony|greendot|netspend|zelle pay|interac|scotiabank|\
         rbc royal bank|desjardins|tangerine bank|wealthsimple|koho|nubank|picpay|pagbank|pagseguro|mercado pago|\
         mercadopago|itau|bradesco|banrisul|banco inter|c 6 bank|santander brasil|will bank|agibank|sicredi|sicoob|\
         recargapay|infinitepay|ame digital|getnet|cielo|serasa|caixa tem|bancolombia|nequi|daviplata|davivienda|\
         banorte|banamex|citibanamex|bancoppel|spin by oxxo|mercado credito|uala|brubank|naranja x|yape|plin|\
         interbank|banco estado|bancoestado|mach bci|tenpo|bitso|banpro|bac credomatic|prex",
    ),
    group(
        Class::Bank,
        6,
        // Asia, Africa, the Near East.
        "gopay|linkaja|shopeepay|akulaku|kredivo|bca|mybca|klikbca|bri|brimo|bni|mandiri|livin by mandiri|cimb|\
         seabank|bank jago|superbank|allo bank|allobank|gcash|paymaya|palawanpay|coins ph|bpi|bdo|unionbank|\
         metrobank|landbank|touch n go|tng ewallet|bigpay|maybank|maybank 2 u|rhb|ambank|hong leong|ocbc|dbs|\
         posb|uob|paylah|truemoney|promptpay|kbank|kplus|krungthai|krungsri|scb easy|ttb|vietcombank|vietinbank|\
         techcombank|bidv|agribank|vpbank|mbbank|mb bank|sacombank|tpbank|momo|zalopay|vnpay|viettel money|viettelpay|\
         moca wallet|paypay|メルペイ|line pay|d払い|au pay|楽天ペイ|楽天カード|楽天銀行|エポスカード|三井住友|みずほ|三菱ufj|jcb|\
         kakaopay|카카오페이|카카오뱅크|토스|toss|네이버페이|페이코|payco|samsung card|삼성카드|국민카드|신한|하나카드|kb국민|\
         paytm|phonepe|bhim|mobikwik|freecharge|bharatpe|hdfc|icici|sbi|sbi card|sbicard|axis bank|kotak|pnb|indusind|\
         idfc|yes bank|canara|bajaj finserv|bajajfinserv|lazypay|simpl pay|amazon pay|navi loan|slice card|groww|zerodha|\
         upstox|angel one|coinswitch|coindcx|policybazaar|lic of india|bkash|nagad|bikash|rocket dbbl|sadapay|nayapay|\
         easypaisa|jazzcash|esewa|khalti|stc pay|stcpay|urpay|alinma|al rajhi|alrajhi|الراجحي|الأهلي|الاهلي|الإنماء|\
         فوري|انستاباي|إنستاباي|instapay|فودافون كاش|vodafone cash|orange cash|مدى باي|knet|benefitpay|botim pay|\
         emirates nbd|mashreq|fab bank|adcb|qnb|garanti|garanti bbva|is bankasi|isbank|ziraat|akbank|yapi kredi|\
         halkbank|vakifbank|denizbank|enpara|papara|ininal|tosla|paycell|hayhay|param kart|bkm express|kapital bank|\
         birbank|m 10|milli on|hamkorbank|payme|click uz|uzcard|humo|ملت|بانک ملی|صادرات|آسان پرداخت|آپ پرداخت|\
         هم کارت|بلوبانک|mpesa|m pesa|mtn momo|airtel money|orange money|moov money|wave mobile|opay|palmpay|kuda|\
         moniepoint|paystack|flutterwave|gtbank|gtb|zenith bank|access bank|uba|first bank|equity bank|kcb|absa|fnb|\
         capitec|nedbank|standard bank|tymebank|ecocash|telebirr|cbe birr|fawry|bank hapoalim|leumi|discount bank|\
         בנק לאומי|בנק הפועלים|פייבוקס|paybox|ביט bit|bit app",
    ),
    group(
        Class::Bank,
        6,
        // Exchanges.
        "binance|coinbase|kraken com|bybit|okx|okex|kucoin|huobi|htx|bitget|mexc|gate io|bitfinex|bitstamp|bitpanda|\
         bitvavo|crypto com|cryptocom|gemini exchange|blockchain com|metamask|trust wallet|phantom wallet|moonpay|\
         paybis|paxful|localbitcoins|etoro|plus 500|exness|xtb|iqoption|iq option|olymp trade|interactive brokers|\
         degiro|nobitex|wallex|bitpin|wazirx|indodax|tokocrypto|pintu crypto|upbit|업비트|bithumb|빗썸|coincheck|\
         bitflyer|coinhako|btcturk|paribu|icrypex|luno exchange|ripio|mercado bitcoin|foxbit|bitoasis|rain crypto|\
         whitebit|coinex|rabin kash|رابین کش|نوبیتکس|uphold|swissborg|nexo|celsius network|coindesk wallet",
    ),
    group(
        Class::BankLabel,
        6,
        "boa|chase|wise|dana|ovo|maya|doku|neon|lydia|curve|zen|verse|nala|ria|moka|flip|boku|icard|\
         jago|citi|hsbc|ing|bcp|pnc|td|rbc|bmo|cibc|td canada|barclays|natwest|lloyds|halifax|nationwide|santander uk|\
         starling|tide|tala|carbon|fairmoney|vivid|finom|qonto|penta|holvi|n 26|c 24|1822 direkt|ing diba|\
         fineco|isybank|widiba|hype|buddybank|cetelem|cofidis|sofinco|younited|fortuneo|monabanq|nickel|sumeria|\
         tikkie|swish|sella|raiffeisen|unicredit|eurobank|piraeus|nbg|hellobank|inter|\
         cred|slice|groww|kissht|navi|simpl|onecard|niyo|kredito|kviku|alfa|mir|900|t bank|tks|vtb|\
         sovcombank|otkritie|raif|mts bank|ozon bank|pb|izibank|luno|gemini|kraken|pintu|ajaib|bibit|\
         pluang|stockbit|julo|adakami|easycash|indodana|tunaiku|billease|tonik|home credit|homecredit|cashalo|digido|\
         aeon|bsn|setel|k plus|scb|ttb|gsb|timo|vib|acb|shb|ocb|vib|tcb|vcb|bidv|mb|jenius|neo|bsi|\
         sinarmas|dbs|95588|95533|95599|95566|95555|95559|95528|95595|95188|95017|toss|banka|param|papel|fups|enpara|\
         tami|yape|plin|klar|stori|albo|revolut|visa|mastercard|paga|kuda|opay|carbon|mukuru|\
         momo|airtelmoney|mpesa|m pesa|wafacash|cih|attijari|bcp|sab|snb|riyad|rajhi|meezan|ubl|hbl|mcb|nbp|sadad|\
         vm sbiinb|sbiinb|sbiupi|sbicrd|atmsbi|cbssbi|hdfcbk|hdfcbn|icicib|icicit|axisbk|kotakb|pnbsms|canbnk|boiind|\
         unionb|idfcfb|indusb|yesbnk|fedbnk|idbibk|rblbnk|paytmb|phonpe|barodam|bobtxn|barodaet|citibk|scbank|amexin|\
         onecrd|bajajf|navifi|upialrt|paytm|mobikw|slcbnk",
    ),
];

/// Names so common as words that not even "your … code" makes a sender of them.
pub(super) const BARE: &[Group] =
    &[group(Class::BareLabel, 6, "next|link|square|branch|boost|wave|alpha|depot|tan|مصرف|hype|tide|carbon")];

pub(super) const STATE: &[Group] = &[
    group(
        Class::State,
        6,
        "companies house|gov uk one login|hmrc|irs gov|login gov|logingov|id me|idme|ssa gov|uscis|tsa precheck|usps informed|healthcare gov|\
         mygov|my gov|mygovid|centrelink|services australia|service canada|canada revenue|cra account|\
         realme nz|real me|servicensw|service nsw|singpass|corppass|myinfo|cpf board|iras|mydigital id|mysejahtera|\
         aadhaar|aadhar|uidai|digilocker|epfo|umang|cowin|incometax|itdefl|efiling|gstn|gst portal|passport seva|\
         parivahan|voter helpline|eshram|pmkisan|nic in|gov in|nadra|fbr|\
         gov br|conecte sus|e cac|detran|tse gov|sus digital|sat gob|imss|infonavit|renapo|ine mx|sii cl|clave unica|\
         claveunica|registro civil|sunat|reniec|dian|adres|sisben|arca afip|mi argentina|miargentina|anses|\
         impots gouv|service public fr|ants gouv|doctolib etat|cpam|msa fr|digiposte etat|mon compte formation|\
         agenzia entrate|myinps|pagopa|app io|io app|fse regione|cie id|spid|\
         digid|mijn overheid|itsme|csam|my minfin|myminfin|socialsecurity be|\
         elster|bundid|id austria|a trust|finanzonline|sva gesund|svs at|ahv iv|swissid|agov ch|\
         skatteverket|mitid|nemid|borger dk|altinn|id porten|minid|suomi fi|vero fi|eesti ee|smart id|epaveldas|eparaksts|\
         gov pl|login gov pl|mobywatel|epuap|profil zaufany|gov si|gov hr|eugov|egov hu|ugyfelkapu|roeid|anaf ro|ghiseul ro|\
         gov gr|taxisnet|gov cy|gov il|gosuslugi|госуслуги|госуслугах|мос ру|mos ru|nalog ru|налог ру|фнс россии|diia|дія підпис|\
         egov kz|egov|my gov uz|mygov az|asan login|asanlogin|my gov ge|e imzo|\
         e devlet|edevlet|e nabiz|uyap|absher|nafath|tawakkalna|uae pass|uaepass|metrash|sahel kw|hukoomi|ejawaz|bahrain gov|\
         isnad|sanad jo|misr digital|ecitizen|huduma|irembo|nimc|inec|jamb|firs|ghana gov|sars efiling|sassa|home affairs|\
         djponline|djp online|satusehat|dukcapil|bpjs|bpjstk|pedulilindungi|philsys|philhealth|pagibig|egovph|\
         vneid|vssid|etax mobile|thaid|สรรพากร|เป๋าตัง|mynumber|マイナンバー|マイナポータル|gbizid|e tax|gov 24|정부24|정부 24|hometax|홈택스|\
         交管12123|12123|国家反诈|掌上12333|12333|粤省事|随申办|健保快易通|iam smart|iamsmart",
    ),
    group(
        Class::StateLabel,
        6,
        "irs|ssa|dmv|fema|usps oig|va gov|nhs|gp surgery|dwp|dvla|hmcts|cra|ird|ato|sars|nra|kra|fta|zatca|moi|moh|mof|\
         mfa|moj|gosi|sdo|gdt|gib|sgk|asan|fns|мвд|mvd|mfc|pfr|sfr|pfu|dps|nap|noi|anaf|aade|efka|dypa|nav|zus|krus|nfz|\
         puap|vmi|sodra|vid|csdd|emta|skat|skatt|vero|kela|fk|csn|inss|cmd|aeat|dgt|sepe|segsocial|\
         ants|caf|ameli|impots|cie|inps|inail|pagopa|comune|svb|uwv|rdw|cak|gemeente|renten|elster|finanzamt|\
         uidai|itdept|epfoho|digilk|govtin|nvsp|eci|cowin|sss|bir|gsis|dfa|lto|dost|hasil|lhdn|kwsp|epf|jpj|jpn|\
         kpm|djp|ktp|kpu|bps|oss|bhxh|tcthue|bca vn|dlt|nts|nhis|gov24|nps|mma|sat|imss|sunat|dian|gov br|\
         rfb|12366|12123|12345|12333|btl|govil|nid|nbr|bec|brta|nadra|fbr|etax|sana|tamin|adliran|sabteahval|mygov|\
         egov|gov|govt|diia|embassy|consulate",
    ),
];
