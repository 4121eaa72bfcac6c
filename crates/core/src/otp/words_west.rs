//! Words of English and of the Romance languages, by role. See `lexicon` for how an entry is written.
//! Guards: folded spelling, one role per spelling (tested there).
//! Must never hold the name of a sender or a sentence of one message.

use super::lexicon::{Group, Role, group};

pub(super) const ENGLISH: &[Group] = &[
    group(
        Role::Code,
        "code|codes|otp|otps|passcode|passcodes|pass code|password|passwords|pin|pins|pincode|pwd|passwd|\
         passphrase|tan|mtan|m tan|smstan|pushtan|etan|token|otc|otac|etac|tac|totp|vcode|captcha|\
         authcode|auth code|smscode|one time p|secret number|authentication number|verification number|\
         security number|msimbo|nenosiri|wagwoord|verifycode|otpcode|onetimecode|onetimepassword",
    ),
    group(
        Role::Act,
        "verif*|confirm|confirming|confirmation|authent*|authoriz*|authoris*|authorization|login|logins|\
         log in|log into|linking|allow|approving|logging in|logon|log on|sign in|signin|signing in|\
         signing up|sign into|sign on|sign up|signup|security|one time|onetime|single use|two factor|\
         2 factor|2fa|two step|2 step|mfa|activate|activating|activation|register|registering|\
         registration|reset|recover|recovery|access|accessed|accessing|validate|validation|validating|\
         identity|unlock|temporary|temp|secure|auth|unique|enroll|enrolment|enrollment|link your|pairing|\
         pair|approve|consent",
    ),
    group(Role::Enter, "enter|entering|type|input|submit|key in|paste|enter this"),
    group(Role::With, "use|using|with|insert|provide|quote|use this"),
    group(Role::Is, "is|are|was|as|equals|s|it s|will be|reads"),
    group(
        Role::Glue,
        "your|yr|ur|the|this|that|my|to|for|a|an|and|or|here|below|following|our|me|you|it|please|pls|on|\
         its|sms|hi|hello|dear|number|no|num|nr",
    ),
    group(Role::At, "at|in|around|by|before|after|till|from|approx|about"),
    group(Role::Of, "of|de|di|do|da|du|des|d|del|della|dello|van|af|av|dei|delle|l"),
    group(
        Role::Secret,
        "share|shared|sharing|disclose|disclosing|reveal|expire|expires|expiring|expiry|valid|validity|\
         anyone|forward|forwarding|confidential|fraud|never|did not request|didn t request|not request|\
         ignore|requested|request",
    ),
    group(
        Role::Promo,
        "promo|promos|promotion|promotional|promocode|promocodes|discount|discounts|coupon|coupons|\
         couponcode|voucher|vouchers|gift|giftcard|gift card|claim|redeem|redemption|offer|offers|sale|\
         cashback|loyalty|winner|winning|prize|lucky|raffle|discountcode|giftcode|save|savings|campaign|\
         off|free shipping|rabais|shop now|free",
    ),
    group(
        Role::Spoil,
        "referral|refer|purchase|approval|invite|invitation|tracking|track|reference|ref|refno|booking|\
         bookings|reservation|pnr|zip|zipcode|postal|postcode|post code|area|country|qr|qrcode|bar|\
         barcode|error|identifier|product|item|source|dress|swift|sort|ifsc|bic|branch|membership|member|\
         ticket|confirmation number|serial|model|sku|batch|hs|tax|vat|gst|status|exit|morse|iso|customer|\
         subscriber|merchant|biller|agent|dial|dialing|dialling|ussd|short|donor|donation|vanity|entry|\
         employer|conduct|building|case|confirmation #",
    ),
    group(
        Role::Nay,
        "registration no|registration number|registration id|reg no|login id|vehicle registration|order|\
         orders|order no|invoice|invoices|account|accounts|acct|a/c|ac no|acc|card|cards|balance|bal|\
         amount|amt|payment|payments|paid|pay|transaction|transactions|txn|trx|transfer|transferred|\
         deposit|deposited|withdrawal|withdrawn|credited|debited|bill|total|price|cost|costs|fee|fees|\
         fare|id|ids|user id|userid|policy|parcel|package|shipment|consignment|delivery|awb|waybill|\
         folio|receipt|room|apt|apartment|floor|suite|box|pobox|po box|street|road|avenue|house|block|\
         page|chapter|version|build|since|until|date|dated|dob|seat|flight|train|bus|platform|gate|table|\
         queue|score|steps|imei|extension|ext|plate|passport|aadhaar|ssn|vin|due|remaining|salary|loan|\
         emi|recharge|topup|spent|worth|won|earned|zone|locker|bay|year|size|odds|unit|appointment|iban|\
         complaint|service request|sr no|incident|job|application|claim no|session|device|port|ip|scored|\
         scores",
    ),
    group(
        Role::Phone,
        "call|calls|calling|phone|phone number|mobile number|mobile no|tel|telephone|ph|text|txt|reply|\
         whatsapp us|hotline|helpline|toll free|tollfree|contact|fax|landline|callback|helpdesk|stop|\
         optout|opt out|unsubscribe|call us|phone no|customer care|sms to|unsub",
    ),
    group(
        Role::Tail,
        "ending|ending in|ending with|ends with|ends in|ended|end with|last 4|last 4 digits|last four|\
         last four digits|last digits|card ending",
    ),
    group(
        Role::Money,
        "rs|inr|usd|eur|gbp|vnd|idr|rp|myr|rm|php|thb|baht|sgd|hkd|aud|cad|nzd|cny|rmb|jpy|krw|tl|uah|\
         rub|kzt|uzs|byn|pln|zl|czk|kc|huf|ft|ron|lei|bgn|lv|sek|nok|dkk|kr|chf|brl|mxn|ars|clp|egp|sar|\
         aed|qar|kwd|omr|bhd|jod|tnd|dzd|irr|pkr|bdt|taka|tk|lkr|npr|ngn|kes|ksh|ugx|tzs|tsh|ghs|zar|xof|\
         xaf|fcfa|etb|euro|euros|dollar|dollars|pound|pounds|quid|pence|cents|rupee*|rupiah|ringgit|dong|\
         peso|pesos|reais|soles|usdt|btc|eth|trx coin|bucks|r$",
    ),
    group(
        Role::Unit,
        "min|mins|minute|second|seconds|sec|secs|hour|hours|hr|hrs|day|days|week|weeks|month|months|\
         years|pts|miles|mile|km|kms|kg|gb|mb|kb|kwh|mah|people|items|pm|percent|pct|grams|units|views|\
         likes|followers|members|users|times|x|st|nd|rd|th|characters|digits|word|words|metres|meters|mm|\
         cm|sqft|texts|messages|msgs|ppm|calories|coins|credits|degrees|points|point",
    ),
    group(Role::Fresh, "new|replacement|updated|latest|current|correct"),
    group(Role::Stale, "old|previous|test|dummy|former|earlier|wrong|fake|expired code|used|last"),
    group(
        Role::Idle,
        "expired|invalid|required|none|incorrect|missing|pending|sent|attached|hidden|changed|blocked|\
         locked|accepted|declined|verified|confirmed|kodak|passwordless|encoded|coded|decoder|\
         authenticated|authorized|authorised|activated|tanning|security alert|code of conduct|code name|\
         codename|code word|code red|coding|registered|decode|encode|unicode|geocode|opcode|token of|\
         line of code|lines of code|source code|toll free number|feel free|codebase|geocodes",
    ),
];

