//! Words of the Slavic and Baltic languages, Hungarian and Greek by which the screen tells a bank's or an
//! authority's message. See `lexicon`.
//!
//! Guards: a word that ordinary services use every day has too few points to withhold a message alone. Must
//! never hold a sentence of one sender.

use super::lexicon::{Class, Group, group};

pub(super) const LATIN: &[Group] = &[
    group(
        Class::Pay,
        5,
        "operacja nr|operacji nr|do platnosci|potwierdzenia platnosci|potvrzeni platby|pre platbu|pro platbu|\
         potvrdu placanja|fizetes jovahagy*|fizetes megerosit*",
    ),
    group(Class::Nod, 2, "kwota|kwote|kwoty|castka|castku|suma|osszeg*|iznos|summa"),
    group(
        Class::Bank,
        6,
        // Polish.
        "bank|banku|banki|bankowosc*|bankowy|bankowa|bankowe|bankowego|bankowej|przelew*|bankomat*|rachunek bankowy|\
         blik|autoryzacja transakcji|kredyt hipoteczny|zdolnosc kredytowa|limit karty|\
         pozyczk*|chwilowk*|wyplata z bankomatu|odbiorcy zdefiniowanego|odbiorca zdefiniowany|\
         odbiorcy zaufanego|\
         banka|banky|banke|banku|bance|bankovni*|bankov*|internetove bankovnictvi|internetbanking|platby na ucet|\
         prevod na ucet|pujck*|pozick*|vyber z bankomatu|zostatok|zustatek|trvaly prikaz|\
         platobn*|platebni*|karetni platb*|platbu kartou|internetovou platbu|hypotek*|\
         bankarstvo|bankarsk*|bankovn*|bancnistvo|bancni*|banki|tekuci racun|ziro racun|\
         mbanking|m banking|ebanking|e bankarstvo|nalog za placanje|stednja|stanje na racunu|raspolozivo stanje|\
         transakcijski racun|kredit odobren|bankomatu|posojilo|\
         bankas|banko|bankui|bankomat*|banka|bankas konts|internetbanka|banku|pavedim*|\
         kreditas|paskola|kredits|elektronine bankininkyste|saskaitos likutis|\
         bank|banki|bankkartya*|bankszamla*|netbank*|mobilbank*|atutalas*|utalas*|hitelkerelm*|hitelkartya*|\
         szamlaegyenleg|kartyas fizetes*|folyoszamla*|szemelyi kolcson|lakashitel|\
         jelzaloghitel|betetszamla",
    ),
    group(Class::Pay, 4, "prevod|prevodu|uplate|isplata|isplate|maksajum*|mokejim*"),
    group(Class::Card, 2, "kartou|kartu"),
    group(Class::Funds, 4, "egyenleg*|keszpenz*|rachunku|na rachunek"),
    group(Class::StateLabel, 6, "nav|vmi|mup|nias|zus"),
    group(
        Class::Staff,
        6,
        "pracownik banku|pracownicy banku|bank nigdy|banka nikdy|bankar nikada|banka nikada|bankas niekada|a bank soha|bankunk soha",
    ),
    group(
        Class::Card,
        5,
        "karta kredytowa|karta debetowa|karty kredytowej|karty platniczej|karta platnicza|kreditni karta|debetni karta|platebni karta|platebni kartou|kreditna karta|platobna karta|kreditna kartica|debitna kartica|platna kartica|kartica zavrsava|bankine kartica|mokejimo kortele|maksajumu karte|kartya vege|bankkartyaval",
    ),
    group(
        Class::Card,
        2,
        "karta|karty|karte|karticom|kartica|kartice|kartya|kartyaval|kortele|kortelės|kartes",
    ),
    group(Class::Tail, 3, "konczaca sie|zakonczona|koncici|konciaca|zavrsava na|kas beidzas"),
    group(
        Class::Pay,
        4,
        "transakcj*|transakc*|transakcij*|tranzakcio*|tranzakci*|operacja|operacje|operacji|obciazen*|wyplata|wyplaty|vyber|isplaceno|zaduzenje",
    ),
    group(
        Class::Pay,
        3,
        "platnosc*|platnosci|zaplata|zakup|zakupy|zakupu|platba|platby|platbu|platbe|nakup|nakupu|placanje|placanja|uplata|uplatu|kupovina|kupovine|kupnja|pirkimas|pirkums|fizetes*|vasarlas*|wplata",
    ),
    group(
        Class::Funds,
        5,
        "dostepne srodki|saldo rachunku|wolne srodki|pouzitelny zostatok|disponibilni zustatek|kryptowalut*|kryptomen*|kriptovalut*|elerheto egyenleg",
    ),
    group(
        Class::Funds,
        3,
        "saldo|rata|raty|splata|splatka|likutis|atlikums|stanje|racun|ucet|ucte|saskaita|konts",
    ),
    group(
        Class::Loan,
        4,
        "kredyt|kredytu|kredytowy|uver|uveru|kredit|kredita|kredīts|hitel|hitelt|kolcson*|zajam|zajma",
    ),
    group(
        Class::Nod,
        2,
        "zatwierdzon*|przyznan*|zaakceptowan*|schvalen*|odobren*|odobrena|patvirtint*|apstiprinat*|jovahagy*|elfogadtuk|umowe|umowa|umowy",
    ),
    group(Class::Amount, 2, "zl|kc|czk|pln|ft|huf|forint|rsd|din|km|eur|kn|lv|ltl|korun*|zlotych"),
    group(
        Class::State,
        6,
        "podatek|podatku|podatkow*|profil zaufany|profilu zaufanego|epuap|mobywatel|urzad skarbowy|urzedu skarbowego|urzad|urzedu|podatek|\
         zeznani*|pue zus|krus|nfz|ministerstwo|dowod osobisty|paszport*|e urzad|gov pl|ekrs|ceidg|\
         identita obcana|portal obcana|financni sprava|financna sprava|financnej spravy|datova schranka|\
         datove schranky|bankovni identita|bankid cz|socialni zabezpeceni|socialna poistovna|zdravotni pojistovna|\
         zdravotna poistovna|ministerstv*|urad prace|obcansky prukaz|obciansky preukaz|danove|danovy|\
         slovensko sk|ustredny portal|moje dane|\
         euprava|e uprava|egradjani|e gradani|e gradjani|eporezi|porez*|poreska|ministarstv*|hzzo|\
         mirovinsko|fond pio|licna karta|osobna iskaznica|opstina|e davki|furs|e uprava si|si pass|\
         mokesci*|sodra|epaslaugos|elektroniniai valdzios vartai|vid eds|latvija lv|latvija gov|nodokl*|\
         csdd|vsaa|eparaksts|ministerija|savivaldybe|pasvaldiba|\
         ugyfelkapu*|adobevallas*|kormanyablak|kormany*|magyar allamkincstar|onkormanyzat*|tajszam|\
         eeszt|dap alkalmazas|nyugdij*|ebev",
    ),
    group(
        Class::Paper,
        3,
        "paszport|pasovy|pas zgloszenie|cestovni pas|cestovny pas|pasos|putovnica|vozacka|prawo jazdy|ridicsky prukaz|vodicsky preukaz|utlevel|pases",
    ),
    group(
        Class::Safe,
        0,
        "dane karty|danych karty|danych kart|numer karty|numeru karty|dane bankowe|danych bankowych|haslo do banku|\
         hasla do banku|udaje o karte|udaju o karte|cislo karty|cisla karty|udaje z karty|bankovni udaje|\
         bankove udaje|podatke o kartici|podaci o kartici|broj kartice|bankovne podatke|korteles duomen*|\
         banko duomen*|kartes datus|bankas datus|kartyaadat*|bankadat*|bankkartya adat*|kartyaszam*|bank krwi|\
         bank zywnosci|bank pomyslow|powerbanku|potravinova banka|karta sim|karta podarunkowa|karta miejska|\
         karta lojalnosciowa|darkova karta|poklon kartica|sim kartica|sim karta|sim kartya|ajandekkartya|\
         karty podarunkowej|urzadzeni*|urzadzen*|kartu sim|svuj ucet|tvoj ucet|vas ucet|\
         kartu knihovny|knihovna|kniznica|biblioteka|konyvtar|za kartu|karetni hra|banknot*",
    ),
    group(
        Class::Trade,
        2,
        "faktur*|szamla|zamowieni*|paczka|paczke|przesylk*|dostaw*|bilet*|dziekujemy za|objednavk*|zasilk*|doruceni|balik*|\
         narudzb*|porudzbin*|dostav*|posiljk*|paket|uzsakym*|siunt*|pasutijum*|sutijum*|rendeles*|csomag*|szallit*|\
         kurier*|kuryr*",
    ),
    group(
        Class::Denial,
        0,
        "nigdy nie prosi*|nigdy nie pyta*|nie prosimy|nie pytamy|nikdy nechceme|nikdy se nept*|nikdy nezada*|\
         nikdy nepozaduj*|nikdy sa nepyt*|nikad ne traz*|nikada ne traz*|ne trazimo|niekada neprasome|\
         nekad neprasi*|nekad neludz*|soha nem ker*|nem kerunk|sosem ker*",
    ),
];

