"""Ages in words, and occupations as people say them rather than as registers list them.

Apart from ``fillers``: the word lists that ship are built from those, and stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

OCCUPATIONS = {
    "en": "line cook|bus driver|school bus driver|forklift driver|warehouse worker|delivery driver|night porter|bouncer|bartender|nanny|childminder|dog walker|dog groomer|vet tech|dental hygienist|ICU nurse|ER doctor|paramedic|EMT|midwife|carer|care worker|teaching assistant|"
    "primary school teacher|maths teacher|PE teacher|headteacher|PhD student|postdoc|lecturer|grad student|intern|trainee|apprentice|dev|web developer|backend developer|sysadmin|data scientist|UX designer|product manager|scrum master|tech lead|CTO|CEO|CFO|founder|landlord|letting agent|"
    "estate agent|mortgage broker|bailiff|paralegal|barrister|solicitor|social worker|parish priest|imam|rabbi|pastor|vicar|nun|monk|prison guard|cop|detective|sergeant|bricklayer|roofer|scaffolder|plasterer|welder|pipe fitter|crane operator|lorry driver|trucker|pilot|flight attendant|"
    "cabin crew|train driver|tram driver|conductor|postman|mail carrier|bin man|garbage collector|street sweeper|cleaner|cleaning lady|janitor|caretaker|gardener|farmhand|shepherd|beekeeper|trawlerman|deckhand|oil rig worker|miner|butcher|baker|pastry chef|sous chef|dishwasher|hairdresser|"
    "barber|nail technician|tattoo artist|personal trainer|yoga teacher|football coach|referee|jockey|goalkeeper|ballet dancer|session musician|drummer|sound engineer|wedding photographer|copywriter|ghostwriter|proofreader|translator|interpreter|news editor|reporter|podcaster|streamer|"
    "influencer|sex worker|stripper|escort|model|actress|stand-up comedian|magician|croupier|call centre agent|customer service rep|sales rep|shop assistant|store manager|cashier|security guard|stay-at-home mum|stay-at-home dad|homemaker|pensioner|retired teacher|retired miner|"
    "funeral director|undertaker|pharmacist|optician|physio|speech therapist|child psychologist|counsellor|radiographer|lab technician|biochemist|geologist|surveyor|town planner|tax adviser|bookkeeper|auditor|actuary|quant|hedge fund manager|trader|civil engineer|quantity surveyor",
    "de": "Busfahrer|Busfahrerin|Lkw-Fahrerin|Staplerfahrer|Lagerarbeiter|Paketbote|Postbotin|Müllmann|Putzfrau|Reinigungskraft|Hausmeister|Türsteher|Barkeeperin|Köchin|Kellner|Aushilfe|Werkstudentin|Azubi|Auszubildende|Praktikant|Referendar|Doktorandin|Grundschullehrerin|Sportlehrer|"
    "Schulleiterin|Erzieherin|Erzieher|Tagesmutter|Altenpflegerin|Altenpfleger|Pflegekraft|Krankenpfleger|Hebamme|Sanitäter|Notärztin|Hausarzt|Zahnarzthelferin|MFA|Physiotherapeutin|Logopädin|Psychotherapeutin|Sozialarbeiterin|Sozialpädagoge|Pfarrer|Pastorin|Imam|Nonne|Maurer|Dachdecker|"
    "Fliesenleger|Schweißer|Schlosser|Mechatroniker|Kfz-Mechaniker|Gerüstbauer|Malerin|Schreinerin|Zimmermann|Landwirtin|Winzer|Imkerin|Förster|Metzger|Konditorin|Friseurin|Friseurmeister|Kosmetikerin|Fußpflegerin|Verkäufer|Filialleiterin|Kassiererin|Außendienstler|Sachbearbeiterin|"
    "Bürokauffrau|Steuerberaterin|Steuerfachangestellte|Rechtsanwältin|Notar|Richterin|Justizbeamter|Polizistin|Kommissar|Feuerwehrfrau|Berufssoldat|Zollbeamter|Programmierer|Softwareentwicklerin|Admin|Projektleiter|Geschäftsführerin|Betriebsrat|Abteilungsleiter|Schichtleiter|"
    "Maschinenführer|Elektronikerin|Bauingenieurin|Architektin|Lokführer|Zugbegleiterin|Pilot|Flugbegleiterin|Journalist|Redakteurin|Fotografin|Musiker|Schauspielerin|Tänzer|Model|Prostituierte|Hausfrau|Hausmann|Rentnerin|Frührentner|Bestatter|Optikerin|Apothekerin|Laborantin",
    "fr": "chauffeur de bus|conductrice de tram|chauffeur-livreur|cariste|magasinier|facteur|factrice|éboueur|femme de ménage|agent d'entretien|concierge|gardien d'immeuble|videur|barman|serveur|cuisinière|plongeur|apprenti|apprentie|stagiaire|alternante|doctorante|institutrice|prof de maths|"
    "prof des écoles|CPE|directrice d'école|surveillante|ATSEM|nounou|assistante maternelle|aide-soignante|aide-soignant|auxiliaire de vie|infirmier|sage-femme|ambulancier|urgentiste|généraliste|kiné|orthophoniste|psychiatre|assistante sociale|éducateur spécialisé|curé|pasteur|imam|maçon|couvreur|"
    "carreleur|soudeur|serrurier|mécanicien|garagiste|peintre en bâtiment|menuisière|agricultrice|vigneron|apicultrice|bergère|bouchère|pâtissier|coiffeur|esthéticienne|vendeuse|caissier|commercial|gérante|standardiste|téléconseillère|comptable|notaire|avocate|juge|greffière|gendarme|policière|"
    "pompière|militaire|douanier|développeur|développeuse|informaticienne|chef de projet|directeur financier|cadre|ouvrier|ouvrière|chef d'équipe|délégué syndical|cheminot|pilote|hôtesse de l'air|steward|journaliste|photographe|musicienne|comédien|danseuse|mannequin|mère au foyer|retraité|"
    "retraitée|intermittente du spectacle|croque-mort|opticienne|pharmacienne|laborantine|agent immobilier|routier|taxi|fleuriste|libraire|bibliothécaire",
    "es": "conductor de autobús|camionera|repartidor|mozo de almacén|carretillero|cartero|barrendero|limpiadora|señora de la limpieza|conserje|portero|camarero|pinche|ayudante de cocina|becaria|becario|aprendiz|doctoranda|maestra|maestro|profe de mates|directora de colegio|canguro|niñera|cuidadora|"
    "auxiliar de enfermería|enfermero|matrona|celador|médica de familia|fisioterapeuta|logopeda|psiquiatra|trabajadora social|educadora|cura|pastor|monja|albañil|techador|soldador|cerrajero|mecánico|pintor|carpintera|agricultora|pastora|apicultor|carnicera|panadera|pastelero|peluquero|"
    "esteticista|dependienta|cajero|comercial|encargada|teleoperadora|administrativa|gestor|asesora fiscal|notaria|jueza|guardia civil|policía local|bombera|militar|programador|informática|jefa de proyecto|gerente|obrero|peón|sindicalista|maquinista|piloto|azafata|reportero|fotógrafa|músico|"
    "actriz|bailarina|modelo|ama de casa|jubilada|jubilado|taxista|florista|librero|bibliotecaria|farmacéutica|óptico|vigilante de seguridad|entrenador|árbitro|jardinero|empleada doméstica|mesero|plomero|chofer|licenciada|abogada penalista",
    "it": "autista di autobus|camionista|corriere|magazziniere|mulettista|postina|postino|netturbino|donna delle pulizie|bidella|portinaio|barista|cameriere|aiuto cuoco|pizzaiolo|stagista|apprendista|dottoranda|maestra|maestro elementare|prof di matematica|preside|tata|babysitter|badante|"
    "operatrice sociosanitaria|OSS|infermiere|ostetrica|medico di base|pediatra|fisioterapista|logopedista|psichiatra|assistente sociale|educatrice|parroco|suora|muratore|piastrellista|saldatore|fabbro|meccanico|imbianchino|operaia|contadino|pastore|apicoltrice|macellaio|pasticcera|parrucchiere|"
    "estetista|commessa|commesso|cassiere|rappresentante|responsabile vendite|centralinista|segretaria|ragioniera|commercialista|notaio|avvocata|giudice|carabiniera|vigile|poliziotta|vigile del fuoco|militare|programmatore|sviluppatrice|informatico|capo progetto|dirigente|capoturno|sindacalista|"
    "macchinista|pilota|hostess|giornalista|fotografa|musicista|attrice|ballerino|modella|casalinga|pensionato|pensionata|tassista|fioraia|libraia|bibliotecario|farmacista|ottico|guardia giurata|allenatore|arbitro|giardiniere|bagnina",
    "pt": "motorista de ônibus|motorista de autocarro|camionista|caminhoneiro|estafeta|entregador|motoboy|repositor|carteiro|gari|varredor|faxineira|empregada doméstica|diarista|porteiro|segurança|garçom|empregado de mesa|ajudante de cozinha|estagiária|estagiário|aprendiz|doutoranda|"
    "professora primária|professor de matemática|diretora da escola|babá|ama|cuidadora|técnica de enfermagem|auxiliar de ação médica|enfermeiro|parteira|médica de família|pediatra|fisioterapeuta|fonoaudióloga|psiquiatra|assistente social|educadora de infância|padre|pastor|freira|pedreiro|"
    "soldador|serralheiro|mecânico|pintor|marceneiro|agricultora|pescador|apicultor|açougueiro|talhante|padeira|confeiteiro|cabeleireiro|manicure|vendedora|caixa de supermercado|gerente de loja|comercial|telefonista|administrativa|contador|solicitadora|notária|juíza|guarda|policial|bombeira|militar|"
    "programadora|analista de sistemas|chefe de projeto|gestor|operário|servente|sindicalista|maquinista|piloto|comissária de bordo|jornalista|fotógrafa|músico|atriz|bailarina|modelo|dona de casa|reformado|aposentada|taxista|florista|livreira|farmacêutica|vigilante|treinador|jardineiro",
    "nl": "buschauffeur|vrachtwagenchauffeur|heftruckchauffeur|magazijnmedewerker|pakketbezorger|postbode|vuilnisman|schoonmaakster|schoonmaker|conciërge|portier|barman|serveerster|ober|kok|afwasser|stagiair|stagiaire|leerling|promovendus|juf|meester|wiskundeleraar|gymleraar|schooldirecteur|"
    "onderwijsassistent|gastouder|oppas|kraamverzorgster|thuiszorgmedewerker|verzorgende|verpleegkundige|verpleegster|verloskundige|ambulancebroeder|huisarts|tandarts|tandartsassistente|fysiotherapeut|logopedist|psychiater|maatschappelijk werker|dominee|pastoor|imam|metselaar|dakdekker|"
    "tegelzetter|lasser|slotenmaker|automonteur|schilder|timmervrouw|boer|boerin|tuinder|imker|slager|bakker|kapper|kapster|schoonheidsspecialiste|verkoper|winkelbediende|caissière|filiaalmanager|vertegenwoordiger|telefoniste|receptioniste|boekhouder|belastingadviseur|notaris|advocate|rechter|"
    "griffier|agent|wijkagent|rechercheur|brandweerman|militair|douanier|programmeur|softwareontwikkelaar|systeembeheerder|projectleider|directeur|afdelingshoofd|ploegleider|vakbondsman|machinist|conducteur|piloot|stewardess|journalist|redactrice|fotograaf|muzikant|actrice|danser|model|"
    "huisvrouw|huisman|gepensioneerd|taxichauffeur|bloemist|boekhandelaar|bibliothecaresse|apotheker|opticien|beveiliger|voetbaltrainer|scheidsrechter|hovenier|glazenwasser|uitvaartondernemer|makelaar|schipper|visser|loodgieter|elektricien|leraar Nederlands|docent|hoogleraar",
    "pl": "kierowca autobusu|kierowca tira|kurierka|magazynier|operator wózka|listonosz|listonoszka|śmieciarz|sprzątaczka|dozorca|woźna|ochroniarz|barman|kelner|kucharka|pomoc kuchenna|stażystka|stażysta|praktykantka|doktorantka|nauczycielka|wuefista|matematyczka|dyrektorka szkoły|"
    "przedszkolanka|opiekunka|pielęgniarka|pielęgniarz|położna|ratownik medyczny|lekarka rodzinna|pediatra|fizjoterapeutka|logopeda|psychiatra|pracownik socjalny|ksiądz|pastor|zakonnica|murarz|dekarz|glazurnik|spawacz|ślusarz|mechanik|lakiernik|stolarz|rolniczka|sadownik|pszczelarz|rzeźnik|"
    "cukiernik|fryzjer|kosmetyczka|manikiurzystka|ekspedientka|kasjer|kierowniczka sklepu|przedstawiciel handlowy|telemarketerka|recepcjonistka|księgowa|księgowy|doradca podatkowy|notariusz|adwokatka|sędzia|komornik|policjantka|strażak|żołnierz|celnik|programista|programistka|informatyk|"
    "kierownik projektu|prezes|brygadzista|związkowiec|maszynista|konduktorka|pilot|stewardesa|dziennikarka|fotograf|muzyk|aktorka|tancerz|modelka|gospodyni domowa|emeryt|emerytka|rencista|taksówkarz|kwiaciarka|bibliotekarka|farmaceutka|optyk|trener|sędzia piłkarski|ogrodnik|hydraulik|górnik|hutnik",
}  # fmt: skip
AGES = {
    "en": "eight eleven twelve fourteen sixteen seventeen eighteen nineteen twenty twenty-one twenty-six thirty thirty-four thirty-nine forty forty-two forty-seven fifty fifty-three sixty sixty-one seventy seventy-eight eighty eighty-five ninety",
    "de": "acht elf zwölf vierzehn sechzehn siebzehn achtzehn neunzehn zwanzig einundzwanzig dreißig vierunddreißig vierzig zweiundvierzig fünfzig dreiundfünfzig sechzig siebzig achtundsiebzig achtzig neunzig",
    "fr": "huit onze douze quatorze seize dix-sept dix-huit vingt vingt-trois trente trente-quatre quarante quarante-deux cinquante cinquante-trois soixante soixante-douze quatre-vingts quatre-vingt-cinq",
    "es": "ocho once doce catorce dieciséis diecisiete dieciocho veinte veintitrés treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "it": "otto undici dodici quattordici sedici diciassette diciotto venti ventitré trenta trentaquattro quaranta quarantadue cinquanta sessanta settanta ottanta novanta",
    "pt": "oito onze doze catorze dezesseis dezasseis dezessete dezoito vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    "nl": "acht elf twaalf veertien zestien zeventien achttien twintig drieëntwintig dertig vierendertig veertig tweeënveertig vijftig zestig zeventig tachtig negentig",
    "pl": "osiem jedenaście dwanaście czternaście szesnaście siedemnaście osiemnaście dwadzieścia trzydzieści czterdzieści pięćdziesiąt sześćdziesiąt siedemdziesiąt osiemdziesiąt",
}  # fmt: skip
_HELD = {language: tuple(text.split("|")) for language, text in OCCUPATIONS.items()}
_WORDED = {language: tuple(text.split()) for language, text in AGES.items()}


def occupation(r: Random, language: str, listed: Sequence[str]) -> str:
    """Half of them as they are ``listed`` in registers."""
    return r.choice(_HELD[language] if r.random() < 0.5 else listed)


def years(r: Random, language: str) -> str:
    """An age as a number, now and then in words."""
    return str(r.randint(1, 98)) if r.random() < 0.92 else r.choice(_WORDED[language])
