//! Names of services that are everyday words or first names in some language, as [`words`](super::words)
//! takes them apart.
//!
//! In a message they count as names only where they stand for themselves. Add a name here when a
//! service comes that people could write in a sentence; taking one away makes messages go astray.

/// Separated by commas and line ends. Names of fewer than four letters need no mention.
pub(super) const EVERYDAY: &str = "
    abbott, adverts, affirm, air miles, airtime, aitu, alchemy, alfa, all access, all it, any other service,
    appen, arch, astro, autoru, band, banks, bata, benjamin, bibi, big c, bisu, blackbird, blank street,
    blink, blizzard, boku, bolt, book my play, bookmakers, boom market, box coupon, brace, branch, britannia,
    buka, bunches, bunda, caixa, cashew, casino bets gambling, casino plus, chase, cheddar, chevron, chispa,
    cita, citilink, clapper, claude, clerk, cloud manager, clubhouse, collection pot, consultant, continente,
    corona, cred, curve, dagangan, daki, damai, dana, delivery club, dent, dhani, discover hong kong,
    diversity, doku, dolap, dosi, dott, duet, efsane, eldorado, escort advisor, eureka, excellent, familia,
    fave, feels, fetch, finom, fix price, flaming, flink, flip, fora, forte, fortuna, fotka, foxy, frankly,
    freelancer, frnd, full rent, gabi, gamer, genome, getir, gett, global cash, globo, good morning global,
    gorod, grab, great rewards, gringo, hanya, hermes, hey cash, hinge, hoff, honor, hopper, hotline,
    idealista, indeed, index, irwin, it business group, jago, jogo, just eat, kaito, kanoe, karos, kaya,
    keretaku, kimi, kirana, koho, kome, kontur, kredito, lemo, lenta, liberty, lider, lime, line, link, loco,
    loda, long drive cars, lotus, luck, lydia, mais store, mantan, manus, match, maxim, maya, medium, meest,
    mega, meitu, mercado, meta, metro, mi gente, mico, migo, migrant service, million, moka, motina, move it,
    mr green, mudah, nala, neon, newport, next, nifty, niko, noon, okey, okolo, orbit, ouro, outlier, ozan,
    pairs, paper, penta, perfect world, pingpong, pintu, pixels, playtime, pony, porter, potato, premier,
    presto, prime opinion, privy, profi, quack, rabbit, radiate, ramble, rapido, rida, ride, ride amigo,
    royale, rush, ruten, sahibinden, sapo, satori, seated, serasa, setel, seznam, shafa, shield, shielded,
    shop101, sideline, siesta, signal, simply, smart, smiles, smitten, social nature, socios, soco, soul,
    spartak, square, start, strato, subito, sugo, sunlight, supers, tada, taki, tala, tangga, tango, tank,
    taurus, temu, the concert, the dots, things, this fate, tick, ticket plus, tier, tomei, treasury, trip,
    twin, unni, uphold, upward, valora, vantage, veera, veo, verse, vida, virgo, vision plus, vivid, vivo,
    waha, wavy, wert, whatnot, winds, wink, winner, winter loan, wise, wish, yonder, везёт, вчасно, глобус,
    давай делить, знание, копилка, магнолия, портал, теремок, турбо, хорошие новости
";
