//! Words of English by which the screen tells a bank's or an authority's message. See `lexicon`.
//!
//! Guards: a word that ordinary services use every day has too few points to withhold a message alone. Must
//! never hold a sentence of one sender.

use super::lexicon::{Class, Group, group};

pub(super) const GROUPS: &[Group] = &[
    group(
        Class::Bank,
        6,
        "bank|banks|banking|bankers|bank account|netbanking|net banking|internet banking|online banking|\
         mobile banking|e banking|ebanking|ibanking|credit union|building society|iban|sort code|3d secure|\
         3 d secure|securecode|safekey|verified by visa|mastercard identity check|payee|payees|beneficiary|wire transfer|\
         wire approval|funds transfer|fund transfer|money transfer|money order|remittance*|standing order|\
         direct debit|cash withdrawal|cash advance|overdraft|disbursement|disbursed|mortgage*|credit score|\
         credit report|credit limit|mtan|smstan|pushtan|phototan|etac|apple pay|google pay|samsung pay|\
         garmin pay|cash machine|atm withdrawal|brokerage account|trading account|stock trading|\
         demat|mutual fund*|crypto exchange|seed phrase|insurance policy|insurance premium|\
         virtual card|prepaid card|mobile money|e wallet|ewallet",
    ),
    group(
        Class::Staff,
        6,
        "bank official*|bank staff|bank employee*|bank representative*|the bank never|the bank will never|\
         bank will never|bank never|bank will not|bank won t|our bank",
    ),
    group(
        Class::Card,
        5,
        "debit card*|credit card*|visa card|visa debit|visa ending|mastercard|maestro|rupay|cvv|cvc",
    ),
    group(Class::Card, 2, "card|cards|visa infinite|amex|american express"),
    group(
        Class::Tail,
        3,
        "ending in|ending with|ending|ends in|ends with|last 4 digits|last four digits|xx|xxx|xxxx",
    ),
    group(
        Class::Bank,
        6,
        "atm pin|upi pin|card pin|tpin|mpin|otp for pan|transaction password|transaction pin|merchant payment",
    ),
    group(Class::Bank, 5, "kyc|ekyc|e kyc"),
    group(
        Class::Pay,
        5,
        "for payment|for your payment|confirm payment|confirm your payment|confirm the payment|approve payment|\
         approve the payment|authorize payment|authorise payment|authorize the payment|make a payment|txn|txns|trxn|\
         otp for inr|otp for rs|otp for usd|otp for eur|trying to pay",
    ),
    group(Class::Pay, 3, "declined"),
    group(Class::Pay, 5, "debited|upi|neft|imps|rtgs"),
    group(Class::Pay, 4, "transaction*|withdrawal*|withdrawn|credited|debit|fraud alert|fraud prevention"),
    group(Class::Pay, 3, "payment|payments|purchase|purchases|purchased|transfer|transfers|withdraw|remit"),
    group(Class::Pay, 2, "spent|refund*|paid|charged"),
    group(
        Class::Funds,
        5,
        "a c|checking account|savings account|current account|available balance|avl bal|avail bal|new balance|\
         account balance|bitcoin|btc|usdt|usdc|crypto*|wallet|wallets",
    ),
    group(
        Class::Funds,
        4,
        "acct|monthly statement|account statement|instalment*|installment*|emi|atm|deposit slip|minimum due",
    ),
    group(
        Class::Funds,
        3,
        "balance|bal|deposit|deposits|deposited|payout|payouts|cash|salary|funds|portfolio",
    ),
    group(Class::Loan, 4, "loan|loans|lender|repayment*|repay|borrower"),
    group(
        Class::Nod,
        3,
        "authorize|authorise|auth code|authorization code|authorisation code|approve|merchant|approval code",
    ),
    group(Class::Nod, 2, "amount|approved|granted|overdue|due on|is due|sanctioned|pre approved|eligible"),
    group(
        Class::Amount,
        2,
        "rs|inr|usd|eur|gbp|aud|cad|nzd|sgd|hkd|zar|kes|ngn|ghs|ugx|tzs|rwf|aed|sar|qar|kwd|bhd|omr|egp|pkr|\
         bdt|lkr|npr|php|myr|idr|thb|vnd|jpy|cny|rmb|krw|twd|brl|mxn|cop|clp|ars|pen|chf|sek|nok|dkk|pln|czk|\
         huf|ron|bgn|rsd|try|rub|uah|kzt|azn|gel|ils|etb|xof|xaf|mad|dzd|tnd|jod|lbp|iqd|irr|mmk|khr|lak|mnt|uzs|amd|mdl|mkd|bam|isk|uyu|pyg|bob|crc|gtq|hnl|nio|dop|jmd|ttd|zmw|mwk|mzn|aoa|eth|euro|euros|dollars|dinar*|dirham*",
    ),
    group(
        Class::State,
        6,
        "social security|tax return*|income tax|tax account|tax office|tax authorit*|tax refund|tax code|\
         revenue service|inland revenue|department of revenue|gov|gov uk|gouv|gob|gub|govt|ministry|ministry of*|\
         medicare|medicaid|nhs|national id|national identity|census|statistics office|bureau of statistics|danmarks statistik|jury duty|juror|vehicle registration|immigration|citizenship|uscis|\
         visa application|visa appointment|passport application|passport office|passport appointment|\
         department of motor vehicles|department of health|department of labor|department of state|dmv|dvla|\
         driver s license*|driver s licence*|driving licence*|drivers license|voter*|ballot|election office|\
         electoral roll|embassy|consulate|unemployment benefit*|state pension|government|e government|egov|\
         e filing|efiling|public administration|federal agency|city hall|council tax|homeland security",
    ),
    group(
        Class::State,
        5,
        "elections|election|municipal*|municipality|taxpayer*|from the agency|licence renewal|license renewal",
    ),
    group(
        Class::State,
        4,
        "county|parliament|police|court|pension*|tax|taxes|citizen*|benefits office|licence|enrolment centre",
    ),
    group(
        Class::Paper,
        3,
        "passport*|visa|id card|identity card|birth certificate|residence permit|permit|social insurance",
    ),
    group(
        Class::Safe,
        0,
        "transfer pin|number transfer*|sim transfer*|port in|port out|porting|power bank*|powerbank*|pwrbank|food bank*|foodbank|blood bank*|bloodbank|piggy bank*|memory bank*|\
         river bank|bank holiday*|databank*|burbank|bankrupt*|banksy|bank details|bank account detail*|\
         bank account number*|bank account info*|bank data|bank information|bank info|bank password*|\
         banking detail*|banking information|banking data|card detail*|card number*|card data|card info*|\
         credit card detail*|credit card number*|credit card info*|credit or debit card*|debit card number*|\
         payment detail*|payment information|payment data|financial information|financial data|\
         password or bank|passwords or bank|gift card*|sim card*|business card*|points card|loyalty card|\
         membership card|library card|card game|back of the card|cash on delivery|tax free|duty free|\
         incl tax|plus tax|excl tax|library loan*|loan of the book|phone number transfer|ticket transfer*|\
         device transfer|account transfer|data transfer|file transfer|food court|tennis court|county fair|\
         government name|good citizen|in game purchase*|paypal me|next code|next verification|your next*|\
         your link code|your square meter*|social citizen|cash show|cash prize*",
    ),
    group(
        Class::Trade,
        2,
        "prize*|winner|won|voucher*|bonus|top up|topup|recharge*|data plan|data pack|bill|bills|order|orders|subscription*|delivery|delivered|ticket|tickets|booking|receipt|invoice|thank you for|\
         thanks for|free trial|plan|shipping|shipped|courier|parcel",
    ),
    group(
        Class::Denial,
        0,
        "never ask*|not ask|won t ask|don t ask|doesn t ask|never request*|not request your|never require*|\
         never need|never send money|never give your|never share your|do not share your|never enter your|\
         never text you for|not by asking|staff never|ask you for your",
    ),
];
