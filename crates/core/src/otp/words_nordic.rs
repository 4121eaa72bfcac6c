//! Words of the Germanic, Nordic, Baltic and Finnic languages, of Hungarian, Turkic languages in Latin
//! letters, Vietnamese, Indonesian, Malay, Swahili, by role. See `lexicon` for how an entry is written.
//! Guards: folded spelling, one role per spelling (tested there).
//! Must never hold the name of a sender or a sentence of one message.

use super::lexicon::{Group, Role, group};

pub(super) const GROUPS: &[Group] = &[
    group(
        Role::Code,
        "kod*|passwort|kennwort|einmalpasswort|einmalkennwort|wachtwoord|losenord*|passord*|adgangs*|\
         lykilord|salasana*|kertakayttokood*|tunnusluku*|kood*|parool*|salasona*|haslo|hasla|haslem|\
         heslo|hesla|heslem|jelszo*|jelszav*|lozink*|geslo|gesla|sifr*|slaptazod*|parole|paroli|parol|\
         paroling*|parolu|sandi|kata laluan|katalaluan|smskod*|fjalekalim*|pasahitz*|mat khau|mat ma|\
         ma xac thuc|ma xac nhan|ma otp|ma kich hoat|ma bao mat|ma dang nhap|ma pin|ma so bi mat|\
         ma kiem tra|ma xac minh|ma code|ma cua ban|ma dang ky|ma bi mat|ma dung mot lan|parolni|\
         engangskode|engangskod|namba ya siri|nambari ya siri|maneno ya siri|nywila|ma truy cap|\
         ma giao dich",
    ),
    group(
        Role::Act,
        "bestatig*|sicherheit*|anmeld*|authentifizier*|freigabe|einmal*|zugang*|registrier*|einlogg*|\
         identitat*|verificatie|bevestig*|inlog*|aanmeld*|beveilig*|eenmalig*|toegang|registr*|activ*|\
         identiteit|herstel|bekraft*|bekreft*|logga in|logge inn|logge pa|log ind|innlogg*|sikkerhed*|\
         sikkerhet*|sakerhet*|engang*|godkend*|godkjenn*|godkann*|aktiver*|identifier*|legitim*|\
         stadfest*|vahvist*|todenn*|kirjaudu*|kirjautu*|turva*|tunnistau*|aktivoi*|rekister*|kinnit*|\
         sisselog*|logi sisse|tuvastu*|uhekord*|kertakaytto*|weryfik*|potwierdz*|logowan*|zalogow*|\
         autoryz*|bezpieczen*|jednoraz*|aktywac*|rejestrac*|dostep*|uwierzyteln*|overen*|overov*|overit|\
         overte|potvrzen*|potvrdit|potvrdte|potvrden*|prihlas*|bezpecnost*|aktivac*|pristup*|autentiz*|\
         megerosit*|hitelesit*|azonosit*|bejelentkez*|belep*|biztonsag*|egyszer*|aktival*|regisztr*|\
         ellenorz*|potvrd*|provjer*|provera|prijav*|sigurnos*|bezbednos*|jednokrat*|potrdit*|enkrat*|\
         patvirtin*|prisijung*|tapatyb*|saugum*|vienkart*|apstiprin*|pieteik*|drosib*|vienreiz*|dogrula*|\
         onay|onayla|onaylamak|onaylayin|onaylayiniz|giris*|guvenlik|tek kullanimlik|tek seferlik|\
         aktivasyon|kayit|kimlik|tesdiq*|tasdiq*|birdefelik|bir martalik|kirish|uyelik|xac thuc|xac nhan|\
         xac minh|dang nhap|dang ky|kich hoat|bao mat|mot lan|konfirmasi|masuk|keamanan|aktivasi|\
         pendaftaran|daftar|sekali pakai|otorisasi|pengesahan|sahkan|keselamatan|uthibitish*|thibitisha|\
         ertjeradi|xavfsizlik|inloggen|anmeldung|autorizac*|verifikac*|verifisere",
    ),
    group(
        Role::Enter,
        "gib|geben sie|eingeben|eintippen|voer|vul|typ|invoeren|ange|skriv|tast|indtast|syota|anna|\
         sisesta|wpisz|podaj|wprowadz|zadejte|zadajte|opiste|irja|adja|ird|girin|giriniz|yazin|\
         daxil edin|kiriting|nhap|masukkan|iveskite|ievadiet|unesite|vnesite|upisite",
    ),
    group(
        Role::With,
        "mit|met|med|verwenden|verwende|nutzen|nutze|benutzen|gebruik|anvand|bruk|brug|benyt|kayta|\
         kasuta|uzyj|pouzijte|pouzite|hasznalja|kullan*|su dung|gunakan|guna|tumia|naudokite|izmantojiet|\
         uporabite|koristite",
    ),
    group(
        Role::Is,
        "ist|lautet|sind|zijn|luidt|ar|er|jest|brzmi|je|znie|zni|glasi|yra|ir|dir|adalah|ialah|yaitu|ni",
    ),
    group(
        Role::Glue,
        "ihr|bitte|prosim|prosze|lutfen|vanligen|venligst|vennligst|ole hyva|kerem|tolong|sila|vui long|\
         hay|ihr ein|ihre|ihren|dein|deine|deinen|der|die|das|den|fur|zur|zum|von|uw|jouw|het|een|deze|\
         dit|als|voor|op|bij|din|ditt|att|som|pa|til|her|har|det|et|ett|sinun|teie|sinu|twoj|twoja|w|dla|\
         aby|z|vas|vase|pro|pre|tvuj|tvoj|az|ez|vasa|za|od|ki|jusu|tavs|icin|ile|sizin|bu|ve|uchun|ucun|\
         cua|ban|quy khach|cho|vao|tai|anda|kamu|untuk|ini|dari|ke|bagi|akun|yang|yako|akaun|tik|moi|lam|\
         hier|ist ihr|ist dein|som er",
    ),
    group(
        Role::Secret,
        "weitergeben|teilen|gultig|niemandem|mitteilen|niemand|deel|delen|geldig|verloopt|dela|dele|\
         delas|gyldig|giltig|udlober|utloper|utgar|voimassa|jaa|alla jaa|kehtib|nie udostepniaj|nikomu|\
         udostepniaj|wazny|nesdelujte|neposkytujte|platny|platnost|ne ossza|ervenyes|nikome|nemojte|\
         paylasma*|gecerli*|kimse|chia se|het han|hieu luc|khong cung cap|jangan|rahasia|bagikan|kongsi|\
         berlaku|sdilej*|teile|dalinkit|neatklaj*|usishiriki",
    ),
    group(
        Role::Promo,
        "gutschein*|rabatt*|rabat*|aktions*|vorteils*|gewinn*|korting*|actie*|cadeau*|kampan*|gavekort*|\
         presentkort*|alennus*|tarjous*|lahjakort*|soodus*|kink*|promoc*|promo*|znizk*|kupon*|slev*|\
         zlav*|darkov*|darcek*|kedvezmeny*|akcios|popust*|indirim|hediye*|endirim|chegirma|giam gia|\
         khuyen mai|uu dai|ma giam gia|ma qua tang|ma giam|ma khuyen mai|ma uu dai|diskon|diskaun|\
         kampagne*|nuolaid*|atlaid*|tilbud*|erbjudande*|angebot*|kostenlos*|ucretsiz|bedava|mien phi|\
         zdarma|ingyen*|ilmainen|darmow*",
    ),
    group(
        Role::Spoil,
        "postleitzahl|plz|sendungs*|buchung*|referenz*|empfehlung*|einladung*|boeking*|reserver*|\
         referentie|volgnummer|postnum*|postnr|sporings*|sparnings*|bokning*|referens*|referanse*|\
         seuranta*|viite*|pocztow*|polec*|rezerw*|rezerv*|sledzen*|sledov*|psc|iranyitoszam|nyomkovet*|\
         foglal*|postansk*|pracen*|posta|takip|referans|davet*|van don|ma van don|ma don hang|ma don|\
         ma khach hang|ma the|ma dat cho|ma nap|ma vung|ma so thue|pos|resi|pemesanan|undangan|tempahan|\
         pelacakan|urun|artikel*|produkt*|kunden*|sekimo|bar kod|kare|hata|fehler*|felkod*|fejlkode*|\
         streckkod*|strekkode*|stregkode*",
    ),
    group(
        Role::Nay,
        "bestell*|rechnung*|konto|kontonummer|karte|karten|kreditkarte|betrag|kontostand|auftrag*|\
         vorgang*|lieferung|paket|zimmer|strase|strasse|str|termin|bestelnummer|factuur|rekening*|kaart|\
         bedrag|pakket|klantnummer|zending|levering|betaling|ordre*|bestall*|bestill*|faktura*|kort|\
         kortet|belop|belob|pakke|pakken|order*|leverans|arende|sag|tilaus*|tellimus*|lasku*|tili|tilin|\
         kortti*|summa|paketti|pakett*|arve|zamowien*|faktur*|konta|kwota|kwote|kwocie|paczka|paczki|\
         paczke|przesylk*|klienta|umow*|przelew*|rachun*|ulica|objednav*|ucet|uctu|kart*|castka|zustatek|\
         zostatok|zasilk*|zasielk*|balik*|smlouv*|platb*|vs|rendeles*|szamla*|osszeg*|egyenleg*|csomag*|\
         megrendel*|narudz*|narocil*|racun*|iznos*|stanje|posiljk*|dostav*|uzsak*|saskait*|pasutijum*|\
         rekin*|kortel*|likut*|atlikum*|siunt*|sutijum*|siparis*|fatura*|hesap|hesabi*|tutar*|bakiye*|\
         kargo|gonderi*|musteri|odeme*|sifaris*|buyurtma*|abone|dekont|islem|don hang|tai khoan|tk ngan|\
         so du|so tien|hoa don|khach hang|so the|ma gd|giao dich|pesanan|tagihan|rekening|kartu|kad|baki|\
         jumlah|bungkusan|pelanggan|transaksi|nomor|avgift|pris|preis|prix|cena|ar kort|kundnummer|\
         sendung|spor*|flug|vlucht|lot|let|rom|rum|kamer|huone|pokoj|soba|oda|phong|kamar|taksit|polis*|\
         polic*|sokak|cadde",
    ),
    group(
        Role::Phone,
        "ruf|rufen|anrufen|rufen sie|antworten|bel|bellen|antwoord|ring|ringa|tlf|svar|svara|kontakt|\
         soita|puh|puhelin*|helista|vastaa|zadzwon|dzwon|infolini*|odpowiedz|wyslij|volejte|zavolejte|\
         volajte|hivja|nazovite|pozovite|poklicite|skambink*|zvaniet|arayin|arayiniz|cagri|goi|lien he|\
         lh|sdt|dien thoai|soan|gui|hubungi|telepon|telp|panggil|balas|piga|sende|stuur|skicka|rufnummer|\
         hivas|vesszen",
    ),
    group(
        Role::Tail,
        "endet auf|endend auf|endziffern|mit endziffern|endend|eindigend op|eindigt op|eindigend|\
         slutar pa|som slutar|ender pa|som ender|slutter pa|der ender|slutsiffror|paattyv*|paattyy|\
         loppuu|lopeb|loppev*|konczac*|zakonczon*|koncici|koncic*|konciac*|vegzod*|zavrsav*|koncuje|\
         ile biten|sonu|biten|son 4|son dort|duoi|so cuoi|berakhir|berakhiran|berakhir dengan|\
         letzte vier|letzten vier|laatste vier|siste fire|sista fyra|ostatnie cyfry",
    ),
    group(
        Role::At,
        "um|gegen|ab|bis|kl|klo|klokken|klockan|kello|godz|om|vanaf|rond|sejak|jam|luc|vao luc|pukul",
    ),
    group(Role::Money, "lira|manat|sum|kronor|kroner|forint|zlotych|korun|dinara|evra"),
    group(
        Role::Unit,
        "stunden|tage|tagen|uhr|punkte|monate|jahre|wochen|sekunden|uur|uren|dagen|dage|dager|timer|\
         timmar|tunti*|paiva*|godzin*|dni|hodin*|perc|percig|dakika*|dk|saniye|sn|saat|gun|puan|phut|\
         giay|gio|ngay|thang|menit|minit|detik|hari|poin|mata|sekund*|punkt*|poeng|poang|pistett*|bodov|\
         bodu|pont|dakikadir|diem|nap|ora mulva",
    ),
    group(
        Role::Fresh,
        "neuer|neue|neues|neuen|nieuwe|nieuw|nytt|ny|nye|uusi|nowy|nowe|novy|nove|novi|uj|yeni|yangi|\
         moi nhat|baru",
    ),
    group(
        Role::Stale,
        "alter|alten|oude|gammal|gamle|gammel|vanha|stary|stare|stari|regi|eski|kohne|cu cua|lama",
    ),
    group(
        Role::Idle,
        "bestatigt|bevestigd|bekraftad|bekraeftet|bekreftet|vahvistettu|potwierdzone|potwierdzony|\
         potwierdzona|potvrzena|potvrzeno|potvrdena|potvrdene|potvrdeno|onaylandi|dogrulandi|megerositve|\
         kodex|kodeks|registriert|angemeldet|patvirtintas|apstiprinats|xac nhan thanh cong|dikonfirmasi|\
         disahkan|godkendt|potvrdjena",
    ),
];