pub(super) const CYRILLIC_GREEK: &[Group] = &[
    group(
        Class::Pay,
        5,
        "для оплаты|подтверждения оплаты|подтверждения операции|подтверждение операции|для оплати|\
         підтвердження операції|підтвердження оплати|за потвърждаване на плащане|потврду плаћања|επιβεβαιωση πληρωμησ",
    ),
    group(Class::Nod, 2, "сумма|сумму|сумме|сума|суму|износ|ποσο|ποσου|сомасы"),
    group(
        Class::Bank,
        6,
        "банк|банка|банку|банке|банком|банки|банков|банкинг*|банковск*|банківськ*|банкова|банкове|банкови|банкарств*|\
         онлайн банк*|интернет банк*|мобильный банк*|мобільний банк*|банкомат*|банкі|банкінің|сбер|сбербанк*|\
         сберкарт*|снятие наличных|зняття готівки|выдача наличных|перевод клиенту|перевода клиенту|перевод на карту|\
         перевод с карты|переказ коштів|переказ на картку|перевод средств|кредитн*|кредитный лимит|кредитної|\
         ипотек*|іпотек*|микрозайм*|займ|заем|займа|заема|мікропозик*|позик*|сбп|номер счета|расчетный счет|\
         лицевой счет|брокерск*|инвестиции|страховой полис|страховк*|пластиковая карта|номинальный счет|\
         3 d secure|интернет банкиране|електронно банкиране|теглене на|превод по сметка|банков превод|\
         платежен нареждане|потребителски кредит|сметка iban|текући рачун|платни налог|аударым*|несие|\
         аударымды|шотыңыз*|картаңыз*|\
         τραπεζα*|τραπεζ*|e banking|εμβασμα*|αναληψη|ατμ|μεταφορα χρηματων|δανειο*|\
         χρεωστικ*|πιστωτικ*|καταθεση*",
    ),
    group(
        Class::Staff,
        6,
        "сотрудник* банка|сотрудникам банка|сотруднику банка|сотрудники банка|работникам банка|банк не|банк никогда|співробітникам банку|працівникам банку|банкът никога|служители на банката|η τραπεζα δεν",
    ),
    group(
        Class::Card,
        5,
        "дебетов*|кредитной карт*|банковской карт*|оплаты картой|оплата картой|карта оканч*|картка закінч*|карткою|плащане с карта|карта завършва|дебитна карта|кредитна карта|кредитна картка|чековая карта|платежная карта|καρτα που ληγει|με την καρτα|картой|картою",
    ),
    group(
        Class::Card,
        2,
        "карта|карты|карте|карту|картка|картки|картку|картата|картица|καρτα|καρτασ|счет карты",
    ),
    group(Class::Tail, 3, "оканчивающ*|закінчується|завършваща"),
    group(Class::Pay, 5, "списани*|зачислен*|зарахуван*|списано"),
    group(
        Class::Pay,
        4,
        "транзакц*|трансакц*|трансакци*|операция|операции|операцию|операцій*|операція|снятие|теглене|συναλλαγ*|χρεωση*|перевод|перевода|переводу|переказ*|превод|превода",
    ),
    group(
        Class::Pay,
        3,
        "оплата|оплаты|оплаті|оплати|оплату|платеж|платежа|платеж*|платіж*|покупка|покупки|покупку|купівл*|плащане*|плащания|покупка на|уплата|плаћањ*|плаќањ*|төлем*|сатып алу|πληρωμη*|πληρωμησ|αγορα|αγορεσ|μεταφορα|пополнение|пополнен*",
    ),
    group(
        Class::Funds,
        5,
        "доступный остаток|доступний залишок|баланс карты|баланс счета|баланс рахунку|криптовалют*|криптогаман*|наличност по сметка|διαθεσιμο υπολοιπο|кошельк*|кошелек|гаманц*|гаманець|шот баланс*",
    ),
    group(Class::StateLabel, 6, "дія|дия|нап"),
    group(Class::Funds, 4, "реквизит*|υπολοιπο"),
    group(
        Class::Funds,
        3,
        "доступно|баланс|остаток|залишок|наличност|средств|коштів|счета|рахун*|сметка|рачун|салдо|вклад|депозит*|выплат*|виплат*|зарплат*|шот",
    ),
    group(
        Class::Loan,
        4,
        "кредит|кредита|кредиту|кредиты|кредитная|кредитът|заявка на кредит|рассрочк*|розстрочк*|долг|заборгован*|задолженност*|несиесі",
    ),
    group(
        Class::Nod,
        2,
        "одобрен|одобрена|одобрено|схвалено|схвалений|одобрение|внести|погас*|договора|договору|договор|мақұлданды|εγκριθηκε|договіру|просрочен*",
    ),
    group(
        Class::Amount,
        2,
        "руб|рублей|р|грн|гривень|тг|тенге|сом|лв|лева|дин|ден|сўм|сум|евро|євро|ευρω|бел руб|byn",
    ),
    group(
        Class::State,
        6,
        "госуслуг*|госключ|фнс|налог|налога|налогов*|налогоплательщик*|социальный фонд|пенсионн*|пенсійн*|сфр|пфр|\
         мвд|гибдд|минздрав|министерств*|міністерств*|министарств*|министър*|министерство|мфц|загранпаспорт*|\
         соцзащит*|соцфонд|электронная подпись|росреестр|судебн*|избират*|голосовани*|мос ру|егов|электронное правительство|\
         єдиний державний|державн*|податков*|податк*|міграційн*|дмс|мвс|цнап|трембіт*|егов|\
         нап|данъч*|данък*|данъци|нои|община|портал на електронн*|електронно управление|евроспомагателн*|\
         лична карта|еуправа|пореска|порез|мук|фонд пио|мвр|електронна здравна|\
         мемлекет*|салық*|әлеуметтік|цон|халыққа қызмет|эцп|\
         φορολογ*|ααδε|taxisnet|myaade|υπουργει*|εφκα|αμκα|αφμ|κεπ|δημοσιο|ελληνικη δημοκρατια|δημοσια*|\
         ταυτοτητασ|διαβατηριο*|эстонское|удостоверение личности|ветеран*|правительств*|федеральн*|прокуратур*|полици*",
    ),
    group(
        Class::State,
        5,
        "гос|загс|паспортный стол|суд|поліці*|полиция|выборы|вибори|избори|εκλογ*|δημοτικ*",
    ),
    group(
        Class::Paper,
        3,
        "паспорт*|загран*|удостоверени*|посвідченн*|водительск*|водійськ*|διπλωμα|снилс|инн|виза|віза",
    ),
    group(
        Class::Safe,
        0,
        "данные карты|данные вашей карты|данные банковской карты|данные карт|номер карты|номера карты|номер банковской карты|\
         реквизиты карты|банковские данные|дані картки|дані вашої картки|дані карток|номер картки|банківські дані|\
         данни на карта*|данни за картата|номер на карта*|банкови данни|подаци о картици|στοιχεια καρτασ|\
         στοιχεια τησ καρτασ|τραπεζικα στοιχεια|αριθμο καρτασ|карта деректер*|павербанк*|повербанк*|пауэрбанк*|\
         банк крови|банк еды|банк идей|карта лояльности|карта клиента|сим карт*|подарочн*|карта покупателя|\
         транспортная карта|карта сайта|карта мира|τραπεζα αιματοσ|τραπεζα τροφιμων|κωδικοσ λογαριασμου|\
         δωροκαρτα|банка кофе|банка пива|банкет*|банкнот*|банкрот*|налогово нет|операция по снятию зуба|\
         перевод текст*|переводчик*|перевод в аккаунт|ваш счет в игре|счет в игре|счет матча|судебных игр|αγορα σου|\
         гости*|госпожа|суши*|судок|суда",
    ),
    group(
        Class::Trade,
        2,
        "оплачен|сплачено|заказ|заказа|заказу|заказы|доставк*|посылк*|подписк*|билет*|замовлен*|посилк*|квитк*|поръчк*|пратк*|\
         доставка|куриер*|курьер*|кур єр*|поруџбин*|παραγγελι*|αποστολ*|δεμα|εισιτηρι*|тапсырыс*",
    ),
    group(
        Class::Denial,
        0,
        "никогда не прос*|никогда не запраш*|никогда не спраш*|не просим|не запрашива*|ніколи не пита*|\
         ніколи не прос*|ніколи не запит*|никога не иск*|никога няма да иск*|никад не траж*|ποτε δεν ζητ*|\
         δεν ζηταμε|ешқашан сұрама*",
    ),
];