pub(super) const ROMANCE: &[Group] = &[
    group(
        Role::Code,
        "chod|mot de passe|mots de passe|mdp|codig*|clave|claves|contrasen*|senha|senhas|palavra passe|\
         palavra chave|nip|clau|codi|codis|contrasinal|codice|codici|cod|codul|codului|coduri|parola|\
         parolei|codigo unico|otp code|chiave",
    ),
    group(
        Role::Act,
        "confirmer|connexion|connecter|identif*|securite|securise|activer|valider|inscription|\
         usage unique|temporaire|acces|reinitialis*|confirma|confirmar|confirmacion|confirmacao|\
         confirmacio|seguridad|seguranca|acceso|acesso|acceder|aceder|iniciar sesion|inicio de sesion|\
         inicia sesion|entrar|ingresar|autent*|autoriz|activar|activacion|ativar|ativacao|registro|\
         registrarse|registrarte|cadastro|uso unico|unico|temporal|temporario|validar|validacion|\
         validacao|desbloque*|recuperar|recuperacao|recuperacion|identidad|identidade|un solo uso|\
         conferma|confermare|accesso|accedere|sicurezza|attivare|attivazione|registrazione|monouso|\
         temporanea|temporaneo|convalida|identita|sblocc*|recupero|confirmare|securitate|conectare|\
         activare|inregistrare|unica|validare|validez|iniciar|dinamica|dinamico|dynamique|seguretat|\
         iniciar sessio|sesion|sessao|valida|verific*|acessar|sessio",
    ),
    group(
        Role::Enter,
        "saisir|saisissez|entrez|entrer|tapez|renseignez|ingresa|ingrese|introduce|introduzca|introduza|\
         introduzir|insira|digite|digita|escribe|escriba|informe|inserisci|inserire|immetti|introdu|\
         introduceti|introdueix|introducir|saisis|entre|inserte",
    ),
    group(
        Role::With,
        "avec|com|con|utilisez|utiliser|usa|utiliza|utilize|utilizza|foloseste|folositi|utilizati|usar|\
         utilise",
    ),
    group(Role::Is, "est|sont|voici|es|son|e|sera|sono|este|sunt|ecco|seria|sao"),
    group(
        Role::Glue,
        "votre|vos|le|la|les|ce|cet|pour|sur|un|une|ton|ta|tu|su|sua|seu|el|los|lo|esta|para|por|em|na|o|\
         una|uma|como|aqui|te|se|per|tuo|tua|il|questo|suo|al|nel|tau|dvs|dumneavoastra|pentru|va|que|en|\
         teu|il tuo|mi|i",
    ),
    group(
        Role::Secret,
        "ne partagez|partagez|partager|communiquez|ne communiquez|expirera|valable|personne|comparta*|\
         compartir|compartilh*|caduca|vence|valido|nadie|ninguem|partilh*|revele|divulg*|condividere|\
         condivid*|scade|nessuno|comunicare|expira|divulgati|nimanui|ningu|nunca|jamais|validite|\
         vigencia",
    ),
    group(
        Role::Promo,
        "reduction|remise|cadeau|parrainage|avantage|avantages|fidelite|descuento|descuentos|desconto|\
         descontos|promocion*|promocional|promocao|cupon|cupom|cupones|regalo|premio|sorteo|sconto|\
         promozional*|buono|reducere|promotional*|soldes|oferta|ofertas|rebaja*|promozione|vale|\
         beneficio|gratuit|gratuito|gratuita|gratis",
    ),
    group(
        Role::Spoil,
        "suivi|presente|rastreo|rastreio|rastreamento|seguimiento|referencia|reserva|localizador|convite|\
         invitacion|indicacao|canje|barras|cep|postale|tracciamento|riferimento|prenotazione|invito|\
         spedizione|fiscale|cliente|amico|cap|rezervare|urmarire|postal*|area cliente|bon|seguimento|\
         producto|produto|prodotto|produit|articulo|artigo|articolo|envio|erro|errore|erreur",
    ),
    group(
        Role::Nay,
        "commande|facture|compte|carte|montant|solde|virement|dossier|colis|livraison|client|\
         numero client|contrat|paiement|retrait|pedido|pedidos|factura|fatura|boleto|cuenta|conta|\
         tarjeta|cartao|monto|importe|valor|saldo|transferencia|deposito|retiro|compra|\
         autorizacion|pago|pagamento|\
         guia|paquete|encomenda|nota fiscal|protocolo|agencia|cvv|cuit|rfc|cpf|contrato|poliza|cita|\
         vuelo|voo|habitacion|quarto|calle|rua|ordine|fattura|conto|carta|importo|bonifico|pacco|pratica|\
         contratto|addebito|prelievo|ricarica|recarga|recibo|comanda|comenzii|cont|contul|contului|\
         cardul|cardului|suma|sold|soldul|colet|coletul|operacion|operacao|operazione|rendez vous|vol|\
         chambre|rue|siren|siret|cargo|abono|credito|debito|pix|stanza|camera|volo|ticket n|reclamo|\
         expediente|tramite|turno|mesa|facturei|cita previa",
    ),
    group(
        Role::Phone,
        "appelez|appeler|contactez|composez|rappelez|joindre|llama|llame|llamar|llamanos|telefon*|ligue|\
         ligar|responda|responde|contacto|linea|chiama|chiamare|chiamaci|numero verde|rispondi|contatta|\
         suna|sunati|apelati|envie stop|envia baja|repondez|marca|marque|marcando|liga|atendimento|sac|\
         comuniquese|comunicate|envie sms|central|linea directa",
    ),
    group(
        Role::Tail,
        "se terminant par|terminant par|terminee par|termine par|finissant par|terminada en|terminado en|\
         termina en|terminacion|com final|final|terminado em|finalizada en|terminada em|termina em|\
         que termina|che termina con|termina con|terminante con|finale|termina in|terminat in|se termina|\
         terminada|terminado|finaliza|finalizada|ultimos digitos|ultimos 4|derniers chiffres|\
         ultime cifre|acabada en|acaba en|finalizado|finalizado em",
    ),
    group(
        Role::Unit,
        "minut*|heure|heures|jour|jours|hora|horas|ore|ora|giorni|segundo*|secondes|secondi|puntos|\
         pontos|punti|dias|dia|zile|anos|ans|anni|secunde",
    ),
    group(Role::At, "a las|alle|vers|alas|desde|hasta|depuis|dalle|sobre las"),
    group(Role::Fresh, "nouveau|nouvelle|nuevo|nueva|novo|nova|nuovo|nuova|nou|noua|remplacement"),
    group(
        Role::Stale,
        "ancien|ancienne|anterior|precedent|precedente|antiguo|antigo|vecchio|vechi|prueba|teste",
    ),
    group(
        Role::Idle,
        "confirmado|confirmada|confirme|confirmee|confermato|confermata|confirmata|identifiant|\
         verificado|verificada|verifie|verifiee|validado|verificato",
    ),
];
