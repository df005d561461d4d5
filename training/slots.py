"""Values of the slots that are more than a draw from one list: second surnames, flats, courts, hashtags, famous people.

What is written here by hand names nobody private: products, heroes of books and people of history stand in texts that
mean nobody who writes or reads them, and are labelled as nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from training import fillers, wide

NICKNAMES = (
    "Ace Buddy Duke Red Rusty Sparky Tiny Chip Skip Doc Buzz Spike Ziggy Bear Bunny Coco Kiki Lulu Mimi Gigi Didi Dodo Fifi Pip Pippa Peanut Sunny Sky "
    "Blaze Moose Smiley Shorty Slim Scooter Bubba Junior Pops Nana Lolo Paco Pepe Chucho Nacho Lalo Beto Kike Chema Pancho Lupe Chayo Concha Toñi Loli "
    "Gigio Nino Nini Pippo Titti Zeca Tonho Zezinho Juca Duda Dudu Tita Xana Kuba Kasia Basia Gosia Zosia Tomek Wojtek Bartek Krzysiek Olek Franek Jasiek "
    "Uli Uschi Hansi Sepp Resi Heidi Poldi Schorsch Fritzi Toni Maxi Steffi Manni Kalle Hanni Jojo Loulou Nono Zaza Titou Bébert Jeannot Pierrot Margot "
    "Sjaak Kees Joop Wim Truus Miep Bep Teun Liesje Pietje Bob Bill Jim Mike Kate Liz Meg Peg Ted Tony Sam Alex Andy Nick Dan Joe Matt Chris Will Charlie "
    "Frankie Johnny Jimmy Billy Bobby Tommy Eddie Ricky Vicky Becky Debbie Sandy Mandy Candy Trish Tash Shaz Baz Gaz Daz Kev Trev Stu Al Hal Gus Len Vic"
).split()
_HOUSE = {
    "en": "{n}|{n}{b}|Flat {n}|Apt {n}|Apt. {n}{B}|Apartment {n}|Unit {n}|Suite {n}00|No. {n}|no {n}|#{n}|House {n}|Room {n}|{n}/{n}|Floor {n}|Block {B}, Flat {n}|2nd floor|ground floor|Unit {n}, Building {B}",
    "de": "{n}|{n}{b}|{n} {b}|Nr. {n}|Hausnummer {n}|Whg. {n}|Wohnung {n}|Top {n}|{n}/{n}|{n}. OG|3. Stock links|EG rechts|Hinterhaus|Zimmer {n}",
    "fr": "{n}|{n} bis|{n} ter|n° {n}|appt {n}|appartement {n}|Appt. {n}{B}|bât. {B}|bâtiment {B}|{n}e étage|esc. {B}|porte {n}|résidence {l}, appt {n}",
    "es": "{n}|nº {n}|n.º {n}|núm. {n}|{n}, {f}º {B}|{n}, piso {f}|piso {f}, puerta {n}|{f}º izquierda|{f}º dcha.|{f}-{B}|portal {n}|bloque {n}|bajo {B}|ático|depto. {n}|int. {n}",
    "it": "{n}|n. {n}|{n}/{B}|{n} bis|civico {n}|int. {n}|interno {n}|scala {B}|scala {B}, int. {n}|piano {f}|{f}° piano",
    "pt": "{n}|n.º {n}|nº {n}|{n}, {f}º Esq.|{n}, {f}.º Dto|{f}º andar|apto {n}|apto. {n}|apartamento {n}|bloco {B}|lote {n}|casa {n}|sala {n}|r/c Esq.",
    "nl": "{n}|{n}{b}|{n}-{n}|{n} bis|{n} hs|nr. {n}|nummer {n}|bus {n}|appartement {n}|{n}-II|kamer {n}|{f}e verdieping",
    "pl": "{n}|{n}{b}|{n}/{n}|{n} m. {n}|m. {n}|nr {n}|lok. {n}|lokal {n}|mieszkanie {n}|{n} lok. {n}|klatka {B}|{f} piętro|blok {n}|dom nr {n}",
}  # fmt: skip
_BOX = {
    "en": "PO Box {x}|P.O. Box {x}|P. O. Box {x}|GPO Box {x}|Private Bag {x}|Locked Bag {x}|Box {x}|Postbox {x}", "de": "Postfach {x}|Postfach {y}|PF {x}|Postlagernd {x}|Schließfach {x}",
    "fr": "BP {x}|B.P. {x}|CS {x}|boîte postale {x}|C.P. {x}|case postale {x}", "es": "Apartado {x}|Apartado de Correos {x}|Apdo. {x}|Apdo. de Correos {x}|Casilla {x}|A.P. {x}",
    "it": "Casella Postale {x}|C.P. {x}|casella postale {x}|Cas. post. {x}", "pt": "Apartado {x}|Caixa Postal {x}|caixa postal {x}|Ap. {x}|C.P. {x}",
    "nl": "Postbus {x}|postbus {x}|Antwoordnummer {x}|Bus {x}", "pl": "skr. poczt. {x}|skrytka pocztowa {x}|Skrytka pocztowa nr {x}|skrytka {x}",
}  # fmt: skip
_COURT = {
    "en": "{c} District Court|{c} Regional Court|{c} County Court|{c} Magistrates' Court|{c} Crown Court|High Court of {k}|Supreme Court of {k}|{c} Court of Appeal|the {c} Administrative Court|Constitutional Court of {k}|{c} Family Court|{c} City Court|Court of Cassation|{c} Assize Court|Superior Court of {c} County|{c} Municipal Court|Employment Tribunal in {c}|U.S. District Court for the {c} District|{c} Probate Court|State Security Court of {c}",
    "de": "Amtsgericht {c}|AG {c}|Landgericht {c}|LG {c}|Oberlandesgericht {c}|OLG {c}|Verwaltungsgericht {c}|VG {c}|Arbeitsgericht {c}|Sozialgericht {c}|Finanzgericht {c}|Familiengericht {c}|Bezirksgericht {c}|Landesgericht {c}|Oberverwaltungsgericht {c}|Obergericht {c}",
    "fr": "tribunal judiciaire de {c}|tribunal de grande instance de {c}|TGI de {c}|cour d'appel de {c}|Cour de cassation|tribunal correctionnel de {c}|tribunal administratif de {c}|conseil de prud'hommes de {c}|cour d'assises de {c}|tribunal de commerce de {c}|tribunal d'instance de {c}|tribunal de première instance de {c}|juge d'instruction de {c}",
    "es": "Juzgado de Primera Instancia nº {n} de {c}|Juzgado de lo Penal nº {n} de {c}|Juzgado de Instrucción núm. {n} de {c}|Audiencia Provincial de {c}|Audiencia Nacional|Tribunal Superior de Justicia de {c}|Tribunal Supremo|Juzgado de lo Social nº {n} de {c}|Juzgado de Familia de {c}|Tribunal Constitucional|Corte de Apelaciones de {c}|Juzgado Civil de {c}",
    "it": "Tribunale di {c}|Corte d'Appello di {c}|Corte di Cassazione|Giudice di Pace di {c}|TAR {c}|Tribunale per i Minorenni di {c}|Procura della Repubblica di {c}|Tribunale Ordinario di {c}|Corte d'assise di {c}|Corte dei Conti|Tribunale amministrativo di {c}",
    "pt": "Tribunal Judicial de {c}|Tribunal da Relação de {c}|Tribunal de Justiça de {c}|{n}ª Vara Cível de {c}|Comarca de {c}|Supremo Tribunal de Justiça|{n}ª Vara do Trabalho de {c}|Tribunal do Trabalho de {c}|Tribunal de Família e Menores de {c}|Juízo Local Cível de {c}|Vara Criminal de {c}",
    "nl": "Rechtbank {c}|rechtbank {c}|Gerechtshof {c}|gerechtshof {c}|Hoge Raad|kantonrechter te {c}|Kantongerecht {c}|Raad van State|Centrale Raad van Beroep|rechtbank van eerste aanleg te {c}|Hof van Beroep te {c}|arbeidsrechtbank {c}",
    "pl": "Sąd Rejonowy w {c}|Sąd Okręgowy w {c}|Sąd Apelacyjny w {c}|Wojewódzki Sąd Administracyjny w {c}|Sąd Najwyższy|Sąd Rejonowy dla {c}|Prokuratura Rejonowa w {c}|Naczelny Sąd Administracyjny|Sąd Okręgowy {c}|SR w {c}|SO w {c}|Trybunał Konstytucyjny",
}  # fmt: skip
_SCHOOL = {
    "en": "{c} High School|{l} High School|{l} Elementary School|{c} Primary School|{c} Middle School|St {f}'s School|St. {f}'s Primary|{l} Academy|{c} Grammar School|{l} College|University of {c}|{c} University|{c} State University|{l} University|{c} Community College|{c} Polytechnic|{l} School of Medicine|{c} Law School|Little {W} Nursery|{W} Kindergarten|{c} State|U of {c}|{l} Business School|Our Lady of {c}|{p} Elementary",
    "de": "Grundschule {c}|{l}-Gymnasium|{p}-Gymnasium|{f}-{l}-Schule|Gymnasium {c}|Realschule {c}|Gesamtschule {c}|Universität {c}|Uni {c}|TU {c}|Hochschule {c}|FH {c}|Kita {W}|Kindergarten {W}|Berufsschule {c}|Volkshochschule {c}|Volksschule {c}|{l}-Realschule|Waldorfschule {c}|{f}-Schule",
    "fr": "lycée {l}|lycée {p}|Lycée {f}-{l}|collège {l}|collège {p}|école primaire {l}|école {p}|Université de {c}|université {c} {n}|IUT de {c}|École supérieure de {W}|crèche {W}|école maternelle {l}|INSA {c}|Sciences Po {c}|faculté de {c}",
    "es": "IES {l}|IES {p}|CEIP {l}|Colegio {l}|Colegio San {f}|Colegio Santa {f}|Instituto {p}|Universidad de {c}|Universidad Nacional de {c}|Universidad Autónoma de {c}|Escuela {p}|Facultad de {W} de {c}|Escuela Infantil {W}|Liceo {l}|Preparatoria {n} de {c}",
    "it": "Liceo {l}|Liceo Scientifico {p}|Istituto {l}|Istituto Comprensivo {p}|Scuola Elementare {l}|Scuola media {p}|Università di {c}|Università degli Studi di {c}|Politecnico di {c}|asilo {W}|ITIS {l}|scuola primaria di {c}|Ateneo di {c}",
    "pt": "Escola {l}|Escola Secundária {p}|Escola Básica de {c}|Escola Estadual {p}|Colégio {l}|Colégio São {f}|Universidade de {c}|Universidade Federal de {c}|Instituto Superior {W}|EMEF {p}|Creche {W}|Faculdade de {W} de {c}|Politécnico de {c}|Jardim de Infância {W}",
    "nl": "basisschool {W}|Basisschool De {W}|{l} College|{l} Lyceum|Universiteit {c}|Universiteit van {c}|Hogeschool {c}|ROC {c}|OBS De {W}|Gymnasium {c}|Sint-{f}college|Vrije Universiteit {c}|kinderdagverblijf {W}|TU {c}",
    "pl": "Szkoła Podstawowa nr {n} w {c}|Szkoła Podstawowa im. {p}|SP nr {n}|Liceum Ogólnokształcące w {c}|{N} LO w {c}|{N} Liceum Ogólnokształcące im. {p}|Uniwersytet w {c}|Politechnika w {c}|Akademia {W} w {c}|Technikum nr {n}|Przedszkole nr {n}|Przedszkole {W}|Zespół Szkół w {c}",
}  # fmt: skip
_RELATIVE = {
    "en": "last {w}|next {w}|this coming {w}|{w} the {o}|the {o} of {m}|the {o}|{m} {o}|early {m}|late {m}|mid-{m}|{m} last year|last {m}|next {m}|this {m}|Easter {y}|Christmas {y}|Christmas Eve {y}|New Year's Eve {y}|Thanksgiving {y}|summer {y}|the summer of {y}|spring of {y}|fall {y}|winter {y}|autumn {y}|Q{q} {y}|{w} {m} {o}|{w} morning|{w} night|{w} at {h}|the early {d}|since {y}|back in {y}|the {d}|Ramadan {y}|Labor Day {y}|end of {m}|the week of {m} {o}",
    "de": "letzten {w}|nächsten {w}|kommenden {w}|{w}, den {t}.|am {t}. {m}|{t}. {m}|Anfang {m}|Ende {m}|Mitte {m}|Ostern {y}|Weihnachten {y}|Silvester {y}|Pfingsten {y}|Sommer {y}|im Frühjahr {y}|Herbst {y}|Winter {y}|{w}abend|{w} um {h} Uhr|{m} letzten Jahres|letzten {m}|KW {t}|Kalenderwoche {t}|{q}. Quartal {y}",
    "fr": "{w} dernier|{w} prochain|le {w} {t} {m}|le {t} {m}|début {m}|fin {m}|mi-{m}|Pâques {y}|Noël {y}|l'été {y}|printemps {y}|hiver {y}|automne {y}|{m} dernier|{w} soir|{w} à {h}h|la Toussaint {y}|{q}e trimestre {y}",
    "es": "el {w} pasado|el próximo {w}|el {w} {t} de {m}|el {t} de {m}|principios de {m}|finales de {m}|mediados de {m}|Semana Santa de {y}|Navidad de {y}|Nochevieja de {y}|verano de {y}|primavera de {y}|otoño de {y}|invierno de {y}|{m} pasado|{w} por la noche|el día {t}",
    "it": "{w} scorso|{w} prossimo|{w} {t} {m}|il {t} {m}|inizio {m}|fine {m}|metà {m}|Pasqua {y}|Natale {y}|estate {y}|primavera {y}|autunno {y}|inverno {y}|{m} scorso|{w} sera|Capodanno {y}|Ferragosto {y}",
    "pt": "{w} passada|na próxima {w}|{w}, dia {t}|no dia {t}|dia {t} de {m}|{t} de {m}|início de {m}|fim de {m}|meados de {m}|Páscoa de {y}|Natal de {y}|Carnaval de {y}|verão de {y}|outono de {y}|inverno de {y}|{m} passado|{w} à noite",
    "nl": "afgelopen {w}|vorige {w}|komende {w}|volgende {w}|{w} {t} {m}|{t} {m}|begin {m}|eind {m}|half {m}|Pasen {y}|Kerst {y}|Koningsdag {y}|zomer {y}|voorjaar {y}|najaar {y}|winter {y}|{w}avond|{w} om {h} uur|week {t}|oudjaar {y}",
    "pl": "w zeszły {w}|w ubiegłą {w}|w najbliższy {w}|{w}, {t} {m}|{t} {m}|na początku {m}|pod koniec {m}|w połowie {m}|Wielkanoc {y}|Boże Narodzenie {y}|Sylwester {y}|lato {y}|wiosna {y}|jesień {y}|zima {y}|{w} wieczorem|{w} o {h}|dnia {t} {m}",
}  # fmt: skip
PUBLIC = (
    "Albert Einstein|Isaac Newton|Marie Curie|Charles Darwin|Galileo Galilei|Nikola Tesla|Leonardo da Vinci|Michelangelo|William Shakespeare|Shakespeare|Jane Austen|Charles Dickens|"
    "Mark Twain|Leo Tolstoy|Fyodor Dostoevsky|Franz Kafka|Goethe|Schiller|Voltaire|Rousseau|Descartes|Immanuel Kant|Kant|Hegel|Nietzsche|Karl Marx|Marx|Freud|Sigmund Freud|Carl Jung|"
    "Plato|Socrates|Aristotle|Homer|Euclid|Archimedes|Pythagoras|Julius Caesar|Caesar|Augustus|Nero|Cleopatra|Alexander the Great|Genghis Khan|Napoleon|Napoleon Bonaparte|George Washington|"
    "Abraham Lincoln|Lincoln|Thomas Jefferson|Benjamin Franklin|Winston Churchill|Churchill|Franklin D. Roosevelt|John F. Kennedy|Martin Luther King|Martin Luther|Mahatma Gandhi|Gandhi|"
    "Nelson Mandela|Queen Victoria|Queen Elizabeth I|Henry VIII|Louis XIV|Catherine the Great|Peter the Great|Joan of Arc|Jeanne d'Arc|Marie Antoinette|Christopher Columbus|Columbus|Marco Polo|"
    "Vasco da Gama|Magellan|James Cook|Mozart|Wolfgang Amadeus Mozart|Beethoven|Ludwig van Beethoven|Bach|Johann Sebastian Bach|Chopin|Vivaldi|Verdi|Wagner|Tchaikovsky|Rembrandt|Van Gogh|"
    "Vincent van Gogh|Picasso|Pablo Picasso|Salvador Dalí|Frida Kahlo|Monet|Claude Monet|Edvard Munch|Andy Warhol|Cervantes|Miguel de Cervantes|Don Quixote|Dante|Dante Alighieri|Petrarch|"
    "Machiavelli|Camões|Fernando Pessoa|Molière|Victor Hugo|Balzac|Proust|Marcel Proust|Albert Camus|Jean-Paul Sartre|Simone de Beauvoir|Gabriel García Márquez|Jorge Luis Borges|Pablo Neruda|"
    "Copernicus|Kopernik|Mikołaj Kopernik|Adam Mickiewicz|Henryk Sienkiewicz|Józef Piłsudski|Wisława Szymborska|Otto von Bismarck|Bismarck|Kepler|Johannes Kepler|Gauss|Euler|Leibniz|Newton|"
    "Pascal|Fourier|Laplace|Maxwell|Faraday|Planck|Max Planck|Niels Bohr|Heisenberg|Schrödinger|Erwin Schrödinger|Feynman|Richard Feynman|Stephen Hawking|Carl Sagan|Alan Turing|Turing|Ada Lovelace|"
    "Charles Babbage|John von Neumann|Claude Shannon|Gregor Mendel|Mendel|Louis Pasteur|Pasteur|Alexander Fleming|Florence Nightingale|Rosa Parks|Amelia Earhart|Neil Armstrong|Yuri Gagarin|"
    "Sherlock Holmes|Dr. Watson|Harry Potter|Hermione|Ron Weasley|Dumbledore|Voldemort|Hogwarts|Frodo|Gandalf|Bilbo|Aragorn|Legolas|Sauron|Luke Skywalker|Darth Vader|Yoda|Han Solo|"
    "Princess Leia|Batman|Bruce Wayne|Superman|Clark Kent|Spider-Man|Peter Parker|Iron Man|Tony Stark|Captain America|Thor|Loki|Hulk|Wonder Woman|Joker|James Bond|Indiana Jones|Mickey Mouse|"
    "Donald Duck|Bugs Bunny|Winnie the Pooh|Peter Pan|Cinderella|Snow White|Pinocchio|Robin Hood|King Arthur|Merlin|Lancelot|Romeo|Juliet|Romeo and Juliet|Hamlet|Macbeth|Othello|King Lear|"
    "Odysseus|Achilles|Hercules|Zeus|Hera|Athena|Apollo|Poseidon|Hades|Odin|Freya|Ra|Osiris|Anubis|Jesus|Moses|Abraham|Noah|King David|Solomon|Buddha|Muhammad|Confucius|Lao Tzu|Sun Tzu|"
    "Mario|Luigi|Princess Peach|Bowser|Link|Zelda|Sonic|Pikachu|Ash Ketchum|Charizard|Kirby|Lara Croft|Geralt|Ciri|Yennefer|Master Chief|Kratos|Cloud Strife|Sephiroth|Naruto|Sasuke|Sakura|"
    "Goku|Vegeta|Luffy|Zoro|Eren Yeager|Mikasa|Levi|Light Yagami|Katniss Everdeen|Bella Swan|Edward Cullen|Percy Jackson|Annabeth|Jon Snow|Daenerys|Tyrion Lannister|Arya Stark|Walter White|"
    "Homer Simpson|Bart Simpson|SpongeBob|Scooby-Doo|Shrek|Elsa|Anna and Elsa|Simba|Mufasa|Ariel|Aladdin|Mulan|Moana|Gatsby|Jay Gatsby|Atticus Finch|Holden Caulfield|Elizabeth Bennet|"
    "Mr. Darcy|Heathcliff|Jane Eyre|Dracula|Frankenstein|Dorian Gray|Captain Ahab|Huckleberry Finn|Tom Sawyer|Gulliver|Robinson Crusoe|Winston Smith|Big Brother|Asterix|Obelix|Tintin|Pippi Longstocking|"
    "Max Mustermann|Erika Mustermann|John Doe|Jane Doe|Hitler|Adolf Hitler|Stalin|Lenin|Mao|Mussolini|Franco|Che Guevara|Fidel Castro|Simón Bolívar|Garibaldi|Charlemagne|Tutankhamun|Ramses II|Attila"
).split("|")  # fmt: skip
BRANDS = (
    "iPhone|iPad|MacBook Pro|Galaxy S{n}|Pixel {n}|Windows {n}|macOS|Android|Ubuntu|Debian|Fedora|Excel|Word|PowerPoint|Outlook|Teams|OneNote|SharePoint|Google Docs|Gmail|Google Maps|Chrome|Firefox|"
    "Safari|Slack|Zoom|Notion|Trello|Jira|Confluence|GitHub|GitLab|Bitbucket|Jenkins|Docker|Kubernetes|Terraform|Ansible|Prometheus|Grafana|Elasticsearch|Kafka|RabbitMQ|Redis|PostgreSQL|MySQL|"
    "MongoDB|SQLite|Cassandra|Snowflake|Databricks|Spark|Hadoop|Airflow|Tableau|Power BI|Photoshop|Illustrator|Figma|Blender|AutoCAD|MATLAB|RStudio|Jupyter|NumPy|Pandas|PyTorch|TensorFlow|"
    "Keras|React|Angular|Vue|Svelte|Next.js|Django|Flask|FastAPI|Laravel|Rails|Spring Boot|Hibernate|jQuery|Bootstrap|Tailwind|WordPress|Shopify|Magento|Wix|Squarespace|Stripe|PayPal|Salesforce|"
    "HubSpot|Zendesk|SAP|Netflix|Spotify|YouTube|TikTok|Instagram|WhatsApp|Telegram|Discord|Reddit|Twitch|Steam|PlayStation {n}|Xbox|Nintendo Switch|Minecraft|Fortnite|Roblox|Tetris|Pokémon|"
    "Overwatch|Skyrim|Zelda|Lego|Barbie|Monopoly|Scrabble|Coca-Cola|Pepsi|Nutella|KitKat|Oreo|Red Bull|Nescafé|Nespresso|Tylenol|Advil|Xanax|Viagra|Botox|Nivea|Dove|Pampers|Toyota Corolla|Honda Civic|"
    "Ford Mustang|VW Golf|Tesla Model {n}|BMW i{n}|Boeing 7{n}7|Airbus A3{n}0|Raspberry Pi|Arduino|Alexa|Siri|ChatGPT|Claude|Gemini|Copilot|Bitcoin|Ethereum|Dogecoin|Ikea Billy|Post-it|Velcro|Tupperware|"
    "Java|Python|Rust|Go|Ruby|Perl|Julia|Swift|Kotlin|Scala|Haskell|C++|C#|Visual Basic|Fortran|COBOL|Ada|Pascal|Delphi|Visual Studio Code|IntelliJ|Eclipse|Xcode|Vim|Emacs|Bluetooth|Wi-Fi|USB-C"
).split("|")  # fmt: skip
RIVERS = (
    "Nile Amazon Mississippi Danube Rhine Volga Thames Seine Loire Rhône Ganges Indus Mekong Yangtze Congo Niger Zambezi Tigris Euphrates Jordan Elbe Oder Vistula Wisła Tajo Ebro Douro Po Tiber "
    "Everest Kilimanjaro Alps Andes Himalayas Rockies Pyrenees Carpathians Sahara Gobi Kalahari Mediterranean Baltic Atlantic Pacific Antarctica Arctic Siberia Scandinavia Balkans Caucasus Patagonia "
    "Europe Asia Africa Oceania Mesopotamia Byzantium Constantinople Babylon Troy Sparta Carthage Pompeii Prussia Yugoslavia Czechoslovakia"
).split()


def _short(r: Random, first: str) -> str:
    """A pet form of a first name."""
    stem = first[: r.choice((3, 3, 4))].rstrip("aeiouy- ") or first[:3]
    return stem + r.choice(
        ("", "y", "ie", "i", "o", "sy", "inho", "ita", "ito", "chen", "lein", "tje", "ek", "uś", "ou", "ino", "ella")
    )


def nickname(fill: Any) -> str:
    r: Random = fill.r
    if r.random() < 0.5:
        return r.choice(NICKNAMES)
    if r.random() < 0.15:
        return str(fill.word()).capitalize()
    return _short(r, fill.first())


def family_first(fill: Any) -> str:
    last = fill.last()
    given = fill.first() + (" " + fill.r.choice("ABCDEFGHJKLMRST") + "." if fill.r.random() < 0.15 else "")
    return f"{last.upper() if fill.r.random() < 0.2 else last}, {given}"


def _pattern(fill: Any, table: dict[str, str]) -> str:
    r: Random = fill.r
    text = r.choice(table[fill.language].split("|"))
    calls: dict[str, Callable[[], str]] = {
        "n": lambda: str(r.choice((r.randint(1, 20), r.randint(1, 260)))), "b": lambda: r.choice("abcd"), "B": lambda: r.choice("ABCDEF"), "f": lambda: str(r.randint(1, 12)),
        "x": lambda: str(r.choice((r.randint(1, 999), r.randint(1000, 99999)))), "y": lambda: f"{r.randint(10, 99)} {r.randint(10, 99)} {r.randint(10, 99)}", "l": fill.last,
    }  # fmt: skip
    return fillers.filled(text, calls)


def house(fill: Any) -> str:
    return _pattern(fill, _HOUSE)


def box(fill: Any) -> str:
    return _pattern(fill, _BOX)


def _place(fill: Any, table: dict[str, str]) -> str:
    r: Random = fill.r
    text = r.choice(table[fill.language].split("|"))
    calls: dict[str, Callable[[], str]] = {
        "c": fill.city, "k": fill.country, "l": fill.last, "f": fill.first, "p": lambda: fill.first() + " " + fill.last(), "W": fill.title_word, "n": lambda: str(r.randint(1, 30)),
        "N": lambda: r.choice("I II III IV V VI VII VIII XI XIV".split()),
    }  # fmt: skip
    return fillers.filled(text, calls)


def court(fill: Any) -> str:
    return _place(fill, _COURT)


def school(fill: Any) -> str:
    return _place(fill, _SCHOOL)


def relative(fill: Any) -> str:
    """A date that is said by another one, or a feast or season of a year."""
    r: Random = fill.r
    day = r.randint(1, 28)
    suffix = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd"}.get(day, "th")
    calls: dict[str, Callable[[], str]] = {
        "w": fill.weekday, "m": lambda: fill.month(), "o": lambda: f"{day}{suffix}", "t": lambda: str(day), "y": lambda: str(r.randint(1975, 2026)), "q": lambda: str(r.randint(1, 4)),
        "h": lambda: str(r.randint(1, 23)), "d": lambda: f"{r.choice((19, 20))}{r.choice('016789')}0s",
    }  # fmt: skip
    return fillers.filled(r.choice(_RELATIVE[fill.language].split("|")), calls)


def hashtag(fill: Any) -> str:
    r: Random = fill.r
    a, b = fill.word(), fill.word()
    c = r.choice((fill.city, fill.word, fill.first, fill.word))().replace(" ", "").replace("-", "").replace("'", "")
    return str(
        r.choice(
            (
                a,
                a + b,
                a.capitalize() + b.capitalize(),
                c,
                c.lower(),
                a.capitalize() + c.capitalize(),
                a + str(r.randint(1, 26)),
            )
        )
    )


def public(fill: Any) -> str:
    return str(fill.r.choice(PUBLIC if fill.r.random() < 0.6 else wide.famous()))


def brand(fill: Any) -> str:
    return str(fill.r.choice(BRANDS)).replace("{n}", str(fill.r.randint(1, 15)))


def problem_name(fill: Any) -> str:
    """A bare first name: nobody in particular has those apples."""
    r: Random = fill.r
    return wide.first(r, wide.group(r)) if r.random() < 0.4 else str(r.choice(fillers.names()[fill.locale()][0]))


def known_place(fill: Any) -> str:
    x = fill.r.random()
    return str(fill.country() if x < 0.5 else fill.city() if x < 0.75 else fill.r.choice(RIVERS))


def any_year(fill: Any) -> str:
    """A year of a question about the world: it dates nobody's life."""
    r: Random = fill.r
    return str(r.choice((r.randint(1400, 2026), r.randint(1900, 2026), r.randint(1990, 2026))))


MORE: dict[str, Callable[[Any], str]] = {
    "np": nickname, "fam": family_first, "hn": house, "po": box, "crt": court, "sch": school, "dr": relative, "hash": hashtag, "pub": public, "brand": brand, "q": problem_name,
    "pl": known_place, "m": lambda fill: str(fill.last()), "Y": any_year, "Yr": lambda fill: str(fill.r.randint(1990, 2026)),
}  # fmt: skip
