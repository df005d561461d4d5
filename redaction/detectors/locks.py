"""Words around codes of doors, alarms, telephones and sign-ins, in the languages of ``redaction.detectors.spoken``: data.

Words are in small letters. What a word means is looked up, not matched: the automata of as many patterns would take
megabytes of every worker.
"""

from __future__ import annotations


def _words(said: str) -> frozenset[str]:
    return frozenset(said.split())


CODE = _words(
    "code codes passcode passcodes pin pins combination combo keycode kombi kombination zahlenkombination combinaison código códigos"
    " codigo clave combinación combinação codice codici combinazione kod kodu kodem kody szyfr senha otp pincode tan"
)
SURE = _words("passcode passcodes keycode pincode digicode mtan smstan pushtan senha")
"""Those that are nothing else."""
CODES = ("code", "codes", "kod", "mtan", "smstan", "pushtan")
"""How words for them end that are one with what they open (``Anmeldecode``)."""
FOREIGN = _words(
    "error errors fault faults fehler erreur défaut avería fallo errore guasto erro falha fout storing błąd błędu status exit http https"
    " response return product produkt produit producto prodotto produto article artikel artículo articolo artigo zip postal area country"
    " land promo promotion discount checkout coupon voucher gutschein rabatt réduction descuento sconto desconto korting rabatowy pocztowy kreskowy icd sic"
    " nace tax penal civil civile pénal morse dress bar qr barcode ean isbn price prices preis prix precio prezzo preço prijs cena item"
    " item's qty quantity column cell field formula zelle cellule celda cella célula cel komórce washing machine boiler dishwasher oven"
    " robot cnc servo spindle inverter waschmaschine heizung therme lave lavadora lavatrice wasmachine pralka engine event exercise aufgabe"
    " exercice ejercicio esercizio exercício probability common commonest häufigste häufigsten lines zeilen lignes líneas righe linhas"
    " regels linii lines test tests unicode name chip fpga signal diagram meaning meanings description stock sku invoice order"
    " rechnung bestellung bestellnummer total deposit cost costs kosten kostet coûte cuesta costa kost kosztuje salary donate donation"
    " build building's edition law gesetz loi ley legge lei wet ustawa article's deprecated enum def const assert null iban length vcc gnd"
)
"""Beside one of these a code is of something else, or no code."""
NO_CODES = (
    "fehler", "post", "bar", "quell", "strich", "qr", "gutschein", "fout", "rabatt", "status", "korting", "uni", "op", "zip", "en", "de",
    "vs", "source", "promo", "länder", "produkt", "artikel", "exit", "error", "gen", "straf", "byte", "trans", "country", "product",
    "streep", "bron", "return", "http", "farb", "buchungs", "tarif", "kunden", "maschinen", "programm", "kleur",
)  # fmt: skip
"""How compounds begin that end like codes and are others."""
LOCK = _words(
    "disarm tür türen tor tore door doors gate gates alarm garage lobby shed locker lock padlock lift elevator intercom keypad keysafe keybox lockbox safe building"
    " entrance entry access apartment flat key keys lid unlock house fob office bin store storage box zugang zutritt eingang haus schloss"
    " tresor safe porte portail portillon immeuble alarme coffre cadenas entrée accès digicode interphone portier boîte boîtier clés"
    " puerta portal portón portero alarma garaje candado caja cajita llaves entrada edificio porta portone cancello allarme cassaforte"
    " cassetta cassettina chiavi lucchetto ingresso citofono tastierino portão alarme cofre chaves caixinha cadeado prédio garagem"
    " deur poort hek kluis kluisje slot sleutels sleutelkastje ingang brama bramy bramę furtka furtki drzwi domofon domofonie domofonu"
    " alarmu sejf sejfu garaż garażu kłódka kłódki klatki klucze skrzynce skrzyneczce skrytki wejść furtce interfone slagboom szlaban bay"
)
LOCKS = (
    "tür", "tor", "garage", "schloss", "tresor", "safe", "schlüsselbox", "kasten", "alarmanlage", "eingang", "deur", "poort", "slot",
    "kluis", "kastje", "tastenfeld", "zugang", "alarm",
)  # fmt: skip
"""How the words for what they open end."""
KEYS = _words("key keys chiavi chaves sleutels klucze llaves clés access accès accesso acceso zugang")
"""Of them, those whose number may be of another kind: a key has 2048 bits."""
HOMES = _words("house flat apartment building office box store bin bay haus immeuble edificio prédio")
"""Those that have a number of their own."""
NOT_LOCKS = _words(
    "motor monitor actor factor doktor director vector traktor reaktor autor tutor sektor operator editor investor author"
)
ONLY = _words(
    "padlock lockbox keybox keysafe keypad cadenas candado lucchetto cadeado kłódka domofon fietsslot fahrradschloss zahlenschloss"
    " schlüsselkasten schlüsselsafe schlüsseltresor schlüsselbox sleutelkastje sleutelkluis digicode kindersicherung"
)
"""Locks that have no number but their code."""
PAIRS = frozenset({
    ("key", "safe"), ("key", "box"), ("lock", "box"), ("bike", "lock"), ("disc", "lock"), ("tv", "lock"), ("de", "llaves"), ("delle", "chiavi"),
    ("de", "chaves"), ("à", "clés"), ("du", "vélo"), ("la", "bici"), ("da", "bicicleta"), ("do", "roweru"),
})  # fmt: skip
"""Two words that say the same."""
PINS = _words("pin pins atm passcode cajero bancomat multibanco geheimzahl")
NUMBER = _words("number nummer numéro número numero numer nr")
STAR = _words("star hash stern raute étoile dièse asterisco gwiazdka hekje sterretje")
PLACES = _words(
    "room toilet bathroom cellar parking pool barrier müllraum keller büro wohnung toilette fahrradraum local cave parking trastero piscina oficina"
    " cantina ufficio bagno escritório piscina cave schuur kelder kantoor piwnica piwnicy śmietnik śmietnika biura clé llave chiave chave sleutel"
    " klucz caixa"
)
"""Rooms that have codes, and numbers of their own."""
DEVICE = _words(
    "phone iphone ipad tablet laptop tv printer photocopier copier till screen bluetooth pairing zoom teams meeting conference host card"
    " voicemail sim handy smartphone téléphone tablette móvil teléfono telefono cellulare telemóvel celular telefone telefoon telefon"
    " telefonu wifi wlan router alarm cb carte tarjeta carta cartão pas karty drucker konferenz atm account packstation"
)
TOLD = _words(
    "sms text texted verify verification confirm confirmation login signin sign log pickup pick parcel delivery driver whatsapp google uber"
    " amazon steam blik expires expire share scam enter digit whatsapp guest guests doctolib bestätigung anmeldung überweisung packstation"
    " abholung weiter niemandem connexion vérification confirmer communiquez colis retrait unique verificación confirmar sesión uso compartas"
    " verifica confermare accesso verificação bevestigen inloggen potwierdzić odbioru paczki weryfikacyjny logowania minutes minuten bank banco banca banque banku"
)
"""What is said of codes that open an account, or hand something over."""
DETERMINER = _words(
    "nowy nuevo nuovo novo nieuwe neue the my your our his her their new this mein meine dein ihr ihre unser der neuer neue mon ma votre ton notre le nouveau mi tu su el"
    " nuestro il mio tuo suo nostro o meu seu teu de mijn je jouw uw onze mój twój nasz"
)
IS = _words("is are s was be it's its ist lautet war sind est sont c'est es son era è sono é são to jest wordt zijn =")
LINK = IS | _words(
    ": | ) - – — ( [ * ` ' \" “ „ « ’ ‘ _ > → \\ # , now still again new one just it then the currently jetzt nun noch neu neue neuer immer"
    " die den der das le la el il o de het ahora sigue siendo ora agora nu teraz still chyba too auch aussi también anche também ook też also maintenant toujours el alt old alte alter nieuw stary nowy secreta secret secreto segreto"
)
"""What may stand between a word and the code."""
ENDS = _words(
    "now jetzt ahora adesso agora nu teraz maintenant for then and but auf an aus ab off don't on at to it so btw thanks please followed or opens with puis pour et für und dann danach bitte fürs für para y"
    " luego e per poi voor en dan do i potem proszę i'm i after within lol ok twice not +"
)
"""What may follow a code."""
PARTLY = {"key": {"in"}, "put": {"in"}, "turn": {"dial", "dials", "to"}, "set": {"dial", "dials"}}
"""Verbs that say so with a word behind them."""
VERB = _words(
    "turn set put wybrać enter type press punch tap dial input key tippen tippe tippt drücken drücke wählen geben gib eingeben tapez taper composez composer"
    " saisissez faites marca marque teclea teclee pulsa introduce digita digitare componi inserisci digite marcar toets typ voer wpisz"
    " wpisać wstukaj wciśnij"
)
PARTICLE = LINK | _words("in into code dials dial # du sie das den die il o w na le l")
BEHIND = _words("eingeben tippen drücken wählen intoetsen intypen")
"""Verbs that German and Dutch put behind."""
OPENS = _words(
    "opens unlocks unlock disarm disarms arm deactivate enter öffnet geht kommen kommst kommt kommen öffnen scharf unscharf"
    " s'ouvre ouvre désactive désactiver déverrouille abre abren desactiva desbloquea entra apre sblocca disinserisce desbloqueia desliga"
    " gaat open uitzetten aanzetten otwiera odblokowuje rozbrajamy use uses need needs needed nimm brauchst brauchen braucht utilisez"
)
WITH = _words("with mit avec con com met code el le o il się z scharf unscharf use need needs die den du")
IF = _words("if when once wenn si se als jeśli")
NEXT = _words("\n then and dann danach puis et y luego e poi en dan i potem , + / star arm disarm")
"""Before a second code."""
SENT = _words("confirm verify finish complete continue reset")
"""What somebody does with a code that a service sends."""
TO_OPEN = _words("sign log get open unlock enter access disarm login")
SIZE = _words("high wide tall long deep mm cm x thick hoch breit lang")
ARTICLE = _words("a an the ein eine un une una uno um uma een my mein mon mi mio meu mijn mój moim dobry")
AS = _words("as als comme como come jako")
SAID = IS | {":", "–", "—", "→", ">", "\n"}
"""Of links, those that say that the number is what was named."""
THE = _words("the le el il o de this new neuer neue nouveau nuevo nuovo novo nieuwe nowy")
"""Determiners that say nothing of whose it is."""
