//! Words of Spanish, Portuguese, French, Italian and Romanian by which the screen tells a bank's or an
//! authority's message. See `lexicon`.
//!
//! Guards: a word that ordinary services use every day has too few points to withhold a message alone. Must
//! never hold a sentence of one sender.

use super::lexicon::{Class, Group, group};

pub(super) const GROUPS: &[Group] = &[
    group(
        Class::Bank,
        6,
        // Spanish, Portuguese.
        "banco|bancos|bancario*|bancaria*|banca en linea|banca por internet|banca movil|banca electronica|\
         homebanking|caja de ahorros|caja rural|clabe|transferencia bancaria|transferencia internacional|\
         transferencia inmediata|cuenta bancaria|cuenta corriente|cuenta de ahorro*|cajero automatico|cajero|\
         beneficiario*|hipoteca*|clave dinamica|firmar la operacion|banca|chave pix|itoken|\
         multibanco|mb way|caixa eletronico|caixa automatico|conta corrente|conta poupanca|boleto bancario|\
         transferencia bancaria|internet banking|fatura do cartao|cartao virtual|tarjeta virtual|bizum|spei|\
         billetera*|carteira digital|monedero|monedero electronico|\
         banque|banques|bancaire*|compte courant|compte bancaire|compte epargne|livret a|virement*|iban|\
         distributeur automatique|retrait au distributeur|beneficiaire*|carte bancaire|carte bleue|\
         credit agricole|credit mutuel|caisse d epargne|rachat de credit|pret immobilier|pret personnel|\
         banche|bancari*|bancomat|bonifico|bonifici|conto corrente|home banking|sportello automatico|\
         prelievo|prelevato|postepay|ricarica della carta|\
         banca|bancar*|internet banking|transfer bancar|cont curent|bancomatul*|virament",
    ),
    group(
        Class::Staff,
        6,
        "empleados del banco|empleado del banco|personal del banco|el banco nunca|tu banco nunca|\
         o banco nunca|funcionarios do banco|funcionario do banco|la banque ne|conseiller bancaire|\
         votre conseiller|la banca non|operatori della banca|banca nu|angajatii bancii",
    ),
    group(
        Class::Card,
        5,
        "tarjeta de credito|tarjeta de debito|tarjeta terminada|tarjeta que termina|cartao de credito|\
         cartao de debito|cartao final|cartao terminado|carte de credit|carte de paiement|paiement par carte|\
         carte finissant|carte se terminant|carta di credito|carta di debito|carta che termina|\
         card de credit|card de debit|cardul|carta prepagata|carte prepayee|compra con tarjeta",
    ),
    group(Class::Card, 2, "tarjeta|tarjetas|cartao|carta|carte|card"),
    group(
        Class::Tail,
        3,
        "terminada en|termina en|que termina|terminado em|finissant par|se terminant par|termina con|che termina|terminat in|que termina en",
    ),
    group(
        Class::Pay,
        5,
        "pix|confirmar el pago|autorizar el pago|aprobar el pago|confirmar tu pago|confirmar o pagamento|\
         autorizar o pagamento|confirmer le paiement|valider le paiement|valider votre paiement|\
         confirmer votre paiement|confermare il pagamento|autorizzare il pagamento|confirma plata|autoriza plata|\
         autorizarea platii|firmar la compra|firma su operacion|firma tu operacion",
    ),
    group(
        Class::Nod,
        2,
        "importe|importo|montant|valor|monto|montante|suma|autorizar|autoriza|autorizzare|comercio",
    ),
    group(
        Class::Pay,
        4,
        "transaccion*|transacao|transacoes|transaction*|transazion*|tranzacti*|retiro*|saque|saques|retrait*|cargo de|abono de|adebito|addebito|debito|debitado|retras*|operacion|operazione|depot de",
    ),
    group(
        Class::Pay,
        3,
        "pago|pagos|pagar|compra|compras|transferencia*|pagamento*|compra aprovada|paiement*|achat|achats|\
         pagamenti|acquisto|acquisti|plata|platii|plati|cumparatura|achitare|versement|remboursement|\
         spesa|transfer",
    ),
    group(
        Class::Funds,
        5,
        "saldo disponible|saldo disponivel|saldo disponibile|saldo de su cuenta|solde de votre compte|solde du compte|sold disponibil|deposito en tu cuenta|portafoglio|portefeuille|cartera digital|criptomoneda*|cripto|pago minimo|estado de cuenta|estratto conto|releve de compte|compte titres",
    ),
    group(Class::Funds, 3, "saldo|solde|sold|deposito|depot|cuota|mensualite|rata|intereses"),
    group(Class::Funds, 2, "cuenta|conta|conto|compte|cont"),
    group(
        Class::Loan,
        4,
        "prestamo*|emprestimo*|prestito|prestiti|pret de|pret a la consommation|credito|imprumut*|financement|demande de credit|creditul|credit|financiamento",
    ),
    group(
        Class::Nod,
        2,
        "aprobado|aprobada|aprobo|aprovado|aprovada|pre aprovado|preaprobado|accepte|acceptee|accorde*|approvato|approvata|aprobat|aprobata|vence|vencimiento|vencimento|echeance|scadenza",
    ),
    group(
        Class::Amount,
        2,
        "pesos|soles|reais|r|euros|euro|lei|quetzales|lempiras|bolivianos|guaranies|colones|balboas|frs|fcfa|xof|xaf",
    ),
    group(
        Class::State,
        6,
        "agencia tributaria|tributari*|impuestos|impuesto|declaracion de la renta|borrador de la renta|campana de la renta|\
         seguridad social|administracion publica|administracion electronica|cl ve|clave pin|clave permanente|\
         cita previa|extranjeria|ministerio*|ayuntamiento|gobierno|sede electronica|registro civil|vida laboral|\
         carpeta ciudadana|dni electronico|certificado digital|curp|anses|afip|\
         autoridade tributaria|portal das financas|receita federal|imposto*|declaracao de imposto|\
         seguranca social|previdencia|meu inss|inss|chave movel digital|governo|prefeitura|titulo de eleitor|\
         ministere*|impots|impot|prefecture|mairie|gouvernement|assurance maladie|compte ameli|ameli|\
         franceconnect|france connect|carte vitale|caisse d allocations|allocations familiales|pole emploi|\
         france travail|urssaf|carte d identite|titre de sejour|service public|administration fiscale|\
         agenzia delle entrate|inps|spid|identita digitale|carta d identita|dichiarazione precompilata|\
         dichiarazione dei redditi|comune di|pubblica amministrazione|fascicolo sanitario|codice fiscale|\
         questura|prefettura|cedolino|\
         anaf|spatiul privat virtual|guvernul|ministerul|declaratia unica|casa de pensii|ghiseul",
    ),
    group(
        Class::State,
        5,
        "contribuyente*|contribuinte|contribuable|contribuente|votante|elecciones|eleicoes|padron|eleitor*|pension|pensao|pensione|retraite",
    ),
    group(Class::State, 4, "hacienda|primaria|tribunal|fiscal|fiscale|fiscala"),
    group(
        Class::Paper,
        3,
        "pasaporte|passaporte|passeport|passaporto|pasaport*|permiso de residencia|visado|visto|permesso di soggiorno|licencia de conducir|permis de conduire|patente|dni|nie|cedula",
    ),
    group(
        Class::Safe,
        0,
        "pret de livre*|pret de document*|banco de sangre|banco de alimentos|banque alimentaire|banque du sang|banco alimentare|banco alimentar|\
         datos bancarios|datos de la tarjeta|datos de tu tarjeta|datos de tarjeta*|numero de tarjeta|\
         numeros de tarjeta|datos de pago|cuenta bancaria por|contrasena del banco|clave del banco|\
         dados bancarios|dados do cartao|dados de cartao|numero do cartao|senha do banco|dados de pagamento|\
         coordonnees bancaires|donnees bancaires|informations bancaires|identifiants bancaires|\
         numero de carte|numeros de carte|numero de votre carte|dati bancari|coordinate bancarie|\
         dati della carta|dati di pagamento|numero della carta|numero di carta|datele cardului|date bancare|\
         datele bancare|numarul cardului|tarjeta de regalo|tarjeta sim|carte sim|carte cadeau|carta sim|\
         carta regalo|carte de fidelite|carta fedelta|cartao presente|tarjeta regalo|carta d imbarco|\
         carte d embarquement|prestamo del libro|prestamo de libros|prestamo de la biblioteca|biblioteca|\
         bibliotheque|biblioteka|prestito del libro|prestito librario|tu cuenta|su cuenta|sua conta|\
         tua conta|tuo conto|votre compte|ton compte|contul tau|contul dvs|crear tu cuenta|\
         cuenta de*|conta do|conta no|compte de|iva incluido|hors taxes|patente de",
    ),
    group(
        Class::Trade,
        2,
        "recarga*|ricarica|recharge|credito residuo|factura*|fatura|facture|bolletta|cupon|premio|pedido*|envio|entrega|suscripcion|assinatura|entradas|reserva|gracias por|obrigado por|commande*|\
         abonnement|livraison|livreur|colis|merci pour|merci de|ordine|abbonamento|consegna|corriere|biglietti|\
         grazie per|comanda|livrare|coletul|curier|abonament|repartidor|paquete|pacote",
    ),
    group(
        Class::Denial,
        0,
        "nunca te ped*|nunca ped*|nunca le ped*|nunca solicit*|no te pedi*|no pedi*|no solicit*|jamas pedi*|\
         nao pedi*|nunca perguntamos|ne demand*|ne vous demand*|ne te demand*|jamais demand*|demandons jamais|\
         demandera jamais|demanderons jamais|ne donnez jamais|non chied*|mai chied*|chiediamo mai|chiederemo mai|\
         nu cerem|niciodata*|no envies dinero|nunca envies|nunca compartas tus|nunca des tus|nunca digas tus",
    ),
];
